/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/product.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference/half.h"
#include "inference/kernel.h"
#include "inference/pack.h"
#include "tests/numbers.h"

#define ROWS_MAX 261
#define COLUMNS_MAX 1100
#define OUTPUTS_MAX 150

/* Integers of all values, and scales that are finite. */
static void fill_block(enum panel_format format, struct numbers *numbers,
		       uint8_t *block)
{
	const struct panel_form *form = &panel_forms[format];
	bool is_wide = form->group == 256 && form->part == 0;
	size_t scales_end = form->part != 0 ? form->parts : form->bytes;

	for (size_t i = 0; i < form->bytes; i++)
		block[i] = (uint8_t)numbers_next(numbers);
	if (form->part == 32)
		for (size_t i = form->parts; i < form->bytes; i++)
			block[i] &= PANEL_PART_MAX;
	for (size_t i = form->scales; i < scales_end; i += is_wide ? 4 : 2) {
		float value = numbers_float(numbers) / 64;
		uint16_t half = half_of(value);

		if (is_wide)
			memcpy(block + i, &value, sizeof(value));
		else
			memcpy(block + i, &half, sizeof(half));
	}
}

struct subject {
	enum panel_format format;
	size_t outputs, columns, rows;
	uint8_t *panels;
	struct activation x;
	float *values; /* [rows][columns] */
};

static uint8_t memory[1 << 21] __attribute__((aligned(64)));

static void open_rows(struct activation *x, size_t rows, size_t columns,
		      struct arena *arena)
{
	const struct activation_shape shape = { rows, columns,
						ACTIVATION_BF16 };

	cr_assert_eq(activation_open(x, &shape, arena), ERR_OK);
}

static void prepare(struct subject *subject, struct numbers *numbers)
{
	struct arena arena = { .base = memory, .size = sizeof(memory) };
	size_t bytes;

	memset(memory, 0, sizeof(memory));
	cr_assert_eq(matrix_bytes((enum matrix_format)(MATRIX_PANELS +
						       subject->format),
				  subject->outputs, subject->columns, &bytes),
		     ERR_OK);
	subject->panels = aligned_alloc(64, bytes);
	for (size_t at = 0; at < bytes;
	     at += panel_forms[subject->format].bytes)
		fill_block(subject->format, numbers, subject->panels + at);
	subject->values =
		malloc(subject->rows * subject->columns * sizeof(float));
	open_rows(&subject->x, subject->rows, subject->columns, &arena);
	for (size_t r = 0; r < subject->rows; r++) {
		float *x = subject->values + r * subject->columns;

		for (size_t c = 0; c < subject->columns; c++)
			x[c] = numbers_float(numbers);
		activation_set(&subject->x, r, x, subject->columns);
	}
}

static void release(struct subject *subject)
{
	free(subject->panels);
	free(subject->values);
}

static struct product product_of(const struct subject *subject, float *out)
{
	return (struct product){ subject->format,  subject->panels,
				 subject->outputs, &subject->x,
				 subject->rows,	   out,
				 subject->outputs };
}

static float expected[ROWS_MAX * OUTPUTS_MAX];
static float got[ROWS_MAX * OUTPUTS_MAX + 1];

typedef void compute(const struct product *product);

static void compare(const struct kernel *kernel, const struct subject *subject,
		    compute *plain, compute *path)
{
	struct product product = product_of(subject, expected);
	size_t count = subject->rows * subject->outputs;

	plain(&product);
	product.out = got;
	got[count] = 42.0f;
	path(&product);
	for (size_t i = 0; i < count; i++)
		cr_assert(memcmp(&got[i], &expected[i], sizeof(float)) == 0,
			  "%s %s: %zu x %zu, %zu rows: %zu is %a and not %a",
			  kernel->name, panel_forms[subject->format].name,
			  subject->outputs, subject->columns, subject->rows, i,
			  (double)got[i], (double)expected[i]);
	cr_assert_eq(got[count], 42.0f, "written past the end");
}

