/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "verify/arguments.h"

static struct arguments arguments;

static enum arguments_verdict parse(enum arguments_trust trust,
				    const char *name, const char *value)
{
	char command[] = "command", file[] = "file";
	char *argv[] = { command, file, (char *)(uintptr_t)name,
			 (char *)(uintptr_t)value, NULL };
	const struct arguments_form form = { .usage = "", .trust = trust };

	return arguments_parse(4, argv, &form, &arguments);
}

Test(arguments, a_command_that_judges_takes_whom_to_trust)
{
	cr_assert_eq(parse(ARGUMENTS_JUDGES, "--accept-evidence", "tdx"),
		     ARGUMENTS_RUN);
	cr_assert_eq(arguments.trust.policy.evidence,
		     1u << BUNDLE_EVIDENCE_TDX);
	cr_assert_eq(arguments.rest_count, 1);
	cr_assert_not(arguments.has_now);
	cr_assert_eq(parse(ARGUMENTS_JUDGES, "--now", "7"), ARGUMENTS_RUN);
	cr_assert(arguments.has_now);
}

/* Else somebody would believe that it had been asked for. */
Test(arguments, a_command_that_judges_nobody_refuses_whom_to_trust)
{
	static const char *const names[] = { "--accept-evidence", "--node",
					     "--trust", "--collateral" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(parse(ARGUMENTS_JUDGES_NOBODY, names[i], "tdx"),
			     ARGUMENTS_USAGE, "%s", names[i]);
	cr_assert_eq(parse(ARGUMENTS_JUDGES_NOBODY, "--now", "7"),
		     ARGUMENTS_RUN);
	cr_assert_eq(arguments.now, 7);
	cr_assert(arguments.has_now);
}

Test(arguments, what_is_unknown_impossible_or_given_twice_is_refused)
{
	cr_assert_eq(parse(ARGUMENTS_JUDGES, "--acept-evidence", "tdx"),
		     ARGUMENTS_USAGE);
	cr_assert_eq(parse(ARGUMENTS_JUDGES, "--accept-evidence", "sgx"),
		     ARGUMENTS_USAGE);
	cr_assert_eq(parse(ARGUMENTS_JUDGES, "--now", "-1"), ARGUMENTS_USAGE);
	cr_assert_eq(parse(ARGUMENTS_JUDGES, "--now", NULL), ARGUMENTS_USAGE);
}
