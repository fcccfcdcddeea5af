/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantizer.h"

#include <math.h>
#include <string.h>

#include "inference/block.h"
#include "inference/half.h"
#include "model/fit.h"
#include "model/groups.h"

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

/* To the nearest, ties to even; the largest floats round to infinity. */
static void encode_bf16(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	uint32_t bits;

	(void)effort;
	memcpy(&bits, block->weights, sizeof(bits));
	bits += 0x7fffu + (bits >> 16 & 1);
	store_half(out, (uint16_t)(bits >> 16));
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

	encode_small(block, (struct fit_range){ -127, 127 }, effort, out,
		     integers);
	for (size_t i = 0; i < BLOCK_SMALL; i++)
		out[2 + i] = (uint8_t)integers[i];
}

static void encode_q4_0(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	int integers[BLOCK_SMALL];

	encode_small(block, (struct fit_range){ -8, 7 }, effort, out, integers);
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

static const struct encoder *encoder_of(enum matrix_format format)
{
	size_t i = 0;

	while (encoders[i].format != format)
		invariant(++i < sizeof(encoders) / sizeof(encoders[0]));
	return &encoders[i];
}

static bool are_finite(const float *weights, size_t count)
{
	bool finite = true;

	for (size_t i = 0; i < count; i++)
		finite = finite && isfinite(weights[i]);
	return finite;
}

enum err quantizer_row(const struct quantizer *quantizer, const float *weights,
		       const float *importance, size_t columns, uint8_t *out)
{
	static const float ones[MATRIX_BLOCK_MAX] = { [0 ... 255] = 1 };
	const struct matrix_form *form = matrix_form_of(quantizer->format);
	const struct encoder *encoder = encoder_of(quantizer->format);
	struct matrix made = { .data = out,
			       .rows = 1,
			       .columns = columns,
			       .format = quantizer->format };

	TRY(matrix_stride(quantizer->format, columns, &made.stride));
	if (!are_finite(weights, columns))
		return ERR_MALFORMED;
	for (size_t i = 0; i < columns; i += form->weights) {
		struct fit_group block = {
			weights + i,
			importance != NULL ? importance + i : ones,
			form->weights,
		};

		encoder->encode(&block, quantizer->effort, out);
		out += form->bytes;
	}
	/* A scale, or a half, that is out of the format's range. */
	return matrix_is_sound(&made) ? ERR_OK : ERR_TOO_LARGE;
}
