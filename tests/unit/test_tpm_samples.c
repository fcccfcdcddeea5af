/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other people's machines quoted, from $VECTORS/tpm (ORIGIN.txt there):
 * each gives the verdict that its source documents, or a stricter one.
 */
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "attest/event_log_replay.h"
#include "attest/tpm.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_quote.h"
#include "tests/support/plain_base64.h"
#include "tests/vector.h"
#include "wire/protofield.h"

static struct bytes base64_of(const json_t *object, const char *name)
{
	return plain_base64_decode(bytes_of_string(vector_text(object, name)));
}

/* The attestation key that signs by RSASSA with SHA-256, from its bare key. */
static struct tpm_public key_of(struct bytes spki)
{
	static uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);
	const unsigned char *at = spki.data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.len);
	BIGNUM *n = NULL;
	uint8_t modulus[256];
	struct tpm_public found;

	cr_assert_not_null(key);
	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	cr_assert_eq(BN_bn2binpad(n, modulus, sizeof(modulus)), 256);
	cr_assert_eq(
		bytes_put(&out, vector_hex("0001000b000500720000"
					   "00100014000b0800000000000100")),
		ERR_OK);
	cr_assert_eq(bytes_put(&out, BYTES_ARRAY(modulus)), ERR_OK);
	cr_assert_eq(tpm_public_parse(bytes_written(&out), &found), ERR_OK);
	BN_free(n);
	EVP_PKEY_free(key);
	return found;
}

Test(tpm_samples, a_quote_with_all_its_registers_is_sound)
{
	json_t *sample = vector_load("tpm/trustee-tpm-evidence.json");
	json_t *quoted = json_object_get(sample, "tpm_quote");
	struct tpm_public key = key_of(base64_of(sample, "ak_public"));
	struct tpm_quote_claim claim = {
		.attest = base64_of(quoted, "message"),
		.signature = base64_of(quoted, "signature"),
		.key = &key,
		.values = { .bank = HASH_SHA256 },
	};
	struct tpm_quote quote;

	cr_assert_eq(tpm_quote_parse(claim.attest, &quote), ERR_OK);
	for (size_t i = 0; i < TPM_QUOTE_PCRS; i++)
		if ((quote.selected >> i & 1) != 0)
			claim.values.pcrs[i] =
				vector_hex(
					json_string_value(json_array_get(
						json_object_get(quoted, "pcrs"),
						i)))
					.data;
	claim.data = quote.data;
	cr_assert_eq(tpm_quote_check(&claim, &quote), ERR_OK);
	*(uint8_t *)(uintptr_t)claim.values.pcrs[0] ^= 1;
	cr_assert_eq(tpm_quote_check(&claim, &quote), ERR_UNAUTHENTIC);
	json_decref(sample);
}

/* The nth field of this number. */
static struct bytes field_of(struct bytes in, uint32_t number, size_t nth)
{
	struct protofield field;

	while (in.len > 0) {
		cr_assert_eq(protofield_take(&in, &field), ERR_OK);
		if (field.number == number && nth-- == 0)
			return field.bytes;
	}
	return (struct bytes){ NULL, 0 };
}

#define GCE "tpm/gce-cos-85-no-nonce.pb"

enum {
	GCE_AK = 1,
	GCE_QUOTES = 2,
	GCE_LOG = 3,
	GCE_CERTIFICATE = 6,
};

static void take_values(struct bytes pcrs, struct tpm_quote_values *out)
{
	for (size_t i = 0; i < TPM_QUOTE_PCRS; i++) {
		struct bytes pair = field_of(pcrs, 2, i);
		struct protofield key = { 0 };
		struct bytes rest = pair;
		struct bytes value = field_of(pair, 2, 0);

		if (pair.len == 0)
			return;
		cr_assert_eq(protofield_take(&rest, &key), ERR_OK);
		/* A key of zero is left out. */
		out->pcrs[key.number == 1 ? key.value : 0] = value.data;
		cr_assert_eq(value.len, hash_bytes(out->bank));
	}
}

static void read_quote(struct bytes sample, size_t nth,
		       const struct tpm_public *key,
		       struct tpm_quote_claim *claim)
{
	struct bytes one = field_of(sample, GCE_QUOTES, nth);

	*claim = (struct tpm_quote_claim){ .attest = field_of(one, 1, 0),
					   .signature = field_of(one, 2, 0),
					   .key = key };
	claim->values.bank = (enum hash_algorithm)nth;
	take_values(field_of(one, 3, 0), &claim->values);
}

