/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_avx512: the same with wider registers. */
#ifndef INFERENCE_KERNEL_AVX512_H
#define INFERENCE_KERNEL_AVX512_H

#include "inference/kernel.h"

/* NULL where the processor lacks AVX-512 or its VNNI. */
const struct kernel *kernel_avx512(void);

#endif
