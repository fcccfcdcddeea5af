/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority against requests that are wrong.  That a TPM opens what it
 * answers is shown by tests/verify/test_enrol.c, with the tools of others.
 */
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "attest/enrolment.h"
#include "attest/tpm_public.h"
#include "crypto/hash.h"
#include "tests/support/paper_tpm.h"
#include "tests/vector.h"

#define EK_USAGE "2.23.133.8.1"
#define EK_ATTRIBUTES "000300b2"

/* A TPM on paper: its root is both maker of EKs and operator. */
struct sample {
	struct paper_tpm tpm;
	void *ek; /* owned */
	struct paper_tpm_part ek_public, ek_certificate;
	char roots[4096];
	struct enrolment_request request;
	struct enrolment_authority authority;
	uint8_t memory[ENROLMENT_BYTES_MAX];
	struct writer out;
};

static void close_sample(struct sample *sample)
{
	EVP_PKEY_free(sample->ek);
	paper_tpm_close(&sample->tpm);
}

#define SAMPLE SCOPED_WIPE(close_sample) struct sample

static void certify_ek(struct sample *sample, const char *usage)
{
	struct signature_key key = { sample->ek };
	struct issuer_order order = { &key, "an EK", usage, PAPER_TPM_NOW,
				      PAPER_TPM_NOW + 3600 };
	struct paper_tpm_part *part = &sample->ek_certificate;
	struct writer der = { part->bytes, 0, sizeof(part->bytes) };

	cr_assert_eq(issuer_sign(&sample->tpm.issuer, &order, &der), ERR_OK);
	part->len = der.len;
	sample->request.certificates[0] = paper_tpm_bytes(part);
}

/* On P-256, as TCG's low range has it but for its policy. */
static void write_ek(struct sample *sample, const char *attributes)
{
	struct paper_tpm_part *part = &sample->ek_public;
	struct writer out = { part->bytes, 0, sizeof(part->bytes) };
	char head[128];
	uint8_t point[65];
	size_t len = 0;

	snprintf(head, sizeof(head), "0023000b%s0000000600800043001000030010",
		 attributes);
	cr_assert_eq(EVP_PKEY_get_octet_string_param(
			     sample->ek, OSSL_PKEY_PARAM_PUB_KEY, point,
			     sizeof(point), &len),
		     1);
	cr_assert_eq(bytes_put(&out, vector_hex(head)), ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(bytes_put_u16(&out, 32), ERR_OK);
		cr_assert_eq(bytes_put(&out, (struct bytes){ point + 1 + 32 * i,
							     32 }),
			     ERR_OK);
	}
	part->len = out.len;
	sample->request.ek_public = paper_tpm_bytes(part);
}

static void prepare(struct sample *sample)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int len;

	memset(sample, 0, sizeof(*sample));
	paper_tpm_open(PAPER_TPM_P256, &sample->tpm);
	sample->ek = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	certify_ek(sample, EK_USAGE);
	write_ek(sample, EK_ATTRIBUTES);
	sample->request.certificate_count = 1;
	sample->request.ak_public = paper_tpm_bytes(&sample->tpm.ak_public);
	cr_assert_eq(PEM_write_bio_X509(pem, sample->tpm.issuer.certificate),
		     1);
	len = BIO_read(pem, sample->roots, sizeof(sample->roots) - 1);
	cr_assert_gt(len, 0);
	BIO_free(pem);
	sample->authority = (struct enrolment_authority){
		.issuer = &sample->tpm.issuer,
		.ek_roots = { (const uint8_t *)sample->roots, (size_t)len },
		.now = PAPER_TPM_NOW,
		.days = 7,
	};
}

static enum err answer(struct sample *sample)
{
	const char *why = NULL;

	sample->out = (struct writer)WRITER_OVER(sample->memory);
	return enrolment_answer(&sample->request, &sample->authority,
				&sample->out, &why);
}

Test(enrolment, a_sound_request_is_answered_anew_each_time)
{
	SAMPLE sample;
	struct enrolment_answer first;
	uint8_t *copy;

	prepare(&sample);
	cr_assert_eq(answer(&sample), ERR_OK);
	copy = vector_copy(bytes_written(&sample.out));
	cr_assert_eq(enrolment_answer_parse(
			     (struct bytes){ copy, sample.out.len }, &first),
		     ERR_OK);
	/* hmac 2 + 32, of 2 + 32 bytes encrypted; x and y of 32 each */
	cr_assert_eq(first.blob.len, 2 + 34 + 34);
	cr_assert_eq(first.secret.len, 2 + 34 + 34);
	cr_assert_eq(answer(&sample), ERR_OK);
	cr_assert_neq(memcmp(copy, sample.memory, sample.out.len), 0);
}

