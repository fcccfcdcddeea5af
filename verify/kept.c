/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/kept.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attest/verify_print.h"
#include "base/fd.h"
#include "base/secret.h"
#include "crypto/commitment.h"
#include "wire/hex.h"

#define HEX_BYTES (2 * RECEIPT_DIGEST_BYTES + 1)

static enum err read_all(const char *path, struct kept *out)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	struct writer all;

	if (file < 0 || fstat(file, &status) != 0 || status.st_size < 0 ||
	    (uint64_t)status.st_size > RECEIPT_FILE_BYTES_MAX)
		return ERR_UNAVAILABLE;
	out->size = (size_t)status.st_size + 1;
	out->memory = malloc(out->size);
	if (out->memory == NULL)
		return ERR_UNAVAILABLE;
	all = (struct writer){ out->memory, 0, out->size };
	TRY(fd_read_all(file, &all));
	return receipt_file_parse(bytes_written(&all), &out->file);
}

enum err kept_open(const char *path, struct kept *out)
{
	struct kept kept = { 0 };
	enum err err = read_all(path, &kept);

	if (err != ERR_OK) {
		kept_close(&kept);
		return err;
	}
	*out = kept;
	return ERR_OK;
}

void kept_close(struct kept *kept)
{
	if (kept->memory != NULL)
		secret_wipe(kept->memory, kept->size);
	free(kept->memory);
	secret_wipe(kept, sizeof(*kept));
}

static void check_receipt(const struct kept *kept,
			  const struct verify_result *bundle,
			  struct receipt_check *out)
{
	SCOPED_WIPE(commitment_salt_wipe) struct commitment_salt salt;
	struct receipt_check_exchange exchange = { .receipt =
							   kept->file.receipt };
	struct receipt_check_node node;

	memcpy(salt.bytes, kept->file.salt, sizeof(salt.bytes));
	commitment_make(COMMITMENT_REQUEST, &salt, kept->file.request,
			exchange.request);
	commitment_make(COMMITMENT_RESPONSE, &salt, kept->file.response,
			exchange.response);
	receipt_check_describe(kept->file.bundle, &bundle->bundle,
			       &bundle->statement, bundle->key.key_id, &node);
	receipt_check_run(&node, &exchange, out);
}

/* A key that ended while the answer ran was good when the request was sent. */
static uint64_t time_of(const struct kept_judgement *judgement,
			const struct arguments *arguments)
{
	uint64_t made = judgement->receipt.receipt.node.time;
	uint64_t end = judgement->bundle.statement.key_expiry;
	enum record_mark format =
		judgement->receipt.records[RECEIPT_CHECK_FORMAT].mark;

	if (arguments->has_now || format != RECORD_PASS)
		return arguments->now;
	return made < end || end == 0 ? made : end - 1;
}

void kept_judge(const struct kept *kept, const struct arguments *arguments,
		struct kept_judgement *out)
{
	const struct verify_policy *policy = &arguments->trust.policy;

	*out = (struct kept_judgement){ 0 };
	verify_bundle(kept->file.bundle, policy, arguments->now, NULL,
		      &out->bundle);
	/* Without its key there is nothing to hold the receipt against. */
	if (verify_passed(&out->bundle, VERIFY_STATEMENT) &&
	    verify_passed(&out->bundle, VERIFY_KEYS))
		check_receipt(kept, &out->bundle, &out->receipt);
	out->judged_at = time_of(out, arguments);
	verify_bundle(kept->file.bundle, policy, out->judged_at, NULL,
		      &out->bundle);
}

enum verify_verdict kept_verdict(const struct kept_judgement *judgement)
{
	if (judgement->bundle.verdict == VERIFY_MALFORMED ||
	    judgement->receipt.records[RECEIPT_CHECK_FORMAT].mark !=
		    RECORD_PASS)
		return VERIFY_MALFORMED;
	if (!receipt_check_holds(&judgement->receipt))
		return VERIFY_NOT_VERIFIED;
	return judgement->bundle.verdict;
}

static const struct {
	const char *name;
	size_t offset;
} digests[] = {
	{ "node", offsetof(struct receipt, node.node_id) },
	{ "model", offsetof(struct receipt, node.model_root) },
	{ "tokenizer", offsetof(struct receipt, node.tokenizer_digest) },
	{ "policy", offsetof(struct receipt, node.policy_digest) },
	{ "jail", offsetof(struct receipt, node.jail_digest) },
	{ "evidence", offsetof(struct receipt, node.evidence_digest) },
	{ "checkpoint", offsetof(struct receipt, node.checkpoint_digest) },
	{ "request", offsetof(struct receipt, answer.request) },
	{ "response", offsetof(struct receipt, answer.response) },
	{ "seed", offsetof(struct receipt, answer.seed) },
};

#define DIGESTS (sizeof(digests) / sizeof(digests[0]))

