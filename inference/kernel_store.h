/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_store: for kernels whose inner loops want a store as a constant.
 */
#ifndef INFERENCE_KERNEL_STORE_H
#define INFERENCE_KERNEL_STORE_H

#include "inference/kernel.h"

/* function(store, job), for the job's store as a constant. */
#define KERNEL_BY_STORE(function, job)               \
	do {                                         \
		if ((job)->store == KERNEL_F32)      \
			function(KERNEL_F32, job);   \
		else if ((job)->store == KERNEL_F16) \
			function(KERNEL_F16, job);   \
		else                                 \
			function(KERNEL_I8, job);    \
	} while (0)

#endif
