/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_avx512: wider registers, and tiles where there are some. */
#ifndef INFERENCE_KERNEL_AVX512_H
#define INFERENCE_KERNEL_AVX512_H

#include "inference/kernel.h"

/* NULL where the processor lacks AVX-512 or its VNNI. */
const struct kernel *kernel_avx512(void);

/* The same, with products by the int8 tiles of AMX; NULL where there are none,
 * or the kernel does not give them. */
const struct kernel *kernel_amx(void);

#endif
