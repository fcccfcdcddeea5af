/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-log: keeps a transparency log, watches one, or vouches for one.
 *
 *   holds   a log's or a witness's private key, in a file of its own
 *   sees    public entries
 *   never   signs a head before all that it covers is on the disk, or one that
 *           does not continue what its key signed before
 *
 * Each command is a row of the table below.
 */
#include <stdio.h>
#include <string.h>

#include "log/append.h"
#include "log/audit.h"
#include "log/cosign.h"
#include "log/create.h"
#include "log/export.h"
#include "log/make_entry.h"
#include "log/options.h"
#include "log/prove.h"
#include "log/publish.h"
#include "log/serve.h"
#include "log/witness.h"
#include "net/http.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command */
	const char *help;
} commands[] = {
	{ "create", create_run, "make a log" },
	{ "key", create_run_key, "make a key, of a witness for instance" },
	{ "entry", make_entry_run, "make an entry" },
	{ "append", append_run, "add entries" },
	{ "serve", serve_run, "serve a log's files over HTTP" },
	{ "cosign", cosign_run, "have a log's head cosigned by witnesses" },
	{ "witness", witness_run, "cosign the heads of logs that only grow" },
	{ "show", audit_run_show, "print the entries of a log" },
	{ "prove", prove_run, "write the proof that an entry is in a log" },
	{ "check", prove_run_check, "judge such a proof, offline" },
	{ "publish", publish_run, "write what a node shows of its release" },
	{ "receipt", export_run, "write a proof as a COSE receipt" },
	{ "check-receipt", export_run_check, "judge such a receipt, offline" },
	{ "audit", audit_run, "watch a log, once or continuously" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fprintf(out, "usage: pcc-log COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-15s%s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"\npcc-log COMMAND --help tells more.  It exits with 0 for "
		"done or verified, 10\nfor not verified, 20 for stale, 30 "
		"for malformed, 2 where a file or a server\nrefused, 1 "
		"for a mistake in its usage.\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_help(stdout);
		return OPTIONS_OK;
	}
	http_init();
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "pcc-log: no such command: %s\n\n", name);
	print_help(stderr);
	return OPTIONS_USAGE;
}