static void compare_all(const struct subject *shape, struct numbers *numbers)
{
	struct subject subject = *shape;

	prepare(&subject, numbers);
	for (size_t k = 1; kernel_at(k) != NULL; k++) {
		const struct kernel *kernel = kernel_at(k);

		compare(kernel, &subject, product_scalar, kernel->product);
		if (product_takes_bf16(subject.format))
			compare(kernel, &subject, product_scalar_bf16,
				kernel->product_bf16);
	}
	release(&subject);
}

Test(product, every_path_gives_the_same_bits_in_every_format)
{
	static const size_t columns[] = { 256, 32, 1024, 300, 257, 64 };
	static const size_t outputs[] = { 16, 64, 150, 1, 17, 80 };
	static const size_t rows[] = { 1, 2, 3, 4, 7, 16, 37 };
	struct numbers numbers = { 1 };

	for (int f = 0; f < PANEL_FORMATS; f++)
		for (size_t i = 0; i < 6; i++)
			for (size_t r = 0; r < 7; r++)
				compare_all(
					&(struct subject){
						.format = (enum panel_format)f,
						.outputs = outputs[i],
						.columns = columns[i],
						.rows = rows[r] },
					&numbers);
}

Test(product, rows_beyond_what_is_multiplied_at_once_are_multiplied_alike)
{
	static const enum panel_format formats[] = { PANEL_Q8, PANEL_Q4,
						     PANEL_Q4_K, PANEL_C8 };
	struct numbers numbers = { 7 };

	for (size_t f = 0; f < 4; f++)
		for (size_t rows = 130; rows <= ROWS_MAX; rows += 131)
			compare_all(&(struct subject){ .format = formats[f],
						       .outputs = 150,
						       .columns = 300,
						       .rows = rows },
				    &numbers);
}

/* An activation as the products take it. */
static double decoded_activation(const struct activation *x, size_t r, size_t c,
				 enum activation_form form)
{
	if (form == ACTIVATION_BF16)
		return (double)half_value_brain(x->bf16[r * x->stride + c]);
	return (double)x->sums[r * x->blocks + c / PANEL_COLUMNS].scale *
	       x->values[r * x->stride + c];
}

/* What the definition says, with weights and activations decoded. */
static double decoded_product(const struct subject *subject,
			      enum activation_form form, size_t r,
			      size_t output, double *size)
{
	struct matrix matrix = { .data = subject->panels,
				 .rows = subject->outputs,
				 .columns = subject->columns,
				 .format = (enum matrix_format)(
					 MATRIX_PANELS + subject->format) };
	float row[COLUMNS_MAX];
	double sum = 0;

	cr_assert_eq(
		matrix_stride(matrix.format, matrix.columns, &matrix.stride),
		ERR_OK);
	matrix_decode(&matrix, output, 0, subject->columns, row);
	*size = 0;
	for (size_t c = 0; c < subject->columns; c++) {
		double x = decoded_activation(&subject->x, r, c, form);
		double w = form == ACTIVATION_BF16
				   ? (double)half_value_brain(
					     half_of_brain(row[c]))
				   : (double)row[c];

		sum += x * w;
		*size += fabs(x * w);
	}
	return sum;
}

static void expect_right(const struct subject *subject,
			 enum activation_form form)
{
	struct product product = product_of(subject, got);
	double size;

	if (form == ACTIVATION_BF16)
		kernel_best()->product_bf16(&product);
	else
		kernel_best()->product(&product);
	for (size_t o = 0; o < subject->outputs; o++) {
		double right = decoded_product(subject, form, 1, o, &size);

		cr_assert_lt(fabs((double)got[subject->outputs + o] - right),
			     1e-5 * size, "%s",
			     panel_forms[subject->format].name);
	}
}

Test(product, products_are_right_in_every_format)
{
	struct numbers numbers = { 2 };

	for (int f = 0; f < PANEL_FORMATS; f++) {
		struct subject subject = { .format = (enum panel_format)f,
					   .outputs = 20,
					   .columns = 600,
					   .rows = 2 };

		prepare(&subject, &numbers);
		expect_right(&subject, ACTIVATION_INTEGERS);
		if (product_takes_bf16(subject.format))
			expect_right(&subject, ACTIVATION_BF16);
		release(&subject);
	}
}

