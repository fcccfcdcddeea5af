/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_bundle: a node's bundle with software evidence, made by a test, and
 * the parts to make worse ones of.
 *
 *     prepare, change what is to be other, (bind, set evidence,) seal
 */
#ifndef TESTS_SUPPORT_SAMPLE_BUNDLE_H
#define TESTS_SUPPORT_SAMPLE_BUNDLE_H

#include "attest/evidence.h"
#include "crypto/ohttp_keys.h"
#include "wire/statement.h"

#define SAMPLE_BUNDLE_NOW 1800000000u

struct sample_bundle {
	struct statement statement;
	struct ohttp_key_config key;
	const uint8_t *nonce;		/* or NULL */
	enum bundle_evidence_type type; /* what the evidence is called */
	struct bytes evidence;		/* instead of software's, or empty */
	struct bytes release;		/* or empty */
	uint8_t statement_memory[STATEMENT_BYTES_MAX];
	uint8_t keys_memory[256];
	uint8_t evidence_memory[64];
	uint8_t memory[BUNDLE_BYTES_MAX];
	struct writer bytes;
	struct bundle bundle;
};

void sample_bundle_prepare(struct sample_bundle *sample);

/* What evidence for it has to bind, as it is now. */
void sample_bundle_bind(struct sample_bundle *sample,
			struct evidence_report_data *out);

/* The encoded bundle, borrowed from sample->memory. */
struct bytes sample_bundle_seal(struct sample_bundle *sample);

#endif
