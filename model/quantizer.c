/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantizer.h"

#include <math.h>
#include <string.h>

#include "inference/block.h"
#include "inference/half.h"
#include "model/fit.h"
#include "model/groups.h"

#define SCALE_MIN 1e-37f /* below which an inverse is none */

static void encode_f32(const struct fit_group *block,
		       enum quantizer_effort effort, uint8_t *out)
{
	(void)effort;
	memcpy(out, block->weights, sizeof(float));
}

static void store_half(uint8_t *out, uint16_t half)
{
	memcpy(out, &half, sizeof(half));
}

static void encode_f16(const struct fit_group *block,
		       enum quantizer_effort effort, uint8_t *out)
{
	(void)effort;
	store_half(out, half_of(block->weights[0]));
}

static void encode_bf16(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	(void)effort;
	store_half(out, half_of_brain(block->weights[0]));
}

/* Integers under one scale: fitted, stored as a half at the block's start. */
static void encode_small(const struct fit_group *block, struct fit_range range,
			 enum quantizer_effort effort, uint8_t *out,
			 int integers[static BLOCK_SMALL])
{
	uint16_t half = half_of(fit_scale(block, range, effort));
	float scale = half_value(half), inverse;

	store_half(out, half);
	inverse = scale != 0 ? 1 / scale : 0;
	for (size_t i = 0; i < BLOCK_SMALL; i++)
		integers[i] = fit_round(block->weights[i] * inverse, range);
}

static void encode_q8_0(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	int integers[BLOCK_SMALL];

	encode_small(block, (struct fit_range){ -127, 127, 1 }, effort, out,
		     integers);
	for (size_t i = 0; i < BLOCK_SMALL; i++)
		out[2 + i] = (uint8_t)integers[i];
}

static void encode_q4_0(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	int integers[BLOCK_SMALL];

	encode_small(block, (struct fit_range){ -8, 7, 1 }, effort, out,
		     integers);
	for (size_t i = 0; i < BLOCK_SMALL / 2; i++) {
		out[2 + i] =
			(uint8_t)((integers[i] + 8) |
				  (integers[BLOCK_SMALL / 2 + i] + 8) << 4);
	}
}

static const struct encoder {
	enum matrix_format format;
	void (*encode)(const struct fit_group *block,
		       enum quantizer_effort effort, uint8_t *out);
} encoders[] = {
	{ MATRIX_F32, encode_f32 },
	{ MATRIX_F16, encode_f16 },
	{ MATRIX_BF16, encode_bf16 },
	{ MATRIX_Q8_0, encode_q8_0 },
	{ MATRIX_Q4_0, encode_q4_0 },
	{ MATRIX_Q2_K, groups_encode_q2_k },
	{ MATRIX_Q4_K, groups_encode_q4_k },
	{ MATRIX_Q5_K, groups_encode_q5_k },
	{ MATRIX_Q6_K, groups_encode_q6_k },
};

/* NULL where there is none, which is so for our own panels. */
static const struct encoder *find_encoder(enum matrix_format format)
{
	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++)
		if (encoders[i].format == format)
			return &encoders[i];
	return NULL;
}

/* Of the format whose numbers these panels hold; NULL for our own. */
static const struct encoder *find_origin(enum panel_format panels)
{
	enum panel_format theirs;

	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++) {
		if (matrix_panels_for(encoders[i].format, &theirs) == ERR_OK &&
		    theirs == panels)
			return &encoders[i];
	}
	return NULL;
}

static bool are_finite(const float *weights, size_t count)
{
	bool finite = true;

	for (size_t i = 0; i < count; i++)
		finite = finite && isfinite(weights[i]);
	return finite;
}

static const float ones[MATRIX_BLOCK_MAX] = { [0 ... 255] = 1 };

static void encode_row(const struct quantizer *quantizer,
		       const struct quantizer_rows *rows, uint8_t *out)
{
	const struct matrix_form *form = matrix_form_of(quantizer->format);
	const struct encoder *encoder = find_encoder(quantizer->format);

	invariant(encoder != NULL && rows->count == 1);
	for (size_t c = 0; c < rows->columns; c += form->weights) {
		struct fit_group block = {
			rows->weights + c,
			rows->importance != NULL ? rows->importance + c : ones,
			form->weights,
		};

		encoder->encode(&block, quantizer->effort, out);
		out += form->bytes;
	}
}

/* Up to 256 weights; where a row ends before, zeros that do not count. */
struct filled {
	float weights[BLOCK_LARGE];
	float importance[BLOCK_LARGE];
};

