/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tdx_mutation.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/vector.h"

static struct numbers numbers;

void tdx_mutation_seed(void)
{
	numbers.state = effort_seed();
}

void tdx_mutation_tell(const char *of, size_t tried, size_t harmless)
{
	char what[96];

	snprintf(what, sizeof(what), "changes to %s accepted", of);
	figure_none("A3b", what, 0, tried - harmless, harmless);
}

uint32_t tdx_mutation_below(size_t limit)
{
	return numbers_next(&numbers) % (uint32_t)limit;
}

void tdx_mutation_change(uint8_t *bytes, size_t len)
{
	bytes[tdx_mutation_below(len)] ^=
		(uint8_t)(1 + tdx_mutation_below(255));
}

static void build(struct tdx_platform *platform, enum tdx_mutation_of what)
{
	if (what == TDX_MUTATION_CERTIFICATES)
		tdx_platform_certify(platform);
	if (what != TDX_MUTATION_QUOTE)
		tdx_platform_endorse(platform);
	platform->policy.crl_count = 0;
	if (what != TDX_MUTATION_COLLATERAL)
		tdx_platform_sign(platform);
	vector_forget();
}

bool tdx_mutation_accepts(const struct tdx_platform *platform,
			  struct bytes evidence)
{
	struct appraisal out;

	tdx_appraise(evidence, &platform->policy, &out);
	return appraisal_holds(&out,
			       TDX_NEEDED | UINT32_C(1) << APPRAISAL_CHIP |
				       UINT32_C(1) << APPRAISAL_MEASUREMENT) &&
	       bytes_equal(out.report_data, BYTES_ARRAY(platform->report_data));
}

/* Keys and certificates are taken over, the other fields are as before. */
static void restore(struct tdx_platform *platform,
		    const struct tdx_platform *clean)
{
	struct authority parties[TDX_PARTIES];
	struct bytes certificates = platform->certificates;

	memcpy(parties, platform->parties, sizeof(parties));
	*platform = *clean;
	memcpy(platform->parties, parties, sizeof(parties));
	platform->certificates = certificates;
}

void tdx_mutation_run(const struct tdx_mutation *mutations, size_t count,
		      enum tdx_mutation_of what, size_t usual)
{
	static const char *const names[] = {
		[TDX_MUTATION_QUOTE] = "signed quotes",
		[TDX_MUTATION_COLLATERAL] = "signed collateral",
		[TDX_MUTATION_CERTIFICATES] = "certified platforms",
	};
	struct effort effort = effort_of(usual);
	static struct tdx_platform platform;
	static struct tdx_platform clean;
	size_t harmless = 0;

	tdx_mutation_seed();
	tdx_platform_open(&platform);
	build(&platform, what);
	clean = platform;
	while (effort_more(&effort)) {
		size_t which = tdx_mutation_below(count);
		bool accepted;

		mutations[which].mutate(&platform);
		build(&platform, what);
		accepted = tdx_mutation_accepts(&platform, platform.evidence);
		cr_assert_eq(accepted, mutations[which].harmless,
			     "round %" PRIu64 ", mutation %zu", effort.done,
			     which);
		harmless += accepted;
		restore(&platform, &clean);
	}
	build(&platform, what);
	cr_assert(tdx_mutation_accepts(&platform, platform.evidence));
	tdx_mutation_tell(names[what], effort.done, harmless);
	tdx_platform_close(&platform);
}
