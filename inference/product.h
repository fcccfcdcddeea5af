/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product: rows of activations times a matrix in panels, to the bit.
 *
 * The order of every operation is fixed here and nowhere else.  For one row of
 * activations and one output, from two floats at zero:
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
 * Integers are exact in 32 bits, so they may be summed in any way; each fma
 * rounds once.  It follows that all instruction sets, any number of threads and
 * any company of rows or outputs give the same result.
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

/* The plain definition. */
void product_scalar(const struct product *product);

#endif
