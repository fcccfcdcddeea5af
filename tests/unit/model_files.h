/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_files: files that tests read, as a mapping would hold them.
 */
#ifndef TESTS_MODEL_FILES_H
#define TESTS_MODEL_FILES_H

#include "base/bytes.h"

/*
 * A file under the folder that MODELS names (../shared/models by default), in
 * memory of its own that starts at a multiple of 64.  Where there is no such
 * file the test that called is skipped, visibly.
 */
struct bytes model_files_load(const char *path);

/* The same for a file of this repository; its absence is a failure. */
struct bytes model_files_own(const char *path);

void model_files_free(struct bytes file);

/* A copy that starts at a multiple of 64, `room` bytes longer, zeroed. */
uint8_t *model_files_copy(struct bytes from, size_t room);

#endif
