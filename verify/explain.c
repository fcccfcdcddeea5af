/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attest/event_log_print.h"
#include "attest/snp.h"
#include "attest/snp_report.h"
#include "attest/tdx.h"
#include "attest/tdx_quote.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_public.h"
#include "attest/tpm_quote.h"
#include "attest/verify_print.h"
#include "base/secret.h"
#include "client/directory.h"
#include "crypto/ohttp_keys.h"
#include "verify/arguments.h"
#include "wire/log_entry.h"
#include "wire/release.h"

#define EXIT_UNREADABLE 2
#define EXIT_MALFORMED 30
#define KEYS_MAX 8
#define NAME_WIDTH 20

static const char usage[] = "usage: pcc-verify explain FILE\n"
			    "\n"
			    "Print everything that is in a node's bundle, or "
			    "in the first of a saved "
			    "/v1/nodes,\n"
			    "field by field: statement, keys, evidence with "
			    "its event log, release.  "
			    "Nothing is\n"
			    "judged: `pcc-verify bundle` does that.\n";

static void print_hex(const char *name, struct bytes data)
{
	printf("  %-*s ", NAME_WIDTH, name);
	for (size_t i = 0; i < data.len; i++)
		printf("%02x", data.data[i]);
	printf("\n");
}

static void print_broken(const char *what, enum err err)
{
	printf("  %s: %s\n", what, err_name(err));
}

static void print_certificates(const struct bytes *list, size_t count)
{
	char name[CERTIFICATE_NAME_MAX];

	for (size_t i = 0; i < count; i++) {
		SCOPED_WIPE(certificate_close) struct certificate one = { 0 };

		if (certificate_parse(list[i], &one) != ERR_OK)
			printf("  %-*s %zu bytes that are none\n", NAME_WIDTH,
			       "certificate", list[i].len);
		else if (certificate_common_name(&one, CERTIFICATE_SUBJECT,
						 name) != ERR_OK)
			printf("  %-*s %zu bytes, without one common name\n",
			       NAME_WIDTH, "certificate", list[i].len);
		else
			printf("  %-*s %s\n", NAME_WIDTH, "certificate", name);
	}
}

static void print_log(struct bytes log, enum event_log_kind kind)
{
	enum err err;

	if (log.len == 0) {
		printf("  no event log\n");
		return;
	}
	printf("  event log, %zu bytes\n", log.len);
	err = event_log_print(log, kind, stdout);
	if (err != ERR_OK)
		print_broken("event log", err);
}

static void print_snp(struct bytes value)
{
	struct snp_evidence parts;
	struct snp_report report;
	enum err err = snp_parse(value, &parts);

	if (err == ERR_OK)
		err = snp_report_parse(parts.report, &report);
	if (err != ERR_OK) {
		print_broken("report", err);
		return;
	}
	snp_report_print(&report, stdout);
	printf("  %-*s %zu bytes\n", NAME_WIDTH, "certificate table",
	       parts.certificates.len);
}

static void print_tdx(struct bytes value)
{
	struct bytes outblob;
	struct bytes ccel;
	struct tdx_quote quote;
	enum err err = tdx_split(value, &outblob, &ccel);

	if (err == ERR_OK)
		err = tdx_quote_parse(outblob, &quote);
	if (err != ERR_OK) {
		print_broken("quote", err);
		return;
	}
	tdx_quote_print(&quote, stdout);
	print_log(ccel, EVENT_LOG_CC);
}

static void print_quote(const struct tpm_quote *quote)
{
	printf("  %-*s %" PRIu64 " ms, %" PRIu32 " resets, %" PRIu32
	       " restarts, %s\n",
	       NAME_WIDTH, "clock", quote->clock_ms, quote->reset_count,
	       quote->restart_count, quote->safe == 1 ? "safe" : "not safe");
	printf("  %-*s %016" PRIx64 "\n", NAME_WIDTH, "firmware",
	       quote->firmware);
	print_hex("qualified name", quote->signer);
	print_hex("extra data", quote->data);
	print_hex("digest of PCRs", quote->digest);
}

/* With the name that `chip tpm2 NAME` of a file of trust takes. */
static void print_key(struct bytes public)
{
	struct tpm_public_name name;
	struct tpm_public key;

	print_hex("public key", public);
	if (tpm_public_parse(public, &key) != ERR_OK)
		return;
	tpm_public_name(&key, &name);
	print_hex("name", (struct bytes){ name.bytes, name.len });
}

