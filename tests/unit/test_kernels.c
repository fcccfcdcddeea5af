/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/kernel.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference/half.h"
#include "inference/numeric.h"
#include "tests/numbers.h"

#define COLUMNS_MAX 512
#define OUTPUTS_MAX 21
#define ROWS_MAX 9

static void fill(struct numbers *numbers, float *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = numbers_float(numbers);
}

/* No exponent is that of infinity: clear one of its bits. */
static void make_finite(uint8_t *memory, size_t len, enum matrix_format format)
{
	static const struct {
		enum matrix_format format;
		size_t tops[2]; /* the upper bytes of a block's floats */
	} places[] = {
		{ MATRIX_F32, { 3, 3 } },      { MATRIX_F16, { 1, 1 } },
		{ MATRIX_BF16, { 1, 1 } },     { MATRIX_Q8_0, { 1, 1 } },
		{ MATRIX_Q4_0, { 1, 1 } },     { MATRIX_Q2_K, { 81, 83 } },
		{ MATRIX_Q4_K, { 1, 3 } },     { MATRIX_Q5_K, { 1, 3 } },
		{ MATRIX_Q6_K, { 209, 209 } },
	};
	size_t block = matrix_form_of(format)->bytes;

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
		for (size_t i = 0; i < len && places[p].format == format;
		     i += block) {
			memory[i + places[p].tops[0]] &= 0xbf;
			memory[i + places[p].tops[1]] &= 0xbf;
		}
}

/* Finite weights of any format; returns the matrix over `memory`. */
static struct matrix random_matrix(struct numbers *numbers,
				   enum matrix_format format, size_t rows,
				   size_t columns, uint8_t *memory)
{
	struct matrix matrix = { .data = memory,
				 .rows = rows,
				 .columns = columns,
				 .format = format };

	cr_assert_eq(matrix_stride(format, columns, &matrix.stride), ERR_OK);
	for (size_t i = 0; i < rows * matrix.stride; i++)
		memory[i] = (uint8_t)numbers_next(numbers);
	make_finite(memory, rows * matrix.stride, format);
	cr_assert(matrix_is_sound(&matrix));
	return matrix;
}

static const enum matrix_format formats[] = { MATRIX_F32, MATRIX_F16,
					      MATRIX_BF16 };

static uint8_t weights[OUTPUTS_MAX * COLUMNS_MAX * 4];
static float input[ROWS_MAX * COLUMNS_MAX];
static float expected[ROWS_MAX * OUTPUTS_MAX];
static float got[ROWS_MAX * OUTPUTS_MAX + 1];

static void multiply(const struct kernel *kernel, const struct matrix *matrix,
		     const float *x, size_t rows, float *out)
{
	const struct kernel_multiply job = { matrix, x, rows, out,
					     matrix->rows };

	kernel->multiply(&job);
}

static void compare_products(const struct matrix *matrix, size_t rows)
{
	size_t count = rows * matrix->rows;

	multiply(kernel_at(0), matrix, input, rows, expected);
	for (size_t i = 1; kernel_at(i) != NULL; i++) {
		got[count] = 42.0f;
		multiply(kernel_at(i), matrix, input, rows, got);
		cr_assert_arr_eq(got, expected, count * sizeof(float),
				 "%s: format %d, %zu x %zu, %zu rows",
				 kernel_at(i)->name, matrix->format,
				 matrix->rows, matrix->columns, rows);
		cr_assert_eq(got[count], 42.0f, "written past the end");
	}
}

Test(kernels, every_path_multiplies_to_the_same_bits)
{
	static const size_t widths[] = { 32, 64, 96, 288, 320 };
	struct numbers numbers = { 1 };

	fill(&numbers, input, ROWS_MAX * COLUMNS_MAX);
	for (size_t f = 0; f < 3; f++) {
		for (size_t w = 0; w < 5; w++) {
			size_t outputs =
				1 + numbers_next(&numbers) % OUTPUTS_MAX;
			struct matrix matrix =
				random_matrix(&numbers, formats[f], outputs,
					      widths[w], weights);

			for (size_t rows = 1; rows <= ROWS_MAX; rows++)
				compare_products(&matrix, rows);
		}
	}
}

