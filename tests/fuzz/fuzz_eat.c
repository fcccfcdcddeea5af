/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims that are read lie within their input and have the sizes that their
 * header promises; no input is a token or document that somebody signed.
 */
#include "attest/nitro.h"
#include "attest/psa.h"

#define NOW 1800000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.len == 0 ||
	       (part.data >= whole.data &&
		part.data + part.len <= whole.data + whole.len);
}

static void read_claims(struct bytes in)
{
	struct psa_token token;
	struct eat eat;

	if (eat_read(in, &eat) != ERR_OK)
		return;
	invariant(eat.nonce_count <= EAT_NONCES_MAX);
	for (size_t i = 0; i < eat.nonce_count; i++)
		invariant(lies_within(eat.nonces[i], in) &&
			  eat_has_nonce(&eat, eat.nonces[i]));
	invariant(lies_within(eat.ueid, in) && eat.ueid.len <= 33);
	invariant(lies_within(eat.oemid, in) && lies_within(eat.hwmodel, in));
	invariant(lies_within(eat.profile, in) && lies_within(eat.key, in));
	invariant(lies_within(eat.measurements, in));
	if (psa_read(&eat, &token) != ERR_OK)
		return;
	invariant(token.part_count > 0 && token.part_count <= PSA_PARTS_MAX);
	for (size_t i = 0; i < token.part_count; i++)
		invariant(lies_within(token.parts[i].value, in) &&
			  lies_within(token.parts[i].type, in));
}

static void read_document(struct bytes in)
{
	struct nitro_document document;

	if (nitro_read(in, &document) != ERR_OK)
		return;
	invariant(lies_within(document.certificate, in));
	invariant(lies_within(document.user_data, in));
	for (size_t i = 0; i < document.issuer_count; i++)
		invariant(lies_within(document.issuers[i], in));
	for (size_t i = 0; i < NITRO_PCRS; i++)
		invariant(document.pcrs[i].len == 0 ||
			  document.pcrs[i].len == 48);
}

/* A root of zeros is nobody's, so that even a sound document does not pass. */
static void appraise(struct bytes in)
{
	static struct signature_key key;
	static const uint8_t point[32] = { 9 };
	struct certificate_root root = { { 0 } };
	struct appraisal_policy policy = { .now = NOW,
					   .roots = &root,
					   .root_count = 1 };
	struct appraisal found;

	if (key.key == NULL)
		invariant(signature_key_from_ed25519(BYTES_ARRAY(point),
						     &key) == ERR_OK);
	nitro_appraise(in, &policy, &found);
	invariant(!appraisal_holds(&found, NITRO_NEEDED));
	psa_appraise(in, &key, &policy, &found);
	invariant(!appraisal_holds(&found, PSA_NEEDED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct cose_sign1 message;

	read_claims(in);
	read_document(in);
	appraise(in);
	if (cose_sign1_parse(in, COSE_TAG_OPTIONAL, &message) == ERR_OK) {
		read_claims(message.payload);
		read_document(message.payload);
	}
	return 0;
}
