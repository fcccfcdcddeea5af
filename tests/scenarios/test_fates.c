/* SPDX-License-Identifier: Apache-2.0 */
/*
 * However a request ends, nothing of it is left: its client vanishes, its
 * worker is killed at any instant, by the kernel when memory is short, by its
 * own filter, by a fault, or for standing still.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/residue.h"
#include "tests/scenarios/talk.h"
#include "tests/support/inject.h"
#include "wire/hex.h"

#define GROUPS "/sys/fs/cgroup/memory"
#define END_MS 8000
#define HASTY_FRAMES 32 /* of 25 ms, in a second */

static struct residue residue;

static char group[96]; /* of the kernel's for memory; empty: none */

static void stop(void)
{
	residue_stop(&residue);
	if (group[0] != '\0')
		cr_expect_eq(rmdir(group), 0, "%s is left behind", group);
}

TestSuite(fates, .fini = stop);

/* A question with a word of its own, and what is looked for afterwards. */
struct asked {
	struct needles needles;
	char prompt[CANARY_BYTES + 1];
	struct talk talk;
};

static void invent(struct asked *asked)
{
	uint8_t inverted[CANARY_BYTES];

	memset(&asked->needles, 0, sizeof(asked->needles));
	canary_invent(inverted);
	canary_reveal(inverted, asked->prompt);
	canary_look_for(&asked->needles, asked->prompt);
	canary_look_for_tokens(&asked->needles, asked->prompt);
}

static void ask(struct asked *asked, enum openai_form form)
{
	struct openai_question question = { .prompt = asked->prompt,
					    .form = form,
					    .max_tokens = 48 };

	invent(asked);
	talk_begin(&asked->talk, residue.pcc.client, &question);
}

static void start(const struct policy *policy)
{
	residue_start(&residue, "F2", policy);
}

static size_t left_of(const struct asked *asked, uint64_t *bytes)
{
	struct scan_finding finding =
		residue_everywhere(&residue, &asked->needles);

	cr_expect_eq(finding.hits, 0, "%zu times, as %s, in %s", finding.hits,
		     finding.encoding, finding.where);
	*bytes += finding.bytes;
	return finding.hits;
}

/* One fate in mid-answer, and what is left. */
static void suffer(const char *what, bool (*befall)(pid_t worker))
{
	static struct asked asked;
	uint64_t bytes = 0;
	pid_t worker = 0;
	size_t there, left;

	ask(&asked, OPENAI_STREAMED);
	there = residue_await(&residue, &asked.needles, &worker);
	if (!befall(worker)) {
		talk_end(&asked.talk);
		cr_skip_test("this machine does not let it happen");
	}
	cr_assert_geq(process_await_end(worker, END_MS), 0,
		      "the worker lives on");
	talk_end(&asked.talk);
	cr_assert_not(openai_is_whole(&asked.talk.answer));
	left = left_of(&asked, &bytes);
	figure_none("F2", what, left, bytes, there);
}

static bool hang_up(pid_t worker)
{
	(void)worker;
	/* The whole client goes, and with it its socket. */
	system_signal(&residue.pcc, SYSTEM_CLIENT, SIGKILL);
	return true;
}

Test(fates, nothing_of_a_prompt_is_left_when_its_client_vanishes)
{
	struct policy policy = residue_policy(2);

	start(&policy);
	suffer("bytes after its client vanished", hang_up);
}

static bool break_the_filter(pid_t worker)
{
	return inject(worker, INJECT_CALL);
}

Test(fates, nothing_of_a_prompt_is_left_when_its_worker_dies_by_its_filter)
{
	struct policy policy = residue_policy(2);

	start(&policy);
	suffer("bytes after a seccomp kill", break_the_filter);
	cr_assert(system_await_log(&residue.pcc, SYSTEM_NODE,
				   "worker_ended how=", 1000));
	cr_assert(
		system_await_log(&residue.pcc, SYSTEM_NODE, "signal=31", 1000),
		"it was no SIGSYS");
}

static bool fault(pid_t worker)
{
	return inject(worker, INJECT_FAULT);
}

Test(fates, nothing_of_a_prompt_is_left_when_its_worker_faults)
{
	struct policy policy = residue_policy(2);

	start(&policy);
	suffer("bytes after a fault", fault);
}

/* As one that hangs, until the node ends it. */
static bool stand_still(pid_t worker)
{
	return kill(worker, SIGSTOP) == 0;
}

Test(fates, nothing_of_a_prompt_is_left_when_its_worker_stands_still)
{
	struct policy policy = residue_policy(2);

	policy.total_buckets[0] = HASTY_FRAMES;
	policy.request_ms_max = 1000;
	start(&policy);
	suffer("bytes after standing still", stand_still);
}

/* What is padded beyond what a node gathers before a worker has it. */
#define STALLED_BYTES ((size_t)80 << 10)

/* A request whose second half never comes, made by hand. */
static void stall(struct asked *asked, struct call_line *line,
		  struct call *call)
{
	static uint8_t memory[STALLED_BYTES];
	struct writer inner = WRITER_OVER(memory);
	struct rpc_serve_request setup = { .step = RPC_REQUEST_SETUP,
					   .setup.form = RPC_FORM_CHUNKED };
	struct rpc_serve_request part = { .step = RPC_REQUEST_CHUNK };
	struct sealed_request request;
	struct sealed_target target;
	struct bytes rest, piece;

