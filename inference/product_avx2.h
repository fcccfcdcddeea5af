/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_avx2: product.h for processors with AVX2 and FMA.
 */
#ifndef INFERENCE_PRODUCT_AVX2_H
#define INFERENCE_PRODUCT_AVX2_H

#include <stdbool.h>

#include "inference/product.h"

/* Whether this processor runs it. */
bool product_avx2_is_there(void);

void product_avx2(const struct product *product);

#endif