/*
 * Thirty-two products: 2^24 in an even place, 1 in all others.  To 2^24 no 1
 * can be added, so that those in even places are lost and the sixteen in odd
 * places, which are added up by themselves, are not.
 */
Test(product, even_and_odd_columns_of_bf16_are_added_apart)
{
	struct arena arena = { .base = memory, .size = sizeof(memory) };
	struct block weights = { .group = 32, .part = 32 };
	static uint8_t block[4352] __attribute__((aligned(64)));
	struct activation x;
	float row[32];

	memset(memory, 0, sizeof(memory));
	for (size_t c = 0; c < 32; c++) {
		weights.values[c] = 1;
		row[c] = c == 0 ? 0x1p24f : 1.0f;
	}
	for (size_t p = 0; p < BLOCK_LARGE / 16; p++)
		weights.part_scales[p] = 1;
	for (size_t g = 0; g < BLOCK_LARGE / 32; g++)
		weights.scales[g] = 1;
	panel_write(PANEL_Q8, &weights, 0, block);
	open_rows(&x, 1, 32, &arena);
	activation_set(&x, 0, row, 32);
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		float out = 0;

		kernel_at(k)->product_bf16(&(struct product){
			PANEL_Q8, block, 1, &x, 1, &out, 1 });
		cr_assert_eq(out, 0x1p24f + 16, "%s", kernel_at(k)->name);
	}
}

Test(activation, every_path_rounds_to_the_same_bits)
{
	struct numbers numbers = { 3 };
	struct arena arena = { .base = memory, .size = sizeof(memory) };
	struct activation a, b;
	float x[COLUMNS_MAX];

	memset(memory, 0, sizeof(memory));
	open_rows(&a, 1, COLUMNS_MAX, &arena);
	open_rows(&b, 1, COLUMNS_MAX, &arena);
	for (size_t columns = 1; columns <= COLUMNS_MAX; columns += 7) {
		for (size_t c = 0; c < columns; c++)
			x[c] = numbers_float(&numbers) *
			       (numbers_next(&numbers) % 3 == 0 ? 1e-3f : 1.0f);
		activation_set(&a, 0, x, columns);
		for (size_t k = 1; kernel_at(k) != NULL; k++) {
			kernel_at(k)->set_row(&b, 0, x, columns);
			cr_assert_arr_eq(a.values, b.values, columns);
			cr_assert_arr_eq(a.bf16, b.bf16,
					 a.blocks * PANEL_COLUMNS *
						 sizeof(*a.bf16));
			for (size_t i = 0; i * PANEL_COLUMNS < columns; i++)
				cr_assert_arr_eq(&a.sums[i], &b.sums[i],
						 sizeof(a.sums[i]));
		}
	}
}

Test(activation, a_value_is_off_by_half_a_step_at_most)
{
	struct numbers numbers = { 4 };
	struct arena arena = { .base = memory, .size = sizeof(memory) };
	struct activation a;
	float x[PANEL_COLUMNS];

	memset(memory, 0, sizeof(memory));
	open_rows(&a, 1, PANEL_COLUMNS, &arena);
	for (size_t c = 0; c < PANEL_COLUMNS; c++)
		x[c] = numbers_float(&numbers);
	kernel_best()->set_row(&a, 0, x, PANEL_COLUMNS);
	for (size_t c = 0; c < PANEL_COLUMNS; c++)
		cr_assert_float_eq((double)(a.sums[0].scale * a.values[c]),
				   (double)x[c],
				   0.5001 * (double)a.sums[0].scale);
}

Test(activation, numbers_that_are_none_make_products_that_are_none)
{
	static const float none[] = { NAN, INFINITY, -INFINITY };
	struct arena arena = { .base = memory, .size = sizeof(memory) };
	struct activation a;
	float x[300] = { 0 };

	memset(memory, 0, sizeof(memory));
	open_rows(&a, 1, 300, &arena);
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		for (size_t i = 0; i < 3; i++) {
			x[270] = none[i];
			kernel_at(k)->set_row(&a, 0, x, 300);
			cr_assert_eq(a.sums[0].scale, 0.0f);
			cr_assert(isnan(a.sums[1].scale));
			cr_assert_not(isfinite(half_value_brain(a.bf16[270])));
		}
	}
}

