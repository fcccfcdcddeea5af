/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figure: what a test measured, for a claim of SECURITY.md.
 *
 * Each is a line of JSON in the file that $FIGURES names, which
 * tools/claims.py puts beside its claim; without that file it is a check only.
 * The running test fails where a figure is not within its limit.
 */
#ifndef TESTS_FIGURE_H
#define TESTS_FIGURE_H

#include <stdint.h>

/*
 * Nothing was found: `found` of `tries` is 0, which bounds its rate at 3/tries
 * with 95 %.  `control` is what the same search finds where there is something
 * to find (the defence off, a word planted), and may not be 0.
 */
void figure_none(const char *claim, const char *what, uint64_t found,
		 uint64_t tries, uint64_t control);

/* All of `tries`, of which there have to be some. */
void figure_all(const char *claim, const char *what, uint64_t good,
		uint64_t tries);

/* A value with its unit ("ms", "MiB", "" for a plain number) and its limit. */
void figure_at_most(const char *claim, const char *what, double value,
		    const char *unit, double limit);
void figure_at_least(const char *claim, const char *what, double value,
		     const char *unit, double limit);

/* What is told and has no limit. */
void figure_of(const char *claim, const char *what, double value,
	       const char *unit);

#endif
