/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/sampler.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VOCABULARY 50

static const struct sampler_options plain = { .temperature = 1, .top_p = 1 };

struct fixture {
	struct arena arena;
	struct sampler sampler;
};

static enum err open_sampler(struct fixture *fixture,
			     const struct sampler_options *options)
{
	static uint8_t memory[4096] __attribute__((aligned(64)));

	fixture->arena = (struct arena){ memory, sizeof(memory), 0 };
	return sampler_init(&fixture->sampler, options, kernel_best(),
			    VOCABULARY, &fixture->arena);
}

/* Draw often; counts[t] is how often token t came. */
static void count_draws(const struct sampler_options *options,
			const float *logits, size_t draws,
			size_t counts[VOCABULARY])
{
	struct fixture fixture;

	cr_assert_eq(open_sampler(&fixture, options), ERR_OK);
	memset(counts, 0, VOCABULARY * sizeof(*counts));
	for (size_t i = 0; i < draws; i++) {
		uint32_t token = sampler_pick(&fixture.sampler, logits);

		cr_assert_lt(token, VOCABULARY);
		counts[token]++;
	}
}

Test(sampler, draws_are_those_of_chacha20)
{
	/* RFC 8439, appendix A.1: key and nonce 0, blocks 0 and 1 start
	 * 76b8e0ada0f13d90 and 9f07e7be5551387a. */
	static const uint8_t zero[32] = { 0 };

	cr_assert_eq(sampler_draw(zero, 0),
		     (double)(0x903df1a0ade0b876ull >> 11) * 0x1p-53);
	cr_assert_eq(sampler_draw(zero, 1),
		     (double)(0x7a385155bee7079full >> 11) * 0x1p-53);
}

Test(sampler, options_out_of_range_are_refused)
{
	static const struct sampler_options bad[] = {
		{ .temperature = -1, .top_p = 1 },
		{ .temperature = NAN, .top_p = 1 },
		{ .temperature = INFINITY, .top_p = 1 },
		{ .temperature = 1, .top_p = 0 },
		{ .temperature = 1, .top_p = 1.1f },
		{ .temperature = 1, .top_p = NAN },
	};
	struct fixture fixture;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(open_sampler(&fixture, &bad[i]), ERR_MALFORMED);
	cr_assert_eq(open_sampler(&fixture, &plain), ERR_OK);
	cr_assert_eq(fixture.arena.used, sampler_memory(VOCABULARY));
}

Test(sampler, without_temperature_the_most_probable_comes)
{
	const struct sampler_options greedy = { .temperature = 0, .top_p = 1 };
	float logits[VOCABULARY] = { 0 };
	size_t counts[VOCABULARY];

	logits[7] = 3;
	logits[9] = 3;
	count_draws(&greedy, logits, 10, counts);
	cr_assert_eq(counts[7], 10, "of those that tie, the first");
}

Test(sampler, tokens_come_as_often_as_they_are_probable)
{
	float logits[VOCABULARY];
	size_t counts[VOCABULARY];
	size_t draws = 200000;

	for (size_t i = 0; i < VOCABULARY; i++)
		logits[i] = i < 4 ? logf((float)i + 1) : -40;
	count_draws(&plain, logits, draws, counts);
	for (size_t i = 0; i < 4; i++) {
		double share = (double)(i + 1) / 10;
		double got = (double)counts[i] / (double)draws;

		/* Five standard deviations. */
		cr_assert_float_eq(
			got, share,
			5 * sqrt(share * (1 - share) / (double)draws));
	}
}

Test(sampler, a_temperature_flattens_or_sharpens)
{
	struct sampler_options options = plain;
	float logits[VOCABULARY];
	size_t counts[VOCABULARY];

	for (size_t i = 0; i < VOCABULARY; i++)
		logits[i] = i < 2 ? logf((float)i + 1) : -80;
	options.temperature = 0.5f; /* 1 : 4 */
	count_draws(&options, logits, 100000, counts);
	cr_assert_float_eq((double)counts[1], 80000.0, 700);
	options.temperature = 1e-30f;
	count_draws(&options, logits, 100, counts);
	cr_assert_eq(counts[1], 100);
}

Test(sampler, top_k_leaves_the_k_most_probable)
{
	struct sampler_options options = plain;
	float logits[VOCABULARY];
	size_t counts[VOCABULARY];

	for (size_t i = 0; i < VOCABULARY; i++)
		logits[i] = (float)(i % 10); /* each tenth ties */
	options.top_k = 7;
	count_draws(&options, logits, 5000, counts);
	for (size_t i = 0; i < VOCABULARY; i++)
		cr_assert_eq(counts[i] > 0, i % 10 == 9 || i == 8 || i == 18,
			     "%zu", i);
}

Test(sampler, top_p_leaves_the_fewest_that_reach_it)
{
	struct sampler_options options = plain;
	float logits[VOCABULARY];
	size_t counts[VOCABULARY];

	/* 0.4, 0.3, 0.2, 0.1 */
	for (size_t i = 0; i < VOCABULARY; i++)
		logits[i] = i < 4 ? logf(4 - (float)i) : -80;
	options.top_p = 0.65f;
	count_draws(&options, logits, 7000, counts);
	cr_assert_float_eq((double)counts[0], 4000, 250);
	cr_assert_float_eq((double)counts[1], 3000, 250);
	cr_assert_eq(counts[0] + counts[1], 7000);
	options.top_p = 1e-6f;
	count_draws(&options, logits, 100, counts);
	cr_assert_eq(counts[0], 100, "one is always left");
}

Test(sampler, top_p_is_a_share_of_what_top_k_left)
{
	struct sampler_options options = plain;
	float logits[VOCABULARY];
	size_t counts[VOCABULARY];

	for (size_t i = 0; i < VOCABULARY; i++)
		logits[i] = i < 4 ? logf(4 - (float)i) : -80;
	options.top_k = 2;     /* 0.4, 0.3 are left: 4/7 and 3/7 */
	options.top_p = 0.55f; /* which the first alone reaches */
	count_draws(&options, logits, 100, counts);
	cr_assert_eq(counts[0], 100);
	options.top_k = 0;
	count_draws(&options, logits, 2000, counts);
	cr_assert_gt(counts[1], 0);
}

Test(sampler, top_k_larger_than_the_vocabulary_is_all)
{
	struct sampler_options options = plain;
	const float logits[VOCABULARY] = { 0 };
	size_t counts[VOCABULARY];

	options.top_k = UINT32_MAX;
	count_draws(&options, logits, 20000, counts);
	for (size_t i = 0; i < VOCABULARY; i++)
		cr_assert_gt(counts[i], 0);
}

Test(sampler, equal_seeds_draw_equally_and_others_do_not)
{
	struct sampler_options options = plain;
	const float logits[VOCABULARY] = { 0 };
	size_t first[VOCABULARY], again[VOCABULARY], other[VOCABULARY];

	options.seed[31] = 1;
	count_draws(&options, logits, 100, first);
	count_draws(&options, logits, 100, again);
	options.seed[31] = 2;
	count_draws(&options, logits, 100, other);
	cr_assert_arr_eq(first, again, sizeof(first));
	cr_assert_neq(memcmp(first, other, sizeof(first)), 0);
}
