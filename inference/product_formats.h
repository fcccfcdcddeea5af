/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_formats: one function for every format of panels, in which the format
 * is a constant.  For the files that compute products: each has a TARGET, and
 * an inlined compute(format, product).
 */
#ifndef INFERENCE_PRODUCT_FORMATS_H
#define INFERENCE_PRODUCT_FORMATS_H

#include "inference/product.h"

/* X(name) for every PANEL_name. */
#define PRODUCT_FORMATS(X) \
	X(Q8)              \
	X(Q4)              \
	X(Q4_K)            \
	X(Q5_K)            \
	X(Q6_K)            \
	X(Q2_K)            \
	X(C8)              \
	X(C4)              \
	X(C2)

#define PRODUCT_COMPUTE(name)                                            \
	static TARGET void compute_##name(const struct product *product) \
	{                                                                \
		compute(PANEL_##name, product);                          \
	}

#define PRODUCT_ENTRY(name) [PANEL_##name] = compute_##name,

/* Defines compute_by_format(product). */
#define PRODUCT_DISPATCH()                                           \
	PRODUCT_FORMATS(PRODUCT_COMPUTE)                             \
	static void compute_by_format(const struct product *product) \
	{                                                            \
		static void (*const of[PANEL_FORMATS])(              \
			const struct product *) = {                  \
			PRODUCT_FORMATS(PRODUCT_ENTRY)               \
		};                                                   \
                                                                     \
		of[product->format](product);                        \
	}

#endif
