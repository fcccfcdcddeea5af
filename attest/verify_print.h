/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_print: a verifier's result for people and for programs.
 */
#ifndef ATTEST_VERIFY_PRINT_H
#define ATTEST_VERIFY_PRINT_H

#include <stdio.h>

#include "attest/verify.h"

/*
 * A line a check: mark, code and sentence; then who the node says it is, and
 * the verdict, with "software, proves nothing about hardware" or the like where that is so.
 */
void verify_print_table(const struct verify_result *result, FILE *out);

/*
 * One JSON object on one line: {"verdict", "exit_code", "summary", "node":
 * {...} or null, "checks": [{"code", "mark", "text"}, ...]}.
 */
void verify_print_json(const struct verify_result *result, FILE *out);

/* One thing that the node says of itself, as a line of a table. */
#define VERIFY_PRINT_VALUE_MAX 160

struct verify_print_fact {
	const char *name; /* static */
	char value[VERIFY_PRINT_VALUE_MAX];
};

/* ERR_UNSUPPORTED past the last.  The statement has to have been parsed. */
MUST_CHECK enum err verify_print_fact(const struct verify_result *result,
				      size_t index,
				      struct verify_print_fact *out);

/* What a person should read before trusting it, such as "verified: ...". */
const char *verify_print_summary(const struct verify_result *result);

#endif
