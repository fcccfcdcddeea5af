/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/half.h"
#include "model/quantizer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model/fit.h"
#include "model/measure.h"
#include "model/noise.h"
#include "model/sixes.h"

#define COUNT 4096

static float weights[COUNT];
static float decoded[COUNT];
static uint8_t encoded[COUNT * sizeof(float)];

/* To a format and back, into `decoded`: one row, or those of a panel. */
static enum err round_trip(enum matrix_format format,
			   enum quantizer_effort effort,
			   const float *importance, size_t count)
{
	const struct quantizer quantizer = { format, effort };
	size_t rows = matrix_form_of(format)->rows, columns = count / rows;
	const struct quantizer_rows line = { weights, importance, rows,
					     columns };
	struct matrix matrix = { .data = encoded,
				 .rows = rows,
				 .columns = columns,
				 .format = format };
	enum err err = quantizer_line(&quantizer, &line, encoded);

	for (size_t i = 0; err == ERR_OK && i < rows; i++)
		matrix_decode(&matrix, i, 0, columns, decoded + i * columns);
	return err;
}

static void draw(uint64_t seed)
{
	struct noise noise = noise_start(seed, BYTES_LITERAL("test"));

	noise_fill(&noise, 1, weights, COUNT);
}

/* The sum of importance * error^2; importance repeats with every 256. */
static double error_of(const float *importance)
{
	double sum = 0;

	for (size_t i = 0; i < COUNT; i++) {
		double lost = (double)weights[i] - (double)decoded[i];

		sum += (importance == NULL ? 1 : (double)importance[i % 256]) *
		       lost * lost;
	}
	return sum;
}

/* The least that each format has to keep of normal weights, in dB. */
static const struct {
	enum matrix_format format;
	double least;
} figures[] = {
	{ MATRIX_Q2_K, 11.4 },	     { MATRIX_Q4_0, 21.7 },
	{ MATRIX_Q4_K, 22.8 },	     { MATRIX_Q5_K, 29.0 },
	{ MATRIX_Q6_K, 35.1 },	     { MATRIX_Q8_0, 45.8 },
	{ MATRIX_PANEL_C2, 9.25 },   { MATRIX_PANEL_C4, 19.3 },
	{ MATRIX_PANEL_C8, 43.0 },   { MATRIX_PANEL_Q2_K, 11.4 },
	{ MATRIX_PANEL_Q4, 21.7 },   { MATRIX_PANEL_Q4_K, 22.8 },
	{ MATRIX_PANEL_Q5_K, 29.0 }, { MATRIX_PANEL_Q6_K, 35.1 },
	{ MATRIX_PANEL_Q8, 45.8 },   { MATRIX_BF16, 55.4 },
	{ MATRIX_F16, 73.0 },
};

#define FIGURES (sizeof(figures) / sizeof(figures[0]))

Test(quantizer, normal_weights_keep_what_their_format_can_keep)
{
	struct measure_noise noise;

	for (size_t i = 0; i < FIGURES; i++) {
		double least = figures[i].least;

		cr_assert_eq(measure_gaussian(figures[i].format, 1u << 16, 1,
					      &noise),
			     ERR_OK);
		cr_expect_geq(measure_decibels(noise), least, "format %d: %g",
			      figures[i].format, measure_decibels(noise));
		cr_expect_leq(measure_decibels(noise), least + 1);
	}
}

Test(quantizer, floats_are_kept_as_they_are)
{
	draw(2);
	cr_assert_eq(round_trip(MATRIX_F32, QUANTIZER_SEARCH, NULL, COUNT),
		     ERR_OK);
	cr_assert_arr_eq(decoded, weights, sizeof(weights));
}

Test(quantizer, a_search_is_never_worse_than_the_first_scale)
{
	for (uint64_t seed = 0; seed < 8; seed++) {
		for (size_t i = 0; i < FIGURES; i++) {
			double quick;

			draw(seed);
			cr_assert_eq(round_trip(figures[i].format,
						QUANTIZER_QUICK, NULL, COUNT),
				     ERR_OK);
			quick = error_of(NULL);
			cr_assert_eq(round_trip(figures[i].format,
						QUANTIZER_SEARCH, NULL, COUNT),
				     ERR_OK);
			cr_assert_leq(error_of(NULL), quick);
		}
	}
}

