/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/enrolment.h"

#include <string.h>

#include "attest/tpm_public.h"
#include "crypto/aead.h"
#include "crypto/credential.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "wire/cbor.h"

#define REQUEST_PARTS 4
#define ANSWER_PARTS 4
#define DAY_S 86400
#define DAYS_MAX 3660
#define LABEL BYTES_LITERAL("pcc-node/v1 enrolment")
#define EK_USAGE "\x67\x81\x05\x08\x01" /* 2.23.133.8.1: of an EK */

static const uint8_t no_nonce[AEAD_NONCE_BYTES];

static void wipe_key(struct aead_key *key)
{
	secret_wipe(key, sizeof(*key));
}

static enum err put_list(const struct bytes *list, size_t count,
			 struct writer *out)
{
	TRY(cbor_put_array(out, count));
	for (size_t i = 0; i < count; i++)
		TRY(cbor_put_bytes(out, list[i]));
	return ERR_OK;
}

static enum err take_list(struct bytes *in, size_t max, struct bytes *list,
			  size_t *count)
{
	size_t found;

	TRY(cbor_take_array(in, max, &found));
	for (size_t i = 0; i < found; i++)
		TRY(cbor_take_bytes(in, &list[i]));
	*count = found;
	return ERR_OK;
}

static enum err take_version(struct bytes *in, size_t parts)
{
	uint64_t version;
	size_t found;

	TRY(cbor_take_array(in, parts, &found));
	TRY(cbor_take_unsigned(in, &version));
	if (version != ENROLMENT_VERSION)
		return ERR_UNSUPPORTED;
	return found == parts ? ERR_OK : ERR_MALFORMED;
}

enum err enrolment_request_write(const struct enrolment_request *request,
				 struct writer *out)
{
	invariant(request->certificate_count <= ENROLMENT_CERTIFICATES_MAX);
	TRY(cbor_put_array(out, REQUEST_PARTS));
	TRY(cbor_put_unsigned(out, ENROLMENT_VERSION));
	TRY(put_list(request->certificates, request->certificate_count, out));
	TRY(cbor_put_bytes(out, request->ek_public));
	return cbor_put_bytes(out, request->ak_public);
}

enum err enrolment_request_parse(struct bytes in, struct enrolment_request *out)
{
	struct enrolment_request found = { 0 };

	TRY(take_version(&in, REQUEST_PARTS));
	TRY(take_list(&in, ENROLMENT_CERTIFICATES_MAX, found.certificates,
		      &found.certificate_count));
	TRY(cbor_take_bytes(&in, &found.ek_public));
	TRY(cbor_take_bytes(&in, &found.ak_public));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}

enum err enrolment_answer_write(const struct enrolment_answer *answer,
				struct writer *out)
{
	TRY(cbor_put_array(out, ANSWER_PARTS));
	TRY(cbor_put_unsigned(out, ENROLMENT_VERSION));
	TRY(cbor_put_bytes(out, answer->blob));
	TRY(cbor_put_bytes(out, answer->secret));
	return cbor_put_bytes(out, answer->sealed);
}

enum err enrolment_answer_parse(struct bytes in, struct enrolment_answer *out)
{
	struct enrolment_answer found = { 0 };

	TRY(take_version(&in, ANSWER_PARTS));
	TRY(cbor_take_bytes(&in, &found.blob));
	TRY(cbor_take_bytes(&in, &found.secret));
	TRY(cbor_take_bytes(&in, &found.sealed));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}

enum err enrolment_chain_parse(struct bytes chain, size_t max,
			       struct bytes *certificates, size_t *count)
{
	TRY(take_list(&chain, max, certificates, count));
	return bytes_expect_end(&chain);
}

/* The roots come with the authority, and the chain from the TPM's memory. */
static enum err fill_chain(const struct enrolment_request *request,
			   const struct enrolment_authority *authority,
			   struct certificate_chain *chain,
			   struct certificate_root *roots, size_t *root_count)
{
	for (size_t i = 0; i < request->certificate_count; i++)
		TRY(certificate_chain_add(chain, request->certificates[i]));
	TRY(certificate_chain_add_pem(chain, authority->ek_roots));
	for (size_t i = request->certificate_count; i < chain->count; i++)
		certificate_root_of(&chain->list[i], &roots[(*root_count)++]);
	return ERR_OK;
}

static bool has_key(const struct certificate *certificate,
		    const struct signature_key *key)
{
	SCOPED_WIPE(signature_key_close) struct signature_key its = { NULL };

	return certificate_key(certificate, &its) == ERR_OK &&
	       signature_key_equal(key, &its);
}

static enum err check_ek(const struct enrolment_request *request,
			 const struct enrolment_authority *authority,
			 const struct signature_key *ek, const char **why)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { 0 };
	struct certificate_root roots[CERTIFICATE_CHAIN_MAX];
	struct certificate_trust trust = {
		.roots = roots,
		.now = authority->now,
	};

	*why = "The EK has no certificate, or one of them or of the roots is "
	       "none.";
	if (request->certificate_count == 0)
		return ERR_UNAUTHENTIC;
	TRY(fill_chain(request, authority, &chain, roots, &trust.root_count));
	*why = "The EK's certificate does not lead to an accepted maker, or "
	       "is out of date.";
	TRY(certificate_chain_verify(&chain, &trust));
	*why = "The certificate is not for an endorsement key.";
	if (!certificate_is_for(&chain.list[0], BYTES_LITERAL(EK_USAGE)))
		return ERR_DENIED;
	*why = "The certificate is of another key than the EK shown.";
	return has_key(&chain.list[0], ek) ? ERR_OK : ERR_UNAUTHENTIC;
}

