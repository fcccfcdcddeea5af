/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/matrix.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "inference/block.h"
#include "inference/half.h"
#include "tests/unit/golden_file.h"
#include "tests/unit/model_files.h"

#define BLOCK_BYTES_MAX 210
#define GOLDEN_BLOCKS 3

static float weights[MATRIX_BLOCK_MAX * GOLDEN_BLOCKS];

/* All weights of one block. */
static void decode(enum matrix_format format, const uint8_t *block)
{
	struct matrix matrix = { .data = block,
				 .rows = 1,
				 .columns = matrix_form_of(format)->weights,
				 .format = format };

	matrix_decode(&matrix, 0, 0, matrix.columns, weights);
}

/* By hand: 1.0 is the half 0x3c00, 0.5 is 0x3800, 2.0 is 0x4000. */

Test(block, four_bits_under_one_scale)
{
	uint8_t block[BLOCK_Q4_0_BYTES] = { 0x00, 0x38, 0xf0, 0x18 };

	decode(MATRIX_Q4_0, block);
	cr_assert_eq(weights[0], -4);	 /* 0.5 (0 - 8) */
	cr_assert_eq(weights[16], 3.5f); /* 0.5 (15 - 8) */
	cr_assert_eq(weights[1], 0);
	cr_assert_eq(weights[17], -3.5f);
	cr_assert_eq(weights[2], -4);
}

Test(block, bytes_under_one_scale)
{
	uint8_t block[BLOCK_Q8_0_BYTES] = { 0x00, 0x40, 0x7f, 0x80 };

	decode(MATRIX_Q8_0, block);
	cr_assert_eq(weights[0], 254);
	cr_assert_eq(weights[1], -256);
	cr_assert_eq(weights[31], 0);
}

Test(block, two_bits_with_scales_and_offsets)
{
	uint8_t block[BLOCK_Q2_K_BYTES] = { 0 };

	block[0] = 0x23;       /* weights 0 to 15: s 3, m 2 */
	block[2] = 0x05;       /* 32 to 47: s 5 */
	block[15] = 0x1f;      /* 240 to 255: s 15, m 1 */
	block[16] = 0x0e;      /* w[0]: 2, w[32]: 3 */
	block[16 + 63] = 0xc0; /* w[255]: 3 */
	block[81] = 0x3c;      /* d = 1 */
	block[83] = 0x38;      /* e = 0.5 */
	decode(MATRIX_Q2_K, block);
	cr_assert_eq(weights[0], 3 * 2 - 1);
	cr_assert_eq(weights[1], -1);
	cr_assert_eq(weights[16], 0);
	cr_assert_eq(weights[32], 5 * 3);
	cr_assert_eq(weights[254], -0.5f);
	cr_assert_eq(weights[255], 15 * 3 - 0.5f);
}

Test(block, small_scales_of_six_bits)
{
	const uint8_t packed[12] = { 0x7f, 0x80, 0,    0xc1, 0xff, 0,
				     0,	   0x42, 0xa5, 0,    0,	   0xf0 };
	static const uint8_t scales[] = { 63, 0, 0, 1, 21, 32, 0, 48 };
	static const uint8_t offsets[] = { 63, 0, 0, 2, 58, 0, 0, 31 };

	for (unsigned i = 0; i < BLOCK_GROUPS; i++) {
		cr_assert_eq(block_group_of(packed, i).scale, scales[i]);
		cr_assert_eq(block_group_of(packed, i).offset, offsets[i]);
	}
}

Test(block, four_bits_with_scales_and_offsets)
{
	uint8_t block[BLOCK_Q4_K_BYTES] = { 0 };

	block[1] = 0x3c;	/* d = 1 */
	block[3] = 0x40;	/* e = 2 */
	block[4] = 3;		/* weights 0 to 31: s 3 */
	block[4 + 4] = 7;	/* m 7 */
	block[4 + 1] = 10;	/* 32 to 63: s 10 */
	block[4 + 11] = 0x12;	/* 224 to 255: s 2, m 1 */
	block[16] = 0xf4;	/* w[0]: 4, w[32]: 15 */
	block[16 + 127] = 0x90; /* w[255]: 9 */
	decode(MATRIX_Q4_K, block);
	cr_assert_eq(weights[0], 3 * 4 - 2 * 7);
	cr_assert_eq(weights[1], -14);
	cr_assert_eq(weights[32], 150);
	cr_assert_eq(weights[255], 2 * 9 - 2);
	cr_assert_eq(weights[223], 0);
}