Test(quantizer, important_columns_are_kept_better)
{
	static float importance[COUNT];

	draw(3);
	for (size_t i = 0; i < COUNT; i++)
		importance[i] = i % 256 % 7 == 0 ? 20 : 0.1f;
	for (size_t i = 0; i < FIGURES; i++) {
		double alike;

		if (matrix_form_of(figures[i].format)->weights == 1)
			continue;

		cr_assert_eq(round_trip(figures[i].format, QUANTIZER_SEARCH,
					NULL, COUNT),
			     ERR_OK);
		alike = error_of(importance);
		cr_assert_eq(round_trip(figures[i].format, QUANTIZER_SEARCH,
					importance, COUNT),
			     ERR_OK);
		cr_expect_lt(error_of(importance), 0.99 * alike,
			     "format %d: %g of %g", figures[i].format,
			     error_of(importance), alike);
	}
}

/* In every format these are nearly exact: few values, evenly apart. */
static void try_exact(const char *what)
{
	for (size_t i = 0; i < FIGURES; i++) {
		for (size_t e = 0; e < 2; e++) {
			cr_assert_eq(round_trip(figures[i].format,
						(enum quantizer_effort)e, NULL,
						COUNT),
				     ERR_OK);
			for (size_t w = 0; w < COUNT; w++)
				cr_assert_float_eq(
					(double)decoded[w], (double)weights[w],
					8e-3, "%s, format %d, %g: %g", what,
					figures[i].format, (double)weights[w],
					(double)decoded[w]);
		}
	}
}

Test(quantizer, zeros_and_equal_weights_survive)
{
	memset(weights, 0, sizeof(weights));
	try_exact("zeros");
	for (size_t i = 0; i < COUNT; i++)
		weights[i] = 0.5f;
	try_exact("halves");
	for (size_t i = 0; i < COUNT; i++)
		weights[i] = -0.5f;
	try_exact("negative halves");
	for (size_t i = 0; i < COUNT; i++)
		weights[i] = i / 256 % 2 == 0 ? 0.0f : 0.25f;
	try_exact("blocks of zeros");
}

Test(quantizer, the_smallest_weights_do_no_harm)
{
	static const float tiny[] = { 1e-40f, 1e-30f, 1e-12f, 1e-7f };

	for (size_t t = 0; t < 4; t++) {
		for (size_t i = 0; i < COUNT; i++)
			weights[i] = i % 3 == 0 ? -tiny[t] : tiny[t];
		try_exact("tiny");
	}
}

Test(quantizer, what_is_no_number_is_refused)
{
	for (size_t i = 0; i < FIGURES; i++) {
		draw(4);
		weights[COUNT - 1] = NAN;
		cr_assert_eq(round_trip(figures[i].format, QUANTIZER_SEARCH,
					NULL, COUNT),
			     ERR_MALFORMED);
		weights[COUNT - 1] = INFINITY;
		cr_assert_eq(round_trip(figures[i].format, QUANTIZER_QUICK,
					NULL, COUNT),
			     ERR_MALFORMED);
	}
}

/* Formats whose scales, or weights, reach as far as floats. */
static bool has_wide_range(enum matrix_format format)
{
	return format == MATRIX_BF16 || format == MATRIX_PANEL_C8 ||
	       format == MATRIX_PANEL_C4 || format == MATRIX_PANEL_C2;
}

Test(quantizer, what_a_format_cannot_hold_is_refused)
{
	draw(5);
	weights[100] = 1e38f;
	for (size_t i = 0; i < 2 * FIGURES; i++) {
		enum matrix_format format = figures[i / 2].format;
		enum err err = round_trip(
			format, i % 2 ? QUANTIZER_QUICK : QUANTIZER_SEARCH,
			NULL, COUNT);

		cr_expect_eq(err,
			     has_wide_range(format) ? ERR_OK : ERR_TOO_LARGE,
			     "format %d", format);
		/* Odd integers have no zero for all the others. */
		if (err == ERR_OK && format != MATRIX_PANEL_C2)
			cr_expect_gt(decoded[100], 0.9e38f, "format %d: %g",
				     format, (double)decoded[100]);
	}
}

Test(quantizer, parts_of_blocks_are_refused)
{
	draw(6);
	cr_assert_eq(round_trip(MATRIX_Q4_K, QUANTIZER_QUICK, NULL, 128),
		     ERR_MALFORMED);
	cr_assert_eq(round_trip(MATRIX_Q8_0, QUANTIZER_QUICK, NULL, 31),
		     ERR_MALFORMED);
}