Test(kernels, widths_that_fill_no_vector_are_multiplied_alike)
{
	struct numbers numbers = { 2 };

	fill(&numbers, input, ROWS_MAX * COLUMNS_MAX);
	for (size_t columns = 1; columns <= 67; columns++) {
		for (size_t f = 0; f < 3; f++) {
			struct matrix matrix = random_matrix(
				&numbers, formats[f], 13, columns, weights);

			compare_products(&matrix, 1);
			compare_products(&matrix, 5);
		}
	}
}

Test(kernels, a_row_does_not_depend_on_its_company)
{
	struct numbers numbers = { 3 };
	struct matrix matrix =
		random_matrix(&numbers, MATRIX_F32, OUTPUTS_MAX, 100, weights);

	fill(&numbers, input, ROWS_MAX * 100);
	for (size_t i = 0; kernel_at(i) != NULL; i++) {
		multiply(kernel_at(i), &matrix, input, ROWS_MAX, expected);
		for (size_t r = 0; r < ROWS_MAX; r++) {
			multiply(kernel_at(i), &matrix, input + r * 100, 1,
				 got);
			cr_assert_arr_eq(got, expected + r * OUTPUTS_MAX,
					 OUTPUTS_MAX * sizeof(float));
		}
	}
}

Test(kernels, products_are_right)
{
	struct numbers numbers = { 4 };
	float row[COLUMNS_MAX];

	fill(&numbers, input, COLUMNS_MAX);
	for (size_t f = 0; f < 3; f++) {
		struct matrix matrix = random_matrix(&numbers, formats[f], 3,
						     COLUMNS_MAX, weights);

		multiply(kernel_best(), &matrix, input, 1, got);
		for (size_t o = 0; o < 3; o++) {
			double exact = 0, size = 0;

			matrix_decode(&matrix, o, 0, COLUMNS_MAX, row);
			for (size_t i = 0; i < COLUMNS_MAX; i++) {
				exact += (double)row[i] * (double)input[i];
				size += fabs((double)row[i] * (double)input[i]);
			}
			cr_assert_lt(fabs((double)got[o] - exact), 1e-6 * size);
		}
	}
}

Test(kernels, every_path_agrees_on_the_small_functions)
{
	struct numbers numbers = { 5 };
	static float a[3][COLUMNS_MAX], b[3][COLUMNS_MAX];
	const struct kernel *plain = kernel_at(0);

	for (size_t k = 1; kernel_at(k) != NULL; k++) {
		for (size_t n = 1; n <= 75; n++) {
			const struct kernel *fast = kernel_at(k);
			uint16_t halves[2][COLUMNS_MAX];
			float dots[2];

			fill(&numbers, a[0], n);
			fill(&numbers, a[1], n);
			memcpy(b, a, sizeof(a));
			dots[0] = plain->dot(a[0], a[1], n);
			dots[1] = fast->dot(a[0], a[1], n);
			cr_assert_arr_eq(&dots[0], &dots[1], sizeof(float));
			plain->swiglu(a[0], a[1], n);
			fast->swiglu(b[0], b[1], n);
			cr_assert_arr_eq(a[0], b[0], n * sizeof(float));
			plain->softmax(a[1], n / 3, n);
			fast->softmax(b[1], n / 3, n);
			cr_assert_arr_eq(a[1], b[1], sizeof(a[1]), "n %zu", n);
			plain->narrow(a[0], n, halves[0]);
			fast->narrow(b[0], n, halves[1]);
			cr_assert_arr_eq(halves[0], halves[1],
					 n * sizeof(uint16_t));
			plain->add_scaled(0.3f, a[1], n, a[2]);
			fast->add_scaled(0.3f, b[1], n, b[2]);
			cr_assert_arr_eq(a[2], b[2], sizeof(a[2]), "n %zu", n);
		}
	}
}

#define POSITIONS 48
#define WIDTH_MAX 140
#define QUERIES 7

static uint16_t memory_of_heads[POSITIONS * WIDTH_MAX];
static float queries[QUERIES * WIDTH_MAX];

static void fill_heads(struct numbers *numbers)
{
	for (size_t i = 0; i < POSITIONS * WIDTH_MAX; i++)
		memory_of_heads[i] = half_of(numbers_float(numbers));
	fill(numbers, queries, QUERIES * WIDTH_MAX);
}

