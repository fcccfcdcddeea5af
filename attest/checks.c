/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attest/appraise.h"
#include "attest/identity.h"
#include "policy/limits.h"

#define CLOCK_SKEW_S 300 /* between this clock and the node's */
#define KEYS_MAX 8	 /* usable configurations of one node */

/* Bytes that are not what they should be, as against not what is accepted. */
static void malformed(const struct checks *checks, struct record *out,
		      const char *text)
{
	checks->result->verdict = VERIFY_MALFORMED;
	record_set(out, RECORD_FAIL, "%s", text);
}

void checks_bundle(const struct checks *checks, struct record *out)
{
	if (bundle_parse(checks->bytes, &checks->result->bundle) != ERR_OK) {
		malformed(
			checks, out,
			"The bytes are not a node bundle in its one encoding.");
	} else {
		record_set(
			out, RECORD_PASS,
			"The %zu bytes are one node bundle and nothing else.",
			checks->bytes.len);
	}
}

void checks_statement(const struct checks *checks, struct record *out)
{
	struct verify_result *result = checks->result;
	enum err err =
		statement_parse(result->bundle.statement, &result->statement);

	if (err == ERR_UNSUPPORTED) {
		record_set(out, RECORD_FAIL,
			   "The node statement has a version unknown here.");
	} else if (err != ERR_OK) {
		malformed(checks, out,
			  "The node statement is not in its one encoding.");
	} else {
		record_set(out, RECORD_PASS,
			   "The node statement is complete, in version %d.",
			   STATEMENT_VERSION);
	}
}

void checks_keys(const struct checks *checks, struct record *out)
{
	struct ohttp_key_config configs[KEYS_MAX];
	size_t count = 0;
	enum err err = ohttp_keys_parse(checks->result->bundle.keys, configs,
					KEYS_MAX, &count);

	if (err == ERR_UNSUPPORTED) {
		record_set(
			out, RECORD_FAIL,
			"No key is of a suite that this build can encrypt to.");
	} else if (err != ERR_OK || count == 0) {
		malformed(
			checks, out,
			"The keys are not a list of OHTTP key configurations.");
	} else {
		checks->result->key = configs[0];
		record_set(out, RECORD_PASS,
			   "Key %u is usable: KEM 0x%04x, KDF 0x%04x, AEAD "
			   "0x%04x.",
			   configs[0].key_id, configs[0].public_key.kem,
			   configs[0].symmetric[0].kdf,
			   configs[0].symmetric[0].aead);
	}
}

/* A type beyond the table, which this build does not know, is never accepted.
 */
static bool accepts(const struct checks *checks, enum bundle_evidence_type type)
{
	return type < BUNDLE_EVIDENCE_COUNT &&
	       (checks->policy->evidence >> type & 1) != 0;
}

/* The strongest piece of evidence that the policy accepts, or NULL. */
static const struct bundle_evidence *accepted(const struct checks *checks)
{
	const struct bundle *bundle = &checks->result->bundle;
	const struct bundle_evidence *best = NULL;

	for (size_t i = 0; i < bundle->evidence_count; i++) {
		const struct bundle_evidence *one = &bundle->evidence[i];

		if (accepts(checks, one->type) &&
		    (best == NULL || one->type > best->type))
			best = one;
	}
	return best;
}

/* Measurements that are asked for and that nothing here signs, or NULL. */
static const char *missing(const struct checks *checks)
{
	const struct bundle *bundle = &checks->result->bundle;

	for (int type = 0; type < BUNDLE_EVIDENCE_COUNT; type++) {
		bool found = false;

		for (size_t i = 0; i < bundle->evidence_count; i++)
			found |= (int)bundle->evidence[i].type == type &&
				 accepts(checks, bundle->evidence[i].type);
		if (!found &&
		    checks->policy->appraisal[type].reference_count > 0)
			return bundle_evidence_name(type);
	}
	return NULL;
}

/*
 * Every accepted piece is appraised here, for the checks that follow.  Evidence
 * that the policy does not name is not looked at, however strong.
 */
static void appraise_all(const struct checks *checks)
{
	struct verify_result *result = checks->result;
	const struct bundle *bundle = &result->bundle;

	for (size_t i = 0; i < bundle->evidence_count; i++) {
		const struct bundle_evidence *one = &bundle->evidence[i];

		if (!accepts(checks, one->type))
			continue;

		struct appraisal_policy policy =
			checks->policy->appraisal[one->type];

		policy.now = checks->now;
		appraise(one, &policy, &result->appraisals[i]);
	}
}