Test(quantizer, a_panel_holds_what_its_rows_hold_in_the_foreign_format)
{
	static const struct {
		enum matrix_format foreign, panels;
	} pairs[] = {
		{ MATRIX_Q8_0, MATRIX_PANEL_Q8 },
		{ MATRIX_Q4_0, MATRIX_PANEL_Q4 },
		{ MATRIX_Q2_K, MATRIX_PANEL_Q2_K },
		{ MATRIX_Q4_K, MATRIX_PANEL_Q4_K },
		{ MATRIX_Q5_K, MATRIX_PANEL_Q5_K },
		{ MATRIX_Q6_K, MATRIX_PANEL_Q6_K },
	};
	static float panels[COUNT];

	draw(7);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		cr_assert_eq(round_trip(pairs[i].panels, QUANTIZER_SEARCH, NULL,
					COUNT),
			     ERR_OK);
		memcpy(panels, decoded, sizeof(panels));
		cr_assert_eq(round_trip(pairs[i].foreign, QUANTIZER_SEARCH,
					NULL, COUNT),
			     ERR_OK);
		cr_assert_arr_eq(panels, decoded, sizeof(panels), "format %d",
				 pairs[i].panels);
	}
}

/* What was asked of 16 rows, for fewer rows of fewer columns. */
static void try_part(enum matrix_format format, size_t rows, size_t columns)
{
	const struct quantizer quantizer = { format, QUANTIZER_SEARCH };
	const struct quantizer_rows line = { weights, NULL, rows, columns };
	struct matrix matrix = { .data = encoded,
				 .rows = PANEL_ROWS,
				 .columns = columns,
				 .format = format };
	double signal = 0, noise = 0;

	cr_assert_eq(quantizer_line(&quantizer, &line, encoded), ERR_OK);
	for (size_t r = 0; r < PANEL_ROWS; r++) {
		matrix_decode(&matrix, r, 0, columns, decoded);
		for (size_t c = 0; c < columns; c++) {
			float w = r < rows ? weights[r * columns + c] : 0;

			signal += (double)(w * w);
			noise += pow((double)(w - decoded[c]), 2);
			if (r >= rows)
				cr_assert_eq(decoded[c], 0);
		}
	}
	cr_expect_lt(noise, 0.13 * signal, "format %d, %zu x %zu: %g of %g",
		     format, rows, columns, noise, signal);
}

Test(quantizer, rows_and_columns_that_a_panel_lacks_weigh_nothing)
{
	draw(8);
	for (size_t i = 0; i < FIGURES; i++) {
		if (!matrix_is_panels(figures[i].format))
			continue;
		try_part(figures[i].format, 1, 256);
		try_part(figures[i].format, 15, 256);
		try_part(figures[i].format, 5, 257);
		try_part(figures[i].format, 3, 200);
		try_part(figures[i].format, 16, 31);
	}
}

Test(quantizer, our_two_bits_are_odd_and_four_bits_have_a_zero)
{
	const struct quantizer quantizer = { MATRIX_PANEL_C2,
					     QUANTIZER_SEARCH };
	const struct quantizer_rows line = { weights, NULL, 1, 256 };
	struct block block;

	for (size_t i = 0; i < COUNT; i++)
		weights[i] = (float)(int)(i % 4 * 2) - 3;
	cr_assert_eq(quantizer_line(&quantizer, &line, encoded), ERR_OK);
	panel_read(PANEL_C2, encoded, 0, &block);
	for (size_t i = 0; i < 256; i++)
		cr_assert_eq((float)block.values[i] * block.scales[0],
			     weights[i]);
	for (size_t i = 0; i < COUNT; i++)
		weights[i] = (float)(int)(i % 16) - 8;
	cr_assert_eq(round_trip(MATRIX_PANEL_C4, QUANTIZER_SEARCH, NULL, COUNT),
		     ERR_OK);
	cr_assert_arr_eq(decoded, weights, sizeof(weights));
}

