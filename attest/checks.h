/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks: the single questions that verify asks of a bundle.
 *
 * Each looks at what the ones before it opened, and answers with a mark and a
 * sentence in its own record.  Which comes after which, and what the answers
 * add up to, is in verify.c.
 */
#ifndef ATTEST_CHECKS_H
#define ATTEST_CHECKS_H

#include "attest/verify.h"

/* What every check sees.  It writes to its record, and opens into result. */
struct checks {
	struct bytes bytes;
	const struct verify_policy *policy;
	uint64_t now;
	const uint8_t *nonce;
	struct verify_result *result;
};

typedef void checks_function(const struct checks *checks, struct record *out);

/* These three open a part; where it does not parse the verdict is malformed. */
checks_function checks_bundle;
checks_function checks_statement;
checks_function checks_keys;

/* The release that the node says it is of (checks_release.c). */
checks_function checks_release;
checks_function checks_release_match;
checks_function checks_release_time;

/* The evidence that the policy accepts: there, bound, fresh, not overstated. */
checks_function checks_evidence_type;
checks_function checks_evidence_software;
checks_function checks_appraisal; /* of the record's own place */
checks_function checks_binding;
checks_function checks_freshness;
checks_function checks_assurance;
checks_function checks_identity;

/* What the statement says, against what the policy asks for. */
checks_function checks_expiry;
checks_function checks_lifetime;
checks_function checks_node;
checks_function checks_shape;
checks_function checks_digest; /* of the record's own place */

/*
 * Judge registers against the values that a proven release names for this type
 * of evidence; RECORD_SKIP where it names none.
 */
void checks_release_registers(const struct checks *checks,
			      enum bundle_evidence_type type,
			      const struct appraisal *appraisal,
			      struct record *out);

/*
 * Whether a register tells what was booted.  One that whatever runs may set to
 * any value at any time, or extend as it likes from zero, does not.
 */
bool checks_tells_of_boot(enum appraisal_register which);

/* Whether a proven release names such a one for this type of evidence. */
bool checks_release_tells_of_boot(const struct checks *checks,
				  enum bundle_evidence_type type);

#endif
