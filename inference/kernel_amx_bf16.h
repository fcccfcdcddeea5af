/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_amx_bf16: attention of prompts as bf16 (kernel.h), by the tiles of
 * AMX, where product_amx_bf16_is_there().
 */
#ifndef INFERENCE_KERNEL_AMX_BF16_H
#define INFERENCE_KERNEL_AMX_BF16_H

#include "inference/kernel.h"

void kernel_amx_bf16_score(const struct kernel_score_bf16 *job);
void kernel_amx_bf16_blend(const struct kernel_blend_bf16 *job);

#endif
