/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/trust.h"
#include "crypto/merkle.h"
#include "tests/figure.h"
#include "tests/support/sample_bundle.h"
#include "wire/release.h"

#define NOW SAMPLE_BUNDLE_NOW
#define DAY 86400u

/* A log of two entries, its witness, and the release of a sample node. */
struct published {
	struct note_signer log, witness;
	struct log_entry entry;
	uint64_t witnessed; /* Unix seconds */
	uint8_t entry_memory[LOG_ENTRY_BYTES_MAX];
	uint8_t proof_memory[4096];
	uint8_t memory[RELEASE_BYTES_MAX];
	struct merkle_hash leaf;
};

static struct sample_bundle sample;
static struct published published;
static struct trust trust;
static struct verify_result result;

static void take_over(enum log_entry_digest which, const uint8_t *digest)
{
	memcpy(published.entry.digests[which], digest, LOG_ENTRY_DIGEST_BYTES);
}

static void setup(void)
{
	const struct statement *statement = &sample.statement;

	sample_bundle_prepare(&sample);
	memset(sample.statement.binary_digest, 1, 32);
	memset(sample.statement.jail_digest, 2, 32);
	cr_assert_eq(note_signer_generate(BYTES_LITERAL("example.org/log"),
					  NOTE_ED25519, &published.log),
		     ERR_OK);
	cr_assert_eq(note_signer_generate(BYTES_LITERAL("example.net/witness"),
					  NOTE_COSIGNATURE, &published.witness),
		     ERR_OK);
	published.witnessed = NOW - 60;
	published.entry = (struct log_entry){
		.kind = LOG_ENTRY_RELEASE,
		.name = BYTES_LITERAL("pcc-node"),
		.version = BYTES_LITERAL("1.0"),
		.not_before = NOW - DAY,
		.not_after = NOW + 30 * DAY,
	};
	take_over(LOG_ENTRY_PROGRAM, statement->binary_digest);
	take_over(LOG_ENTRY_MODEL_ROOT, statement->model_root);
	take_over(LOG_ENTRY_TOKENIZER, statement->tokenizer_digest);
	take_over(LOG_ENTRY_POLICY_DIGEST, statement->policy_digest);
	take_over(LOG_ENTRY_JAIL, statement->jail_digest);
	take_over(LOG_ENTRY_GRAMMAR, statement->log_digest);
	trust_begin(&trust);
	trust.policy.evidence = 1u << BUNDLE_EVIDENCE_SOFTWARE;
	trust.policy.releases = (struct tlog_policy){
		.log = &published.log.key,
		.witnesses = &published.witness.key,
		.witness_count = 1,
		.quorum = 1,
		.age_max_s = DAY,
	};
}

TestSuite(verify_release, .init = setup);

/* The entry is the second of two; its sibling is the path. */
static struct bytes prove(struct bytes entry)
{
	static uint8_t text_memory[1024];
	struct writer text = WRITER_OVER(text_memory);
	struct writer proof = WRITER_OVER(published.proof_memory);
	struct merkle_proof path = { .count = 1 };
	struct tlog_checkpoint head = { .origin = BYTES_LITERAL(
						"example.org/log"),
					.head = { .size = 2 } };
	struct bytes body;

	merkle_leaf_hash(BYTES_LITERAL("the first"), path.hashes[0].bytes);
	merkle_leaf_hash(entry, published.leaf.bytes);
	merkle_node_hash(path.hashes[0].bytes, published.leaf.bytes,
			 head.head.root.bytes);
	cr_assert_eq(tlog_checkpoint_put(&text, &head), ERR_OK);
	body = bytes_written(&text);
	cr_assert_eq(bytes_put(&text, BYTES_LITERAL("\n")), ERR_OK);
	cr_assert_eq(note_sign(&published.log, body, 0, &text), ERR_OK);
	cr_assert_eq(
		note_sign(&published.witness, body, published.witnessed, &text),
		ERR_OK);
	cr_assert_eq(tlog_proof_put(&proof, 1, &path, bytes_written(&text)),
		     ERR_OK);
	return bytes_written(&proof);
}

/* Publish what was prepared, seal the bundle and judge it. */
static void judge(void)
{
	struct writer entry = WRITER_OVER(published.entry_memory);
	struct writer out = WRITER_OVER(published.memory);
	struct release release;

	log_entry_sort(&published.entry);
	cr_assert_eq(log_entry_write(&published.entry, &entry), ERR_OK);
	release.entry = bytes_written(&entry);
	release.proof = prove(release.entry);
	cr_assert_eq(release_write(&release, &out), ERR_OK);
	sample.release = bytes_written(&out);
	verify_bundle(sample_bundle_seal(&sample), &trust.policy, NOW, NULL,
		      &result);
}

