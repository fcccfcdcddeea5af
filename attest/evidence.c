/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/evidence.h"

#include "crypto/hash.h"

#define LABEL BYTES_LITERAL("pcc-node/v1\0")
#define BOUND_BYTES (12 + 2 * HASH_SHA512_BYTES + EVIDENCE_NONCE_BYTES)

static const uint8_t no_nonce[EVIDENCE_NONCE_BYTES];

/* Hashes of fixed length, so that no byte can move from one part to another. */
static void put_digest(struct writer *out, struct bytes data)
{
	uint8_t digest[HASH_SHA512_BYTES];

	hash_sha512(data, digest);
	invariant(bytes_put(out, BYTES_ARRAY(digest)) == ERR_OK);
}

void evidence_bind(const struct evidence_claims *claims,
		   struct evidence_report_data *out)
{
	const uint8_t *nonce = claims->nonce != NULL ? claims->nonce : no_nonce;
	uint8_t memory[BOUND_BYTES];
	struct writer bound = WRITER_OVER(memory);

	invariant(bytes_put(&bound, LABEL) == ERR_OK);
	put_digest(&bound, claims->statement);
	put_digest(&bound, claims->keys);
	invariant(bytes_put(&bound,
			    (struct bytes){ nonce, EVIDENCE_NONCE_BYTES }) ==
		  ERR_OK);
	invariant(bound.len == bound.max);
	hash_sha512(bytes_written(&bound), out->bytes);
}

static enum err software_make(const struct evidence_report_data *report_data,
			      struct writer *out)
{
	return bytes_put(out, BYTES_ARRAY(report_data->bytes));
}

/* A type without a row is one that this build cannot make. */
static const struct {
	enum err (*make)(const struct evidence_report_data *report_data,
			 struct writer *out);
} types[BUNDLE_EVIDENCE_COUNT] = {
	[BUNDLE_EVIDENCE_SOFTWARE] = { software_make },
};

enum err evidence_make(enum bundle_evidence_type type,
		       const struct evidence_report_data *report_data,
		       struct writer *out)
{
	if (type >= BUNDLE_EVIDENCE_COUNT || types[type].make == NULL)
		return ERR_UNSUPPORTED;
	return types[type].make(report_data, out);
}
