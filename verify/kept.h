/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: what a user kept of one answer (wire/receipt_file.h), opened and judged
 * by itself: nothing but its own bytes, whom the user trusts, and a time.
 */
#ifndef VERIFY_KEPT_H
#define VERIFY_KEPT_H

#include <stdio.h>

#include "attest/receipt_check.h"
#include "attest/verify.h"
#include "verify/arguments.h"
#include "wire/receipt_file.h"

/* A secret: it is prompt and answer.  Declare with SCOPED_WIPE(kept_close). */
struct kept {
	uint8_t *memory; /* owned */
	size_t size;
	struct receipt_file file; /* views of it */
};

struct kept_judgement {
	struct verify_result bundle;
	struct receipt_check receipt;
	uint64_t judged_at; /* Unix seconds */
};

/* ERR_UNAVAILABLE: the file cannot be read; else as receipt_file_parse(). */
MUST_CHECK enum err kept_open(const char *path, struct kept *out);
void kept_close(struct kept *kept);

/*
 * Hold the receipt against the bundle in the file, and the bundle against what
 * the user trusts: at the time they gave, else at that of the receipt, or just
 * before the key's end where the answer outlasted it.
 */
void kept_judge(const struct kept *kept, const struct arguments *arguments,
		struct kept_judgement *out);

/* What both together come to. */
enum verify_verdict kept_verdict(const struct kept_judgement *judgement);

/* What the receipt says, and the answers: a table, or members of an object. */
void kept_print_table(const struct kept_judgement *judgement, FILE *out);
void kept_print_json(const struct kept_judgement *judgement, FILE *out);

#endif
