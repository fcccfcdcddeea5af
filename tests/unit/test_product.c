/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/product.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference/half.h"
#include "inference/product_amx.h"
#include "inference/product_avx2.h"
#include "inference/product_avx512.h"

#define ROWS_MAX 37
#define COLUMNS_MAX 1100
#define OUTPUTS_MAX 150

/* The ways to compute a product, the plain one first. */
static const struct way {
	const char *name;
	bool (*is_there)(void);
	void (*compute)(const struct product *product);
} ways[] = {
	{ "avx2", product_avx2_is_there, product_avx2 },
	{ "avx512", product_avx512_is_there, product_avx512 },
	{ "amx", product_amx_is_there, product_amx },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* The same in every run. */
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

/* Integers of all values, and scales that are finite. */
static void fill_block(enum panel_format format, struct numbers *numbers,
		       uint8_t *block)
{
	const struct panel_form *form = &panel_forms[format];
	bool is_wide = form->group == 256 && form->part == 0;
	size_t scales_end = form->part != 0 ? form->parts : form->bytes;

	for (size_t i = 0; i < form->bytes; i++)
		block[i] = (uint8_t)next(numbers);
	if (form->part == 32)
		for (size_t i = form->parts; i < form->bytes; i++)
			block[i] &= PANEL_PART_MAX;
	for (size_t i = form->scales; i < scales_end; i += is_wide ? 4 : 2) {
		float value = next_float(numbers) / 64;
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

static uint8_t memory[1 << 20] __attribute__((aligned(64)));

static void prepare(struct subject *subject, struct numbers *numbers)
{
	struct arena arena = { .base = memory, .size = sizeof(memory) };
	size_t bytes;

	memset(memory, 0, sizeof(memory));
	cr_assert_eq(panel_bytes(subject->format, subject->outputs,
				 subject->columns, &bytes),
		     ERR_OK);
	subject->panels = aligned_alloc(64, bytes);
	for (size_t at = 0; at < bytes;
	     at += panel_forms[subject->format].bytes)
		fill_block(subject->format, numbers, subject->panels + at);
	subject->values =
		malloc(subject->rows * subject->columns * sizeof(float));
	cr_assert_eq(activation_open(&subject->x, subject->rows,
				     subject->columns, &arena),
		     ERR_OK);
	for (size_t r = 0; r < subject->rows; r++) {
		float *x = subject->values + r * subject->columns;

		for (size_t c = 0; c < subject->columns; c++)
			x[c] = next_float(numbers);
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

static void compare(const struct way *way, const struct subject *subject)
{
	struct product product = product_of(subject, expected);
	size_t count = subject->rows * subject->outputs;

	product_scalar(&product);
	product.out = got;
	got[count] = 42.0f;
	way->compute(&product);
	for (size_t i = 0; i < count; i++)
		cr_assert(memcmp(&got[i], &expected[i], sizeof(float)) == 0,
			  "%s %s: %zu x %zu, %zu rows: %zu is %a and not %a",
			  way->name, panel_forms[subject->format].name,
			  subject->outputs, subject->columns, subject->rows, i,
			  (double)got[i], (double)expected[i]);
	cr_assert_eq(got[count], 42.0f, "written past the end");
}

static void compare_all(const struct subject *shape, struct numbers *numbers)
{
	struct subject subject = *shape;

	prepare(&subject, numbers);
	for (size_t w = 0; w < WAYS; w++)
		if (ways[w].is_there())
			compare(&ways[w], &subject);
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
