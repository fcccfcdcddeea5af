/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"

#include <pthread.h>

#include "base/err.h"

#define STACK_BYTES (1u << 20)

void threads_set_stack(void)
{
	pthread_attr_t attributes;

	invariant(pthread_attr_init(&attributes) == 0);
	invariant(pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0);
	invariant(pthread_setattr_default_np(&attributes) == 0);
	(void)pthread_attr_destroy(&attributes);
}
