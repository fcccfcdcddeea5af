/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sample_bundle.h"

#include <criterion/criterion.h>
#include <string.h>

void sample_bundle_prepare(struct sample_bundle *sample)
{
	struct hpke_private_key private_key;

	*sample = (struct sample_bundle){
		.statement = { .shape = { STATEMENT_MODE_PACED, 512, 25 },
			       .model_name = BYTES_LITERAL("home \"tiny\""),
			       .key_expiry = SAMPLE_BUNDLE_NOW + 3600 },
		.key = { .key_id = 7,
			 .symmetric = { { 1, 1 } },
			 .symmetric_count = 1 },
	};
	cr_assert_eq(hpke_key_generate(HPKE_KEM_X25519, &private_key,
				       &sample->key.public_key),
		     ERR_OK);
	memset(sample->statement.model_root, 3, STATEMENT_DIGEST_BYTES);
	memset(sample->statement.node_id, 9, STATEMENT_DIGEST_BYTES);
}

static void write_claims(struct sample_bundle *sample,
			 struct evidence_claims *out)
{
	struct writer statement = WRITER_OVER(sample->statement_memory);
	struct writer keys = WRITER_OVER(sample->keys_memory);

	cr_assert_eq(statement_write(&sample->statement, &statement), ERR_OK);
	cr_assert_eq(ohttp_keys_write(&sample->key, 1, &keys), ERR_OK);
	*out = (struct evidence_claims){ bytes_written(&statement),
					 bytes_written(&keys), sample->nonce };
}

void sample_bundle_bind(struct sample_bundle *sample,
			struct evidence_report_data *out)
{
	struct evidence_claims claims;

	write_claims(sample, &claims);
	evidence_bind(&claims, out);
}

static struct bytes evidence_of(struct sample_bundle *sample,
				const struct evidence_claims *claims)
{
	struct writer evidence = WRITER_OVER(sample->evidence_memory);
	struct evidence_report_data report_data;

	if (sample->evidence.len > 0)
		return sample->evidence;
	evidence_bind(claims, &report_data);
	cr_assert_eq(evidence_make(BUNDLE_EVIDENCE_SOFTWARE, &report_data,
				   &evidence),
		     ERR_OK);
	return bytes_written(&evidence);
}

struct bytes sample_bundle_seal(struct sample_bundle *sample)
{
	struct evidence_claims claims;

	write_claims(sample, &claims);
	sample->bundle = (struct bundle){
		.keys = claims.keys,
		.statement = claims.statement,
		.evidence = { { sample->type, evidence_of(sample, &claims) } },
		.evidence_count = 1,
		.release = sample->release,
	};
	sample->bytes = (struct writer)WRITER_OVER(sample->memory);
	cr_assert_eq(bundle_write(&sample->bundle, &sample->bytes), ERR_OK);
	return bytes_written(&sample->bytes);
}
