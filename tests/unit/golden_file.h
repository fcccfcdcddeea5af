/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden_file: what the reference computed (tests/reference/README.md).
 *
 *     record = u32 name length, name, u32 count, count x float32
 */
#ifndef TESTS_GOLDEN_FILE_H
#define TESTS_GOLDEN_FILE_H

#include "base/bytes.h"

/*
 * The values of a record of the file, copied to out [max]; how many there are.
 * A record that is missing or longer is a failure of the test.
 */
size_t golden_file_read(struct bytes file, const char *name, float *out,
			size_t max);

/* The same, of numbers that are integers. */
size_t golden_file_integers(struct bytes file, const char *name, uint32_t *out,
			    size_t max);

#endif
