/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/verify.h"

#include <stdio.h>

#include "attest/checks.h"

#define AT_ONCE VERIFY_CODES

/*
 * The checks in order.  `after` is the check without whose PASS this one has
 * nothing to look at; NEEDED ones may not be skipped.
 */
enum need {
	NEEDED,
	ON_REQUEST,
};

static const struct {
	const char *name;
	checks_function *run;
	enum verify_code after;
	enum need need;
} checks[VERIFY_CODES] = {
	[VERIFY_BUNDLE] = { "bundle", checks_bundle, AT_ONCE, NEEDED },
	[VERIFY_STATEMENT] = { "statement", checks_statement, VERIFY_BUNDLE,
			       NEEDED },
	[VERIFY_KEYS] = { "keys", checks_keys, VERIFY_BUNDLE, NEEDED },
	[VERIFY_RELEASE] = { "release", checks_release, VERIFY_BUNDLE,
			     ON_REQUEST },
	[VERIFY_RELEASE_MATCH] = { "release-match", checks_release_match,
				   VERIFY_STATEMENT, ON_REQUEST },
	[VERIFY_RELEASE_TIME] = { "release-time", checks_release_time,
				  VERIFY_BUNDLE, ON_REQUEST },
	[VERIFY_EVIDENCE_TYPE] = { "evidence-type", checks_evidence_type,
				   VERIFY_BUNDLE, NEEDED },
	[VERIFY_EVIDENCE_SOFTWARE] = { "evidence-software",
				       checks_evidence_software, VERIFY_BUNDLE,
				       ON_REQUEST },
	/* Their names are the appraisal's own. */
	[VERIFY_APPRAISAL... VERIFY_BINDING -
		1] = { NULL, checks_appraisal, VERIFY_BUNDLE, ON_REQUEST },
	[VERIFY_BINDING] = { "binding", checks_binding, VERIFY_BUNDLE, NEEDED },
	[VERIFY_FRESHNESS] = { "freshness", checks_freshness, VERIFY_BUNDLE,
			       ON_REQUEST },
	[VERIFY_ASSURANCE] = { "assurance", checks_assurance, VERIFY_STATEMENT,
			       NEEDED },
	[VERIFY_IDENTITY] = { "identity", checks_identity, VERIFY_STATEMENT,
			      ON_REQUEST },
	[VERIFY_EXPIRY] = { "key-expiry", checks_expiry, VERIFY_STATEMENT,
			    NEEDED },
	[VERIFY_LIFETIME] = { "key-lifetime", checks_lifetime, VERIFY_STATEMENT,
			      NEEDED },
	[VERIFY_NODE] = { "node-id", checks_node, VERIFY_STATEMENT,
			  ON_REQUEST },
	[VERIFY_SHAPE] = { "shape", checks_shape, VERIFY_STATEMENT, NEEDED },
	[VERIFY_PROGRAM] = { "program-digest", checks_digest, VERIFY_STATEMENT,
			     ON_REQUEST },
	[VERIFY_MODEL] = { "model-digest", checks_digest, VERIFY_STATEMENT,
			   ON_REQUEST },
	[VERIFY_TOKENIZER] = { "tokenizer-digest", checks_digest,
			       VERIFY_STATEMENT, ON_REQUEST },
	[VERIFY_POLICY] = { "policy-digest", checks_digest, VERIFY_STATEMENT,
			    ON_REQUEST },
	[VERIFY_JAIL] = { "jail-digest", checks_digest, VERIFY_STATEMENT,
			  ON_REQUEST },
	[VERIFY_LOG] = { "log-digest", checks_digest, VERIFY_STATEMENT,
			 ON_REQUEST },
	[VERIFY_COMMAND] = { "command-digest", checks_digest, VERIFY_STATEMENT,
			     ON_REQUEST },
};

bool verify_passed(const struct verify_result *result, enum verify_code code)
{
	return result->records[code].mark == RECORD_PASS;
}

static bool is_expired(const struct verify_result *result,
		       enum verify_code code)
{
	return result->records[code].mark == RECORD_FAIL &&
	       (result->expired >> code & 1) != 0;
}

/* Whether this check stands in the way, for another reason than the time. */
static bool spoils(const struct verify_result *result, enum verify_code code)
{
	enum record_mark mark = result->records[code].mark;

	if (is_expired(result, code))
		return false;
	return mark == RECORD_FAIL ||
	       (checks[code].need == NEEDED && mark != RECORD_PASS);
}

/*
 * Expiry alone is told apart, because a client answers it by asking again and
 * anything else by refusing.
 */
static enum verify_verdict judge(const struct verify_result *result)
{
	enum verify_verdict verdict = VERIFY_VERIFIED;

	if (result->verdict == VERIFY_MALFORMED)
		return VERIFY_MALFORMED;
	for (enum verify_code i = 0; i < VERIFY_CODES; i++) {
		if (spoils(result, i))
			return VERIFY_NOT_VERIFIED;
		if (is_expired(result, i))
			verdict = VERIFY_EXPIRED;
	}
	return verdict;
}

void verify_bundle(struct bytes bundle, const struct verify_policy *policy,
		   uint64_t now, const uint8_t *nonce,
		   struct verify_result *result)
{
	struct checks all = { bundle, policy, now, nonce, result };

	*result = (struct verify_result){ .verdict = VERIFY_NOT_VERIFIED };
	for (enum verify_code i = 0; i < VERIFY_CODES; i++) {
		enum verify_code after = checks[i].after;

		if (after == AT_ONCE || verify_passed(result, after))
			checks[i].run(&all, &result->records[i]);
		else
			(void)snprintf(result->records[i].text, RECORD_TEXT_MAX,
				       "Not reached.");
	}
	result->verdict = judge(result);
}

uint64_t verify_good_until(const struct verify_result *result, uint64_t now)
{
	uint64_t end = result->statement.key_expiry;

	if (verify_passed(result, VERIFY_RELEASE) &&
	    result->release.not_after < end)
		end = result->release.not_after;
	for (size_t i = 0; i < result->bundle.evidence_count; i++) {
		uint64_t one = result->appraisals[i].valid_until;

		/* What has ended already was not needed. */
		if (one > now && one < end)
			end = one;
	}
	return end;
}

const char *verify_code_name(enum verify_code code)
{
	if (code >= VERIFY_CODES)
		return "unknown";
	if (code >= VERIFY_APPRAISAL && code < VERIFY_BINDING)
		return appraisal_code_name(
			(enum appraisal_code)(code - VERIFY_APPRAISAL));
	return checks[code].name;
}

static const struct {
	const char *name;
	int exit_code;
} verdicts[] = {
	[VERIFY_MALFORMED] = { "malformed", 30 },
	[VERIFY_NOT_VERIFIED] = { "not verified", 10 },
	[VERIFY_EXPIRED] = { "expired", 20 },
	[VERIFY_VERIFIED] = { "verified", 0 },
};

const char *verify_verdict_name(enum verify_verdict verdict)
{
	return verdicts[verdict].name;
}

int verify_exit_code(enum verify_verdict verdict)
{
	return verdicts[verdict].exit_code;
}
