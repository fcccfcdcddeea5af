/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine whose clock jumps or stands still: keys that have ended, or of
 * which nobody can say how long they have lived, open nothing; nobody waits.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/saboteur.h"
#include "tests/system.h"

#define HOUR ((int64_t)3600)
#define YEARS (10 * 365 * 24 * HOUR)
#define BACK_MS 15000 /* under a tracer */
#define FROZEN_MS 3000

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(clock, .fini = stop, .timeout = 0);

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.workers = 2;
	policy.warm_workers = 2;
	saboteur_begin_or_skip();
	saboteur_shift_clock(0);
	system_start_or_skip(&policy, &pcc);
}

/* Whether a request to this key, which nobody saw before, is answered. */
static bool is_opened(const struct sealed_target *target)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_request request;
	struct sealed_answer answer;
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);
	bool opened;

	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(target, &request, response);
	opened = sealed_open(&request, response, &answer) == ERR_OK;
	if (opened)
		free(answer.content);
	cr_assert_neq(response->end, FETCH_FAILED, "nobody told the caller");
	sealed_free(&request);
	free(response);
	return opened;
}

/* Until the node has a key that opens; whether it is another one than that. */
static bool await_service(struct sealed_target *target)
{
	struct hpke_public_key before = target->key.public_key;
	uint64_t end = system_now_ms() + BACK_MS;

	while (system_now_ms() < end) {
		if (sealed_find(pcc.gateway, target) && is_opened(target))
			return memcmp(before.bytes,
				      target->key.public_key.bytes,
				      before.len) != 0;
		system_sleep_ms(20);
	}
	cr_assert_fail("it does not serve again in time");
	return false;
}

/* Seconds that the clock may be off; of a key's 24 hours one is not many. */
static int64_t draw(struct numbers *numbers)
{
	static const int64_t jumps[] = { HOUR, -HOUR, YEARS, -YEARS };

	return jumps[numbers_next(numbers) % 4];
}

Test(clock, where_it_jumps_no_ended_key_opens_and_the_node_serves_on)
{
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(12);
	uint64_t ended = 0, opened = 0, live = 0;
	struct sealed_target target = { .url = "" };
	int64_t offset = 0,
		made = 0; /* the clock's, and when it made the key */

	start();
	(void)await_service(&target);
	while (effort_more(&effort)) {
		/* Every other time it is set right again. */
		int64_t next = offset == 0 ? draw(&numbers) : 0;
		int64_t age = next - made;

		cr_log_info("%lu: %ld s, the key is %ld s old", effort.done,
			    (long)next, (long)age);
		saboteur_shift_clock(next);
		offset = next;
		if (age < 0 || age > 25 * HOUR) {
			ended++;
			opened += is_opened(&target);
		} else {
			live += is_opened(&target);
		}
		if (await_service(&target))
			made = offset;
		live++;
	}
	figure_none("L4", "requests that a key opened after its end", opened,
		    ended, live);
}

Test(clock, where_it_stands_still_the_node_serves_on)
{
	struct sealed_target target = { .url = "" };
	uint64_t end;
	uint64_t good = 0, tries = 0;

	start();
	(void)await_service(&target);
	saboteur_freeze_clock();
	end = system_now_ms() + FROZEN_MS;
	while (system_now_ms() < end) {
		good += is_opened(&target);
		tries++;
		system_sleep_ms(100);
	}
	figure_all("L4", "requests answered while the clock stood still", good,
		   tries);
	saboteur_shift_clock(0);
	(void)await_service(&target);
}
