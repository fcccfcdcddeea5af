/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_amx: product.h with the int8 tiles of AMX, for many rows at once.
 */
#ifndef INFERENCE_PRODUCT_AMX_H
#define INFERENCE_PRODUCT_AMX_H

#include <stdbool.h>

#include "inference/product.h"

/*
 * Whether this processor has the tiles and the kernel lets this process use
 * them, which is asked for here; forks inherit the permission, and a program
 * that is executed loses it.
 */
bool product_amx_is_there(void);

/* Few rows are left to product_avx512(). */
void product_amx(const struct product *product);

#endif
