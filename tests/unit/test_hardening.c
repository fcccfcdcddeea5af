/* SPDX-License-Identifier: Apache-2.0 */
/* What every program has of the compiler's and the linker's defences. */
#include <criterion/criterion.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/system.h"

#define DEFENCES 9   /* that tools/check_hardening.sh looks for */
#define SOFT_LACKS 7 /* of them, whoever made the compiler */

/* How many lines a command says. */
static unsigned lines_of(const char *command)
{
	FILE *out = popen(command, "re");
	char line[256];
	unsigned lines = 0;

	cr_assert_not_null(out);
	while (fgets(line, sizeof(line), out) != NULL) {
		fputs(line, stderr);
		lines++;
	}
	(void)pclose(out);
	return lines;
}

/* A program that was told to have none of them. */
static unsigned lacked_by_a_soft_program(void)
{
	char folder[] = "/tmp/pcc-soft.XXXXXX";
	char command[512];
	unsigned lacked;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(command, sizeof(command),
		 "echo 'int main(void) { return 0; }' | gcc -x c - -O0 -no-pie "
		 "-fno-stack-protector -Wl,-z,execstack,-z,norelro,-z,lazy,"
		 "-rpath,/tmp -o %s/soft && tools/check_hardening.sh %s/soft",
		 folder, folder);
	lacked = lines_of(command);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
	return lacked;
}

Test(hardening, no_program_lacks_a_defence, .timeout = 60)
{
	static const char *const programs[] = { "node",	  "gateway", "client",
						"verify", "log",     "model" };
	const size_t count = sizeof(programs) / sizeof(*programs);
	char self[PATH_MAX - 64] = "", command[PATH_MAX];
	const char *tests;
	unsigned lacked = 0, control;

	if (system_is_sanitized())
		cr_skip_test("sanitized programs have other defences");
	cr_assert_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	tests = dirname(dirname(self));
	for (size_t i = 0; i < count; i++) {
		snprintf(command, sizeof(command),
			 "tools/check_hardening.sh %s/../pcc-%s", tests,
			 programs[i]);
		lacked += lines_of(command);
	}
	control = lacked_by_a_soft_program();
	cr_expect_geq(control, SOFT_LACKS);
	figure_none("M2", "defences of the linker or compiler that are missing",
		    lacked, count * DEFENCES, control);
}
