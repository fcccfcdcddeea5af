/* SPDX-License-Identifier: Apache-2.0 */
#include "model/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_S 1.0 /* what is over by then says nothing */

int report_failure(const char *subject, const char *what, enum err err)
{
	if (err == ERR_OK)
		return REPORT_GOOD;
	fprintf(stderr, "pcc-model: %s: %s (%s", subject, what, err_name(err));
	if (err == ERR_UNAVAILABLE && errno != 0)
		fprintf(stderr, ": %s", strerror(errno));
	fputs(")\n", stderr);
	return REPORT_REFUSED;
}

int report_file(const char *path, const char *what, enum err err)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		if (errno == ENOENT)
			return report_failure(path, "is not there",
					      ERR_UNAVAILABLE);
	} else if (S_ISREG(status.st_mode) && status.st_size == 0) {
		return report_failure(path, "is empty", err);
	}
	return report_failure(path, what, err);
}

int report_made(const char *path, enum err err)
{
	return report_failure(path,
			      err == ERR_DENIED
				      ? "is there already, and is not replaced"
				      : "cannot be made",
			      err);
}

struct report_progress report_begin(const char *what, uint64_t total)
{
	struct report_progress made = { .what = what, .total = total };

	(void)clock_gettime(CLOCK_MONOTONIC, &made.begun);
	return made;
}

static double seconds_since(const struct timespec *begun)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) +
	       (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

void report_advance(struct report_progress *progress, uint64_t amount)
{
	unsigned step = isatty(STDERR_FILENO) ? 1 : 10;
	unsigned percent = 100;

	progress->done += amount;
	if (seconds_since(&progress->begun) < QUIET_S)
		return;
	if (progress->total != 0)
		percent = (unsigned)((double)progress->done * 100.0 /
				     (double)progress->total);
	if (percent < progress->shown + step)
		return;
	progress->shown = percent - percent % step;
	fprintf(stderr, "%spcc-model: %s %u %%%s", step == 1 ? "\r" : "",
		progress->what, progress->shown, step == 1 ? "" : "\n");
}

double report_end(struct report_progress *progress)
{
	if (isatty(STDERR_FILENO) && progress->shown != 0)
		fputc('\n', stderr);
	return seconds_since(&progress->begun);
}