Test(fit, one_extreme_does_not_take_the_levels_of_all_others)
{
	const struct quantizer_rows line = { weights, NULL, 1, 256 };
	double plain, cut;

	for (size_t f = 0; f < 2; f++) {
		struct quantizer quantizer = { f ? MATRIX_PANEL_C4
						 : MATRIX_PANEL_C2,
					       QUANTIZER_QUICK };
		struct matrix matrix = { .data = encoded,
					 .rows = 1,
					 .columns = 256,
					 .format = quantizer.format };

		draw(9);
		memset(weights + 256, 0, sizeof(weights) - 256 * sizeof(float));
		memset(decoded, 0, sizeof(decoded));
		weights[77] = 8;
		cr_assert_eq(quantizer_line(&quantizer, &line, encoded),
			     ERR_OK);
		matrix_decode(&matrix, 0, 0, 256, decoded);
		plain = error_of(NULL);
		quantizer.effort = QUANTIZER_SEARCH;
		cr_assert_eq(quantizer_line(&quantizer, &line, encoded),
			     ERR_OK);
		matrix_decode(&matrix, 0, 0, 256, decoded);
		cut = error_of(NULL);
		cr_expect_lt(cut, 0.8 * plain, "%zu: %g of %g", f, cut, plain);
	}
}

Test(sixes, normal_weights_keep_what_six_levels_can_keep)
{
	struct measure_noise noise;

	cr_assert_eq(measure_gaussian_sixes(1u << 16, 1, &noise), ERR_OK);
	cr_expect_geq(measure_decibels(noise), 13.3);
	cr_expect_leq(measure_decibels(noise), 14.3);
}

Test(sixes, six_levels_come_back_exactly)
{
	static const float starts[] = { -5, -2.5f, -1, 0 };
	uint8_t block[SIXES_BYTES];

	for (size_t s = 0; s < 4; s++) {
		for (size_t i = 0; i < SIXES_WEIGHTS; i++)
			weights[i] = starts[s] + 0.5f * (float)(i * i % 11 % 6);
		weights[3] = starts[s];
		weights[4] = starts[s] + 2.5f;
		sixes_encode(weights, block);
		sixes_decode(block, decoded);
		for (size_t i = 0; i < SIXES_WEIGHTS; i++)
			cr_expect_float_eq(
				(double)decoded[i], (double)weights[i], 2e-3,
				"from %g, %zu: %g", (double)starts[s], i,
				(double)decoded[i]);
	}
}

Test(fit, every_half_is_the_nearest_to_itself)
{
	for (uint32_t half = 0; half < 0x10000; half++) {
		if ((half & 0x7c00) == 0x7c00)
			continue;
		cr_assert_eq(half_of(half_value((uint16_t)half)), half);
	}
}

Test(fit, halves_round_to_the_nearest_and_ties_to_even)
{
	for (uint16_t half = 0; half < 0x7bff; half++) {
		float low = half_value(half);
		float high = half_value((uint16_t)(half + 1));
		float middle = low + (high - low) / 2;

		cr_assert_eq(half_of(middle), half + (half & 1));
		cr_assert_eq(half_of(nextafterf(middle, 0)), half);
		cr_assert_eq(half_of(nextafterf(middle, high)), half + 1);
		cr_assert_eq(half_of(-middle), 0x8000 | (half + (half & 1)));
	}
	cr_assert_eq(half_of(65519.9f), 0x7bff);
	cr_assert_eq(half_of(65520.0f), 0x7c00);
}

Test(noise, numbers_are_normal_and_belong_to_seed_and_name)
{
	struct noise a = noise_start(1, BYTES_LITERAL("a"));
	struct noise b = noise_start(1, BYTES_LITERAL("b"));
	struct noise again = noise_start(1, BYTES_LITERAL("a"));
	double sum = 0, squares = 0, fourth = 0;

	noise_fill(&a, 2, weights, COUNT);
	noise_fill(&again, 2, decoded, COUNT);
	cr_assert_arr_eq(weights, decoded, sizeof(weights));
	noise_fill(&b, 2, decoded, COUNT);
	cr_assert_neq(memcmp(weights, decoded, sizeof(weights)), 0);
	for (size_t i = 0; i < COUNT; i++) {
		double x = (double)weights[i] / 2;

		sum += x;
		squares += x * x;
		fourth += x * x * x * x;
	}
	cr_assert_float_eq(sum / COUNT, 0, 0.06);
	cr_assert_float_eq(squares / COUNT, 1, 0.08);
	cr_assert_float_eq(fourth / COUNT, 3, 0.6);
}
