/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_amx: kernel_avx512, with products by the int8 tiles of AMX. */
#ifndef INFERENCE_KERNEL_AMX_H
#define INFERENCE_KERNEL_AMX_H

#include "inference/kernel.h"

/* NULL where there are no tiles, or the operating system does not give them. */
const struct kernel *kernel_amx(void);

#endif
