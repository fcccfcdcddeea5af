/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/bundle.h"

#include <stdio.h>

#include "client/inspect.h"
#include "verify/arguments.h"

static const char usage[] =
	"usage: pcc-verify bundle FILE [options]\n"
	"       pcc-verify bundle --gateway URL [--ca FILE] [options]\n"
	"\n"
	"Check a node's bundle, or each of a saved /v1/nodes, without a "
	"network; "
	"or those\n"
	"that a gateway lists.  One line a check: mark, code, what was "
	"proven.\n";

static int run(const struct arguments *arguments,
	       const struct http_server *gateway)
{
	struct inspect_question question = {
		.file = arguments->rest[0],
		.gateway = *gateway,
		.policy = &arguments->trust.policy,
		.now = arguments->now,
		.json = arguments->json,
	};

	if (arguments->rest_count + (gateway->url != NULL) != 1) {
		fputs(usage, stderr);
		return ARGUMENTS_EXIT_USAGE;
	}
	http_init();
	return inspect_run(&question);
}

int bundle_run(int argc, char **argv)
{
	static struct arguments arguments;
	struct http_server gateway = { 0 };
	const struct arguments_own own[] = {
		{ "gateway", &gateway.url },
		{ "ca", &gateway.ca_file },
		{ NULL, NULL },
	};
	enum arguments_verdict verdict = arguments_parse(
		argc, argv,
		&(struct arguments_form){ .usage = usage, .own = own },
		&arguments);
	int code = verdict == ARGUMENTS_HELP ? 0 : ARGUMENTS_EXIT_USAGE;

	if (verdict == ARGUMENTS_RUN)
		code = run(&arguments, &gateway);
	arguments_close(&arguments);
	return code;
}
