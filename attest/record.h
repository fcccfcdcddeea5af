/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: the answer to one question of a verifier: a mark and a sentence.
 *
 * A record that nobody wrote is RECORD_SKIP with an empty text, and what needs
 * it does not pass.
 */
#ifndef ATTEST_RECORD_H
#define ATTEST_RECORD_H

#include <stddef.h>

enum record_mark {
	RECORD_SKIP = 0, /* not asked for, or not reached */
	RECORD_PASS,
	RECORD_FAIL,
};

#define RECORD_TEXT_MAX 160

struct record {
	enum record_mark mark;
	char text[RECORD_TEXT_MAX]; /* one sentence, printable ASCII */
};

/* Set mark and sentence; a longer one is cut. */
__attribute__((format(printf, 3, 4))) void
record_set(struct record *out, enum record_mark mark, const char *format, ...);

/* "SKIP", "PASS", "FAIL". */
const char *record_mark_name(enum record_mark mark);

#endif
