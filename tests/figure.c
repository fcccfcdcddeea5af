/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/figure.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/effort.h"

/* A line is one write to a file opened to append: programs do not mix. */
static void note(const char *claim, const char *what, const char *members)
{
	const char *path = getenv("FIGURES");
	FILE *file = path != NULL ? fopen(path, "a") : NULL;

	if (file == NULL)
		return;
	fprintf(file,
		"{\"claim\": \"%s\", \"what\": \"%s\", %s, "
		"\"seed\": %" PRIu64 "}\n",
		claim, what, members, effort_seed());
	fclose(file);
}

void figure_none(const char *claim, const char *what, uint64_t found,
		 uint64_t tries, uint64_t control)
{
	char members[160];

	snprintf(members, sizeof(members),
		 "\"value\": %" PRIu64 ", \"of\": %" PRIu64
		 ", \"bound\": %.2g, \"control\": %" PRIu64,
		 found, tries, tries > 0 ? 3 / (double)tries : 1.0, control);
	note(claim, what, members);
	cr_assert_gt(tries, 0, "%s: %s: nothing was tried", claim, what);
	cr_assert_gt(control, 0, "%s: %s: the control found nothing", claim,
		     what);
	cr_assert_eq(found, 0, "%s: %s: %" PRIu64 " of %" PRIu64, claim, what,
		     found, tries);
}

void figure_all(const char *claim, const char *what, uint64_t good,
		uint64_t tries)
{
	char members[160];

	snprintf(members, sizeof(members),
		 "\"value\": %" PRIu64 ", \"of\": %" PRIu64, good, tries);
	note(claim, what, members);
	cr_assert_gt(tries, 0, "%s: %s: nothing was tried", claim, what);
	cr_assert_eq(good, tries, "%s: %s: %" PRIu64 " of %" PRIu64, claim,
		     what, good, tries);
}

void figure_of(const char *claim, const char *what, double value,
	       const char *unit)
{
	char members[160];

	snprintf(members, sizeof(members), "\"value\": %.6g, \"unit\": \"%s\"",
		 value, unit);
	note(claim, what, members);
}

/* A value beside its limit, which has a name of its own in the line. */
static void note_limited(const char *claim, const char *what, double value,
			 const char *unit, const char *name, double limit)
{
	char members[160];

	snprintf(members, sizeof(members),
		 "\"value\": %.6g, \"unit\": \"%s\", \"%s\": %.6g", value, unit,
		 name, limit);
	note(claim, what, members);
}

void figure_at_most(const char *claim, const char *what, double value,
		    const char *unit, double limit)
{
	note_limited(claim, what, value, unit, "at_most", limit);
	cr_assert(value <= limit, "%s: %s: %g %s, more than %g", claim, what,
		  value, unit, limit);
}

void figure_at_least(const char *claim, const char *what, double value,
		     const char *unit, double limit)
{
	note_limited(claim, what, value, unit, "at_least", limit);
	cr_assert(value >= limit, "%s: %s: %g %s, less than %g", claim, what,
		  value, unit, limit);
}
