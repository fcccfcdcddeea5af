/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/directory.h"
#include "verify/arguments.h"
#include "verify/report_page.h"

#define EXIT_UNREADABLE 2

static const char usage[] =
	"usage: pcc-verify report FILE --html PAGE [options]\n"
	"\n"
	"Write a page about a node's bundle, or the first of a saved "
	"/v1/nodes, "
	"for people\n"
	"who are no engineers.  It stands alone: nothing in it comes from "
	"elsewhere.\n";

static void write_page(FILE *out, const struct verify_result *result,
		       const struct arguments *arguments)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
		       "pcc-verify bundle %s --now %llu ...",
		       arguments->rest[0], (unsigned long long)arguments->now);
	report_page_begin(out, result, arguments->now);
	report_page_bundle(out, result);
	report_page_node(out, result);
	report_page_end(out, command);
}

static int report(const struct arguments *arguments, const char *page,
		  struct verify_result *result)
{
	struct directory directory;
	enum trouble trouble = directory_load(arguments->rest[0], &directory);
	struct bytes bundle = { 0 };
	FILE *out;

	if (trouble == TROUBLE_FILE) {
		perror(arguments->rest[0]);
		return EXIT_UNREADABLE;
	}
	if (trouble == TROUBLE_NONE && directory.count > 0)
		bundle = directory.nodes[0].bundle;
	verify_bundle(bundle, &arguments->trust.policy, arguments->now, NULL,
		      result);
	out = fopen(page, "w");
	if (out != NULL)
		write_page(out, result, arguments);
	if (trouble == TROUBLE_NONE)
		directory_free(&directory);
	if (out == NULL || fclose(out) != 0) {
		perror(page);
		return EXIT_UNREADABLE;
	}
	return verify_exit_code(result->verdict);
}

int report_run(int argc, char **argv)
{
	static struct arguments arguments;
	static struct verify_result result;
	const char *page = NULL;
	const struct arguments_own own[] = {
		{ "html", &page },
		{ NULL, NULL },
	};
	enum arguments_verdict verdict =
		arguments_parse(argc, argv, usage, own, &arguments);
	int code = verdict == ARGUMENTS_HELP ? 0 : ARGUMENTS_EXIT_USAGE;

	if (verdict == ARGUMENTS_RUN &&
	    (arguments.rest_count != 1 || page == NULL))
		fputs(usage, stderr);
	else if (verdict == ARGUMENTS_RUN)
		code = report(&arguments, page, &result);
	arguments_close(&arguments);
	return code;
}