void checks_evidence_type(const struct checks *checks, struct record *out)
{
	const struct bundle_evidence *evidence = accepted(checks);
	const char *type = missing(checks);

	appraise_all(checks);
	if (evidence == NULL) {
		record_set(
			out, RECORD_FAIL,
			"None of the %zu pieces of evidence is of an accepted "
			"type.",
			checks->result->bundle.evidence_count);
	} else if (type != NULL) {
		record_set(out, RECORD_FAIL,
			   "Measurements by %s are asked for, and no accepted "
			   "evidence of it is there.",
			   type);
	} else {
		record_set(out, RECORD_PASS,
			   "Evidence of type %s is there and accepted.",
			   bundle_evidence_name(evidence->type));
	}
}

/* The node's own registers, and those that software may reset (PC Client). */
bool checks_tells_of_boot(enum appraisal_register which)
{
	static const int others[] = {
		APPRAISAL_PCR0 + IDENTITY_PCR,
		APPRAISAL_PCR0 + 16, /* debug */
		APPRAISAL_PCR0 + 23, /* applications */
		APPRAISAL_RTMR0 + IDENTITY_RTMR,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if ((int)which == others[i])
			return false;
	return true;
}

static bool tells_of_boot(const struct checks *checks,
			  enum bundle_evidence_type type)
{
	const struct appraisal_policy *policy =
		&checks->policy->appraisal[type];

	for (size_t i = 0; i < policy->reference_count; i++)
		if (checks_tells_of_boot(policy->references[i].which))
			return true;
	return checks_release_tells_of_boot(checks, type);
}

/*
 * Values come from the policy, from a proven release, or from both, and then
 * both have to hold.  A chain that holds says nothing about a machine that may
 * have booted anything, nor does a register that anything may fill.
 */
static void judge_registers(const struct checks *checks,
			    enum bundle_evidence_type type,
			    const struct appraisal *appraisal,
			    struct record *out)
{
	struct record released;

	if (type == BUNDLE_EVIDENCE_SOFTWARE || out->mark == RECORD_FAIL)
		return;
	checks_release_registers(checks, type, appraisal, &released);
	if (released.mark != RECORD_SKIP)
		*out = released;
	if (out->mark == RECORD_FAIL || tells_of_boot(checks, type))
		return;
	if (checks->policy->registers == VERIFY_REGISTERS_ANY) {
		checks->result->booted_anything = true;
		record_set(out, RECORD_PASS,
			   "Accepted by name: any measurement (development).");
	} else {
		record_set(out, RECORD_FAIL,
			   "No value of what was booted was asked for, so "
			   "anything may run there.");
	}
}

/*
 * One question to every accepted piece: the worst answer is the answer, and of
 * equals that of the strongest.
 */
void checks_appraisal(const struct checks *checks, struct record *out)
{
	struct verify_result *result = checks->result;
	enum verify_code code = (enum verify_code)(out - result->records);
	int question = (int)code - VERIFY_APPRAISAL;
	const struct bundle_evidence *told = NULL;
	bool expired = true;

	record_set(out, RECORD_SKIP, "No accepted evidence is there.");
	for (size_t i = 0; i < result->bundle.evidence_count; i++) {
		const struct bundle_evidence *one = &result->bundle.evidence[i];
		struct appraisal *appraisal = &result->appraisals[i];
		struct record record = appraisal->records[question];

		if (!accepts(checks, one->type))
			continue;
		if (question == APPRAISAL_MEASUREMENT)
			judge_registers(checks, one->type, appraisal, &record);
		if (record.mark == RECORD_FAIL)
			expired &= (appraisal->expired >> question & 1) != 0;
		if (told == NULL || record.mark > out->mark ||
		    (record.mark == out->mark && one->type > told->type)) {
			record_set(out, record.mark, "%s: %s",
				   bundle_evidence_name(one->type),
				   record.text);
			told = one;
		}
	}
	if (out->mark == RECORD_FAIL && expired)
		result->expired |= UINT64_C(1) << code;
}

static bool holds_software(const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->evidence_count; i++)
		if (bundle->evidence[i].type == BUNDLE_EVIDENCE_SOFTWARE)
			return true;
	return false;
}

/*
 * Its own check, so that a report can never show software evidence without a
 * line that says what it is worth.
 */
void checks_evidence_software(const struct checks *checks, struct record *out)
{
	const struct bundle_evidence *evidence = accepted(checks);

	if (!holds_software(&checks->result->bundle))
		record_set(out, RECORD_SKIP, "No software evidence is there.");
	else if (evidence == NULL) {
		record_set(
			out, RECORD_FAIL,
			"Software evidence proves nothing about hardware and "
			"was not accepted by name.");
	} else if (evidence->type == BUNDLE_EVIDENCE_SOFTWARE) {
		record_set(out, RECORD_PASS,
			   "Accepted by name: software, proves nothing about "
			   "hardware (development).");
	} else {
		record_set(out, RECORD_SKIP, "Stronger evidence was accepted.");
	}
}

