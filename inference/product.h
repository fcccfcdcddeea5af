/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product: rows of activations times a matrix in panels, to the bit.
 *
 * The order of every operation is fixed here and nowhere else.  For one row of
 * activations and one output, from result = 0:
 *
 *     for each block of 256 columns:
 *         part = 0
 *         for each group of columns with a float scale:
 *             whole   = sum of part_scale * value * activation     integers
 *             part    = fma(whole, scale, part)
 *         where there are minima:
 *             minima  = sum of part_minimum * activation           integers
 *             part    = fma(minima, -minimum, part)
 *         result = fma(part, scale of the activations, result)
 *
 * Integers are exact in 32 bits, so they may be summed in any way.  Into its fma
 * each goes as a float, to the nearest, ties to even (those of Q4_K, Q5_K and
 * Q6_K can exceed 2^24, and then that rounds); each fma rounds once.  It follows
 * that all instruction sets, any number of threads and any company of rows or
 * outputs give the same result.
 *
 * Formats whose float scales cover 32 columns have a second order, for rows
 * that are bf16 (activation.h).  From a float at zero:
 *
 *     for each 32 columns:
 *         even, odd = 0
 *         for each two columns c, c + 1:
 *             even = fma(weight c,     activation c,     even)
 *             odd  = fma(weight c + 1, activation c + 1, odd)
 *         result = result + (even + odd)
 *
 * where a weight is scale * value, rounded to bf16, to the nearest, ties to
 * even.  This is what the tiles of AMX do by themselves (Intel SDM, TDPBF16PS);
 * nothing comes to be subnormal, so what they do with such numbers is no
 * matter: weights are multiples of 2^-24 (halves) and activations of 2^-57, so
 * that every sum is a multiple of 2^-81, and in attention of 2^-114.
 */
#ifndef INFERENCE_PRODUCT_H
#define INFERENCE_PRODUCT_H

#include "inference/activation.h"
#include "inference/panel.h"

struct product {
	enum panel_format format;
	const uint8_t *panels; /* the first of `outputs` / 16, rounded up */
	size_t outputs;
	const struct activation *x;
	size_t rows;
	float *out;    /* [rows][stride], of which `outputs` are written */
	size_t stride; /* floats */
};

/* The plain definitions. */
void product_scalar(const struct product *product);
void product_scalar_bf16(const struct product *product);

/* Whether a format has the second order. */
static inline bool product_takes_bf16(enum panel_format format)
{
	return panel_forms[format].group == 32;
}

#endif
