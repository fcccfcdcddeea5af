/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_proof.h"

#include <stdio.h>
#include <string.h>

#include "tlog/tlog_hashes.h"
#include "wire/base64.h"

#define FIRST_LINE BYTES_LITERAL("c2sp.org/tlog-proof@v1")
#define EXTRA BYTES_LITERAL("extra ")
#define INDEX BYTES_LITERAL("index ")
#define EXTRA_MAX 8192

static const struct {
	const char *name, *text;
} verdicts[TLOG_VERDICTS] = {
	[TLOG_PROVEN] = { "proven", "the log has this entry" },
	[TLOG_MALFORMED] = { "malformed", "this is no proof of a log" },
	[TLOG_WRONG_ORIGIN] = { "wrong-origin", "this is another log" },
	[TLOG_NOT_SIGNED] = { "not-signed",
			      "the log's key did not sign this head" },
	[TLOG_SIGNATURE_WRONG] = { "signature-wrong",
				   "a signature of a known key is false" },
	[TLOG_NOT_INCLUDED] = { "not-included",
				"the path does not lead to the signed head" },
	[TLOG_BELOW_QUORUM] = { "below-quorum",
				"too few of the witnesses signed this head" },
	[TLOG_STALE] = { "stale",
			 "the witnesses signed this head too long ago" },
};

const char *tlog_proof_verdict_name(enum tlog_verdict verdict)
{
	return verdict < TLOG_VERDICTS ? verdicts[verdict].name : "unknown";
}

const char *tlog_proof_verdict_text(enum tlog_verdict verdict)
{
	return verdict < TLOG_VERDICTS ? verdicts[verdict].text : "unknown";
}

/* The rest of a line that begins with `name`; false if it begins otherwise. */
static bool is_field(struct bytes line, struct bytes name, struct bytes *value)
{
	struct bytes front;

	return bytes_take(&line, name.len, &front) == ERR_OK &&
	       bytes_equal(front, name) && (*value = line, true);
}

/* Extra data is checked to be base64 and no more: it is nobody's word. */
static enum err check_extra(struct bytes letters)
{
	uint8_t memory[EXTRA_MAX];
	struct writer out = WRITER_OVER(memory);

	return base64_decode_standard(letters, &out);
}

enum err tlog_proof_parse(struct bytes in, struct tlog_proof *out)
{
	struct tlog_proof found = { .extra = { NULL, 0 } };
	struct bytes line, value;

	if (in.len > TLOG_PROOF_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(tlog_hashes_take_line(&in, &line));
	if (!bytes_equal(line, FIRST_LINE))
		return ERR_MALFORMED;
	TRY(tlog_hashes_take_line(&in, &line));
	if (is_field(line, EXTRA, &found.extra)) {
		TRY(check_extra(found.extra));
		TRY(tlog_hashes_take_line(&in, &line));
	}
	if (!is_field(line, INDEX, &value))
		return ERR_MALFORMED;
	TRY(tlog_checkpoint_number(value, &found.index));
	TRY(tlog_hashes_take(&in, MERKLE_PROOF_MAX, &found.path));
	TRY(note_parse(in, &found.note));
	TRY(tlog_checkpoint_parse(found.note.text, &found.checkpoint));
	*out = found;
	return ERR_OK;
}

enum err tlog_proof_put(struct writer *out, uint64_t index,
			const struct merkle_proof *path,
			struct bytes checkpoint)
{
	struct writer whole = *out;
	char line[64];

	snprintf(line, sizeof(line), "\nindex %llu\n",
		 (unsigned long long)index);
	TRY(bytes_put(&whole, FIRST_LINE));
	TRY(bytes_put(&whole, bytes_of_string(line)));
	TRY(tlog_hashes_put(&whole, path));
	TRY(bytes_put(&whole, checkpoint));
	*out = whole;
	return ERR_OK;
}

/* Witnesses whose newest cosignature is from within these seconds. */
static size_t count_since(const struct note_finding *findings, size_t count,
			  uint64_t from, uint64_t until)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (findings[i].mark == NOTE_SIGNED &&
		    findings[i].time >= from && findings[i].time <= until)
			found++;
	return found;
}

