/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-verify: says what a node's evidence, a log or a receipt proves.
 *
 *   holds   nothing that is secret
 *   sees    public documents, and a user's own copies of their own requests
 *   never   trusts the machine it runs on for anything but arithmetic
 *
 * Each command is a file of this folder and a row of the table below.
 */
#include <stdio.h>
#include <string.h>

#include "verify/appraise_file.h"
#include "verify/bundle.h"
#include "verify/diff.h"
#include "verify/enrol.h"
#include "verify/explain.h"
#include "verify/receipt.h"
#include "verify/registers.h"
#include "verify/replay.h"
#include "verify/report.h"

#define EXIT_USAGE 1

static const struct {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command */
	const char *help;
} commands[] = {
	{ "appraise", appraise_file_run, "what one piece of evidence proves" },
	{ "bundle", bundle_run, "what a node's evidence proves" },
	{ "diff", diff_run, "what changed between two releases" },
	{ "enrol", enrol_run, "certify a TPM's attestation key" },
	{ "report", report_run, "the same as a page for people" },
	{ "explain", explain_run, "a bundle field by field" },
	{ "receipt", receipt_run, "what a kept answer proves" },
	{ "replay", replay_run, "the same answer again, token by token" },
	{ "registers", registers_run, "the names that measurements go by" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fprintf(out, "usage: pcc-verify COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-12s%s\n", commands[i].name, commands[i].help);
	fprintf(out, "\npcc-verify COMMAND --help tells more.  It exits with 0 "
		     "for verified, 10 for not\nverified, 20 for expired, 30 "
		     "for malformed, 1 for a mistake in its usage.\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_help(stdout);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "pcc-verify: no such command: %s\n\n", name);
	print_help(stderr);
	return EXIT_USAGE;
}
