/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_page: one page of HTML that a person who is no engineer can read.
 *
 * It stands alone: no script, no image, no font and no style from elsewhere,
 * and says so to a browser (Content-Security-Policy).  Everything that is not
 * ours is escaped.
 */
#ifndef VERIFY_REPORT_PAGE_H
#define VERIFY_REPORT_PAGE_H

#include <stdio.h>

#include "attest/receipt_check.h"
#include "attest/verify.h"

/* One answer: what a reader asks, and what was found. */
struct report_row {
	const char *question;
	const char *code; /* stable, for those who look it up */
	const struct record *record;
};

/* A heading and its answers; rows that were not asked for are folded away. */
struct report_part {
	const char *title;
	const char *text; /* what it is about, one sentence */
	const struct report_row *rows;
	size_t count;
};

/*
 * The page's beginning: the verdict in one line, and what it means.  It is that
 * of the bundle, or of bundle and receipt together.
 */
void report_page_begin(FILE *out, const struct verify_result *result,
		       enum verify_verdict verdict, uint64_t now);

/* What a receipt of one answer proves. */
void report_page_receipt(FILE *out, const struct receipt_check *receipt);

/* The checks of a bundle, as parts; then what the node says of itself. */
void report_page_bundle(FILE *out, const struct verify_result *result);
void report_page_part(FILE *out, const struct report_part *part);
void report_page_node(FILE *out, const struct verify_result *result);

/* How to repeat it, and the end. */
void report_page_end(FILE *out, const char *command);

#endif