static const char *digest_hex(const struct receipt *receipt, size_t which,
			      char text[static HEX_BYTES])
{
	struct bytes digest = { (const uint8_t *)receipt +
					digests[which].offset,
				RECEIPT_DIGEST_BYTES };
	struct writer out = { (uint8_t *)text, 0, HEX_BYTES - 1 };

	invariant(hex_put(&out, digest) == ERR_OK);
	text[out.len] = '\0';
	return text;
}

static const char *const numerics[] = {
	[RECEIPT_INTEGERS] = "integers",
	[RECEIPT_BF16_PROMPTS] = "bf16_prompts",
};

static void print_receipt(const struct receipt *receipt, FILE *out)
{
	const struct receipt_sampling *sampling = &receipt->answer.sampling;
	char hex[HEX_BYTES];

	for (size_t i = 0; i < DIGESTS; i++)
		fprintf(out, "      %-18s %s\n", digests[i].name,
			digest_hex(receipt, i, hex));
	fprintf(out,
		"      %-18s temperature %.9g, top_p %.9g, top_k %" PRIu32
		", %" PRIu32 " tokens of a context of %" PRIu32 ", %s\n",
		"sampling", (double)sampling->temperature,
		(double)sampling->top_p, sampling->top_k, sampling->tokens_max,
		sampling->context_max, numerics[sampling->numerics]);
	fprintf(out,
		"      %-18s %" PRIu32 " of the prompt, %" PRIu32
		" of the answer, which ended by %s\n",
		"tokens", receipt->answer.prompt_tokens,
		receipt->answer.answer_tokens,
		receipt_finish_name(receipt->answer.finish));
	fprintf(out, "      %-18s %" PRIu64 "\n", "time", receipt->node.time);
	fprintf(out, "      %-18s %s%s\n", "assurance",
		statement_assurance_name(receipt->node.assurance),
		receipt_is_software_only(receipt)
			? " (software evidence only: proves nothing about "
			  "hardware)"
			: "");
}

void kept_print_table(const struct kept_judgement *judgement, FILE *out)
{
	verify_print_table(&judgement->bundle, out);
	fprintf(out, "\n");
	for (size_t i = 0; i < RECEIPT_CHECK_CODES; i++) {
		const struct record *record = &judgement->receipt.records[i];

		fprintf(out, "%s  %-18s %s\n", record_mark_name(record->mark),
			receipt_check_name((enum receipt_check_code)i),
			record->mark == RECORD_SKIP ? "Not reached."
						    : record->text);
	}
	fprintf(out, "\n");
	if (judgement->receipt.records[RECEIPT_CHECK_FORMAT].mark ==
	    RECORD_PASS)
		print_receipt(&judgement->receipt.receipt, out);
}

static void print_receipt_json(const struct receipt *receipt, FILE *out)
{
	const struct receipt_sampling *sampling = &receipt->answer.sampling;
	char hex[HEX_BYTES];

	fprintf(out, "{");
	for (size_t i = 0; i < DIGESTS; i++)
		fprintf(out, "\"%s\":\"%s\",", digests[i].name,
			digest_hex(receipt, i, hex));
	fprintf(out,
		"\"temperature\":%.9g,\"top_p\":%.9g,\"top_k\":%" PRIu32
		",\"tokens_max\":%" PRIu32 ",\"context_max\":%" PRIu32
		",\"numerics\":\"%s\"",
		(double)sampling->temperature, (double)sampling->top_p,
		sampling->top_k, sampling->tokens_max, sampling->context_max,
		numerics[sampling->numerics]);
	fprintf(out,
		",\"prompt_tokens\":%" PRIu32 ",\"answer_tokens\":%" PRIu32
		",\"finish\":\"%s\",\"time\":%" PRIu64
		",\"assurance\":\"%s\",\"software_only\":%s}",
		receipt->answer.prompt_tokens, receipt->answer.answer_tokens,
		receipt_finish_name(receipt->answer.finish), receipt->node.time,
		statement_assurance_name(receipt->node.assurance),
		receipt_is_software_only(receipt) ? "true" : "false");
}

void kept_print_json(const struct kept_judgement *judgement, FILE *out)
{
	fprintf(out,
		"\"judged_at\":%" PRIu64 ",\"receipt\":", judgement->judged_at);
	if (judgement->receipt.records[RECEIPT_CHECK_FORMAT].mark ==
	    RECORD_PASS)
		print_receipt_json(&judgement->receipt.receipt, out);
	else
		fprintf(out, "null");
	/* Sentences here hold no quote and no backslash. */
	fprintf(out, ",\"receipt_checks\":[");
	for (size_t i = 0; i < RECEIPT_CHECK_CODES; i++) {
		const struct record *record = &judgement->receipt.records[i];

		fprintf(out,
			"%s{\"code\":\"%s\",\"mark\":\"%s\",\"text\":\"%s\"}",
			i == 0 ? "" : ",",
			receipt_check_name((enum receipt_check_code)i),
			record_mark_name(record->mark), record->text);
	}
	fprintf(out, "],\"bundle\":");
	verify_print_json(&judgement->bundle, out);
}
