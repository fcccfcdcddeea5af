/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_bf16: products with rows that are bf16 (product.h), for processors
 * without tiles: a vector of outputs at a time.
 *
 * On such processors integers are faster; this is for results that are to be
 * those of others.
 */
#ifndef INFERENCE_PRODUCT_BF16_H
#define INFERENCE_PRODUCT_BF16_H

#include "inference/product.h"

/* For processors that product_avx2_is_there() says yes of. */
void product_bf16_avx2(const struct product *product);

#endif