static void fill(const struct quantizer_rows *rows, size_t row, size_t first,
		 struct filled *out)
{
	size_t left = rows->columns - first;
	size_t count = left < BLOCK_LARGE ? left : BLOCK_LARGE;
	const float *importance =
		rows->importance != NULL ? rows->importance + first : ones;

	memset(out, 0, sizeof(*out));
	memcpy(out->weights, rows->weights + row * rows->columns + first,
	       count * sizeof(float));
	memcpy(out->importance, importance, count * sizeof(float));
}

/* Through the format that the panels come from. */
static enum err encode_foreign(const struct encoder *origin,
			       const struct fit_group *block,
			       enum quantizer_effort effort, struct block *out)
{
	const struct matrix_form *form = matrix_form_of(origin->format);
	uint8_t bytes[BLOCK_LARGE / BLOCK_SMALL * BLOCK_Q8_0_BYTES];
	struct matrix encoded = { .data = bytes,
				  .rows = 1,
				  .columns = BLOCK_LARGE,
				  .format = origin->format };
	uint8_t *to = bytes;

	for (size_t c = 0; c < BLOCK_LARGE; c += form->weights) {
		struct fit_group part = { block->weights + c,
					  block->importance + c,
					  form->weights };

		invariant(to + form->bytes <= bytes + sizeof(bytes));
		origin->encode(&part, effort, to);
		to += form->bytes;
	}
	if (!matrix_is_sound(&encoded))
		return ERR_TOO_LARGE;
	matrix_read(&encoded, 0, 0, out);
	return ERR_OK;
}

/* Our own: integers under one float for all the columns. */
static void encode_coarse(enum panel_format format,
			  const struct fit_group *block,
			  enum quantizer_effort effort, struct block *out)
{
	const struct panel_form *form = &panel_forms[format];
	const struct fit_range range = {
		-form->zero,
		form->factor * ((1 << form->bits) - 1) - form->zero,
		form->factor,
	};
	float scale = fit_scale(block, range, effort);
	float inverse = fabsf(scale) > SCALE_MIN ? 1 / scale : 0;

	*out = (struct block){ .group = form->group, .scales = { scale } };
	for (size_t i = 0; i < BLOCK_LARGE; i++)
		out->values[i] =
			(int16_t)fit_round(block->weights[i] * inverse, range);
}

/* The share of a row in 256 columns of a panel. */
static enum err encode_share(const struct quantizer *quantizer,
			     const struct filled *filled, struct block *out)
{
	enum panel_format format = matrix_panels_of(quantizer->format);
	const struct encoder *origin = find_origin(format);
	const struct fit_group block = { filled->weights, filled->importance,
					 BLOCK_LARGE };

	if (origin != NULL)
		return encode_foreign(origin, &block, quantizer->effort, out);
	encode_coarse(format, &block, quantizer->effort, out);
	return ERR_OK;
}

/* 256 columns of a panel, from `first` on. */
static enum err encode_columns(const struct quantizer *quantizer,
			       const struct quantizer_rows *rows, size_t first,
			       uint8_t *out)
{
	enum panel_format format = matrix_panels_of(quantizer->format);
	struct filled filled;
	struct block block;

	memset(out, 0, panel_forms[format].bytes);
	for (size_t row = 0; row < rows->count; row++) {
		fill(rows, row, first, &filled);
		TRY(encode_share(quantizer, &filled, &block));
		panel_write(format, &block, row, out);
	}
	return ERR_OK;
}

static enum err encode_panel(const struct quantizer *quantizer,
			     const struct quantizer_rows *rows, uint8_t *out)
{
	size_t bytes = matrix_form_of(quantizer->format)->bytes;

	for (size_t c = 0; c < rows->columns; c += PANEL_COLUMNS) {
		TRY(encode_columns(quantizer, rows, c, out));
		out += bytes;
	}
	return ERR_OK;
}

enum err quantizer_line(const struct quantizer *quantizer,
			const struct quantizer_rows *rows, uint8_t *out)
{
	struct matrix made = { .data = out,
			       .rows = rows->count,
			       .columns = rows->columns,
			       .format = quantizer->format };

	invariant(rows->count <= matrix_form_of(made.format)->rows);
	TRY(matrix_stride(made.format, made.columns, &made.stride));
	if (!are_finite(rows->weights, rows->count * rows->columns))
		return ERR_MALFORMED;
	if (matrix_is_panels(made.format))
		TRY(encode_panel(quantizer, rows, out));
	else
		encode_row(quantizer, rows, out);
	/* A scale, or a half, that is out of the format's range. */
	return matrix_is_sound(&made) ? ERR_OK : ERR_TOO_LARGE;
}