Test(kernels, every_path_scores_to_the_same_bits)
{
	struct numbers numbers = { 6 };
	static float a[QUERIES * POSITIONS], b[QUERIES * POSITIONS + 1];
	struct kernel_score job = { .queries = queries,
				    .query_stride = WIDTH_MAX,
				    .keys = memory_of_heads,
				    .store = KERNEL_F16,
				    .groups = POSITIONS / KERNEL_POSITIONS,
				    .score_stride = POSITIONS };

	fill_heads(&numbers);
	for (size_t k = 1; kernel_at(k) != NULL; k++) {
		for (size_t width = 1; width <= WIDTH_MAX; width += 3) {
			job.store = (enum kernel_store)(KERNEL_F16 + width % 2);
			job.width = width;
			job.count = 1 + width % QUERIES;
			b[job.count * POSITIONS] = 42.0f;
			job.scores = a;
			kernel_at(0)->score(&job);
			job.scores = b;
			kernel_at(k)->score(&job);
			cr_assert_arr_eq(a, b,
					 job.count * POSITIONS * sizeof(float));
			cr_assert_eq(b[job.count * POSITIONS], 42.0f,
				     "written past the end");
		}
	}
}

Test(kernels, every_path_blends_to_the_same_bits)
{
	struct numbers numbers = { 6 };
	static float a[QUERIES * WIDTH_MAX], b[QUERIES * WIDTH_MAX + 1];
	struct kernel_blend job = { .weights = queries,
				    .weight_stride = WIDTH_MAX,
				    .values = memory_of_heads,
				    .store = KERNEL_F16,
				    .out_stride = WIDTH_MAX };

	fill_heads(&numbers);
	for (size_t k = 1; kernel_at(k) != NULL; k++) {
		for (size_t width = 1; width <= WIDTH_MAX; width++) {
			job.store = (enum kernel_store)(KERNEL_F16 + width % 2);
			job.width = width;
			job.count = 1 + width % QUERIES;
			job.positions = width % POSITIONS;
			memset(a, 0, sizeof(a));
			memset(b, 0, sizeof(b));
			job.out = a;
			kernel_at(0)->blend(&job);
			job.out = b;
			kernel_at(k)->blend(&job);
			cr_assert_arr_eq(a, b, sizeof(a));
			cr_assert_eq(b[QUERIES * WIDTH_MAX], 0.0f,
				     "written past the end");
		}
	}
}

/* Of prompts: all of sixteen queries may be read, and their results written. */
#define PROMPT_QUERIES 48
#define PROMPT_POSITIONS 352
#define PROMPT_WIDTH 288

static const size_t prompt_widths[] = { 8,  16, 24,  32,  48,
					64, 96, 128, 256, PROMPT_WIDTH };
static const size_t prompt_counts[] = { 1, 16, 17, 33, PROMPT_QUERIES };

static uint16_t many_heads[2 * PROMPT_POSITIONS * PROMPT_WIDTH];
static uint16_t prompt_rows[PROMPT_QUERIES * PROMPT_POSITIONS];

static void fill_prompt(struct numbers *numbers, enum kernel_store store)
{
	size_t count = PROMPT_POSITIONS * PROMPT_WIDTH;
	float *floats = (float *)many_heads;

	for (size_t i = 0; i < count; i++) {
		if (store == KERNEL_F32)
			floats[i] = numbers_float(numbers) *
				    (i % 7 == 0 ? 1e-17f : 1.0f);
		else
			many_heads[i] = half_of(numbers_float(numbers));
	}
	for (size_t i = 0; i < PROMPT_QUERIES * PROMPT_POSITIONS; i++)
		prompt_rows[i] = activation_bf16(numbers_float(numbers));
}

static void compare_scores(const struct kernel *kernel,
			   const struct kernel_score_bf16 *like)
{
	static float a[PROMPT_QUERIES * PROMPT_POSITIONS], b[sizeof(a) / 4];
	struct kernel_score_bf16 job = *like;

	job.scores = a;
	kernel_at(0)->score_bf16(&job);
	job.scores = b;
	kernel->score_bf16(&job);
	for (size_t q = 0; q < job.count; q++)
		cr_assert_arr_eq(a + q * PROMPT_POSITIONS,
				 b + q * PROMPT_POSITIONS,
				 job.groups * KERNEL_POSITIONS * sizeof(*a),
				 "%s, width %zu, query %zu of %zu",
				 kernel->name, job.width, q, job.count);
}

