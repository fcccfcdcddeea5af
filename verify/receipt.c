/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/receipt.h"

#include <stdio.h>

#include "base/secret.h"
#include "verify/kept.h"

static const char usage[] =
	"usage: pcc-verify receipt FILE [options]\n"
	"\n"
	"Judge an answer that pcc-client kept (--receipts FOLDER): the bundle "
	"of "
	"the\n"
	"node at the time of the receipt, or at --now, and the receipt that "
	"its "
	"key\n"
	"signed, with what was sent and what came.  Nothing is fetched.\n";

static void print(const struct kept_judgement *judgement,
		  const struct arguments *arguments)
{
	enum verify_verdict verdict = kept_verdict(judgement);

	if (!arguments->json) {
		kept_print_table(judgement, stdout);
		printf("\nreceipt: %s\n", verify_verdict_name(verdict));
		return;
	}
	printf("{\"verdict\":\"%s\",\"exit_code\":%d,",
	       verify_verdict_name(verdict), verify_exit_code(verdict));
	kept_print_json(judgement, stdout);
	printf("}\n");
}

static int judge(const struct arguments *arguments)
{
	static struct kept_judgement judgement;
	SCOPED_WIPE(kept_close) struct kept kept = { 0 };
	enum err err;

	if (arguments->rest_count != 1) {
		fprintf(stderr, "pcc-verify: receipt needs one file\n");
		return ARGUMENTS_EXIT_USAGE;
	}
	err = kept_open(arguments->rest[0], &kept);
	if (err == ERR_UNAVAILABLE) {
		fprintf(stderr, "pcc-verify: the file cannot be read\n");
		return ARGUMENTS_EXIT_USAGE;
	}
	if (err != ERR_OK) {
		fprintf(stderr, "pcc-verify: the file is no kept answer, or "
				"of another version\n");
		return verify_exit_code(VERIFY_MALFORMED);
	}
	kept_judge(&kept, arguments, &judgement);
	print(&judgement, arguments);
	return verify_exit_code(kept_verdict(&judgement));
}

int receipt_run(int argc, char **argv)
{
	static struct arguments arguments;
	int code = 0;

	switch (arguments_parse(argc, argv,
				&(struct arguments_form){ .usage = usage },
				&arguments)) {
	case ARGUMENTS_HELP:
		break;
	case ARGUMENTS_USAGE:
		code = ARGUMENTS_EXIT_USAGE;
		break;
	case ARGUMENTS_RUN:
		code = judge(&arguments);
		break;
	}
	arguments_close(&arguments);
	return code;
}
