/* SPDX-License-Identifier: Apache-2.0 */
/*
 * psa: judges the token of a PSA root of trust (RFC 9783), an EAT with a
 * profile: which implementation, in which state of its life, started what.
 *
 *     2394 client id   2395 life cycle   2396 implementation id (32 bytes)
 *     2397 boot seed   2399 [ { 1: type, 2: value, 4: version, 5: signer } ]
 *     10 nonce (32, 48 or 64 bytes)      256 instance id (33 bytes)
 *
 * Its key is endorsed by other means and is given.  Registers are not part of
 * it; what was started is read from `parts`.
 */
#ifndef ATTEST_PSA_H
#define ATTEST_PSA_H

#include "attest/appraisal.h"
#include "attest/eat.h"

#define PSA_PARTS_MAX 16

#define PSA_NEEDED                                            \
	(1u << APPRAISAL_FORMAT | 1u << APPRAISAL_SIGNATURE | \
	 1u << APPRAISAL_GUEST)

/* The states in which the root of trust may be believed (RFC 9783, 4.3.1). */
enum psa_life {
	PSA_LIFE_UNKNOWN = 0x00,
	PSA_LIFE_ASSEMBLY = 0x10,
	PSA_LIFE_PROVISIONING = 0x20,
	PSA_LIFE_SECURED = 0x30,
	PSA_LIFE_DEBUG = 0x40,
	PSA_LIFE_RECOVERABLE_DEBUG = 0x50,
	PSA_LIFE_DECOMMISSIONED = 0x60,
};

/* One piece of software; views are borrowed, what is absent is empty. */
struct psa_part {
	struct bytes type, version; /* texts */
	struct bytes value, signer; /* 32, 48 or 64 bytes */
};

struct psa_token {
	struct eat eat;
	int64_t client;
	uint16_t life; /* enum psa_life in the upper byte */
	struct bytes implementation;
	struct bytes boot_seed;
	struct psa_part parts[PSA_PARTS_MAX];
	size_t part_count;
};

/* Read the claims of a token that was opened. */
MUST_CHECK enum err psa_read(const struct eat *eat, struct psa_token *out);

/*
 * Answer what there is to ask: format, signature, state of life (APPRAISAL_
 * GUEST), instance id as chip; the nonce is the report data.
 */
void psa_appraise(struct bytes token, const struct signature_key *key,
		  const struct appraisal_policy *policy, struct appraisal *out);

#endif
