/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be new each time is: keepers are killed, and requests asked of
 * each, and all keys, encapsulated keys and response nonces are kept and held
 * against one another.  A key whose keeper died opens nothing any more.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/distinct.h"
#include "tests/system.h"

#define KEEPERS 12
#define REQUESTS 8 /* of each keeper */
#define BACK_MS 10000
#define NONCE_BYTES 16 /* of a response under the first suite */

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(fresh, .fini = stop, .timeout = 0);

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.workers = 2;
	policy.warm_workers = 2;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 2, 5000));
}

/* A node whose key is another than this one. */
static void find_other(const struct sealed_target *before,
		       struct sealed_target *out)
{
	uint64_t end = system_now_ms() + BACK_MS;

	while (system_now_ms() < end) {
		if (sealed_find(pcc.gateway, out) &&
		    memcmp(out->key.public_key.bytes,
			   before->key.public_key.bytes,
			   sizeof(out->key.public_key.bytes)) != 0)
			return;
		system_sleep_ms(10);
	}
	cr_assert_fail("no new key in time");
}

static void make(const struct sealed_target *target, struct sealed_request *out)
{
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);

	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(target, OHTTP_CHUNKED, bytes_written(&inner), out);
}

/* Until it is answered; its response, whole and authentic. */
static void ask(const struct sealed_target *target, struct distinct *encs,
		struct distinct *nonces)
{
	struct fetch_response *response = fetch_response_new();
	uint64_t end = system_now_ms() + BACK_MS;
	bool answered = false;

	while (!answered && system_now_ms() < end) {
		struct sealed_request request;
		struct sealed_answer answer;

		make(target, &request);
		memset(response, 0, sizeof(*response));
		sealed_send_request(target, &request, response);
		answered = sealed_open(&request, response, &answer) == ERR_OK;
		if (answered) {
			const struct ohttp_header *header =
				&request.exchange.header;

			distinct_keep(encs, (struct bytes){ header->enc,
							    header->enc_len });
			distinct_keep(
				nonces,
				(struct bytes){ (const uint8_t *)response->body,
						NONCE_BYTES });
			free(answer.content);
		}
		sealed_free(&request);
	}
	cr_assert(answered, "no answer in time");
	free(response);
}

/* The status that it is refused with, in clear; 200: it was not. */
static long status_of(const struct sealed_target *target,
		      const struct sealed_request *request)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_answer answer;
	long status;

	sealed_send_request(target, request, response);
	cr_assert_eq(response->end, FETCH_WHOLE);
	status = response->status;
	if (sealed_open(request, response, &answer) == ERR_OK) {
		free(answer.content);
		status = 200;
	}
	free(response);
	return status;
}

/* To the node that there is now, which has to say that it has no such key. */
static bool is_unknown_to(const struct sealed_target *target,
			  const struct sealed_request *request)
{
	uint64_t end = system_now_ms() + BACK_MS;
	long status;

	do
		status = status_of(target, request);
	while ((status == 429 || status == 503) && system_now_ms() < end);
	cr_expect_eq(status, 401, "status %ld", status);
	return status == 401;
}

Test(fresh, no_key_enc_or_nonce_comes_again_and_dead_keys_open_nothing)
{
	struct effort effort = effort_of(KEEPERS);
	struct distinct keys = { 0 }, encs = { 0 }, nonces = { 0 };
	struct sealed_target target, next;
	struct sealed_request late;
	pid_t keeper;
	uint64_t opened = 0, unknown = 0;

	start();
	cr_assert(sealed_find(pcc.gateway, &target));
	while (effort_more(&effort)) {
		distinct_keep(&keys,
			      (struct bytes){ target.key.public_key.bytes,
					      target.key.public_key.len });
		for (int i = 0; i < REQUESTS; i++)
			ask(&target, &encs, &nonces);
		make(&target, &late);
		keeper = process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER);
		cr_assert_gt(keeper, 0);
		kill(keeper, SIGKILL);
		/* By its old node's name, and by the new one's. */
		opened += status_of(&target, &late) < 400;
		find_other(&target, &next);
		unknown += is_unknown_to(&next, &late);
		sealed_free(&late);
		target = next;
	}
	distinct_end(&keys, "B5", "public keys that came again");
	distinct_end(&encs, "B5", "encapsulated keys that came again");
	figure_none("B5", "requests that a dead keeper's key opened", opened,
		    effort.done, nonces.count);
	figure_all("B5",
		   "requests to a dead keeper's key of which the next said "
		   "that it has none",
		   unknown, effort.done);
	distinct_end(&nonces, "B5", "response nonces that came again");
}
