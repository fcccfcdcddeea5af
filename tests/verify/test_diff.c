/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system.h"

static char folder[] = "/tmp/pcc-diff-XXXXXX";
static char output[32768];

static void save(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(diff, .init = setup, .fini = teardown);

/* What `pcc-verify diff A B` prints into output[], and how it ends. */
static int diff(const char *a, const char *b)
{
	char program[SYSTEM_BUILT_MAX];
	char command[SYSTEM_BUILT_MAX + 160];
	FILE *pipe;
	size_t len;
	int status;

	cr_assert(system_built("pcc-verify", program));
	snprintf(command, sizeof(command), "%s diff %s/%s %s/%s 2>&1", program,
		 folder, a, folder, b);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	len = fread(output, 1, sizeof(output) - 1, pipe);
	output[len] = '\0';
	status = pclose(pipe);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define HEAD "pcc-release v1\n"

Test(diff, a_call_that_a_worker_may_make_now_is_told_with_its_reason)
{
	save("a", HEAD "jail worker.read allowed: chunks\n");
	save("b", HEAD "jail worker.open allowed: no reason at all\n"
		       "jail worker.read allowed: chunks\n");
	cr_assert_eq(diff("a", "b"), 0);
	cr_assert_not_null(strstr(output, "+ worker.open"));
	cr_assert_not_null(strstr(output, "no reason at all"));
	cr_assert_null(strstr(output, "worker.read"));
	cr_assert_not_null(strstr(output, "1 more, 0 fewer, 0 changed"));
}

Test(diff, what_is_the_same_is_said_to_be)
{
	save("a", HEAD "digest model 00\nlimit A 1\n");
	cr_assert_eq(diff("a", "a"), 0);
	cr_assert_not_null(strstr(output, "No process may make another"));
	cr_assert_not_null(strstr(output, "Every limit is the same."));
	cr_assert_null(strstr(output, "changed\n"));
}

Test(diff, a_section_that_nobody_here_knows_is_shown_by_its_name)
{
	save("a", HEAD "future x 1\n");
	save("b", HEAD "future x 2\n");
	cr_assert_eq(diff("a", "b"), 0);
	cr_assert_not_null(strstr(output, "\nfuture\n  ~ x\n"));
}

Test(diff, a_file_that_is_no_manifest_is_refused)
{
	save("a", HEAD "limit A 1\n");
	save("b", "limit A 1\n");
	cr_assert_eq(diff("a", "b"), 30);
	cr_assert_eq(diff("a", "absent"), 30);
}

/* The program's own words are a manifest, and cover what they have to. */
Test(diff, what_a_node_tells_of_itself_compares)
{
	char program[SYSTEM_BUILT_MAX];
	char command[2 * SYSTEM_BUILT_MAX];

	cr_assert(system_built("pcc-node", program));
	snprintf(command, sizeof(command),
		 "%s --describe >%s/a && sed 's/LIMIT_QUEUE 64/LIMIT_QUEUE 1/' "
		 "%s/a >%s/b",
		 program, folder, folder, folder);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(diff("a", "b"), 0);
	cr_assert_not_null(strstr(output, "~ LIMIT_QUEUE\n"));
	cr_assert_not_null(strstr(output, "0 more, 0 fewer, 1 changed"));
	cr_assert_not_null(strstr(output, "No process may make another"));
}
