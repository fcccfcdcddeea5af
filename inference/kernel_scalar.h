/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_scalar: the definition in plain C, and the reference of the others. */
#ifndef INFERENCE_KERNEL_SCALAR_H
#define INFERENCE_KERNEL_SCALAR_H

#include "inference/kernel.h"

extern const struct kernel kernel_scalar;

#endif
