/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_amx_bf16: products with rows that are bf16 (product.h), by the tiles
 * of AMX.
 */
#ifndef INFERENCE_PRODUCT_AMX_BF16_H
#define INFERENCE_PRODUCT_AMX_BF16_H

#include <stdbool.h>

#include "inference/product.h"

/* Besides product_amx_is_there(). */
bool product_amx_bf16_is_there(void);

void product_amx_bf16(const struct product *product);

#endif