static enum err put_chain(const struct enrolment_authority *authority,
			  const struct issuer_order *order, struct writer *out)
{
	uint8_t memory[2][CERTIFICATE_BYTES_MAX];
	struct writer own = WRITER_OVER(memory[0]);
	struct writer issuers = WRITER_OVER(memory[1]);

	TRY(issuer_sign(authority->issuer, order, &own));
	TRY(issuer_put_certificate(authority->issuer, &issuers));

	const struct bytes list[] = { bytes_written(&own),
				      bytes_written(&issuers) };

	return put_list(list, 2, out);
}

/* A certificate for the key, under the name that covers its properties. */
static enum err certify(const struct enrolment_authority *authority,
			const struct tpm_public *ak,
			const struct tpm_public_name *name,
			struct writer *chain)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	char text[TPM_PUBLIC_TEXT_MAX];
	struct issuer_order order = {
		.key = &key,
		.common_name = text,
		.usage = ENROLMENT_USAGE,
		.not_before = authority->now,
		.not_after = authority->now + (uint64_t)authority->days * DAY_S,
	};

	tpm_public_name_text(name, text);
	TRY(tpm_public_key(ak, &key));
	return put_chain(authority, &order, chain);
}

static enum err seal(struct bytes chain, const struct secret32 *secret,
		     struct writer *out)
{
	SCOPED_WIPE(wipe_key)
	struct aead_key key = { .aead = HPKE_AES_256_GCM };
	struct bytes from = BYTES_ARRAY(secret->bytes);

	TRY(bytes_take_into(&from, key.bytes, sizeof(key.bytes)));
	return aead_seal(&key, no_nonce, LABEL, chain, out);
}

static enum err put_answer(const struct credential_target *target,
			   struct bytes chain, struct writer *out)
{
	SCOPED_SECRET32 secret;
	uint8_t blob_memory[CREDENTIAL_BLOB_MAX];
	uint8_t secret_memory[CREDENTIAL_SEALED_MAX];
	uint8_t sealed_memory[ENROLMENT_BYTES_MAX];
	struct writer blob = WRITER_OVER(blob_memory);
	struct writer sealed_seed = WRITER_OVER(secret_memory);
	struct writer sealed = WRITER_OVER(sealed_memory);

	random_bytes(secret.bytes, sizeof(secret.bytes));
	TRY(credential_make(target, BYTES_ARRAY(secret.bytes), &blob,
			    &sealed_seed));
	TRY(seal(chain, &secret, &sealed));

	const struct enrolment_answer answer = {
		.blob = bytes_written(&blob),
		.secret = bytes_written(&sealed_seed),
		.sealed = bytes_written(&sealed),
	};

	return enrolment_answer_write(&answer, out);
}

static enum err open_keys(const struct enrolment_request *request,
			  struct tpm_public *ek, struct tpm_public *ak,
			  const char **why)
{
	*why = "The EK is no key of a TPM that is known here.";
	TRY(tpm_public_parse(request->ek_public, ek));
	*why = "The EK is no restricted decryption key.";
	TRY(tpm_public_expect_ek(ek));
	*why = "The AK is no key of a TPM that is known here.";
	TRY(tpm_public_parse(request->ak_public, ak));
	*why = "The AK may sign what no TPM said, or leave its TPM.";
	return tpm_public_expect_ak(ak);
}

/* A maker vouches for every TPM that it made, not for whose it is. */
static bool is_expected(const struct enrolment_request *request,
			const struct enrolment_authority *authority)
{
	uint8_t digest[HASH_SHA256_BYTES];

	hash_sha256(request->ek_public, digest);
	return authority->ek == NULL ||
	       memcmp(authority->ek, digest, sizeof(digest)) == 0;
}

enum err enrolment_answer(const struct enrolment_request *request,
			  const struct enrolment_authority *authority,
			  struct writer *out, const char **why)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	uint8_t memory[ENROLMENT_BYTES_MAX];
	struct writer chain = WRITER_OVER(memory);
	struct tpm_public_name name;
	struct tpm_public ek;
	struct tpm_public ak;

	*why = "The days are none, or too many.";
	if (authority->days == 0 || authority->days > DAYS_MAX ||
	    authority->now > INT64_MAX)
		return ERR_DENIED;
	TRY(open_keys(request, &ek, &ak, why));
	*why = "It is another TPM's EK than the one named.";
	if (!is_expected(request, authority))
		return ERR_DENIED;
	*why = "The EK is not on its curve.";
	TRY(tpm_public_key(&ek, &key));
	TRY(check_ek(request, authority, &key, why));
	tpm_public_name(&ak, &name);
	*why = "The authority cannot certify it for so long.";
	TRY(certify(authority, &ak, &name, &chain));
	*why = "The answer cannot be sealed to this EK.";

	const struct credential_target target = {
		.ek = &key,
		.hash = ek.name_hash,
		.aes_bits = (unsigned)ek.symmetric,
		.name = { name.bytes, name.len },
	};

	return put_answer(&target, bytes_written(&chain), out);
}

enum err enrolment_open(const struct enrolment_answer *answer,
			const struct secret32 *secret, struct writer *chain)
{
	SCOPED_WIPE(wipe_key)
	struct aead_key key = { .aead = HPKE_AES_256_GCM };
	struct bytes from = BYTES_ARRAY(secret->bytes);

	TRY(bytes_take_into(&from, key.bytes, sizeof(key.bytes)));
	return aead_open(&key, no_nonce, LABEL, answer->sealed, chain);
}
