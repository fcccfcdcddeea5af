/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_avx2: the same sums with 8 lanes in one register. */
#ifndef INFERENCE_KERNEL_AVX2_H
#define INFERENCE_KERNEL_AVX2_H

#include "inference/kernel.h"

/* NULL where the processor lacks AVX2, FMA or F16C. */
const struct kernel *kernel_avx2(void);

#endif
