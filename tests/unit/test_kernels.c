/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/kernel.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference/numeric.h"

#define COLUMNS_MAX 320
#define OUTPUTS_MAX 21
#define ROWS_MAX 9

/* Numbers of all sizes and both signs, the same in every run. */
struct numbers {
	uint64_t state;
};

static uint32_t next(struct numbers *numbers)
{
	numbers->state = numbers->state * 6364136223846793005u + 1;
	return (uint32_t)(numbers->state >> 33);
}

static float next_float(struct numbers *numbers)
{
	float value = (float)next(numbers) / (float)(1u << 30) - 1.0f;

	return value * (float)(1u << next(numbers) % 8);
}

static void fill(struct numbers *numbers, float *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = next_float(numbers);
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

	cr_assert_eq(matrix_row_bytes(format, columns, &matrix.stride), ERR_OK);
	for (size_t i = 0; i < rows * matrix.stride; i++)
		memory[i] = (uint8_t)next(numbers);
	/* No exponent is that of infinity: clear one of its bits. */
	if (format == MATRIX_F32)
		for (size_t i = 3; i < rows * matrix.stride; i += 4)
			memory[i] &= 0xbf;
	if (format == MATRIX_F16)
		for (size_t i = 1; i < rows * matrix.stride; i += 2)
			memory[i] &= 0xbf;
	if (format == MATRIX_Q8_0)
		for (size_t i = 1; i < rows * matrix.stride; i += 34)
			memory[i] &= 0xbf;
	cr_assert(matrix_is_finite(&matrix));
	return matrix;
}

static const enum matrix_format formats[] = { MATRIX_F32, MATRIX_F16,
					      MATRIX_Q8_0 };

static uint8_t weights[OUTPUTS_MAX * COLUMNS_MAX * 4];
static float input[ROWS_MAX * COLUMNS_MAX];
static float expected[ROWS_MAX * OUTPUTS_MAX];
static float got[ROWS_MAX * OUTPUTS_MAX + 1];

static void compare_products(const struct matrix *matrix, size_t rows)
{
	size_t count = rows * matrix->rows;

	kernel_at(0)->multiply(matrix, input, rows, expected);
	for (size_t i = 1; kernel_at(i) != NULL; i++) {
		got[count] = 42.0f;
		kernel_at(i)->multiply(matrix, input, rows, got);
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
			size_t outputs = 1 + next(&numbers) % OUTPUTS_MAX;
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
		for (size_t f = 0; f < 2; f++) {
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
		kernel_at(i)->multiply(&matrix, input, ROWS_MAX, expected);
		for (size_t r = 0; r < ROWS_MAX; r++) {
			kernel_at(i)->multiply(&matrix, input + r * 100, 1,
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

		kernel_best()->multiply(&matrix, input, 1, got);
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
			plain->softmax(a[1], n);
			fast->softmax(b[1], n);
			cr_assert_arr_eq(a[1], b[1], sizeof(a[1]), "n %zu", n);
		}
	}
}

Test(kernels, every_path_blends_to_the_same_bits)
{
	struct numbers numbers = { 6 };
	static float values[40 * 100], a[100], b[101];

	fill(&numbers, values, 40 * 100);
	fill(&numbers, input, 40);
	for (size_t k = 1; kernel_at(k) != NULL; k++) {
		for (size_t width = 1; width <= 100; width++) {
			struct matrix rows = matrix_of_floats(values, 40, 100);

			rows.columns = width;
			memset(a, 0, sizeof(a));
			memset(b, 0, sizeof(b));
			b[width] = 42.0f;
			kernel_at(0)->blend(input, &rows, a);
			kernel_at(k)->blend(input, &rows, b);
			cr_assert_arr_eq(a, b, width * sizeof(float));
			cr_assert_eq(b[width], 42.0f, "written past the end");
		}
	}
}

Test(kernels, every_path_takes_the_same_exponential)
{
	float scalar[8], vector[8];

	/* By softmax of one large and seven others: exp of the difference. */
	for (float x = -95.0f; x < 0; x += 0.37f) {
		for (size_t i = 0; i < 8; i++)
			scalar[i] = vector[i] = i == 0 ? 0 : x + (float)i / 64;
		kernel_at(0)->softmax(scalar, 8);
		kernel_best()->softmax(vector, 8);
		cr_assert_arr_eq(scalar, vector, sizeof(scalar));
	}
}

Test(kernels, a_number_that_is_none_is_not_hidden)
{
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		float x[11] = { 1, 2, NAN, 4 };
		float gate[11] = { 1, NAN, INFINITY, -INFINITY };
		float up[11] = { 1, 1, 1, 1 };

		kernel_at(k)->softmax(x, 11);
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

		kernel_at(k)->softmax(x, 5);
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
		double angle = (double)next(&numbers) / 2048.0 - 500000.0;
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

Test(matrix, every_half_has_its_value)
{
	for (uint32_t half = 0; half < 0x8000; half++) {
		uint32_t exponent = half >> 10;
		double fraction = half & 0x3ff;
		float positive = matrix_half((uint16_t)half);
		float negative = matrix_half((uint16_t)(half | 0x8000));
		double exact;

		if (exponent == 31) {
			cr_assert_not(isfinite(positive));
			continue;
		}
		exact = exponent == 0
				? ldexp(fraction, -24)
				: ldexp(1024 + fraction, (int)exponent - 25);
		cr_assert_eq((double)positive, exact);
		cr_assert_eq((double)negative, -exact);
		cr_assert(signbit(negative));
	}
}

Test(matrix, an_infinity_or_nan_is_found_in_every_format)
{
	struct numbers numbers = { 8 };
	struct matrix matrix =
		random_matrix(&numbers, MATRIX_F32, 3, 32, weights);

	weights[2 * 128 + 31 * 4 + 3] = 0x7f;
	weights[2 * 128 + 31 * 4 + 2] = 0x80;
	cr_assert_not(matrix_is_finite(&matrix));
	matrix = random_matrix(&numbers, MATRIX_F16, 3, 32, weights);
	weights[64 + 1] = 0xfc;
	cr_assert_not(matrix_is_finite(&matrix));
	matrix = random_matrix(&numbers, MATRIX_Q8_0, 3, 32, weights);
	weights[34 + 1] = 0x7e;
	cr_assert_not(matrix_is_finite(&matrix));
}

Test(matrix, rows_have_the_bytes_of_their_format)
{
	size_t bytes = 0;

	cr_assert_eq(matrix_row_bytes(MATRIX_Q8_0, 64, &bytes), ERR_OK);
	cr_assert_eq(bytes, 68);
	cr_assert_eq(matrix_row_bytes(MATRIX_F16, 7, &bytes), ERR_OK);
	cr_assert_eq(bytes, 14);
	cr_assert_eq(matrix_row_bytes(MATRIX_Q8_0, 33, &bytes), ERR_MALFORMED);
	cr_assert_eq(matrix_row_bytes(MATRIX_F32, 0, &bytes), ERR_MALFORMED);
	cr_assert_eq(matrix_row_bytes(MATRIX_F32, 1ull << 62, &bytes),
		     ERR_TOO_LARGE);
	cr_assert_eq(bytes, 14, "an error leaves the output alone");
}