/* Every accepted piece has to bind: one that does not is a forgery's trace. */
static enum err binds(const struct checks *checks, const uint8_t *nonce)
{
	const struct bundle *bundle = &checks->result->bundle;
	struct evidence_claims claims = { bundle->statement, bundle->keys,
					  nonce };
	struct evidence_report_data report_data;

	evidence_bind(&claims, &report_data);
	for (size_t i = 0; i < bundle->evidence_count; i++)
		if (accepts(checks, bundle->evidence[i].type))
			TRY(appraise_binding(bundle->evidence[i].type,
					     &checks->result->appraisals[i],
					     &report_data));
	return ERR_OK;
}

/*
 * Whether the bundle is of one piece.  Keys or a statement put in by somebody
 * on the way end here.
 */
void checks_binding(const struct checks *checks, struct record *out)
{
	if (accepted(checks) == NULL) {
		record_set(out, RECORD_FAIL,
			   "No accepted evidence binds statement and keys.");
		return;
	}

	/* A stale nonce is for the next check to tell from tampering. */
	enum err err = binds(checks, NULL);

	if (err == ERR_UNAUTHENTIC && checks->nonce != NULL)
		err = binds(checks, checks->nonce);
	if (err == ERR_UNSUPPORTED) {
		record_set(out, RECORD_FAIL,
			   "This build cannot check the accepted evidence.");
	} else if (err != ERR_OK) {
		record_set(
			out, RECORD_FAIL,
			"The evidence is of another statement, other keys or "
			"another nonce.");
	} else {
		record_set(
			out, RECORD_PASS,
			"The evidence names exactly this statement and these "
			"keys.");
	}
}

/* A replayed bundle passes every check but this one. */
void checks_freshness(const struct checks *checks, struct record *out)
{
	if (checks->nonce == NULL)
		record_set(out, RECORD_SKIP, "No nonce was asked for.");
	else if (accepted(checks) == NULL ||
		 binds(checks, checks->nonce) != ERR_OK) {
		record_set(out, RECORD_FAIL,
			   "The evidence was not made for this nonce.");
	} else {
		record_set(out, RECORD_PASS,
			   "The evidence was made after this nonce was.");
	}
}

/* The two enumerations name the same roots in the same order. */
_Static_assert((int)STATEMENT_SOFTWARE == (int)BUNDLE_EVIDENCE_SOFTWARE &&
		       (int)STATEMENT_TPM2 == (int)BUNDLE_EVIDENCE_TPM2 &&
		       (int)STATEMENT_SEV_SNP == (int)BUNDLE_EVIDENCE_SEV_SNP &&
		       (int)STATEMENT_TDX == (int)BUNDLE_EVIDENCE_TDX,
	       "assurance levels are types of evidence");

/* A node may say less of itself than it can show, but never more. */
void checks_assurance(const struct checks *checks, struct record *out)
{
	const struct bundle_evidence *evidence = accepted(checks);
	enum statement_assurance claimed = checks->result->statement.assurance;

	if (evidence == NULL || (int)claimed > (int)evidence->type) {
		record_set(out, RECORD_FAIL,
			   "The statement claims %s, beyond its accepted "
			   "evidence.",
			   statement_assurance_name(claimed));
	} else {
		record_set(
			out, RECORD_PASS,
			"The statement claims %s, which its evidence carries.",
			statement_assurance_name(claimed));
	}
}

/* What this kind of evidence holds of the node's own measurements, or NULL. */
static const struct appraisal_value *
identity_of(const struct bundle_evidence *evidence,
	    const struct appraisal *appraisal)
{
	if (evidence->type == BUNDLE_EVIDENCE_TPM2)
		return &appraisal->registers[APPRAISAL_PCR0 + IDENTITY_PCR];
	if (evidence->type == BUNDLE_EVIDENCE_TDX)
		return &appraisal->registers[APPRAISAL_RTMR0 + IDENTITY_RTMR];
	return NULL;
}

static bool holds_identity(const struct statement *statement,
			   const struct appraisal_value *value)
{
	uint8_t wanted[APPRAISAL_VALUE_MAX];
	size_t len = IDENTITY_PCR_BYTES;

	_Static_assert(IDENTITY_RTMR_BYTES == APPRAISAL_VALUE_MAX,
		       "the longest register is TDX's");
	if (value->len == IDENTITY_RTMR_BYTES) {
		len = IDENTITY_RTMR_BYTES;
		identity_rtmr(statement, wanted);
	} else {
		identity_pcr(statement, wanted);
	}
	return value->len == len && memcmp(value->digest, wanted, len) == 0;
}

