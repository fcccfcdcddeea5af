/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/kernel_amx.h"

#include "inference/kernel_amx_bf16.h"
#include "inference/kernel_avx512.h"
#include "inference/product_amx.h"
#include "inference/product_amx_bf16.h"

/* Asked once, at the first call: in a jail it may not be asked. */
const struct kernel *kernel_amx(void)
{
	static struct kernel amx;
	static bool is_known;

	if (!is_known && kernel_avx512() != NULL && product_amx_is_there()) {
		amx = *kernel_avx512();
		amx.name = "amx";
		amx.product = product_amx;
	}
	if (!is_known && amx.name != NULL && product_amx_bf16_is_there()) {
		amx.product_bf16 = product_amx_bf16;
		amx.score_bf16 = kernel_amx_bf16_score;
		amx.blend_bf16 = kernel_amx_bf16_blend;
	}
	is_known = true;
	return amx.name != NULL ? &amx : NULL;
}
