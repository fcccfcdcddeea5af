/* SPDX-License-Identifier: Apache-2.0 */
#include "node/plan.h"

#include <criterion/criterion.h>
#include <stdint.h>

static struct generate_room room_with(enum policy_numerics numerics)
{
	struct policy policy;

	policy_default(&policy);
	policy.context_tokens = 300;
	policy.threads = 3;
	policy.numerics = numerics;
	return plan_room(&policy);
}

Test(plan, what_a_policy_says_of_the_engine_reaches_it)
{
	struct generate_room integers = room_with(POLICY_NUMERICS_INTEGERS);
	struct generate_room bf16 = room_with(POLICY_NUMERICS_BF16_PROMPTS);

	cr_expect_eq(integers.context_max, 300);
	cr_expect_eq(integers.threads, 3);
	cr_expect_eq(integers.numerics, GENERATE_INTEGERS);
	cr_expect_eq(bf16.context_max, 300);
	cr_expect_eq(bf16.threads, 3);
	cr_expect_eq(bf16.numerics, GENERATE_BF16_PROMPTS);
}

Test(plan, an_arena_holds_all_that_is_taken_from_it)
{
	const size_t engine_bytes = (size_t)1 << 20;
	struct policy policy;
	struct plan plan;

	policy_default(&policy);
	plan = plan_for(&policy, engine_bytes);
	cr_expect_eq(plan.engine_bytes, engine_bytes);
	cr_expect_geq(plan.arena_bytes, plan.request_bytes + plan.json_bytes +
						plan.answer_bytes +
						plan.engine_bytes);
	cr_expect_eq(plan_for(&policy, 2 * engine_bytes).arena_bytes,
		     plan.arena_bytes + engine_bytes);
}

Test(plan, all_arenas_together_have_to_fit_into_memory)
{
	struct plan plan = { .arena_bytes = (size_t)3 << 20 };

	cr_expect(plan_fits(&plan, 4, (size_t)12 << 20));
	cr_expect_not(plan_fits(&plan, 4, ((size_t)12 << 20) - 1));
	cr_expect_not(plan_fits(&plan, 1, 0));
	cr_expect(plan_fits(&plan, 64, SIZE_MAX), "who does not know, tries");
}

Test(plan, arenas_beyond_any_number_fit_into_no_memory)
{
	struct plan plan = { .arena_bytes = SIZE_MAX / 2 + 2 };

	cr_expect_not(plan_fits(&plan, 2, SIZE_MAX));
	plan.arena_bytes = SIZE_MAX;
	cr_expect_not(plan_fits(&plan, 64, SIZE_MAX));
}
