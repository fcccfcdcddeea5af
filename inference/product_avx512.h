/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_avx512: product.h for processors with AVX-512 and VNNI.
 */
#ifndef INFERENCE_PRODUCT_AVX512_H
#define INFERENCE_PRODUCT_AVX512_H

#include <stdbool.h>

#include "inference/product.h"

/* Whether this processor runs it. */
bool product_avx512_is_there(void);

void product_avx512(const struct product *product);

#endif
