/* SPDX-License-Identifier: Apache-2.0 */
#include "node/plan.h"

#include <criterion/criterion.h>
#include <stdint.h>

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