Test(block, a_fifth_bit_on_top)
{
	uint8_t block[BLOCK_Q5_K_BYTES] = { 0 };

	block[1] = 0x3c;	/* d = 1 */
	block[4] = 1;		/* weights 0 to 31: s 1 */
	block[4 + 11] = 0x02;	/* 224 to 255: s 2 */
	block[16] = 0x01;	/* w[0] has its top bit */
	block[16 + 31] = 0x80;	/* w[255] as well */
	block[48] = 0x04;	/* w[0]: 4 + 16 */
	block[48 + 127] = 0x90; /* w[255]: 9 + 16 */
	decode(MATRIX_Q5_K, block);
	cr_assert_eq(weights[0], 20);
	cr_assert_eq(weights[1], 0);
	cr_assert_eq(weights[255], 50);
}

Test(block, six_bits_with_signed_scales)
{
	uint8_t block[BLOCK_Q6_K_BYTES] = { 0 };

	memset(block + 128, 0xaa, 64); /* all top bits 2: q >= 32 */
	memset(block + 192, 1, 16);
	block[192] = 0x80;     /* weights 0 to 15: s -128 */
	block[0] = 0x51;       /* w[0]: 33, w[64]: 37 */
	block[32] = 0x02;      /* w[32]: 34 */
	block[127] = 0xf0;     /* w[255]: 47 */
	block[128 + 1] = 0xa8; /* w[1]: 0 */
	block[209] = 0x38;     /* d = 0.5 */
	decode(MATRIX_Q6_K, block);
	cr_assert_eq(weights[0], -64);
	cr_assert_eq(weights[1], 0.5f * 128 * 32);
	cr_assert_eq(weights[32], 1);
	cr_assert_eq(weights[64], 2.5f);
	cr_assert_eq(weights[255], 7.5f);
}

/* "q4_k.blocks" for Q4_K, of tests/reference/blocks.golden. */
static size_t read_golden(struct bytes file, const struct matrix_form *form,
			  const char *what, float *out, size_t max)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s.%s", form->name, what);
	for (char *at = name; *at != '\0'; at++)
		*at = (char)tolower(*at);
	return golden_file_read(file, name, out, max);
}

static void compare_blocks(struct bytes file, const struct matrix_form *form)
{
	float stored[BLOCK_BYTES_MAX * GOLDEN_BLOCKS];
	float expected[MATRIX_BLOCK_MAX * GOLDEN_BLOCKS];
	uint8_t blocks[BLOCK_BYTES_MAX * GOLDEN_BLOCKS];
	size_t bytes = form->bytes * GOLDEN_BLOCKS;
	size_t count = form->weights * GOLDEN_BLOCKS;
	struct matrix matrix = { .data = blocks,
				 .rows = 1,
				 .columns = count,
				 .stride = bytes,
				 .format = form->format };

	cr_assert_eq(read_golden(file, form, "blocks", stored, sizeof(blocks)),
		     bytes);
	cr_assert_eq(read_golden(file, form, "weights", expected,
				 MATRIX_BLOCK_MAX * GOLDEN_BLOCKS),
		     count);
	for (size_t i = 0; i < bytes; i++)
		blocks[i] = (uint8_t)stored[i];
	cr_assert(matrix_is_sound(&matrix));
	matrix_decode(&matrix, 0, 0, count, weights);
	cr_assert_arr_eq(weights, expected, count * sizeof(float), "%s",
			 form->name);
	/* From the middle on, too. */
	matrix_decode(&matrix, 0, form->weights, count - form->weights,
		      weights);
	cr_assert_arr_eq(weights, expected + form->weights,
			 (count - form->weights) * sizeof(float));
}

