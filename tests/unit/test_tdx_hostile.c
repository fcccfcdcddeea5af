/* SPDX-License-Identifier: Apache-2.0 */
/* Every bit and byte of evidence and collateral. */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/tdx_quote.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/unit/tdx_platform.h"
#include "tests/unit/tdx_sample.h"
#include "tests/vector.h"

#define JUNE_20_2025 UINT64_C(1750377600)

/* Evidence whose bytes are changed in place. */
struct prey {
	uint8_t bytes[16384];
	size_t len;
	const struct appraisal_policy *policy;
};

static bool holds(const struct prey *prey, size_t len)
{
	struct appraisal out;

	tdx_appraise((struct bytes){ prey->bytes, len }, prey->policy, &out);
	return appraisal_holds(&out, TDX_NEEDED);
}

static void set_prey(struct prey *prey, struct bytes evidence,
		     const struct appraisal_policy *policy)
{
	cr_assert(evidence.len <= sizeof(prey->bytes));
	memcpy(prey->bytes, evidence.data, evidence.len);
	prey->len = evidence.len;
	prey->policy = policy;
	cr_assert(holds(prey, prey->len), "the positive control");
}

/* A quote of production without what follows it, which belongs to nobody. */
static struct bytes production(void)
{
	struct bytes file = vector_own("tdx/quote.dat");
	struct tdx_quote quote;

	cr_assert_eq(tdx_quote_parse(file, &quote), ERR_OK);
	file.len -= quote.trailing;
	return tdx_sample_evidence(file, (struct bytes){ NULL, 0 });
}

static size_t count_flips(struct prey *prey)
{
	size_t accepted = 0;

	for (size_t bit = 0; bit < 8 * prey->len; bit++) {
		prey->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		accepted += holds(prey, prey->len);
		prey->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	return accepted;
}

static size_t count_cuts(const struct prey *prey)
{
	size_t accepted = 0;

	for (size_t len = 0; len < prey->len; len++)
		accepted += holds(prey, len);
	return accepted;
}

/* Of the bytes from this one on, each `step`-th, every other value. */
static size_t count_values(struct prey *prey, size_t from, size_t step)
{
	size_t accepted = 0;

	for (size_t i = from; i < prey->len; i += step) {
		uint8_t before = prey->bytes[i];

		for (int value = 0; value < 256; value++) {
			if (value == before)
				continue;
			prey->bytes[i] = (uint8_t)value;
			accepted += holds(prey, prey->len);
		}
		prey->bytes[i] = before;
	}
	return accepted;
}

Test(tdx_hostile,
     of_a_quote_of_production_no_flipped_bit_and_no_cut_is_accepted)
{
	static struct prey prey;
	struct tdx_sample_collateral collateral;
	struct appraisal_policy policy;

	tdx_sample_load(&collateral);
	policy = tdx_sample_policy(&collateral, JUNE_20_2025);
	policy.crl_count = 0;
	set_prey(&prey, production(), &policy);
	figure_none("A2b", "flips and cuts of a production quote accepted",
		    count_flips(&prey) + count_cuts(&prey), 9 * prey.len,
		    holds(&prey, prey.len));
}

/*
 * The same under a root of the test's own, and every other value of a byte:
 * of all of them in the long form, else of one in 53.
 */
Test(tdx_hostile,
     of_ones_own_quote_no_flip_no_cut_and_no_other_byte_is_accepted)
{
	static struct prey prey;
	struct tdx_platform platform;
	bool every = effort_is_long();
	size_t step = every ? 1 : 53;
	size_t from = every ? 0 : 17;

	tdx_platform_open(&platform);
	platform.policy.crl_count = 0;
	set_prey(&prey, platform.evidence, &platform.policy);
	figure_none("A2b", "flips and cuts of a quote accepted",
		    count_flips(&prey) + count_cuts(&prey), 9 * prey.len,
		    holds(&prey, prey.len));
	figure_none("A2b", "other bytes of a quote accepted",
		    count_values(&prey, from, step),
		    (prey.len - from + step - 1) / step * 255,
		    holds(&prey, prey.len));
	tdx_platform_close(&platform);
}

/* Bytes at the end of a statement that are not under its own signature. */
#define TAIL_BITS (8 * 144u)

/* Each statement of Intel's, by the same rule; its tail bit for bit. */
static size_t count_collateral(const struct tdx_platform *platform,
			       struct bytes *part, size_t step)
{
	static uint8_t copy[32768];
	struct bytes before = *part;
	struct appraisal out;
	size_t accepted = 0;

	memcpy(copy, before.data, before.len);
	*part = (struct bytes){ copy, before.len };
	for (size_t bit = 0; bit < 8 * before.len;
	     bit += bit + TAIL_BITS < 8 * before.len ? step : 1) {
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		accepted += tdx_platform_accepts(platform, platform->evidence,
						 &out);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (part->len = 0; part->len < before.len; part->len += step)
		accepted += tdx_platform_accepts(platform, platform->evidence,
						 &out);
	*part = before;
	return accepted;
}

Test(tdx_hostile, of_collateral_no_flipped_bit_and_no_cut_is_accepted)
{
	struct tdx_platform platform;
	struct appraisal out;
	size_t step = effort_is_long() ? 1 : 29;

	tdx_platform_open(&platform);
	cr_assert_eq(count_collateral(&platform, &platform.policy.tdx_tcb_info,
				      step),
		     0);
	cr_assert_eq(count_collateral(&platform,
				      &platform.policy.tdx_qe_identity, step),
		     0);
	cr_assert(tdx_platform_accepts(&platform, platform.evidence, &out));
	tdx_platform_close(&platform);
}
