/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "node/watch.h"
#include "policy/limits.h"

/* So many beats without a sign of life; whether the last was one too many. */
static bool is_hung_after(struct watch *watch, enum jail_role role,
			  enum watch_phase phase, uint64_t beats)
{
	bool is_hung = false;

	watch_hear(watch, role);
	for (uint64_t i = 0; i < beats; i++) {
		cr_assert_not(is_hung, "after %lu", i);
		is_hung = watch_is_hung(watch, role, phase);
	}
	return is_hung;
}

Test(watch, a_role_that_leaves_one_beat_too_many_unanswered_hangs)
{
	static const enum jail_role roles[] = { JAIL_FRONT, JAIL_KEEPER,
						JAIL_ZYGOTE };
	struct watch watch = { 0 };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		cr_assert_not(is_hung_after(&watch, roles[i], WATCH_READY,
					    LIMIT_PULSES));
		cr_assert(is_hung_after(&watch, roles[i], WATCH_READY,
					LIMIT_PULSES + 1));
	}
	cr_assert_not(is_hung_after(&watch, JAIL_ATTESTER, WATCH_READY,
				    LIMIT_PULSES_ATTESTER));
	cr_assert(is_hung_after(&watch, JAIL_ATTESTER, WATCH_READY,
				LIMIT_PULSES_ATTESTER + 1));
}

Test(watch, a_role_that_answers_now_and_then_does_not_hang)
{
	struct watch watch = { 0 };

	for (int i = 0; i < 1000; i++)
		cr_assert_not(is_hung_after(&watch, JAIL_FRONT, WATCH_READY,
					    LIMIT_PULSES));
}

Test(watch, the_silence_of_one_role_is_no_other_s)
{
	struct watch watch = { 0 };

	cr_assert_not(
		is_hung_after(&watch, JAIL_FRONT, WATCH_READY, LIMIT_PULSES));
	cr_assert_not(watch_is_hung(&watch, JAIL_KEEPER, WATCH_READY));
	cr_assert(watch_is_hung(&watch, JAIL_FRONT, WATCH_READY));
}

Test(watch, a_start_may_take_longer_and_reading_a_large_model_longer_yet)
{
	struct watch watch = { .model_bytes = 10ull * LIMIT_PULSE_MODEL_BYTES };

	cr_assert_not(is_hung_after(&watch, JAIL_KEEPER, WATCH_STARTING,
				    LIMIT_PULSES_START));
	cr_assert(is_hung_after(&watch, JAIL_KEEPER, WATCH_STARTING,
				LIMIT_PULSES_START + 1));
	cr_assert_not(is_hung_after(&watch, JAIL_ATTESTER, WATCH_STARTING,
				    LIMIT_PULSES_START_SLOW));
	cr_assert(is_hung_after(&watch, JAIL_ATTESTER, WATCH_STARTING,
				LIMIT_PULSES_START_SLOW + 1));
	cr_assert_not(is_hung_after(&watch, JAIL_ZYGOTE, WATCH_STARTING,
				    LIMIT_PULSES_START_SLOW + 10));
	cr_assert(is_hung_after(&watch, JAIL_ZYGOTE, WATCH_STARTING,
				LIMIT_PULSES_START_SLOW + 11));
}

/* Where supervisor or machine stood still, roles are not to blame. */
Test(watch, an_hour_in_which_nobody_looked_is_one_beat)
{
	struct watch watch = { 0 };
	uint64_t now = 5000;

	cr_assert(watch_is_due(&watch, now));
	cr_assert_not(watch_is_due(&watch, now + PULSE_MS - 1));
	cr_assert(watch_is_due(&watch, now + 3600000));
	cr_assert_not(watch_is_due(&watch, now + 3600000));
}
