/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether keys steer branches or addresses, as valgrind sees it in the product's
 * own machine code: tests/hostile/constant_time.c says how.
 */
#include <criterion/criterion.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/system.h"

#define FOUND 9	    /* valgrind's exit status where it found something */
#define CANNOT 77   /* the program's, where nothing was marked */
#define LIMIT_S 120 /* for all */

static const char suppressions[] =
	"--suppressions=tests/hostile/constant_time.supp";

static int status_of(const char *act)
{
	char self[PATH_MAX - 32] = "", program[PATH_MAX];
	int status = -1;
	pid_t pid;

	cr_assert_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(program, sizeof(program), "%s/constant_time", dirname(self));
	pid = fork();
	if (pid == 0) {
		execlp("valgrind", "valgrind", "-q", "--error-exitcode=9",
		       suppressions, program, act, (char *)NULL);
		_exit(CANNOT);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "%s: status %d", act, status);
	return WEXITSTATUS(status);
}

static void skip_where_it_cannot_be_seen(void)
{
	if (system_is_sanitized())
		cr_skip_test("valgrind sees nothing in a sanitized program");
	if (status_of("compare") == CANNOT)
		cr_skip_test("valgrind is not installed");
}

Test(constant_time, no_branch_and_no_address_depends_on_a_key,
     .timeout = LIMIT_S)
{
	static const char *const acts[] = { "request", "p256", "sign",
					    "compare", "key_file" };
	const size_t count = sizeof(acts) / sizeof(*acts);
	unsigned found = 0, control = 0;

	skip_where_it_cannot_be_seen();
	for (size_t i = 0; i < count; i++) {
		int status = status_of(acts[i]);

		cr_expect(status == 0, "%s: status %d", acts[i], status);
		found += status != 0;
	}
	control += status_of("branch") == FOUND;
	control += status_of("address") == FOUND;
	figure_none("B10", "acts in which a branch or an address hung on a key",
		    found, count, control);
}

Test(constant_time, a_branch_or_an_address_that_does_is_found,
     .timeout = LIMIT_S)
{
	skip_where_it_cannot_be_seen();
	cr_assert_eq(status_of("branch"), FOUND);
	cr_assert_eq(status_of("address"), FOUND);
}
