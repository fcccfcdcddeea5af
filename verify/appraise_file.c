/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/appraise_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "attest/appraise.h"
#include "attest/azure.h"
#include "attest/nitro.h"
#include "base/fd.h"
#include "verify/arguments.h"
#include "verify/explain.h"
#include "wire/cbor.h"

#define EXIT_UNREADABLE 2
#define EVIDENCE_MAX (1u << 20)
#define CBOR_ARRAY_OF_TWO 0x82

static const char usage[] =
	"usage: pcc-verify appraise TYPE FILE [options]\n"
	"\n"
	"Ask one piece of evidence, as a bundle holds it or as its vendor made "
	"it (an\n"
	"SEV-SNP report, a TDX quote), the questions that each has to answer.  "
	"What it\n"
	"binds is printed, and for the reader to compare.  TYPE is software, "
	"tpm2, sev-snp\n"
	"or tdx; azure for a machine of that cloud with a TPM on top of "
	"SEV-SNP; nitro for\n"
	"the document of an enclave.\n";

/* Vendors' own bytes begin with a version, and never like an array of two. */
static enum err wrap(enum bundle_evidence_type type, struct bytes raw,
		     struct writer *out)
{
	bool is_bare = raw.len > 0 && raw.data[0] != CBOR_ARRAY_OF_TWO &&
		       (type == BUNDLE_EVIDENCE_SEV_SNP ||
			type == BUNDLE_EVIDENCE_TDX);

	if (!is_bare)
		return bytes_put(out, raw);
	TRY(cbor_put_array(out, 2));
	TRY(cbor_put_bytes(out, raw));
	return cbor_put_bytes(out, (struct bytes){ 0 });
}

/* Kinds that other people's machines have and nodes here have not. */
static const struct foreign {
	const char *name;
	appraise_function *appraise;
	uint32_t needed;
} foreigners[] = {
	{ "azure", azure_appraise, AZURE_NEEDED },
	{ "nitro", nitro_appraise, NITRO_NEEDED },
};

static const struct foreign *foreign_named(const char *name)
{
	for (size_t i = 0; i < sizeof(foreigners) / sizeof(foreigners[0]); i++)
		if (strcmp(name, foreigners[i].name) == 0)
			return &foreigners[i];
	return NULL;
}

static int exit_code(const struct appraisal *appraisal)
{
	enum verify_verdict verdict = VERIFY_VERIFIED;

	for (int i = 0; i < APPRAISAL_CODES; i++) {
		if (appraisal->records[i].mark != RECORD_FAIL)
			continue;
		if (i == APPRAISAL_FORMAT)
			return verify_exit_code(VERIFY_MALFORMED);
		if ((appraisal->expired >> i & 1) == 0)
			verdict = VERIFY_NOT_VERIFIED;
		else if (verdict == VERIFY_VERIFIED)
			verdict = VERIFY_EXPIRED;
	}
	return verify_exit_code(verdict);
}

static void print_table(const struct appraisal *appraisal)
{
	for (int i = 0; i < APPRAISAL_CODES; i++)
		printf("%s  %-20s %s\n",
		       record_mark_name(appraisal->records[i].mark),
		       appraisal_code_name((enum appraisal_code)i),
		       appraisal->records[i].text);
	printf("\nreport data: ");
	for (size_t i = 0; i < appraisal->report_data.len; i++)
		printf("%02x", appraisal->report_data.data[i]);
	printf("\n");
}

/* Sentences are printable ASCII; of that a quote needs an escape alone. */
static void print_json(const struct appraisal *appraisal)
{
	printf("{\"exit_code\":%d,\"checks\":[", exit_code(appraisal));
	for (int i = 0; i < APPRAISAL_CODES; i++) {
		const struct record *record = &appraisal->records[i];

		printf("%s{\"code\":\"%s\",\"mark\":\"%s\",\"text\":\"",
		       i == 0 ? "" : ",",
		       appraisal_code_name((enum appraisal_code)i),
		       record_mark_name(record->mark));
		for (const char *at = record->text; *at != '\0'; at++)
			printf(*at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
		printf("\"}");
	}
	printf("]}\n");
}

/* Read and judge; 0, or how to end.  Views are of memory that stays. */
static int judge(const struct arguments *arguments,
		 struct bundle_evidence *evidence, struct appraisal *out)
{
	static uint8_t raw_memory[EVIDENCE_MAX];
	static uint8_t memory[EVIDENCE_MAX + 64];
	const struct foreign *foreign = foreign_named(arguments->rest[0]);
	struct writer raw = WRITER_OVER(raw_memory);
	struct writer value = WRITER_OVER(memory);
	struct appraisal_policy policy = { 0 };
	SCOPED_FD fd = open(arguments->rest[1], O_RDONLY | O_CLOEXEC);

	evidence->type = BUNDLE_EVIDENCE_UNKNOWN;
	if (foreign == NULL &&
	    bundle_evidence_named(arguments->rest[0], &evidence->type) !=
		    ERR_OK) {
		fprintf(stderr, "pcc-verify: %s: no such type of evidence\n",
			arguments->rest[0]);
		return ARGUMENTS_EXIT_USAGE;
	}
	if (fd < 0 || fd_read_all(fd, &raw) != ERR_OK ||
	    wrap(evidence->type, bytes_written(&raw), &value) != ERR_OK) {
		perror(arguments->rest[1]);
		return EXIT_UNREADABLE;
	}
	evidence->value = bytes_written(&value);
	if (foreign == NULL)
		policy = arguments->trust.policy.appraisal[evidence->type];
	else
		collateral_lend(&arguments->trust.collateral, &policy);
	policy.now = arguments->now;
	if (foreign == NULL)
		appraise(evidence, &policy, out);
	else
		appraise_by(foreign->appraise, foreign->needed, evidence->value,
			    &policy, out);
	return 0;
}

static int run(const struct arguments *arguments)
{
	static struct appraisal appraisal;
	struct bundle_evidence evidence;
	int code = judge(arguments, &evidence, &appraisal);

	if (code != 0)
		return code;
	if (arguments->json) {
		print_json(&appraisal);
	} else {
		print_table(&appraisal);
		explain_evidence(&evidence);
	}
	return exit_code(&appraisal);
}

int appraise_file_run(int argc, char **argv)
{
	static struct arguments arguments;
	enum arguments_verdict verdict = arguments_parse(
		argc, argv, &(struct arguments_form){ .usage = usage },
		&arguments);
	int code = verdict == ARGUMENTS_HELP ? 0 : ARGUMENTS_EXIT_USAGE;

	if (verdict == ARGUMENTS_RUN && arguments.rest_count != 2)
		fputs(usage, stderr);
	else if (verdict == ARGUMENTS_RUN)
		code = run(&arguments);
	arguments_close(&arguments);
	return code;
}
