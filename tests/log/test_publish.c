/* SPDX-License-Identifier: Apache-2.0 */
/* A release on its way from an operator's hands to a node's `--release`. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "log/options.h"
#include "tests/system.h"
#include "wire/log_entry.h"
#include "wire/release.h"

static char folder[] = "/tmp/pcc-publish-XXXXXX";

#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The end status of a script in the folder; $L is pcc-log. */
static int run(const char *script)
{
	char program[SYSTEM_BUILT_MAX];
	char command[SYSTEM_BUILT_MAX + 1024];
	int status;

	cr_assert(system_built("pcc-log", program));
	snprintf(command, sizeof(command),
		 "L=$(realpath %s) && cd %s && { %s ; } 2>>log", program,
		 folder, script);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(
		run("D=" DIGEST " && "
		    "$L create --log log.d --key k --origin a.example/l >key "
		    "&& "
		    "$L create --log other.d --key o --origin b.example/l "
		    ">other && "
		    "$L entry release name=n version=1 program=$D model=$D "
		    "tokenizer=$D policy=$D jail=$D grammar=$D manifest=$D "
		    "measurement=pcr4:$D not-before=1 not-after=2 >release && "
		    "$L entry policy name=n policy=$D >policy && "
		    "$L append --log log.d --key k release policy >hashes && "
		    "for e in release policy; do $L prove --log log.d "
		    "--log-key log.d/key --entry $e >$e.proof || exit 1; done"),
		0);
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(publish, .init = setup, .fini = teardown, .timeout = 60);

#define PUBLISH "$L publish --log-key log.d/key "

Test(publish, a_release_in_the_log_becomes_the_file_that_a_node_takes)
{
	static uint8_t memory[RELEASE_BYTES_MAX];
	char path[64];
	struct release release;
	struct log_entry entry;
	FILE *file;
	size_t len;

	cr_assert_eq(run(PUBLISH "--entry release --proof release.proof >out"),
		     OPTIONS_OK);
	snprintf(path, sizeof(path), "%s/out", folder);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	len = fread(memory, 1, sizeof(memory), file);
	fclose(file);
	cr_assert_eq(release_parse((struct bytes){ memory, len }, &release),
		     ERR_OK);
	cr_assert_eq(log_entry_parse(release.entry, &entry), ERR_OK);
	cr_assert_eq(entry.kind, LOG_ENTRY_RELEASE);
}

Test(publish, what_is_no_release_is_refused)
{
	cr_assert_neq(run(PUBLISH "--entry policy --proof policy.proof >out"),
		      OPTIONS_OK);
	cr_assert_eq(run("test ! -s out"), 0, "and nothing is written");
}

Test(publish, a_proof_of_another_entry_or_for_another_log_is_refused)
{
	cr_assert_neq(run(PUBLISH "--entry release --proof policy.proof >out"),
		      OPTIONS_OK);
	cr_assert_neq(run("$L publish --log-key other.d/key --entry release "
			  "--proof release.proof >out"),
		      OPTIONS_OK);
	cr_assert_eq(run("test ! -s out"), 0, "and nothing is written");
}