Test(matrix, random_blocks_decode_as_a_second_implementation_does_it)
{
	struct bytes file = model_files_own("tests/reference/blocks.golden");

	for (size_t i = 0; matrix_form_at(i) != NULL; i++)
		if (matrix_form_at(i)->format != MATRIX_F32 &&
		    matrix_form_at(i)->format != MATRIX_F16 &&
		    !matrix_is_panels(matrix_form_at(i)->format))
			compare_blocks(file, matrix_form_at(i));
	model_files_free(file);
}

/* Set each pair of bytes to infinity in turn: where the weights that follow
 * are not finite, the check says so, and nowhere else. */
static void try_infinities(const struct matrix_form *form)
{
	uint8_t blocks[2 * BLOCK_BYTES_MAX] = { 0 };
	uint16_t infinity = form->format == MATRIX_F32	  ? 0x7f80
			    : form->format == MATRIX_BF16 ? 0x7f80
							  : 0x7c00;
	struct matrix matrix = { .data = blocks,
				 .rows = 2,
				 .columns = form->weights,
				 .stride = form->bytes,
				 .format = form->format };

	for (size_t i = 0; i < 2 * form->bytes; i += 2) {
		bool finite = true;

		memset(blocks, 0, sizeof(blocks));
		memcpy(blocks + i, &infinity, sizeof(infinity));
		for (size_t row = 0; row < 2; row++) {
			matrix_decode(&matrix, row, 0, form->weights, weights);
			for (size_t w = 0; w < form->weights; w++)
				finite = finite && isfinite(weights[w]);
		}
		cr_assert_eq(matrix_is_sound(&matrix), finite, "%s, byte %zu",
			     form->name, i);
	}
}

Test(matrix, an_infinity_is_found_wherever_it_makes_a_weight_infinite)
{
	for (size_t i = 0; matrix_form_at(i) != NULL; i++)
		if (!matrix_is_panels(matrix_form_at(i)->format))
			try_infinities(matrix_form_at(i));
}

Test(matrix, no_two_formats_share_a_number_or_a_name)
{
	for (size_t i = 0; matrix_form_at(i) != NULL; i++) {
		const struct matrix_form *form = matrix_form_at(i);

		cr_assert_eq(matrix_form_of(form->format), form);
		cr_assert(matrix_format_known((uint32_t)form->format));
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(matrix_form_at(j)->name, form->name);
	}
	cr_assert_not(matrix_format_known(3));
	cr_assert_not(matrix_format_known(UINT32_MAX));
}

Test(matrix, every_half_has_its_value)
{
	for (uint32_t half = 0; half < 0x8000; half++) {
		uint32_t exponent = half >> 10;
		double fraction = half & 0x3ff;
		float positive = half_value((uint16_t)half);
		float negative = half_value((uint16_t)(half | 0x8000));
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

Test(matrix, rows_have_the_bytes_of_their_format)
{
	size_t bytes = 0;

	cr_assert_eq(matrix_stride(MATRIX_Q8_0, 64, &bytes), ERR_OK);
	cr_assert_eq(bytes, 68);
	cr_assert_eq(matrix_stride(MATRIX_F16, 7, &bytes), ERR_OK);
	cr_assert_eq(bytes, 14);
	cr_assert_eq(matrix_stride(MATRIX_Q6_K, 512, &bytes), ERR_OK);
	cr_assert_eq(bytes, 420);
	cr_assert_eq(matrix_stride(MATRIX_Q4_K, 288, &bytes), ERR_MALFORMED);
	cr_assert_eq(bytes, 420, "an error leaves the output alone");
	cr_assert_eq(matrix_stride(MATRIX_Q8_0, 33, &bytes), ERR_MALFORMED);
	cr_assert_eq(matrix_stride(MATRIX_F32, 0, &bytes), ERR_MALFORMED);
	cr_assert_eq(matrix_stride(MATRIX_F32, 1ull << 62, &bytes),
		     ERR_TOO_LARGE);
	cr_assert_eq(bytes, 420, "an error leaves the output alone");
}
