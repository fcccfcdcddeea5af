/* SPDX-License-Identifier: Apache-2.0 */
/* multiply_avx2: the matrix product of kernel_avx2, where the time goes. */
#ifndef INFERENCE_MULTIPLY_AVX2_H
#define INFERENCE_MULTIPLY_AVX2_H

#include "inference/kernel.h"

/* As struct kernel's multiply; only for processors that kernel_avx2() takes. */
void multiply_avx2(const struct kernel_multiply *multiply);

#endif
