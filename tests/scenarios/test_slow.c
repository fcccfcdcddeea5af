/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends or reads slowly, but steadily, is served. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "policy/limits.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/peer.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define FRAMES 32
#define FRAME_BYTES LIMIT_CHUNK_PLAINTEXT
#define WINDOW_BYTES (2 * FRAME_BYTES)
#define TICK_MS 20
#define FRAME_MS 700 /* a frame in so long is more than LIMIT_READ_BYTES_S */
#define PATIENCE_MS 60000
#define SOON_MS 1000
#define ANSWERED "request_done outcome=0"

static struct system pcc;
static struct sealed_target target;
static struct call_line line;

static void start(void)
{
	struct policy policy = system_policy();

	policy.workers = 1;
	policy.warm_workers = 1;
	policy.frame_bytes = FRAME_BYTES;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
	cr_assert(sealed_find(pcc.gateway, &target));
	line = call_dial(&pcc, WINDOW_BYTES);
}

static void stop(void)
{
	if (line.queue != NULL)
		system_stop_or_fail(&pcc);
}

TestSuite(slow, .init = start, .fini = stop, .timeout = 90);

/* A good question, whole, whose answer takes FRAMES frames. */
static void ask(struct call *call)
{
	call_question(&line, &target, PATIENCE_MS, call);
	cr_assert(call_hear(call, NULL)); /* the acknowledgement */
}

/* Read until the node's log says this; frames that it took. */
static unsigned read_until(struct call *call, const char *said)
{
	unsigned heard = 0;

	while (!system_await_log(&pcc, SYSTEM_NODE, said, FRAME_MS)) {
		cr_assert_lt(heard, FRAMES);
		cr_assert(call_hear(call, NULL));
		heard++;
	}
	return heard;
}

/* By then all is queued, and more than LIMIT_UNREAD_MS is left to be read. */
Test(slow, an_answers_tail_that_is_read_steadily_arrives_whole)
{
	struct call call;
	unsigned heard;

	ask(&call);
	heard = read_until(&call, ANSWERED);
	cr_assert_lt(heard * FRAME_MS,
		     FRAMES * FRAME_MS - LIMIT_UNREAD_MS - SOON_MS);
	while (call_hear(&call, NULL)) {
		heard++;
		system_sleep_ms(FRAME_MS);
	}
	cr_assert_eq(heard, FRAMES);
	cr_assert(call_await_end(&call, SOON_MS));
	cr_assert_eq(call.status, GRPC_STATUS_OK, "%d", call.status);
	call_close(&call);
}

/* A piece and a little more, and the rest a byte at a time. */
Test(slow, a_client_whose_bytes_keep_coming_is_not_idle)
{
	static char head[20000];
	unsigned rest = (LIMIT_UPLOAD_IDLE_MS + 2 * SOON_MS) / SOON_MS;
	int peer = peer_connect(
		(uint16_t)strtoul(strrchr(pcc.gateway, ':') + 1, NULL, 10));
	size_t body = 17000;
	int status;
	int len = snprintf(head, sizeof(head),
			   "POST / HTTP/1.1\r\nHost: x\r\n"
			   "Content-Type: message/ohttp-chunked-req\r\n"
			   "Content-Length: %zu\r\n\r\n",
			   body + rest);

	memset(head + len, 'a', body);
	peer_send(peer,
		  (struct bytes){ (const uint8_t *)head, (size_t)len + body });
	for (unsigned i = 0; i < rest; i++) {
		system_sleep_ms(SOON_MS);
		peer_say(peer, "a");
	}
	/* A node looked at it all, and found it sealed for no key. */
	status = peer_receive(peer).status;
	cr_assert(status == 400 || status == 401, "%d", status);
	cr_assert_not(system_await_log(&pcc, SYSTEM_NODE,
				       "request_refused reason=6", 0));
	close(peer);
}
