/* SPDX-License-Identifier: Apache-2.0 */
#include "client/scratch.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/err.h"
#include "crypto/random.h"
#include "wire/json.h"

#define SCRATCH_BYTES (16u << 20)

static pthread_key_t key;

static void give_back(void *memory)
{
	(void)munmap(memory, SCRATCH_BYTES);
}

static void make_key(void)
{
	invariant(pthread_key_create(&key, give_back) == 0);
}

/* Threads come and go with connections, so the memory goes with the thread. */
void scratch_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint32_t seed = 0;
	void *memory;

	invariant(pthread_once(&once, make_key) == 0);
	if (pthread_getspecific(key) != NULL)
		return;
	memory = mmap(NULL, SCRATCH_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	invariant(memory != MAP_FAILED &&
		  pthread_setspecific(key, memory) == 0);
	while (seed == 0)
		random_bytes(&seed, sizeof(seed));
	json_warm(memory, SCRATCH_BYTES, seed);
}