/*
 * A statement is what a program says of itself.  Where the machine has a
 * register for it, the program measured itself there before it had a key, and
 * whoever ran in its place could not.
 */
void checks_identity(const struct checks *checks, struct record *out)
{
	const struct verify_result *result = checks->result;
	const struct bundle *bundle = &result->bundle;

	record_set(out, RECORD_SKIP,
		   "No accepted evidence has a register for it.");
	for (size_t i = 0; i < bundle->evidence_count; i++) {
		const struct bundle_evidence *one = &bundle->evidence[i];
		const struct appraisal_value *value =
			identity_of(one, &result->appraisals[i]);

		if (!accepts(checks, one->type) || value == NULL)
			continue;
		if (!holds_identity(&result->statement, value)) {
			record_set(out, RECORD_FAIL,
				   "The register of %s holds other "
				   "measurements than the statement.",
				   bundle_evidence_name(one->type));
			return;
		}
		record_set(out, RECORD_PASS,
			   "The register of %s holds all %d digests of the "
			   "statement.",
			   bundle_evidence_name(one->type), IDENTITY_EVENTS);
	}
}

/* The time is the caller's: a machine's clock is no evidence. */
void checks_expiry(const struct checks *checks, struct record *out)
{
	uint64_t expiry = checks->result->statement.key_expiry;

	if (expiry <= checks->now) {
		checks->result->expired |= UINT64_C(1) << VERIFY_EXPIRY;
		record_set(out, RECORD_FAIL,
			   "The key expired %" PRIu64
			   " s before the time given.",
			   checks->now - expiry);
	} else {
		record_set(out, RECORD_PASS,
			   "The key is valid for another %" PRIu64 " s.",
			   expiry - checks->now);
	}
}

/*
 * Keys end so that what was recorded stays closed; a node that makes them last
 * would take that away without anybody seeing it.
 */
void checks_lifetime(const struct checks *checks, struct record *out)
{
	uint64_t expiry = checks->result->statement.key_expiry;

	if (expiry > checks->now &&
	    expiry - checks->now > KEY_LIFETIME_S + CLOCK_SKEW_S) {
		record_set(out, RECORD_FAIL,
			   "The key would live longer than the %u s a key may.",
			   KEY_LIFETIME_S);
	} else {
		record_set(out, RECORD_PASS,
			   "The key lives no longer than the %u s a key may.",
			   KEY_LIFETIME_S);
	}
}

void checks_node(const struct checks *checks, struct record *out)
{
	const uint8_t *wanted = checks->policy->node_id;

	if (wanted == NULL)
		record_set(out, RECORD_SKIP,
			   "No node was asked for by its id.");
	else if (memcmp(wanted, checks->result->statement.node_id,
			STATEMENT_DIGEST_BYTES) != 0)
		record_set(out, RECORD_FAIL, "It is another node's statement.");
	else
		record_set(out, RECORD_PASS,
			   "It is the node that was asked for.");
}

static bool fits(const struct statement_shape *shape,
		 const struct verify_policy *policy)
{
	return shape->mode <= policy->mode_worst &&
	       (policy->frame_bytes == 0 ||
		shape->frame_bytes == policy->frame_bytes) &&
	       (policy->tick_ms == 0 || shape->tick_ms == policy->tick_ms);
}

void checks_shape(const struct checks *checks, struct record *out)
{
	const struct statement_shape *shape = &checks->result->statement.shape;
	bool good = fits(shape, checks->policy);

	record_set(out, good ? RECORD_PASS : RECORD_FAIL,
		   "Responses are %s, %" PRIu32 " bytes, %" PRIu32 " ms%s.",
		   statement_mode_name(shape->mode), shape->frame_bytes,
		   shape->tick_ms,
		   good ? ", as required" : ": not what was accepted");
}

_Static_assert((int)VERIFY_DIGESTS == (int)STATEMENT_DIGESTS,
	       "there is a check for every digest of a statement");

/* The records are an array, so a check knows its own code by its place. */
void checks_digest(const struct checks *checks, struct record *out)
{
	enum statement_digest which = (enum statement_digest)(
		out - checks->result->records - VERIFY_DIGEST_FIRST);
	const struct verify_digests *list = &checks->policy->digests[which];
	const char *what = statement_digest_name(which);
	const uint8_t *found =
		statement_digest(&checks->result->statement, which);

	if (list->count == 0) {
		record_set(out, RECORD_SKIP, "No %s digest was required.",
			   what);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (memcmp(list->list[i], found, STATEMENT_DIGEST_BYTES) == 0) {
			record_set(out, RECORD_PASS,
				   "The %s digest is one of the %zu accepted.",
				   what, list->count);
			return;
		}
	}
	record_set(out, RECORD_FAIL,
		   "The %s digest is none of the %zu accepted.", what,
		   list->count);
}