/* Banks of SHA-1, SHA-256 and SHA-384, in this order. */
Test(tpm_samples, quotes_of_every_bank_of_a_virtual_tpm_are_sound)
{
	struct bytes sample = vector_file(GCE);
	struct tpm_public key;
	struct tpm_public_name name;

	cr_assert_eq(tpm_public_parse(field_of(sample, GCE_AK, 0), &key),
		     ERR_OK);
	tpm_public_name(&key, &name);
	for (size_t i = 0; i < 3; i++) {
		struct tpm_quote_claim claim;
		struct tpm_quote quote;

		read_quote(sample, i, &key, &claim);
		cr_assert_eq(tpm_quote_check(&claim, &quote), ERR_OK, "%zu", i);
		cr_assert(tpm_quote_is_by_primary(&quote, &name));
		claim.values.bank = (enum hash_algorithm)((i + 1) % 3);
		cr_assert_eq(tpm_quote_check(&claim, &quote), ERR_DENIED);
	}
}

Test(tpm_samples, its_log_leads_to_its_quoted_registers)
{
	struct bytes sample = vector_file(GCE);
	struct tpm_public key;
	struct event_log_replay replay;
	size_t compared = 0;

	cr_assert_eq(tpm_public_parse(field_of(sample, GCE_AK, 0), &key),
		     ERR_OK);
	cr_assert_eq(event_log_replay(field_of(sample, GCE_LOG, 0),
				      EVENT_LOG_PCRS, &replay),
		     ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		struct tpm_quote_claim claim;

		read_quote(sample, i, &key, &claim);
		for (size_t k = 0; k < TPM_QUOTE_PCRS; k++) {
			if ((replay.touched >> k & 1) == 0)
				continue;
			cr_assert_eq(memcmp(replay.banks[i][k],
					    claim.values.pcrs[k],
					    hash_bytes(claim.values.bank)),
				     0, "%zu %zu", i, k);
			compared++;
		}
	}
	cr_assert_gt(compared, 16);
}

/* It was made without one, so it may be of any time. */
Test(tpm_samples, a_quote_without_qualifying_data_is_no_evidence)
{
	struct bytes sample = vector_file(GCE);
	struct tpm_public key;
	struct tpm_quote_claim claim;
	struct tpm_evidence evidence = { 0 };
	struct appraisal_policy policy = { 0 };
	struct appraisal found;
	static uint8_t memory[65536];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(tpm_public_parse(field_of(sample, GCE_AK, 0), &key),
		     ERR_OK);
	read_quote(sample, HASH_SHA256, &key, &claim);
	evidence.attest = claim.attest;
	evidence.signature = claim.signature;
	evidence.ak_public = field_of(sample, GCE_AK, 0);
	evidence.certificates[0] = field_of(sample, GCE_CERTIFICATE, 0);
	evidence.certificate_count = 1;
	memcpy(evidence.pcrs, claim.values.pcrs, sizeof(evidence.pcrs));
	evidence.event_log = field_of(sample, GCE_LOG, 0);
	cr_assert_eq(tpm_evidence_write(&evidence, &out), ERR_OK);
	tpm_appraise(bytes_written(&out), &policy, &found);
	cr_assert_eq(found.records[APPRAISAL_FORMAT].mark, RECORD_FAIL);
	cr_assert_not(appraisal_holds(&found, TPM_NEEDED));
}

/* Its source accepts it; signatures by SHA-1 have been forged since. */
Test(tpm_samples, a_key_that_signs_by_sha_1_is_refused)
{
	json_t *sample =
		vector_load("tpm/goattest-windows_gcp_shielded_vm.json");
	struct bytes public =
		base64_of(json_object_get(sample, "AK"), "Public");
	struct tpm_public key;

	cr_assert_eq(tpm_public_parse(public, &key), ERR_UNSUPPORTED);
	json_decref(sample);
}

Test(tpm_samples, the_log_of_a_windows_machine_leads_to_its_registers)
{
	json_t *sample =
		vector_load("tpm/goattest-windows_gcp_shielded_vm.json");
	json_t *log = json_object_get(sample, "Log");
	struct event_log_replay replay;
	json_t *pcr;
	size_t i;
	size_t compared = 0;

	cr_assert_eq(event_log_replay(base64_of(log, "Raw"), EVENT_LOG_PCRS,
				      &replay),
		     ERR_OK);
	json_array_foreach(json_object_get(log, "PCRs"), i, pcr)
	{
		uint64_t index = vector_number(pcr, "Index");
		struct bytes digest = base64_of(pcr, "Digest");

		if ((replay.touched >> index & 1) == 0)
			continue;
		cr_assert_eq(digest.len, 20);
		cr_assert_eq(
			memcmp(digest.data, replay.banks[HASH_SHA1][index], 20),
			0, "%zu", (size_t)index);
		compared++;
	}
	cr_assert_gt(compared, 4);
	json_decref(sample);
}
