/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that leave without a word, or do not read what they asked for: their
 * worker is gone and wiped soon, and nobody else notices.
 */
#include <linux/filter.h>
#include <pthread.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/peer.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/system.h"

#define WORKERS 4
#define FRAMES 1024
#define FRAME_BYTES 4096
#define TICK_MS 10 /* ten seconds for an answer, and four megabytes */
#define ROUNDS 10
#define LEFT_MS 250.0
#define SILENT_MS 10000 /* gateway/edge.c */
#define DEAF_S 30.0	/* see LIMIT_UNREAD_MS and LIMIT_READ_BYTES_S */
#define DEAF 2
#define TRICKLE_MS 100
#define READ_MS ((double)FRAMES * TICK_MS)
#define GROWTH_MIB 4.0

static struct system pcc;
static struct sealed_target target;

static void start(void)
{
	struct policy policy = system_policy();

	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = 1;
	policy.frame_bytes = FRAME_BYTES;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	cr_assert(sealed_find(pcc.gateway, &target));
}

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(vanished, .init = start, .fini = stop, .timeout = 36000);

/* Workers that were killed, and their arena then read as zero. */
static size_t ended_count(void)
{
	static char log[SYSTEM_LOG_MAX];
	size_t count = 0;

	(void)system_log(&pcc, SYSTEM_NODE, log);
	for (const char *at = log; (at = strstr(at, "worker_ended ")) != NULL;
	     at++) {
		size_t len = strcspn(at, "\n");

		count += memmem(at, len, "arena=0", 7) != NULL;
	}
	return count;
}

/* Milliseconds until one more has ended than before; -1: not in time. */
static double await_ended(size_t before, unsigned timeout_ms)
{
	uint64_t began = system_now_us();

	while (ended_count() == before) {
		if (system_now_us() - began > 1000ull * timeout_ms)
			return -1;
		system_sleep_ms(1);
	}
	return (double)(system_now_us() - began) / 1e3;
}

/* One who has asked, and been given the beginning of an answer. */
static int ask(int window_bytes)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_addr.s_addr =
					     htonl(INADDR_LOOPBACK) };
	uint8_t bytes[1024], first[64];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request request;
	char lines[256];
	int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(peer, 0);
	if (window_bytes != 0)
		cr_assert_eq(setsockopt(peer, SOL_SOCKET, SO_RCVBUF,
					&window_bytes, sizeof(window_bytes)),
			     0);
	where.sin_port = htons((uint16_t)atoi(strrchr(pcc.gateway, ':') + 1));
	cr_assert_eq(connect(peer, (struct sockaddr *)&where, sizeof(where)),
		     0);
	sealed_inner_question("Once upon a time", 8, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	snprintf(lines, sizeof(lines), "Content-Type: %s\r\n%s\r\n",
		 SEALED_CHUNKED, target.node_header);
	peer_post(peer, "/", lines,
		  (struct bytes){ request.bytes, request.len });
	sealed_free(&request);
	cr_assert_gt(recv(peer, first, sizeof(first), 0), 0);
	cr_assert_eq(memcmp(first, "HTTP/1.1 200", 12), 0);
	return peer;
}

static void leave_by_reset(int peer)
{
	struct linger at_once = { 1, 0 };

	(void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once,
			 sizeof(at_once));
	close(peer);
}

static void leave_by_end(int peer)
{
	close(peer);
}

static void expect_quick_end(void (*leave)(int peer), const char *what)
{
	struct effort effort = effort_of(ROUNDS);
	double slowest = 0;

	while (effort_more(&effort)) {
		int peer = ask(0);
		size_t before = ended_count();
		double ms;

		system_sleep_ms(50);
		leave(peer);
		ms = await_ended(before, 5000);
		cr_assert_geq(ms, 0, "its worker lives");
		slowest = ms > slowest ? ms : slowest;
	}
	figure_at_most("C3", what, slowest, "ms", LEFT_MS);
}

Test(vanished, the_worker_of_a_client_that_resets_is_wiped_in_250_ms)
{
	expect_quick_end(leave_by_reset,
			 "client gone by RST: worker dead and wiped");
}

Test(vanished, the_worker_of_a_client_that_closes_is_wiped_in_250_ms)
{
	expect_quick_end(leave_by_end,
			 "client gone by FIN: worker dead and wiped");
}

/* From now on no packet reaches it, and so none is acknowledged. */
static void fall_into_a_black_hole(int peer)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &drop };

	cr_assert_eq(setsockopt(peer, SOL_SOCKET, SO_ATTACH_FILTER, &program,
				sizeof(program)),
		     0);
}

static double mib_of_gateway_and_front(void)
{
	return (double)(process_memory_kib(pcc.pids[SYSTEM_GATEWAY], "Rss") +
			process_memory_kib(
				process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT),
				"Rss")) /
	       1024;
}

struct reader {
	pthread_t thread;
	double ms; /* -1: it was not whole */
};

static double read_once(void)
{
	struct fetch_response *response = fetch_response_new();
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request request;
	double ms;

	sealed_inner_question("Once upon a time", 8, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(&target, &request, response);
	ms = response->end == FETCH_WHOLE ? (double)response->us / 1e3 : -1;
	sealed_free(&request);
	free(response);
	return ms;
}

/* One who reads all of it as it comes. */
static void *read_all(void *argument)
{
	struct reader *reader = argument;

	reader->ms = read_once();
	return NULL;
}

/* A kilobyte now and then, of those that have asked. */
static void trickle(const int *peers, size_t count)
{
	char bytes[1024];

	for (size_t i = 0; i < count; i++)
		(void)!recv(peers[i], bytes, sizeof(bytes), MSG_DONTWAIT);
	system_sleep_ms(TRICKLE_MS);
}

Test(vanished, a_slow_reader_costs_no_memory_and_no_worker_and_nobody_else)
{
	double before = mib_of_gateway_and_front(), most = before;
	struct reader reader = { .ms = 0 };
	size_t ended = ended_count();
	int peers[DEAF];
	uint64_t began = system_now_ms();

	for (size_t i = 0; i < DEAF; i++)
		peers[i] = ask(FRAME_BYTES);
	cr_assert_eq(pthread_create(&reader.thread, NULL, read_all, &reader),
		     0);
	while (ended_count() < ended + DEAF &&
	       system_now_ms() - began < 2000 * DEAF_S) {
		double now = mib_of_gateway_and_front();

		most = now > most ? now : most;
		trickle(peers, DEAF);
	}
	figure_at_most("C3",
		       "client that reads 10 kB/s of 400: worker dead and "
		       "wiped",
		       (double)(system_now_ms() - began) / 1e3, "s", DEAF_S);
	pthread_join(reader.thread, NULL);
	cr_assert_geq(reader.ms, 0);
	figure_at_most("C3", "more memory for two of them", most - before,
		       "MiB", GROWTH_MIB);
	figure_at_most("C3",
		       "an answer beside them, of the time that its ticks take",
		       reader.ms / READ_MS, "", 1.05);
}

Test(vanished, a_client_in_a_black_hole_is_given_up_in_the_idle_time)
{
	int peer = ask(0);
	size_t before = ended_count();
	double ms;

	fall_into_a_black_hole(peer);
	ms = await_ended(before, 3 * SILENT_MS);
	cr_assert_geq(ms, 0, "its worker lives");
	figure_at_most("C3",
		       "client gone without a word: worker dead and wiped",
		       ms / 1000, "s", SILENT_MS / 1000 + 2);
	close(peer);
}