static void compare_blends(const struct kernel *kernel,
			   const struct kernel_blend_bf16 *like)
{
	static float a[PROMPT_QUERIES * PROMPT_WIDTH], b[sizeof(a) / 4];
	struct kernel_blend_bf16 job = *like;

	for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
		a[i] = b[i] = (float)(i % 5);
	job.out = a;
	kernel_at(0)->blend_bf16(&job);
	job.out = b;
	kernel->blend_bf16(&job);
	for (size_t q = 0; q < job.count; q++)
		cr_assert_arr_eq(a + q * PROMPT_WIDTH, b + q * PROMPT_WIDTH,
				 job.width * sizeof(*a),
				 "%s, width %zu, query %zu of %zu",
				 kernel->name, job.width, q, job.count);
}

static void compare_prompts(const struct kernel *kernel,
			    enum kernel_store store, size_t width, size_t count)
{
	compare_scores(kernel, &(struct kernel_score_bf16){
				       .queries = prompt_rows,
				       .query_stride = PROMPT_POSITIONS,
				       .count = count,
				       .width = width,
				       .store = store,
				       .keys = many_heads,
				       .groups = 1 + (width + count) % 9,
				       .score_stride = PROMPT_POSITIONS });
	compare_blends(kernel, &(struct kernel_blend_bf16){
				       .weights = prompt_rows,
				       .weight_stride = PROMPT_POSITIONS,
				       .count = count,
				       .store = store,
				       .values = many_heads,
				       .positions = 32 * (1 + count % 11),
				       .width = width,
				       .out_stride = PROMPT_WIDTH });
}

Test(kernels, every_path_attends_to_prompts_with_the_same_bits)
{
	struct numbers numbers = { 8 };

	for (int store = KERNEL_F32; store <= KERNEL_I8; store++) {
		fill_prompt(&numbers, (enum kernel_store)store);
		for (size_t k = 1; kernel_at(k) != NULL; k++)
			for (size_t w = 0; w < 10; w++)
				for (size_t c = 0; c < 5; c++)
					compare_prompts(
						kernel_at(k),
						(enum kernel_store)store,
						prompt_widths[w],
						prompt_counts[c]);
	}
}

Test(kernels, scores_and_blends_are_right)
{
	struct numbers numbers = { 8 };
	float got_score[KERNEL_POSITIONS], got_blend[2] = { 0 };
	double exact = 0;

	fill_heads(&numbers);
	kernel_best()->score(
		&(struct kernel_score){ queries, 0, 1, 20, KERNEL_F16,
					memory_of_heads, 1, got_score, 0 });
	for (size_t d = 0; d < 20; d++)
		exact += (double)queries[d] *
			 (double)half_value(memory_of_heads[16 * d + 5]);
	cr_assert_float_eq((double)got_score[5], exact, 1e-2);
	kernel_best()->blend(&(struct kernel_blend){ queries, 0, 1, KERNEL_F16,
						     memory_of_heads, 30, 2,
						     got_blend, 0 });
	exact = 0;
	for (size_t p = 0; p < 30; p++)
		exact += (double)queries[p] *
			 (double)half_value(memory_of_heads[2 * p + 1]);
	cr_assert_float_eq((double)got_blend[1], exact, 1e-2);
}

Test(kernels, every_path_takes_the_same_exponential)
{
	float scalar[8], vector[8];

	/* By softmax of one large and seven others: exp of the difference. */
	for (float x = -95.0f; x < 0; x += 0.37f) {
		for (size_t i = 0; i < 8; i++)
			scalar[i] = vector[i] = i == 0 ? 0 : x + (float)i / 64;
		kernel_at(0)->softmax(scalar, 0, 8);
		kernel_best()->softmax(vector, 0, 8);
		cr_assert_arr_eq(scalar, vector, sizeof(scalar));
	}
}

