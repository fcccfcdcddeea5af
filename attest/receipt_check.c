/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/receipt_check.h"

#include <inttypes.h>
#include <string.h>

#include "attest/signed_receipt.h"
#include "policy/limits.h"
#include "tlog/tlog_proof.h"
#include "wire/release.h"

static const char *const names[RECEIPT_CHECK_CODES] = {
	[RECEIPT_CHECK_FORMAT] = "receipt-format",
	[RECEIPT_CHECK_SIGNATURE] = "receipt-signature",
	[RECEIPT_CHECK_NODE] = "receipt-node",
	[RECEIPT_CHECK_EVIDENCE] = "receipt-evidence",
	[RECEIPT_CHECK_LOG] = "receipt-log",
	[RECEIPT_CHECK_STATEMENT] = "receipt-statement",
	[RECEIPT_CHECK_REQUEST] = "receipt-request",
	[RECEIPT_CHECK_RESPONSE] = "receipt-response",
	[RECEIPT_CHECK_ARENA] = "receipt-memory",
	[RECEIPT_CHECK_TIME] = "receipt-time",
};

const char *receipt_check_name(enum receipt_check_code code)
{
	return code < RECEIPT_CHECK_CODES ? names[code] : "unknown";
}

/* Zeros for a bundle without a release; or with one that nobody can read, which
 * no node signs. */
static void digest_checkpoint(struct bytes bytes,
			      uint8_t digest[static HASH_SHA256_BYTES])
{
	struct release release;
	struct tlog_proof proof;

	memset(digest, 0, HASH_SHA256_BYTES);
	if (bytes.len > 0 && release_parse(bytes, &release) == ERR_OK &&
	    tlog_proof_parse(release.proof, &proof) == ERR_OK)
		hash_sha256(proof.note.text, digest);
}

void receipt_check_describe(struct bytes bundle_bytes,
			    const struct bundle *bundle,
			    const struct statement *statement, uint8_t key_id,
			    struct receipt_check_node *out)
{
	*out = (struct receipt_check_node){ .statement = *statement,
					    .key_id = key_id };
	hash_sha256(bundle_bytes, out->bundle_digest);
	digest_checkpoint(bundle->release, out->checkpoint_digest);
	for (size_t i = 0; i < bundle->evidence_count; i++)
		if (bundle->evidence[i].type < BUNDLE_EVIDENCE_COUNT)
			out->evidence_kinds |= 1u << bundle->evidence[i].type;
}

/* What every question sees. */
struct question {
	const struct receipt_check_node *node;
	const struct receipt_check_exchange *exchange;
	struct receipt_check *check;
};

static void answer(const struct question *question,
		   enum receipt_check_code code, bool good, const char *yes,
		   const char *no)
{
	record_set(&question->check->records[code],
		   good ? RECORD_PASS : RECORD_FAIL, "%s", good ? yes : no);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, RECEIPT_DIGEST_BYTES) == 0;
}

/* Whether there is a receipt to ask on. */
static bool open_it(const struct question *question)
{
	struct sign_public_key key;
	enum err err;

	memcpy(key.bytes, question->node->statement.receipt_key,
	       sizeof(key.bytes));
	err = signed_receipt_open(question->exchange->receipt, &key,
				  &question->check->receipt);
	if (err == ERR_UNSUPPORTED)
		answer(question, RECEIPT_CHECK_FORMAT, false, "",
		       "It is a receipt of another version than this build's.");
	else
		answer(question, RECEIPT_CHECK_FORMAT,
		       err == ERR_OK || err == ERR_UNAUTHENTIC,
		       "The bytes are a receipt in its one encoding.",
		       "The bytes are no receipt, or not in its one encoding.");
	if (err != ERR_OK && err != ERR_UNAUTHENTIC)
		return false;
	answer(question, RECEIPT_CHECK_SIGNATURE, err == ERR_OK,
	       "The receipt key that the node statement names signed it.",
	       "The receipt key of the node statement did not sign this.");
	return true;
}

static void ask_node(const struct question *question)
{
	const struct receipt_node *said = &question->check->receipt.node;

	answer(question, RECEIPT_CHECK_NODE,
	       same(said->node_id, question->node->statement.node_id) &&
		       said->key_id == question->node->key_id,
	       "It is of the node that was verified, and of the key it "
	       "offered.",
	       "It is of another node, or of another key of this one.");
}