static void expect(enum verify_verdict verdict, enum verify_code code,
		   enum record_mark mark)
{
	cr_assert_eq(result.verdict, verdict, "%s: %s",
		     verify_verdict_name(result.verdict),
		     result.records[code].text);
	cr_assert_eq(result.records[code].mark, mark, "%s",
		     result.records[code].text);
}

Test(verify_release, a_release_in_the_log_is_proven_and_matches)
{
	judge();
	expect(VERIFY_VERIFIED, VERIFY_RELEASE, RECORD_PASS);
	expect(VERIFY_VERIFIED, VERIFY_RELEASE_MATCH, RECORD_PASS);
	expect(VERIFY_VERIFIED, VERIFY_RELEASE_TIME, RECORD_PASS);
}

Test(verify_release, where_one_is_asked_for_a_bundle_without_is_refused)
{
	sample.release = (struct bytes){ 0 };
	verify_bundle(sample_bundle_seal(&sample), &trust.policy, NOW, NULL,
		      &result);
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
	trust.policy.releases = (struct tlog_policy){ .log = NULL };
	verify_bundle(sample_bundle_seal(&sample), &trust.policy, NOW, NULL,
		      &result);
	expect(VERIFY_VERIFIED, VERIFY_RELEASE, RECORD_SKIP);
}

Test(verify_release, each_digest_has_to_be_the_statement_s)
{
	static const enum log_entry_digest all[] = {
		LOG_ENTRY_PROGRAM,   LOG_ENTRY_MODEL_ROOT,
		LOG_ENTRY_TOKENIZER, LOG_ENTRY_POLICY_DIGEST,
		LOG_ENTRY_JAIL,	     LOG_ENTRY_GRAMMAR,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		published.entry.digests[all[i]][31] ^= 1;
		judge();
		expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE_MATCH, RECORD_FAIL);
		published.entry.digests[all[i]][31] ^= 1;
	}
	judge();
	expect(VERIFY_VERIFIED, VERIFY_RELEASE_MATCH, RECORD_PASS);
}

/* A warning comes before the end, and the end is no forgery. */
Test(verify_release, its_time_is_told_and_its_end_is_expiry)
{
	published.entry.not_after = NOW + 3 * DAY;
	judge();
	expect(VERIFY_VERIFIED, VERIFY_RELEASE_TIME, RECORD_PASS);
	cr_assert_not_null(strstr(result.records[VERIFY_RELEASE_TIME].text,
				  "3 days: a newer one is due"));
	published.entry.not_after = NOW - 1;
	judge();
	expect(VERIFY_EXPIRED, VERIFY_RELEASE_TIME, RECORD_FAIL);
	published.entry.not_after = NOW + DAY;
	published.entry.not_before = NOW + 1;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE_TIME, RECORD_FAIL);
}

/* Seconds to a clock's side of the release's time, or within it. */
static bool passes_at(int64_t now)
{
	verify_bundle(sample_bundle_seal(&sample), &trust.policy, (uint64_t)now,
		      NULL, &result);
	return result.verdict == VERIFY_VERIFIED ||
	       verify_passed(&result, VERIFY_RELEASE_TIME);
}

Test(verify_release, no_clock_outside_its_time_lets_a_release_pass)
{
	static const int64_t away[] = { 1,	    60,	       3600,
					DAY,	    30 * DAY,  365 * DAY,
					3650 * DAY, 3653 * DAY };
	uint64_t passed = 0, tried = 0, control = 0;

	judge();
	for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
		passed += passes_at((int64_t)published.entry.not_before -
				    away[i]);
		passed +=
			passes_at((int64_t)published.entry.not_after + away[i]);
		tried += 2;
	}
	for (int64_t day = 0; day < 30; day++)
		control += passes_at(NOW + day * DAY);
	cr_assert_eq(control, 30);
	figure_none("I2",
		    "clocks outside its time, ten years off included, "
		    "by which a release passed",
		    passed, tried, control);
}

Test(verify_release, a_head_that_witnesses_saw_too_long_ago_is_expired)
{
	published.witnessed = NOW - DAY - 1;
	judge();
	expect(VERIFY_EXPIRED, VERIFY_RELEASE, RECORD_FAIL);
}

Test(verify_release, a_bundle_is_good_until_its_key_or_its_release_ends)
{
	judge();
	cr_assert_eq(verify_good_until(&result, NOW),
		     sample.statement.key_expiry);
	published.entry.not_after = NOW + 60;
	judge();
	expect(VERIFY_VERIFIED, VERIFY_RELEASE_TIME, RECORD_PASS);
	cr_assert_eq(verify_good_until(&result, NOW), NOW + 60);
	result.appraisals[0].valid_until = NOW + 30;
	cr_assert_eq(verify_good_until(&result, NOW), NOW + 30);
	result.appraisals[0].valid_until = NOW - 1;
	cr_assert_eq(verify_good_until(&result, NOW), NOW + 60);
}

