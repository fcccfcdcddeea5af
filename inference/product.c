/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/product.h"

#include <math.h>

#include "inference/half.h"

/* Which block of a row of activations. */
struct place {
	const int8_t *values;
	const struct activation_block *sums;
};

static struct place place_of(const struct product *product, size_t row,
			     size_t block)
{
	const struct activation *x = product->x;

	return (struct place){
		x->values + row * x->stride + block * PANEL_COLUMNS,
		x->sums + row * x->blocks + block,
	};
}

/* Columns from `first` on, as many as a part has: weights times values. */
static int32_t sum_part(const struct block *row, const int8_t *values,
			size_t first, size_t count)
{
	int32_t sum = 0;

	for (size_t c = first; c < first + count; c++)
		sum += (int32_t)row->values[c] * values[c];
	return sum;
}

static int32_t sum_group(const struct panel_form *form, const struct block *row,
			 const int8_t *values, size_t first)
{
	size_t part = form->part;
	int32_t sum = 0;

	if (part == 0)
		return sum_part(row, values, first, form->group);
	for (size_t c = first; c < first + form->group; c += part)
		sum += row->part_scales[c / part] *
		       sum_part(row, values, c, part);
	return sum;
}

static int32_t sum_minima(const struct panel_form *form,
			  const struct block *row, const int8_t *values)
{
	int32_t sum = 0;

	for (size_t c = 0; c < PANEL_COLUMNS; c++)
		sum += (int32_t)row->part_minima[c / form->part] * values[c];
	return sum;
}

static float add_block(const struct panel_form *form, const struct block *row,
		       struct place x, float result)
{
	float part = 0.0f;

	for (size_t c = 0; c < PANEL_COLUMNS; c += form->group)
		part = fmaf((float)sum_group(form, row, x.values, c),
			    row->scales[c / form->group], part);
	if (form->has_minimum)
		part = fmaf((float)sum_minima(form, row, x.values),
			    -row->minimum, part);
	return fmaf(part, x.sums->scale, result);
}

/* One output for all rows: its weights are read once a block. */
static void compute_output(const struct product *product, size_t output)
{
	const struct panel_form *form = &panel_forms[product->format];
	size_t blocks = product->x->blocks;
	const uint8_t *block =
		product->panels + output / PANEL_ROWS * blocks * form->bytes;
	struct block row;

	for (size_t r = 0; r < product->rows; r++)
		product->out[r * product->stride + output] = 0.0f;
	for (size_t b = 0; b < blocks; b++) {
		panel_read(product->format, block, output % PANEL_ROWS, &row);
		for (size_t r = 0; r < product->rows; r++) {
			float *out =
				&product->out[r * product->stride + output];

			*out = add_block(form, &row, place_of(product, r, b),
					 *out);
		}
		block += form->bytes;
	}
}

/* The weights of a block's row, as bf16 has them. */
static void read_bf16(enum panel_format format, const uint8_t *block,
		      size_t row, float out[PANEL_COLUMNS])
{
	struct block numbers;

	panel_read(format, block, row, &numbers);
	block_decode(&numbers, PANEL_COLUMNS, out);
	for (size_t c = 0; c < PANEL_COLUMNS; c++)
		out[c] = half_value_brain(half_of_brain(out[c]));
}

static float add_block_bf16(const float *weights, const uint16_t *x,
			    float result)
{
	for (size_t g = 0; g < PANEL_COLUMNS; g += 32) {
		float even = 0.0f, odd = 0.0f;

		for (size_t c = g; c < g + 32; c += 2) {
			even = fmaf(weights[c], half_value_brain(x[c]), even);
			odd = fmaf(weights[c + 1], half_value_brain(x[c + 1]),
				   odd);
		}
		result += even + odd;
	}
	return result;
}

static void compute_output_bf16(const struct product *product, size_t output)
{
	const struct panel_form *form = &panel_forms[product->format];
	const struct activation *x = product->x;
	const uint8_t *block =
		product->panels + output / PANEL_ROWS * x->blocks * form->bytes;
	float weights[PANEL_COLUMNS];

	for (size_t r = 0; r < product->rows; r++)
		product->out[r * product->stride + output] = 0.0f;
	for (size_t b = 0; b < x->blocks; b++) {
		read_bf16(product->format, block, output % PANEL_ROWS, weights);
		for (size_t r = 0; r < product->rows; r++) {
			float *out =
				&product->out[r * product->stride + output];

			*out = add_block_bf16(weights,
					      x->bf16 + r * x->stride +
						      b * PANEL_COLUMNS,
					      *out);
		}
		block += form->bytes;
	}
}

void product_scalar_bf16(const struct product *product)
{
	for (size_t o = 0; o < product->outputs; o++)
		compute_output_bf16(product, o);
}

void product_scalar(const struct product *product)
{
	for (size_t o = 0; o < product->outputs; o++)
		compute_output(product, o);
}