/* Marked where the evidence is software, so that nobody shows it as more. */
static void ask_evidence(const struct question *question)
{
	const struct receipt_node *said = &question->check->receipt.node;
	bool good =
		same(said->evidence_digest, question->node->bundle_digest) &&
		said->evidence_kinds == question->node->evidence_kinds &&
		said->assurance == question->node->statement.assurance;

	answer(question, RECEIPT_CHECK_EVIDENCE, good,
	       receipt_is_software_only(&question->check->receipt)
		       ? "It names this very bundle: software evidence, which "
			 "proves nothing about hardware."
		       : "It names this very bundle and its evidence.",
	       "It names another bundle, or other evidence.");
}

/* Whether that head is good is asked of the bundle: see checks_release.c. */
static void ask_log(const struct question *question)
{
	static const uint8_t none[RECEIPT_DIGEST_BYTES];
	const uint8_t *said = question->check->receipt.node.checkpoint_digest;

	answer(question, RECEIPT_CHECK_LOG,
	       same(said, question->node->checkpoint_digest),
	       same(said, none)
		       ? "It names no log, and the bundle names no release."
		       : "It names the head of the log that the bundle's "
			 "release is under.",
	       "It names another head of a log than the bundle does.");
}

static void ask_statement(const struct question *question)
{
	const struct receipt_node *said = &question->check->receipt.node;
	const struct statement *stated = &question->node->statement;

	answer(question, RECEIPT_CHECK_STATEMENT,
	       same(said->model_root, stated->model_root) &&
		       same(said->tokenizer_digest, stated->tokenizer_digest) &&
		       same(said->policy_digest, stated->policy_digest) &&
		       same(said->jail_digest, stated->jail_digest) &&
		       said->shape.mode == stated->shape.mode &&
		       said->shape.frame_bytes == stated->shape.frame_bytes &&
		       said->shape.tick_ms == stated->shape.tick_ms,
	       "Model, tokenizer, policy, jail and shape are the stated ones.",
	       "Model, tokenizer, policy, jail or shape is not the stated "
	       "one.");
}

static void ask_commitments(const struct question *question)
{
	const struct receipt_answer *said = &question->check->receipt.answer;

	answer(question, RECEIPT_CHECK_REQUEST,
	       same(said->request, question->exchange->request),
	       "It commits to the request that was sent.",
	       "It commits to another request, or under another salt.");
	answer(question, RECEIPT_CHECK_RESPONSE,
	       same(said->response, question->exchange->response),
	       "It commits to the response that came.",
	       "It commits to another response, or under another salt.");
}

static void ask_arena(const struct question *question)
{
	answer(question, RECEIPT_CHECK_ARENA,
	       question->check->receipt.answer.arena == RECEIPT_ARENA_ZERO,
	       "The worker's memory was read back as zero before it began.",
	       "The worker's memory was not read back as zero.");
}

static void ask_time(const struct question *question)
{
	uint64_t time = question->check->receipt.node.time;
	uint64_t end = question->node->statement.key_expiry;

	/* Requests are opened in the key's grace, too, and take their time. */
	answer(question, RECEIPT_CHECK_TIME,
	       time <= end + KEY_GRACE_S + LIMIT_REQUEST_MS / 1000 &&
		       end <= time + KEY_LIFETIME_S + KEY_GRACE_S,
	       "It was made while its key was good.",
	       "It is of a time at which its key was not good.");
}

void receipt_check_run(const struct receipt_check_node *node,
		       const struct receipt_check_exchange *exchange,
		       struct receipt_check *out)
{
	const struct question question = { node, exchange, out };

	*out = (struct receipt_check){ 0 };
	if (!open_it(&question))
		return;
	ask_node(&question);
	ask_evidence(&question);
	ask_log(&question);
	ask_statement(&question);
	ask_commitments(&question);
	ask_arena(&question);
	ask_time(&question);
}

bool receipt_check_holds(const struct receipt_check *check)
{
	for (size_t i = 0; i < RECEIPT_CHECK_CODES; i++)
		if (check->records[i].mark != RECORD_PASS)
			return false;
	return true;
}
