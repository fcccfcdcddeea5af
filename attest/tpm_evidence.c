/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm_evidence.h"

#include "wire/cbor.h"

#define PARTS 7

static enum err put_certificates(const struct tpm_evidence *evidence,
				 struct writer *out)
{
	invariant(evidence->certificate_count <= TPM_EVIDENCE_CERTIFICATES_MAX);
	TRY(cbor_put_array(out, evidence->certificate_count));
	for (size_t i = 0; i < evidence->certificate_count; i++)
		TRY(cbor_put_bytes(out, evidence->certificates[i]));
	return ERR_OK;
}

static enum err put_pcrs(const struct tpm_evidence *evidence,
			 struct writer *out)
{
	size_t count = 0;

	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i++)
		count += evidence->pcrs[i] != NULL;
	TRY(cbor_put_map(out, count));
	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i++) {
		struct bytes value = { evidence->pcrs[i],
				       TPM_EVIDENCE_PCR_BYTES };

		if (value.data == NULL)
			continue;
		TRY(cbor_put_unsigned(out, i));
		TRY(cbor_put_bytes(out, value));
	}
	return ERR_OK;
}

enum err tpm_evidence_write(const struct tpm_evidence *evidence,
			    struct writer *out)
{
	TRY(cbor_put_array(out, PARTS));
	TRY(cbor_put_unsigned(out, TPM_EVIDENCE_VERSION));
	TRY(cbor_put_bytes(out, evidence->attest));
	TRY(cbor_put_bytes(out, evidence->signature));
	TRY(cbor_put_bytes(out, evidence->ak_public));
	TRY(put_certificates(evidence, out));
	TRY(put_pcrs(evidence, out));
	return cbor_put_bytes(out, evidence->event_log);
}

static enum err take_certificates(struct bytes *in, struct tpm_evidence *out)
{
	TRY(cbor_take_array(in, TPM_EVIDENCE_CERTIFICATES_MAX,
			    &out->certificate_count));
	for (size_t i = 0; i < out->certificate_count; i++)
		TRY(cbor_take_bytes(in, &out->certificates[i]));
	return ERR_OK;
}

/* Ascending without repetition: the one order that the encoding allows. */
static enum err take_pcrs(struct bytes *in, struct tpm_evidence *out)
{
	size_t count;
	uint64_t least = 0;

	TRY(cbor_take_map(in, TPM_EVIDENCE_PCRS, &count));
	for (size_t i = 0; i < count; i++) {
		uint64_t index;
		struct bytes value;

		TRY(cbor_take_unsigned(in, &index));
		TRY(cbor_take_bytes(in, &value));
		if (index < least || index >= TPM_EVIDENCE_PCRS ||
		    value.len != TPM_EVIDENCE_PCR_BYTES)
			return ERR_MALFORMED;
		out->pcrs[index] = value.data;
		least = index + 1;
	}
	return ERR_OK;
}

enum err tpm_evidence_parse(struct bytes in, struct tpm_evidence *out)
{
	struct tpm_evidence found = { 0 };
	uint64_t version;
	size_t parts;

	TRY(cbor_take_array(&in, PARTS, &parts));
	TRY(cbor_take_unsigned(&in, &version));
	if (version != TPM_EVIDENCE_VERSION)
		return ERR_UNSUPPORTED;
	if (parts != PARTS)
		return ERR_MALFORMED;
	TRY(cbor_take_bytes(&in, &found.attest));
	TRY(cbor_take_bytes(&in, &found.signature));
	TRY(cbor_take_bytes(&in, &found.ak_public));
	TRY(take_certificates(&in, &found));
	TRY(take_pcrs(&in, &found));
	TRY(cbor_take_bytes(&in, &found.event_log));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}
