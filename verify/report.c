/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "client/directory.h"
#include "verify/arguments.h"
#include "verify/kept.h"
#include "verify/report_page.h"

#define EXIT_UNREADABLE 2

static const char usage[] =
	"usage: pcc-verify report FILE --html PAGE [options]\n"
	"       pcc-verify report --receipt KEPT --html PAGE [options]\n"
	"\n"
	"Write a page about a node's bundle, or the first of a saved "
	"/v1/nodes, for\n"
	"people who are no engineers; or about an answer that pcc-client "
	"--receipts kept.\n"
	"It stands alone: nothing in it comes from elsewhere, and no word of a "
	"prompt or\n"
	"an answer is on it.\n";

/* What a page is about, judged. */
struct subject {
	struct kept_judgement judgement; /* without a receipt: the bundle */
	enum verify_verdict verdict;
	bool has_receipt;
	const char *path;
};

static void write_page(FILE *out, const struct subject *subject)
{
	const struct kept_judgement *judgement = &subject->judgement;
	char command[512];

	(void)snprintf(command, sizeof(command),
		       "pcc-verify %s %s --now %llu ...",
		       subject->has_receipt ? "receipt" : "bundle",
		       subject->path, (unsigned long long)judgement->judged_at);
	report_page_begin(out, &judgement->bundle, subject->verdict,
			  judgement->judged_at);
	if (subject->has_receipt)
		report_page_receipt(out, &judgement->receipt);
	report_page_bundle(out, &judgement->bundle);
	report_page_node(out, &judgement->bundle);
	report_page_end(out, command);
}

/* 0, or how to end.  The bundle's views do not outlive the directory. */
static int judge_bundle(const struct arguments *arguments,
			struct directory *directory, struct subject *out)
{
	enum trouble trouble = directory_load(out->path, directory);
	struct bytes bundle = { 0 };

	if (trouble == TROUBLE_FILE) {
		perror(out->path);
		return EXIT_UNREADABLE;
	}
	if (trouble == TROUBLE_NONE && directory->count > 0)
		bundle = directory->nodes[0].bundle;
	verify_bundle(bundle, &arguments->trust.policy, arguments->now, NULL,
		      &out->judgement.bundle);
	out->judgement.judged_at = arguments->now;
	out->verdict = out->judgement.bundle.verdict;
	return 0;
}

static int judge_kept(const struct arguments *arguments, struct kept *kept,
		      struct subject *out)
{
	enum err err = kept_open(out->path, kept);

	if (err != ERR_OK) {
		fprintf(stderr, "pcc-verify: %s: %s\n", out->path,
			err_name(err));
		return err == ERR_UNAVAILABLE
			       ? EXIT_UNREADABLE
			       : verify_exit_code(VERIFY_MALFORMED);
	}
	kept_judge(kept, arguments, &out->judgement);
	out->verdict = kept_verdict(&out->judgement);
	return 0;
}

static int report(const struct arguments *arguments, const char *page,
		  struct subject *subject)
{
	SCOPED_WIPE(kept_close) struct kept kept = { 0 };
	SCOPED_WIPE(directory_free) struct directory directory = { 0 };
	int code = subject->has_receipt
			   ? judge_kept(arguments, &kept, subject)
			   : judge_bundle(arguments, &directory, subject);
	FILE *out;

	if (code != 0)
		return code;
	out = fopen(page, "w");
	if (out != NULL)
		write_page(out, subject);
	if (out == NULL || fclose(out) != 0) {
		perror(page);
		return EXIT_UNREADABLE;
	}
	return verify_exit_code(subject->verdict);
}

int report_run(int argc, char **argv)
{
	static struct arguments arguments;
	static struct subject subject;
	const char *page = NULL;
	const char *receipt = NULL;
	const struct arguments_own own[] = {
		{ "html", &page },
		{ "receipt", &receipt },
		{ NULL, NULL },
	};
	enum arguments_verdict verdict = arguments_parse(
		argc, argv,
		&(struct arguments_form){ .usage = usage, .own = own },
		&arguments);
	int code = verdict == ARGUMENTS_HELP ? 0 : ARGUMENTS_EXIT_USAGE;

	subject.has_receipt = receipt != NULL;
	subject.path = receipt != NULL ? receipt : arguments.rest[0];
	if (verdict == ARGUMENTS_RUN &&
	    (arguments.rest_count + subject.has_receipt != 1 || page == NULL))
		fputs(usage, stderr);
	else if (verdict == ARGUMENTS_RUN)
		code = report(&arguments, page, &subject);
	arguments_close(&arguments);
	return code;
}
