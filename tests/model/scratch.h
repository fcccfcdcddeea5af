/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: a folder of a test's own, and files in it.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define SCRATCH_PATH_MAX 512

struct scratch {
	char folder[SCRATCH_PATH_MAX];
};

struct scratch_path {
	char text[SCRATCH_PATH_MAX + 260];
};

static inline struct scratch scratch_open(void)
{
	const char *parent = getenv("TMPDIR");
	struct scratch scratch;

	(void)snprintf(scratch.folder, sizeof(scratch.folder),
		       "%s/model-XXXXXX", parent == NULL ? "/tmp" : parent);
	cr_assert_not_null(mkdtemp(scratch.folder));
	return scratch;
}

static inline struct scratch_path scratch_path(const struct scratch *scratch,
					       const char *name)
{
	struct scratch_path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/%s", scratch->folder,
		       name);
	return path;
}

/* How many files there are; their names do not matter. */
static inline size_t scratch_count(const struct scratch *scratch)
{
	DIR *folder = opendir(scratch->folder);
	size_t count = 0;

	cr_assert_not_null(folder);
	for (struct dirent *e = readdir(folder); e; e = readdir(folder))
		count += e->d_name[0] != '.';
	(void)closedir(folder);
	return count;
}

static inline void scratch_close(struct scratch *scratch)
{
	DIR *folder = opendir(scratch->folder);
	struct scratch_path path;

	cr_assert_not_null(folder);
	for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
		path = scratch_path(scratch, e->d_name);
		(void)unlink(path.text);
	}
	(void)closedir(folder);
	cr_assert_eq(rmdir(scratch->folder), 0);
}

static inline void scratch_write(const struct scratch *scratch,
				 const char *name, struct bytes data)
{
	struct scratch_path path = scratch_path(scratch, name);
	FILE *file = fopen(path.text, "wb");

	cr_assert_not_null(file);
	if (data.len > 0)
		cr_assert_eq(fwrite(data.data, 1, data.len, file), data.len);
	cr_assert_eq(fclose(file), 0);
}

#endif
