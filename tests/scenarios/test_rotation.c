/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node makes a new key while it serves.  This takes as long as the shortest
 * life a policy can give a key: half a minute, nearly all of it asleep.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/scenarios/openai.h"
#include "tests/scenarios/sealed.h"
#include "tests/system.h"

#define ROTATION_S 30
#define LATE_S 5

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(rotation, .fini = stop);

static void expect_answered(const struct sealed_target *target,
			    const struct sealed_request *request)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_answer answer;

	sealed_send_request(target, request, response);
	cr_assert_eq(sealed_open(request, response, &answer), ERR_OK, "%ld",
		     response->status);
	cr_assert_eq(answer.status, 200);
	free(answer.content);
	free(response);
}

/* Wait for the gateway to offer another key than this. */
static bool await_other_key(uint8_t key_id, struct sealed_target *out)
{
	uint64_t end = system_now_ms() + (ROTATION_S + LATE_S) * 1000;

	while (system_now_ms() < end) {
		if (sealed_find(pcc.gateway, out) && out->key.key_id != key_id)
			return true;
		system_sleep_ms(200);
	}
	return false;
}

Test(rotation, what_was_sealed_to_the_last_key_is_answered_beside_the_new_one)
{
	struct policy policy = system_policy();
	struct sealed_target before, after;
	struct sealed_request early;
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);

	policy.key_rotation_s = ROTATION_S;
	policy.key_lifetime_s = 2 * ROTATION_S;
	system_start_or_skip(&policy, &pcc);
	cr_assert(sealed_find(pcc.gateway, &before));
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(&before, OHTTP_CHUNKED, bytes_written(&inner), &early);

	cr_assert(await_other_key(before.key.key_id, &after),
		  "no other key is offered");
	cr_assert(
		system_await_log(&pcc, SYSTEM_NODE, "key_rotated live=", 1000));
	cr_assert_str_eq(after.node_header, before.node_header);
	expect_answered(&before, &early);
	cr_assert(sealed_is_answered(&after));
	/* And the client has noticed nothing. */
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
	sealed_free(&early);
}
