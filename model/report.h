/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what a command tells on standard error.
 */
#ifndef MODEL_REPORT_H
#define MODEL_REPORT_H

#include <stdint.h>
#include <time.h>

#include "base/err.h"

#define REPORT_GOOD 0
#define REPORT_REFUSED 1
#define REPORT_USAGE 2

/*
 * One line: "pcc-model: SUBJECT: WHAT (kind of error)", with the system's word
 * where errno has one to add.  Returns the exit code: 0 for ERR_OK, which says
 * nothing.
 */
int report_failure(const char *subject, const char *what, enum err err);

/* The same of a file that could not be opened: that it is not there, or is
 * empty, where that is the case, and else WHAT. */
int report_file(const char *path, const char *what, enum err err);

/* The same of a file that was to be made. */
int report_made(const char *path, enum err err);

/* How far a long command has come; a line a tenth, or a living one. */
struct report_progress {
	const char *what;
	uint64_t total;
	uint64_t done;
	unsigned shown; /* percent */
	struct timespec begun;
};

struct report_progress report_begin(const char *what, uint64_t total);
void report_advance(struct report_progress *progress, uint64_t amount);
/* Ends the living line; seconds that it took. */
double report_end(struct report_progress *progress);

#endif