Test(kernels, a_number_that_is_none_is_not_hidden)
{
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		float x[11] = { 1, 2, NAN, 4 };
		float gate[11] = { 1, NAN, INFINITY, -INFINITY };
		float up[11] = { 1, 1, 1, 1 };

		kernel_at(k)->softmax(x, 0, 11);
		for (size_t i = 0; i < 11; i++)
			cr_assert(isnan(x[i]));
		kernel_at(k)->swiglu(gate, up, 11);
		cr_assert(isfinite(gate[0]));
		cr_assert(isnan(gate[1]));
		cr_assert_not(isfinite(gate[2]));
	}
}

Test(kernels, softmax_sums_to_one_whatever_its_range)
{
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		float x[5] = { -1e30f, 1e30f, 1e30f, 0, -3e38f };

		kernel_at(k)->softmax(x, 0, 5);
		cr_assert_eq(x[0], 0);
		cr_assert_eq(x[1], 0.5f);
		cr_assert_eq(x[2], 0.5f);
		cr_assert_eq(x[3], 0);
	}
}

Test(kernels, the_norm_divides_by_the_root_of_the_mean_square)
{
	const float x[4] = { 1, -2, 3, -4 };
	const float weight[4] = { 1, 1, 2, 0 };
	const struct kernel_norm norm = { weight, 4, 0.5f };
	float out[4];

	kernel_rms_norm(kernel_best(), &norm, x, out);
	for (size_t i = 0; i < 4; i++) {
		double exact =
			(double)x[i] / sqrt(30.0 / 4 + 0.5) * (double)weight[i];

		cr_assert_float_eq((double)out[i], exact, 1e-6);
	}
}

/* The relative error of a function over a range, in units of 2^-23. */
static double worst(float (*function)(float), double (*exact)(double),
		    float from, float to)
{
	double most = 0;

	for (int i = 0; i <= 100000; i++) {
		float x = from + (to - from) * (float)i / 100000.0f;
		double right = exact((double)x);
		double error = fabs(((double)function(x) - right) / right);

		if (error > most)
			most = error;
	}
	return most * 0x1p23;
}

Test(numeric, exponentials_are_within_two_units)
{
	cr_assert_lt(worst(numeric_exp, exp, -86.9f, 87.9f), 2);
	cr_assert_eq(numeric_exp(0), 1);
	cr_assert_eq(numeric_exp(-88), 0);
	cr_assert_eq(numeric_exp(-INFINITY), 0);
	cr_assert(isfinite(numeric_exp(INFINITY)));
	cr_assert(isnan(numeric_exp(NAN)));
}

Test(numeric, hyperbolic_tangents_are_within_four_units)
{
	cr_assert_lt(worst(numeric_tanh, tanh, -20, -1e-3f), 4);
	cr_assert_lt(worst(numeric_tanh, tanh, 1e-6f, 3), 4);
	cr_assert_eq(numeric_tanh(0), 0);
	cr_assert_eq(numeric_tanh(INFINITY), 1);
	cr_assert_eq(numeric_tanh(-INFINITY), -1);
	cr_assert(isnan(numeric_tanh(NAN)));
}

Test(numeric, sines_and_cosines_are_right_far_out)
{
	struct numbers numbers = { 7 };

	for (int i = 0; i < 100000; i++) {
		double angle =
			(double)numbers_next(&numbers) / 2048.0 - 500000.0;
		float sine, cosine;

		numeric_sine_cosine(angle, &sine, &cosine);
		cr_assert_float_eq((double)sine, sin(angle), 1e-7);
		cr_assert_float_eq((double)cosine, cos(angle), 1e-7);
	}
}

Test(numeric, powers_are_right)
{
	static const double bases[] = { 2, 1e4, 5e5, 1e6, 1e15 };

	for (size_t b = 0; b < 5; b++) {
		for (int i = 0; i <= 64; i++) {
			double exponent = -i / 64.0;
			double exact = pow(bases[b], exponent);

			cr_assert_float_eq(numeric_power(bases[b], exponent) /
						   exact,
					   1, 1e-13);
		}
	}
}

Test(numeric, logarithms_are_right)
{
	for (double x = 0x1p-40; x < 0x1p40; x *= 1.37)
		cr_assert_float_eq(numeric_logarithm(x), log(x),
				   1e-15 * (1 + fabs(log(x))), "of %g", x);
	cr_assert_eq(numeric_logarithm(1), 0);
}
