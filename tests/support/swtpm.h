/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swtpm: a TPM 2.0 in software, with a state of its own, for one test.
 *
 * It lives in a folder of its own, listens on a socket in it, and dies with the
 * thread that started it.  It is as good as its state: whoever may read that
 * has its keys.
 */
#ifndef TESTS_SUPPORT_SWTPM_H
#define TESTS_SUPPORT_SWTPM_H

#include <stddef.h>
#include <sys/types.h>

#define SWTPM_FOLDER_MAX 32
#define SWTPM_PATH_MAX 96

enum swtpm_make {
	SWTPM_BLANK,   /* no certificate, in milliseconds */
	SWTPM_WITH_EK, /* endorsement keys and certificates of a local maker */
};

struct swtpm {
	char folder[SWTPM_FOLDER_MAX];
	char socket[SWTPM_PATH_MAX];
	char root[SWTPM_PATH_MAX]; /* PEM of the maker's CA, where it has one */
	pid_t pid;
};

/* Why there can be none here, or NULL. */
const char *swtpm_obstacle(void);

/* Switched on, or the test is skipped (or fails). */
void swtpm_start(enum swtpm_make make, struct swtpm *out);

/* Switched off without warning and on again: registers are zero. */
void swtpm_restart(struct swtpm *tpm);

/* Off, and its folder gone. */
void swtpm_stop(struct swtpm *tpm);

/* A connection, of which there is one at a time.  The caller closes it. */
int swtpm_connect(const struct swtpm *tpm);

#endif
