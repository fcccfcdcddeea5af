/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_file: an input as a file that is mapped: aligned, and of its very size,
 * so that the byte behind it is nobody's.
 */
#ifndef TESTS_FUZZ_FILE_H
#define TESTS_FUZZ_FILE_H

#include <stdlib.h>
#include <string.h>

#include "inference/gguf.h"

static inline struct bytes fuzz_file(const uint8_t *data, size_t size)
{
	void *file = NULL;
	int failed = posix_memalign(&file, GGUF_FILE_ALIGNMENT, size);

	invariant(failed == 0);
	memcpy(file, data, size);
	return (struct bytes){ file, size };
}

static inline void fuzz_file_free(struct bytes file)
{
	free((void *)(uintptr_t)file.data);
}

#endif
