/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_folder: a folder in memory for parsers that read files by name, and
 * silence: a line for every input that is refused would be all that is done.
 */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/report.h"

struct fuzz_path {
	char text[64];
};

/* A writer's buffer is a mebibyte, and each that was freed would be kept from
 * being used again for long: more memory than a fuzzer may take. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=32";
}

static char fuzz_folder[] = "/dev/shm/fuzz-XXXXXX";

static inline struct fuzz_path fuzz_path(const char *name)
{
	struct fuzz_path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/%s", fuzz_folder,
		       name);
	return path;
}

static inline void fuzz_folder_make(void)
{
	invariant(mkdtemp(fuzz_folder) != NULL);
}

static inline void fuzz_folder_write(const char *name, struct bytes data)
{
	int file =
		open(fuzz_path(name).text, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	invariant(file >= 0);
	invariant(write(file, data.data, data.len) == (ssize_t)data.len);
	(void)close(file);
}

static inline void fuzz_folder_drop(const char *name)
{
	(void)unlink(fuzz_path(name).text);
}

/* In place of model/report.c. */
int report_failure(const char *subject, const char *what, enum err err)
{
	invariant(subject != NULL && what != NULL);
	return err == ERR_OK ? REPORT_GOOD : REPORT_REFUSED;
}

int report_file(const char *path, const char *what, enum err err)
{
	return report_failure(path, what, err);
}

int report_made(const char *path, enum err err)
{
	return report_failure(path, "", err);
}

struct report_progress report_begin(const char *what, uint64_t total)
{
	return (struct report_progress){ .what = what, .total = total };
}

void report_advance(struct report_progress *progress, uint64_t amount)
{
	progress->done += amount;
}

double report_end(struct report_progress *progress)
{
	return (double)progress->done;
}

#endif