/* What is late may be asked for anew; what is another's may not hide there. */
Test(verify_release, a_late_head_hides_no_statement_of_another_release)
{
	published.witnessed = NOW - DAY - 1;
	published.entry.digests[LOG_ENTRY_PROGRAM][0] ^= 1;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE_MATCH, RECORD_FAIL);
	published.entry.digests[LOG_ENTRY_PROGRAM][0] ^= 1;
	published.entry.not_before = NOW + 1;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE_TIME, RECORD_FAIL);
	published.entry.not_before = NOW - DAY;
	judge();
	expect(VERIFY_EXPIRED, VERIFY_RELEASE_MATCH, RECORD_PASS);
}

/* Half of a policy is none, and must not pass for one that asks nothing. */
Test(verify_release, whoever_names_witnesses_but_no_log_believes_no_node)
{
	const struct tlog_policy none = { .log = NULL };

	judge();
	trust.policy.releases.log = NULL;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
	trust.policy.releases = none;
	trust.policy.releases.age_max_s = DAY;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
	trust.policy.releases = none;
	trust.policy.revoked = (struct verify_digests){
		(const uint8_t(*)[STATEMENT_DIGEST_BYTES]) & published.leaf, 1
	};
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
}

Test(verify_release, another_log_another_witness_or_too_few_are_refused)
{
	static struct note_signer other;

	cr_assert_eq(note_signer_generate(BYTES_LITERAL("example.org/log"),
					  NOTE_ED25519, &other),
		     ERR_OK);
	trust.policy.releases.log = &other.key;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
	trust.policy.releases.log = &published.log.key;
	trust.policy.releases.quorum = 2;
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
	trust.policy.releases.quorum = 1;
	judge();
	expect(VERIFY_VERIFIED, VERIFY_RELEASE, RECORD_PASS);
}

Test(verify_release, an_entry_that_was_taken_back_is_refused)
{
	judge();
	expect(VERIFY_VERIFIED, VERIFY_RELEASE, RECORD_PASS);
	trust.policy.revoked = (struct verify_digests){
		(const uint8_t(*)[STATEMENT_DIGEST_BYTES]) & published.leaf, 1
	};
	judge();
	expect(VERIFY_NOT_VERIFIED, VERIFY_RELEASE, RECORD_FAIL);
}

/* Everything that is signed or hashed; the bits of a base64 tail are not. */
Test(verify_release, no_flipped_bit_of_an_entry_leaves_it_proven)
{
	struct bytes bytes;
	size_t from;

	judge();
	bytes = sample_bundle_seal(&sample);
	from = (size_t)((const uint8_t *)memmem(bytes.data, bytes.len,
						published.entry_memory, 32) -
			bytes.data);
	cr_assert_lt(from, bytes.len);
	for (size_t bit = 0; bit < 8 * 300; bit++) {
		sample.memory[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
		verify_bundle(bytes, &trust.policy, NOW, NULL, &result);
		cr_assert_neq(result.verdict, VERIFY_VERIFIED, "bit %zu", bit);
		sample.memory[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	verify_bundle(bytes, &trust.policy, NOW, NULL, &result);
	cr_assert_eq(result.verdict, VERIFY_VERIFIED);
}

Test(verify_release, a_file_of_trust_names_log_witnesses_and_quorum)
{
	static struct trust read;
	uint8_t memory[4096];
	struct writer text = WRITER_OVER(memory);
	size_t line;

	cr_assert_eq(bytes_put(&text, BYTES_LITERAL("release-log ")), ERR_OK);
	cr_assert_eq(note_key_put(&text, &published.log.key), ERR_OK);
	cr_assert_eq(bytes_put(&text, BYTES_LITERAL("\nrelease-witness ")),
		     ERR_OK);
	cr_assert_eq(note_key_put(&text, &published.witness.key), ERR_OK);
	cr_assert_eq(bytes_put(&text, BYTES_LITERAL("\nrelease-age-s 100\n")),
		     ERR_OK);
	trust_begin(&read);
	cr_assert_eq(trust_parse(bytes_written(&text), &read, &line), ERR_OK);
	cr_assert_eq(read.policy.releases.quorum, 1); /* all of them */
	cr_assert_eq(read.policy.releases.age_max_s, 100);
	cr_assert_eq(memcmp(read.policy.releases.log->public_key.bytes,
			    published.log.key.public_key.bytes, 32),
		     0);
	cr_assert_eq(trust_take(&read, BYTES_LITERAL("release-quorum"),
				BYTES_LITERAL("0")),
		     ERR_OK);
	cr_assert_eq(read.policy.releases.quorum, 0);
	/* A log's key is no witness's, nor the other way round. */
	trust_begin(&read);
	text.len = 0;
	cr_assert_eq(note_key_put(&text, &published.log.key), ERR_OK);
	cr_assert_eq(trust_take(&read, BYTES_LITERAL("release-witness"),
				bytes_written(&text)),
		     ERR_MALFORMED);
}