static void print_tpm(struct bytes value)
{
	struct tpm_evidence evidence;
	struct tpm_quote quote;
	char name[APPRAISAL_NAME_MAX];
	enum err err = tpm_evidence_parse(value, &evidence);

	if (err == ERR_OK)
		err = tpm_quote_parse(evidence.attest, &quote);
	if (err != ERR_OK) {
		print_broken("quote", err);
		return;
	}
	print_quote(&quote);
	for (int i = 0; i < TPM_EVIDENCE_PCRS; i++)
		if (evidence.pcrs[i] != NULL)
			print_hex(appraisal_register_name(
					  (enum appraisal_register)i, name),
				  (struct bytes){ evidence.pcrs[i],
						  TPM_EVIDENCE_PCR_BYTES });
	print_key(evidence.ak_public);
	print_certificates(evidence.certificates, evidence.certificate_count);
	print_log(evidence.event_log, EVENT_LOG_PCRS);
}

void explain_evidence(const struct bundle_evidence *evidence)
{
	printf("\nevidence: %s, %zu bytes\n",
	       bundle_evidence_name(evidence->type), evidence->value.len);
	switch (evidence->type) {
	case BUNDLE_EVIDENCE_SOFTWARE:
		print_hex("report data", evidence->value);
		break;
	case BUNDLE_EVIDENCE_TPM2:
		print_tpm(evidence->value);
		break;
	case BUNDLE_EVIDENCE_SEV_SNP:
		print_snp(evidence->value);
		break;
	case BUNDLE_EVIDENCE_TDX:
		print_tdx(evidence->value);
		break;
	case BUNDLE_EVIDENCE_UNKNOWN:
		printf("  a kind that this build does not know\n");
		break;
	}
}

static void explain_statement(const struct verify_result *result)
{
	struct verify_print_fact fact;

	printf("statement: %zu bytes\n", result->bundle.statement.len);
	if (!verify_passed(result, VERIFY_STATEMENT)) {
		printf("  %s\n", result->records[VERIFY_STATEMENT].text);
		return;
	}
	for (size_t i = 0; verify_print_fact(result, i, &fact) == ERR_OK; i++)
		printf("  %-*s %s\n", NAME_WIDTH, fact.name, fact.value);
	printf("  %-*s %" PRIu64 "\n", NAME_WIDTH, "key expires",
	       result->statement.key_expiry);
}

static void explain_keys(struct bytes keys)
{
	struct ohttp_key_config configs[KEYS_MAX];
	size_t count = 0;
	enum err err = ohttp_keys_parse(keys, configs, KEYS_MAX, &count);

	printf("\nkeys: %zu bytes\n", keys.len);
	if (err != ERR_OK)
		print_broken("keys", err);
	for (size_t i = 0; i < count; i++)
		printf("  key %u: KEM 0x%04x, %zu suites\n", configs[i].key_id,
		       configs[i].public_key.kem, configs[i].symmetric_count);
}

static void explain_release(struct bytes bytes)
{
	struct release release;
	struct log_entry entry;
	enum err err;

	if (bytes.len == 0)
		return;
	printf("\nrelease: %zu bytes\n", bytes.len);
	err = release_parse(bytes, &release);
	if (err == ERR_OK)
		err = log_entry_parse(release.entry, &entry);
	if (err != ERR_OK) {
		print_broken("release", err);
		return;
	}
	log_entry_print(&entry, stdout);
	/* A proof is text, of which nothing but what can be shown is shown. */
	for (size_t i = 0; i < release.proof.len; i++) {
		uint8_t byte = release.proof.data[i];

		if (i == 0 || release.proof.data[i - 1] == '\n')
			printf("  ");
		putchar(byte == '\n' || (byte >= 0x20 && byte < 0x7f) ? byte
								      : '?');
	}
}

static int explain(const char *path)
{
	static struct verify_result result;
	static const struct verify_policy policy;
	struct directory directory;
	enum trouble trouble = directory_load(path, &directory);
	int code = EXIT_MALFORMED;

	if (trouble != TROUBLE_NONE || directory.count == 0) {
		fprintf(stderr, "pcc-verify: %s: %s\n", path,
			trouble_text(trouble));
		return trouble == TROUBLE_FILE ? EXIT_UNREADABLE : code;
	}
	verify_bundle(directory.nodes[0].bundle, &policy, 0, NULL, &result);
	if (verify_passed(&result, VERIFY_BUNDLE)) {
		explain_statement(&result);
		explain_keys(result.bundle.keys);
		for (size_t i = 0; i < result.bundle.evidence_count; i++)
			explain_evidence(&result.bundle.evidence[i]);
		explain_release(result.bundle.release);
		code = 0;
	} else {
		fprintf(stderr, "pcc-verify: %s: %s\n", path,
			result.records[VERIFY_BUNDLE].text);
	}
	directory_free(&directory);
	return code;
}

int explain_run(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 2) {
		fputs(usage, stderr);
		return ARGUMENTS_EXIT_USAGE;
	}
	return explain(argv[1]);
}
