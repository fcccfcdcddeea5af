/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether every function that reads what others wrote is fuzzed, and what was
 * recorded of it: tests/fuzz/parsers, tests/fuzz/executions and
 * tests/fuzz/coverage, which `make fuzz RECORD=1` and `make coverage` write.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/figure.h"

#define LEAST_LINES 95
#define LEAST_BRANCHES 89

#define FOLDERS                                                       \
	"base policy wire crypto tlog attest inference api net node " \
	"client gateway log verify model"

static int check_against(const char *table)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), "tools/check_fuzzers.sh %s " FOLDERS,
		 table);
	status = system(command);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(fuzzers, every_parser_of_foreign_bytes_has_one_with_seeds)
{
	cr_assert_eq(check_against("tests/fuzz/parsers"), 0);
}

Test(fuzzers, a_parser_that_nobody_named_is_noticed)
{
	char table[] = "/tmp/pcc-parsers.XXXXXX";
	char command[256];

	cr_assert_geq(mkstemp(table), 0);
	snprintf(command, sizeof(command),
		 "grep -v ' bundle_parse ' tests/fuzz/parsers >%s", table);
	cr_assert_eq(system(command), 0);
	cr_expect_neq(check_against(table), 0);
	remove(table);
}

/* What it executed under sanitizers; 0: there is no line of it. */
static double checked_of(const char *fuzzer)
{
	FILE *table = fopen("tests/fuzz/executions", "re");
	char line[256], name[64];
	double checked, found = 0;

	cr_assert_not_null(table);
	while (fgets(line, sizeof(line), table) != NULL)
		if (sscanf(line, "%63s %lf", name, &checked) == 2 &&
		    strcmp(name, fuzzer) == 0)
			found = checked;
	(void)fclose(table);
	return found;
}

/* Of all that there are, how many have executed anything. */
static size_t count_recorded(size_t *all)
{
	size_t skip = strlen("tests/fuzz/fuzz_"), recorded = 0;
	glob_t sources;

	cr_assert_eq(glob("tests/fuzz/fuzz_*.c", 0, NULL, &sources), 0);
	for (size_t i = 0; i < sources.gl_pathc; i++) {
		char *name = sources.gl_pathv[i] + skip;
		bool has_one;

		name[strlen(name) - strlen(".c")] = '\0';
		has_one = checked_of(name) > 0;
		cr_expect(has_one, "fuzz_%s has no record", name);
		recorded += has_one;
	}
	*all = sources.gl_pathc;
	globfree(&sources);
	return recorded;
}

/* The lines of a table, each with its numbers; comments are left out. */
static size_t read_sums(double *checked, double *plain)
{
	FILE *table = fopen("tests/fuzz/executions", "re");
	char line[256], name[64];
	double one, other;
	size_t count = 0;

	cr_assert_not_null(table);
	*checked = *plain = 0;
	while (fgets(line, sizeof(line), table) != NULL) {
		if (sscanf(line, "%63s %lf %lf", name, &one, &other) != 3)
			continue;
		*checked += one;
		*plain += other;
		count++;
	}
	(void)fclose(table);
	return count;
}

Test(fuzzers, what_they_executed_is_on_record)
{
	double checked, plain;
	size_t all, recorded = count_recorded(&all);

	cr_assert_eq(read_sums(&checked, &plain), all);
	figure_all("D1", "fuzzers with a record", recorded, all);
	figure_of("D1", "inputs under sanitizers, nothing found", checked, "");
	figure_of("D1", "and without them", plain, "");
}

Test(fuzzers, their_seeds_reach_almost_every_line_and_branch)
{
	FILE *table = fopen("tests/fuzz/coverage", "re");
	double lines = 0, branches = 0;
	char line[4096];

	cr_assert_not_null(table);
	while (fgets(line, sizeof(line), table) != NULL)
		if (strncmp(line, "all ", 4) == 0)
			cr_assert_eq(sscanf(line,
					    "all %*d files %*d %*d %lf %*d %*d "
					    "%lf",
					    &lines, &branches),
				     2);
	(void)fclose(table);
	cr_assert_eq(system("test \"$(tools/coverage.sh --digest)\" = "
			    "\"$(sed -n 's/^# of //p' tests/fuzz/coverage)\""),
		     0, "tests/fuzz/coverage is of other parsers or seeds");
	figure_at_least("D2", "lines of parsers", lines, "%", LEAST_LINES);
	figure_at_least("D2", "branches of parsers", branches, "%",
			LEAST_BRANCHES);
}
