/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/checks.h"

#include <inttypes.h>
#include <string.h>

#include "attest/release_match.h"
#include "crypto/merkle.h"
#include "wire/release.h"

#define DAY_S 86400
#define WARN_DAYS 14 /* before a release ends */

/* Who says anything of releases wants one: witnesses without a log, too. */
static bool is_asked_for(const struct checks *checks)
{
	const struct tlog_policy *releases = &checks->policy->releases;

	return releases->log != NULL || releases->witness_count > 0 ||
	       releases->quorum > 0 || releases->age_max_s > 0 ||
	       checks->policy->revoked.count > 0;
}

static bool is_revoked(const struct checks *checks,
		       const struct merkle_hash *leaf)
{
	const struct verify_digests *revoked = &checks->policy->revoked;

	for (size_t i = 0; i < revoked->count; i++)
		if (memcmp(revoked->list[i], leaf->bytes,
			   STATEMENT_DIGEST_BYTES) == 0)
			return true;
	return false;
}

static enum tlog_verdict judge(const struct checks *checks,
			       const struct release *release)
{
	struct tlog_policy policy = checks->policy->releases;

	policy.now = checks->now;
	return tlog_proof_verify(release->proof, release->entry, &policy);
}

void checks_release(const struct checks *checks, struct record *out)
{
	struct verify_result *result = checks->result;
	struct release release;
	struct merkle_hash leaf;
	enum tlog_verdict verdict;

	if (!is_asked_for(checks)) {
		record_set(out, RECORD_SKIP,
			   "No release log was named, so none was consulted.");
		return;
	}
	if (checks->policy->releases.log == NULL) {
		record_set(out, RECORD_FAIL,
			   "Releases are asked for, but no log is named.");
		return;
	}
	if (result->bundle.release.len == 0) {
		record_set(
			out, RECORD_FAIL,
			"The bundle names no release, and one was asked for.");
		return;
	}
	if (release_parse(result->bundle.release, &release) != ERR_OK ||
	    log_entry_parse(release.entry, &result->release) != ERR_OK ||
	    result->release.kind != LOG_ENTRY_RELEASE) {
		record_set(out, RECORD_FAIL,
			   "What stands in its place is no release.");
		return;
	}
	merkle_leaf_hash(release.entry, leaf.bytes);
	if (is_revoked(checks, &leaf)) {
		record_set(out, RECORD_FAIL, "The release was taken back.");
		return;
	}
	verdict = judge(checks, &release);
	if (verdict != TLOG_PROVEN)
		record_set(out, RECORD_FAIL, "Its proof does not hold: %s.",
			   tlog_proof_verdict_text(verdict));
	else if (checks->policy->releases.quorum == 0)
		record_set(out, RECORD_PASS,
			   "The log has it; no witness was asked for.");
	else
		record_set(out, RECORD_PASS,
			   "The log has it, under a head that %zu witnesses or "
			   "more signed.",
			   checks->policy->releases.quorum);
	if (verdict == TLOG_STALE)
		result->expired |= UINT64_C(1) << VERIFY_RELEASE;
}

/*
 * A head that witnesses saw too long ago was signed all the same.  What differs
 * from its release is no matter of time, and must not pass for one.
 */
static bool is_known(const struct verify_result *result)
{
	return verify_passed(result, VERIFY_RELEASE) ||
	       (result->expired >> VERIFY_RELEASE & 1) != 0;
}

/* Nothing is left to say where no release was proven: that check failed. */
static bool is_reached(const struct checks *checks, struct record *out)
{
	if (is_known(checks->result))
		return true;
	record_set(out, RECORD_SKIP, "No release was proven.");
	return false;
}

void checks_release_match(const struct checks *checks, struct record *out)
{
	const struct verify_result *result = checks->result;
	const struct log_entry *release = &result->release;
	enum log_entry_digest differs;

	if (!is_reached(checks, out))
		return;
	if (release_match(release, &result->statement, &differs) != ERR_OK) {
		record_set(out, RECORD_FAIL,
			   "The statement's %s is not the release's.",
			   log_entry_digest_name(differs));
		return;
	}
	record_set(out, RECORD_PASS,
		   "The statement has all %d digests of release %.*s %.*s.",
		   RELEASE_MATCH_DIGESTS, (int)release->name.len,
		   release->name.data, (int)release->version.len,
		   release->version.data);
}

/* The last day of a release is told before it comes. */
void checks_release_time(const struct checks *checks, struct record *out)
{
	struct verify_result *result = checks->result;
	const struct log_entry *release = &result->release;
	uint64_t now = checks->now;

	if (!is_reached(checks, out))
		return;
	if (now < release->not_before) {
		record_set(out, RECORD_FAIL,
			   "The release may not run for another %" PRIu64 " s.",
			   release->not_before - now);
	} else if (now > release->not_after) {
		result->expired |= UINT64_C(1) << VERIFY_RELEASE_TIME;
		record_set(out, RECORD_FAIL,
			   "The release ended %" PRIu64 " days ago.",
			   (now - release->not_after) / DAY_S);
	} else {
		uint64_t days = (release->not_after - now) / DAY_S;

		record_set(
			out, RECORD_PASS,
			"The release is good for another %" PRIu64 " days%s.",
			days, days < WARN_DAYS ? ": a newer one is due" : "");
	}
}

static bool signs(enum bundle_evidence_type type, enum appraisal_register which)
{
	if ((int)which < APPRAISAL_PCR0 + APPRAISAL_PCRS)
		return type == BUNDLE_EVIDENCE_TPM2;
	return which == APPRAISAL_LAUNCH ? type == BUNDLE_EVIDENCE_SEV_SNP
					 : type == BUNDLE_EVIDENCE_TDX;
}

/*
 * A register that this build has no name for is one that it could not compare,
 * and does not pass.
 */
static enum err references_of(const struct log_entry *release,
			      enum bundle_evidence_type type,
			      struct appraisal_reference *out, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < release->measurement_count; i++) {
		const struct log_entry_measurement *one =
			&release->measurements[i];
		struct appraisal_reference *reference = &out[*count];

		TRY(appraisal_register_named(one->name, &reference->which));
		if (!signs(type, reference->which))
			continue;
		reference->value.len = one->value.len;
		memcpy(reference->value.digest, one->value.data,
		       one->value.len);
		++*count;
	}
	return ERR_OK;
}

void checks_release_registers(const struct checks *checks,
			      enum bundle_evidence_type type,
			      const struct appraisal *appraisal,
			      struct record *out)
{
	struct appraisal_reference references[LOG_ENTRY_MEASUREMENTS_MAX];
	struct appraisal_policy policy = { .references = references };
	struct appraisal judged = *appraisal;

	record_set(out, RECORD_SKIP, "No release was proven.");
	if (!is_known(checks->result))
		return;
	if (references_of(&checks->result->release, type, references,
			  &policy.reference_count) != ERR_OK) {
		record_set(out, RECORD_FAIL,
			   "The release names a register unknown here.");
		return;
	}
	appraisal_judge_registers(&judged, &policy);
	*out = judged.records[APPRAISAL_MEASUREMENT];
}

bool checks_release_tells_of_boot(const struct checks *checks,
				  enum bundle_evidence_type type)
{
	struct appraisal_reference references[LOG_ENTRY_MEASUREMENTS_MAX];
	size_t count = 0;

	if (!is_known(checks->result) ||
	    references_of(&checks->result->release, type, references, &count) !=
		    ERR_OK)
		return false;
	for (size_t i = 0; i < count; i++)
		if (checks_tells_of_boot(references[i].which))
			return true;
	return false;
}