/*
 * A cosignature does not say its signer's name: who lists one key twice, under
 * whatever names, has one witness.
 */
static void drop_doubles(const struct tlog_policy *policy,
			 struct note_finding *findings)
{
	for (size_t i = 1; i < policy->witness_count; i++)
		for (size_t k = 0; k < i; k++)
			if (memcmp(policy->witnesses[i].public_key.bytes,
				   policy->witnesses[k].public_key.bytes,
				   SIGN_PUBLIC_BYTES) == 0)
				findings[i].mark = NOTE_ABSENT;
}

static enum tlog_verdict judge_witnesses(const struct note *note,
					 const struct tlog_policy *policy)
{
	struct note_finding findings[TLOG_PROOF_WITNESSES_MAX];
	uint64_t latest = policy->now > UINT64_MAX - TLOG_PROOF_AHEAD_S
				  ? UINT64_MAX
				  : policy->now + TLOG_PROOF_AHEAD_S;
	uint64_t earliest = 0;

	invariant(policy->witness_count <= TLOG_PROOF_WITNESSES_MAX);
	if (note_verify(note, policy->witnesses, policy->witness_count,
			findings) != ERR_OK)
		return TLOG_SIGNATURE_WRONG;
	drop_doubles(policy, findings);
	/* What is of the future counts as not there at all. */
	if (count_since(findings, policy->witness_count, 0, latest) <
	    policy->quorum)
		return TLOG_BELOW_QUORUM;
	if (policy->age_max_s == 0)
		return TLOG_PROVEN;
	if (policy->quorum == 0)
		return TLOG_STALE;
	if (policy->now > policy->age_max_s)
		earliest = policy->now - policy->age_max_s;
	return count_since(findings, policy->witness_count, earliest, latest) <
			       policy->quorum
		       ? TLOG_STALE
		       : TLOG_PROVEN;
}

static enum tlog_verdict judge_log(const struct note *note,
				   const struct tlog_checkpoint *head,
				   const struct tlog_policy *policy)
{
	struct note_finding finding;

	if (!bytes_equal(head->origin, bytes_of_string(policy->log->name)))
		return TLOG_WRONG_ORIGIN;
	if (note_verify(note, policy->log, 1, &finding) != ERR_OK)
		return TLOG_SIGNATURE_WRONG;
	return finding.mark == NOTE_SIGNED ? TLOG_PROVEN : TLOG_NOT_SIGNED;
}

enum tlog_verdict tlog_proof_judge_head(const struct note *note,
					const struct tlog_checkpoint *head,
					const struct tlog_policy *policy)
{
	enum tlog_verdict verdict = judge_log(note, head, policy);

	return verdict == TLOG_PROVEN ? judge_witnesses(note, policy) : verdict;
}

enum tlog_verdict tlog_proof_judge(const struct tlog_proof *proof,
				   const struct merkle_hash *leaf,
				   const struct tlog_policy *policy)
{
	enum tlog_verdict verdict =
		judge_log(&proof->note, &proof->checkpoint, policy);

	if (verdict != TLOG_PROVEN)
		return verdict;
	if (merkle_proof_inclusion(&proof->checkpoint.head, proof->index, leaf,
				   &proof->path) != ERR_OK)
		return TLOG_NOT_INCLUDED;
	return judge_witnesses(&proof->note, policy);
}

enum tlog_verdict tlog_proof_verify(struct bytes proof, struct bytes entry,
				    const struct tlog_policy *policy)
{
	struct tlog_proof parsed;
	struct merkle_hash leaf;

	if (tlog_proof_parse(proof, &parsed) != ERR_OK)
		return TLOG_MALFORMED;
	merkle_leaf_hash(entry, leaf.bytes);
	return tlog_proof_judge(&parsed, &leaf, policy);
}