Test(panel, what_is_packed_reads_back_as_it_was)
{
	static const enum matrix_format from[] = { MATRIX_Q8_0, MATRIX_Q4_0,
						   MATRIX_Q2_K, MATRIX_Q4_K,
						   MATRIX_Q5_K, MATRIX_Q6_K };
	struct numbers numbers = { 5 };
	static uint8_t rows[20 * 512 * 2];
	static float a[512], b[512];

	for (size_t f = 0; f < 6; f++) {
		struct matrix matrix = { .data = rows,
					 .rows = 19,
					 .columns = 512,
					 .format = from[f] };
		struct matrix packed;

		for (size_t i = 0; i < sizeof(rows); i++)
			rows[i] = (uint8_t)(numbers_next(&numbers) & 0xbf);
		cr_assert_eq(matrix_stride(from[f], 512, &matrix.stride),
			     ERR_OK);
		matrix_pack(&matrix, memory, &packed);
		cr_assert(matrix_is_sound(&packed));
		for (size_t r = 0; r < matrix.rows; r++) {
			matrix_decode(&matrix, r, 0, 512, a);
			matrix_decode(&packed, r, 0, 512, b);
			cr_assert_arr_eq(a, b, sizeof(a), "%s",
					 matrix_form_of(from[f])->name);
		}
	}
}

Test(panel, the_quick_way_packs_to_the_bytes_of_the_plain_one)
{
	static const enum matrix_format from[] = { MATRIX_Q8_0, MATRIX_Q4_0,
						   MATRIX_Q4_K };
	static const size_t columns[] = { 256, 96 };
	struct numbers numbers = { 6 };
	uint8_t row[512], quick[4352], plain[4352];
	enum panel_format to;

	for (size_t f = 0; f < 5; f++) {
		struct matrix matrix = { .data = row,
					 .rows = 1,
					 .columns = columns[f / 3],
					 .format = from[f % 3] };
		struct block block;

		for (size_t i = 0; i < sizeof(row); i++)
			row[i] = (uint8_t)(numbers_next(&numbers) & 0xbf);
		memset(quick, 0, sizeof(quick));
		memset(plain, 0, sizeof(plain));
		cr_assert_eq(matrix_panels_for(matrix.format, &to), ERR_OK);
		matrix_read(&matrix, 0, 0, &block);
		panel_write(to, &block, f, plain);
		cr_assert(pack_block(matrix.format, row, matrix.columns, f,
				     quick));
		cr_assert_arr_eq(quick, plain, sizeof(plain), "%s, %zu columns",
				 matrix_form_of(matrix.format)->name,
				 matrix.columns);
	}
}

/* Every number that a scale may be is looked at, and nothing else. */
Test(panel, what_makes_a_weight_infinite_or_a_scale_too_large_is_found)
{
	uint16_t infinity = 0x7c00, wide = 0x7f80;

	for (int f = 0; f < PANEL_FORMATS; f++) {
		enum panel_format format = (enum panel_format)f;
		const struct panel_form *form = &panel_forms[f];
		bool is_wide = form->group == 256 && form->part == 0;
		uint8_t block[4352] = { 0 };
		size_t bad = 0;

		cr_assert(panel_is_sound(format, block));
		for (size_t i = 0; i < form->bytes; i += 2) {
			memset(block, 0, sizeof(block));
			memcpy(block + i, is_wide ? &wide : &infinity,
			       sizeof(infinity));
			bad += !panel_is_sound(format, block);
		}
		/* Integer scales of 6 bits are too large as well. */
		cr_assert_eq(bad,
			     16 * (256 / form->group + form->has_minimum) +
				     (form->part == 32 ? 128 : 0),
			     "%s", form->name);
	}
}