Test(enrolment, an_ek_that_no_maker_vouches_for_is_refused)
{
	SAMPLE sample;
	SAMPLE other;

	prepare(&sample);
	prepare(&other);
	sample.authority.ek_roots = other.authority.ek_roots;
	cr_assert_eq(answer(&sample), ERR_UNAUTHENTIC);
	sample.request.certificate_count = 0;
	cr_assert_eq(answer(&sample), ERR_UNAUTHENTIC);
	sample.request.certificate_count = 1;
	sample.request.certificates[0] = other.request.certificates[0];
	sample.authority.ek_roots = other.authority.ek_roots;
	cr_assert_eq(answer(&sample), ERR_UNAUTHENTIC);
}

/* A maker vouches for a stranger's TPM just as well. */
Test(enrolment, where_one_tpm_is_named_another_of_its_maker_is_refused)
{
	SAMPLE sample;
	uint8_t named[HASH_SHA256_BYTES];

	prepare(&sample);
	hash_sha256(sample.request.ek_public, named);
	sample.authority.ek = named;
	cr_assert_eq(answer(&sample), ERR_OK);
	EVP_PKEY_free(sample.ek);
	sample.ek = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	certify_ek(&sample, EK_USAGE);
	write_ek(&sample, EK_ATTRIBUTES);
	cr_assert_eq(answer(&sample), ERR_DENIED);
	sample.authority.ek = NULL;
	cr_assert_eq(answer(&sample), ERR_OK);
}

Test(enrolment, a_certificate_for_another_purpose_or_time_is_refused)
{
	SAMPLE sample;

	prepare(&sample);
	certify_ek(&sample, "2.23.133.8.3");
	cr_assert_eq(answer(&sample), ERR_DENIED);
	certify_ek(&sample, EK_USAGE);
	cr_assert_eq(answer(&sample), ERR_OK);
	sample.authority.now = PAPER_TPM_NOW + 3601;
	cr_assert_eq(answer(&sample), ERR_EXPIRED);
}

Test(enrolment, keys_without_the_properties_they_need_are_refused)
{
	static const char *const no_eks[] = { "000100b2", "000200b2",
					      "000300a2", "000300b0",
					      "00030092", "000700b2" };
	static const uint32_t no_aks[] = { 0x00040072, 0x00050062, 0x00050070,
					   0x00050052, 0x00010072, 0x00070072 };
	SAMPLE sample;

	prepare(&sample);
	for (size_t i = 0; i < 6; i++) {
		write_ek(&sample, no_eks[i]);
		cr_assert_eq(answer(&sample), ERR_DENIED, "EK %zu", i);
	}
	write_ek(&sample, EK_ATTRIBUTES);
	for (size_t i = 0; i < 6; i++) {
		paper_tpm_set_attributes(&sample.tpm, no_aks[i]);
		sample.request.ak_public =
			paper_tpm_bytes(&sample.tpm.ak_public);
		cr_assert_eq(answer(&sample), ERR_DENIED, "AK %zu", i);
	}
}

Test(enrolment, a_certificate_does_not_outlive_its_authority)
{
	SAMPLE sample;

	prepare(&sample);
	sample.authority.days = PAPER_TPM_DAYS - 1;
	cr_assert_eq(answer(&sample), ERR_OK);
	sample.authority.days = PAPER_TPM_DAYS;
	cr_assert_eq(answer(&sample), ERR_DENIED);
	sample.authority.days = 0;
	cr_assert_eq(answer(&sample), ERR_DENIED);
}

Test(enrolment, cut_anywhere_or_with_a_byte_more_a_request_is_refused)
{
	SAMPLE sample;
	struct enrolment_request found;
	size_t len;

	prepare(&sample);
	sample.out = (struct writer)WRITER_OVER(sample.memory);
	cr_assert_eq(enrolment_request_write(&sample.request, &sample.out),
		     ERR_OK);
	len = sample.out.len;
	sample.memory[len] = 0;
	for (size_t i = 0; i <= len + 1; i++)
		cr_assert_eq(enrolment_request_parse(
				     (struct bytes){ sample.memory, i },
				     &found) == ERR_OK,
			     i == len);
}

/* The issuer's key stays a certificate's; nothing of the EK may differ. */
Test(enrolment, no_flipped_bit_of_the_ek_or_its_certificate_is_answered)
{
	SAMPLE sample;
	struct bytes *parts[] = { &sample.request.certificates[0],
				  &sample.request.ek_public };

	prepare(&sample);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *bytes = (uint8_t *)(uintptr_t)parts[i]->data;
		size_t answered = 0;

		for (size_t bit = 0; bit < 8 * parts[i]->len; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			answered += answer(&sample) == ERR_OK;
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		/*
		 * What neither the maker nor the answer needs may be anything:
		 * five attributes of an EK; its TPM knows the true ones.  A
		 * hash or cipher that is not its own, it cannot open.
		 */
		cr_assert_leq(answered, i == 0 ? 0 : 9, "%zu: %zu", i,
			      answered);
	}
}