	cr_assert(sealed_find(residue.pcc.gateway, &target));
	sealed_inner_question(asked->prompt, 48, &inner);
	sealed_begin(&target, OHTTP_CHUNKED, &request);
	rest = (struct bytes){ memory, sizeof(memory) }; /* zeros behind it */
	while (bytes_take(&rest, (size_t)16 << 10, &piece) == ERR_OK)
		sealed_chunk(&request, OHTTP_CHUNK_MORE, piece);
	*line = call_dial(&residue.pcc, 0);
	call_open(line, 30000, call);
	cr_assert_eq(hex_decode(bytes_of_string(target.node_header +
						strlen("PCC-Node: ")),
				setup.setup.node_id, RPC_NODE_ID_BYTES),
		     ERR_OK);
	call_say(call, &setup);
	rest = (struct bytes){ request.bytes, request.len };
	while (rest.len > 0) {
		cr_assert_eq(bytes_take(&rest,
					rest.len < 16384 ? rest.len : 16384,
					&part.chunk.data),
			     ERR_OK);
		call_say(call, &part);
	}
	sealed_free(&request);
	explicit_bzero(memory, sizeof(memory));
}

Test(fates, nothing_of_a_prompt_is_left_when_the_rest_of_it_comes_too_late)
{
	static struct asked asked;
	struct policy policy = residue_policy(2);
	struct call_line line;
	struct call call;
	uint64_t bytes = 0;
	pid_t worker = 0;
	size_t there, left;

	start(&policy);
	invent(&asked);
	stall(&asked, &line, &call);
	there = residue_await(&residue, &asked.needles, &worker);
	while (call_hear(&call, NULL))
		; /* that it may begin */
	cr_assert(call_await_end(&call, END_MS));
	cr_assert_neq(call.status, GRPC_STATUS_OK);
	cr_assert_geq(process_await_end(worker, END_MS), 0,
		      "the worker lives on");
	call_close(&call);
	left = left_of(&asked, &bytes);
	figure_none("F2", "bytes after a timeout", left, bytes, there);
}

static bool write_to(const char *folder, const char *file, const char *text)
{
	char path[160];
	int fd;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 &&
	       write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

/*
 * A group of its own with room for a few pages: whatever it touches next is too
 * much, and the kernel's killer ends it.
 */
static bool starve(pid_t worker)
{
	char number[32];
	uint64_t end = system_now_ms() + END_MS;

	snprintf(number, sizeof(number), "%d", worker);
	if (!write_to(group, "cgroup.procs", number) ||
	    !write_to(group, "memory.limit_in_bytes", "4096"))
		return false;
	/* One that computes touches nothing new: so it is made to. */
	while (!process_is_gone(worker) && system_now_ms() < end) {
		(void)inject_copies(worker, 64);
		system_sleep_ms(5);
	}
	return true;
}

static bool was_starved(void)
{
	char path[160], text[256];
	const char *kills;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/memory.oom_control", group);
	file = fopen(path, "re");
	cr_assert_not_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	kills = strstr(text, "oom_kill ");
	return kills != NULL && strtol(kills + 9, NULL, 10) > 0;
}

Test(fates, nothing_of_a_prompt_is_left_when_memory_is_short)
{
	struct policy policy = residue_policy(2);

	snprintf(group, sizeof(group), GROUPS "/pcc-%d", getpid());
	if (mkdir(group, 0755) != 0 ||
	    !write_to(group, "memory.limit_in_bytes", "-1")) {
		(void)rmdir(group);
		group[0] = '\0';
		cr_skip_test("no memory control group can be made here");
	}
	start(&policy);
	suffer("bytes after the kernel's killer was there", starve);
	cr_assert(was_starved(), "it died of something else");
}

/* From before it has a worker until its answer is over, and beyond. */
Test(fates,
     nothing_of_a_prompt_is_left_at_whatever_instant_its_worker_is_killed)
{
	static struct asked asked;
	struct policy policy = residue_policy(1);
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(20);
	uint64_t bytes = 0, left = 0, cut = 0, there = 0;

	policy.total_buckets[0] = HASTY_FRAMES;
	start(&policy);
	while (effort_more(&effort)) {
		struct process_list workers;

		ask(&asked, numbers_next(&numbers) % 2 == 0 ? OPENAI_STREAMED
							    : OPENAI_WHOLE);
		system_sleep_ms(numbers_next(&numbers) %
				(HASTY_FRAMES * RESIDUE_TICK_MS + 100));
		process_workers(residue.pcc.pids[SYSTEM_NODE], &workers);
		for (size_t i = 0; i < workers.count; i++)
			kill(workers.pids[i], SIGKILL);
		talk_end(&asked.talk);
		cut += !openai_is_whole(&asked.talk.answer);
		left += left_of(&asked, &bytes);
		/* The one who asked still has it. */
		there += residue_in_process(&asked.needles, getpid());
	}
	figure_none("F2", "bytes after kills at random instants", left, bytes,
		    there);
	figure_of("F2", "such kills", (double)effort.done, "");
	figure_at_least("F2", "of these, before the answer was whole",
			(double)cut, "", 1);
}
