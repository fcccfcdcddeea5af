/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hkdf.h"

/* Where the forms differ in what keys are bound to; every byte counts. */
static struct bytes request_label(enum ohttp_form form)
{
	return form == OHTTP_CHUNKED
		       ? BYTES_LITERAL("message/bhttp chunked request")
		       : BYTES_LITERAL("message/bhttp request");
}

static struct bytes response_label(enum ohttp_form form)
{
	return form == OHTTP_CHUNKED
		       ? BYTES_LITERAL("message/bhttp chunked response")
		       : BYTES_LITERAL("message/bhttp response");
}

void ohttp_exchange_wipe(struct ohttp_exchange *exchange)
{
	secret_wipe(exchange, sizeof(*exchange));
}

enum err ohttp_header_take(struct bytes *in, struct ohttp_header *out)
{
	struct ohttp_header header = { 0 };
	struct bytes rest = *in;

	TRY(bytes_take_u8(&rest, &header.key_id));
	TRY(bytes_take_u16(&rest, &header.suite.kem));
	TRY(bytes_take_u16(&rest, &header.suite.kdf));
	TRY(bytes_take_u16(&rest, &header.suite.aead));
	TRY(hpke_suite_supported(header.suite));
	header.enc_len = hpke_enc_len(header.suite.kem);
	TRY(bytes_take_into(&rest, header.enc, header.enc_len));
	*in = rest;
	*out = header;
	return ERR_OK;
}

static enum err put_suite(const struct ohttp_header *header, struct writer *out)
{
	TRY(bytes_put_u8(out, header->key_id));
	TRY(bytes_put_u16(out, header->suite.kem));
	TRY(bytes_put_u16(out, header->suite.kdf));
	return bytes_put_u16(out, header->suite.aead);
}

enum err ohttp_header_write(const struct ohttp_header *header,
			    struct writer *out)
{
	struct writer attempt = *out;

	invariant(header->enc_len <= HPKE_ENC_MAX);
	TRY(put_suite(header, &attempt));
	TRY(bytes_put(&attempt,
		      (struct bytes){ header->enc, header->enc_len }));
	*out = attempt;
	return ERR_OK;
}

enum err ohttp_info(enum ohttp_form form, const struct ohttp_header *header,
		    struct writer *out)
{
	struct writer attempt = *out;

	if (form != OHTTP_CHUNKED && form != OHTTP_UNCHUNKED)
		return ERR_UNSUPPORTED;
	TRY(bytes_put(&attempt, request_label(form)));
	TRY(bytes_put_u8(&attempt, 0));
	TRY(put_suite(header, &attempt));
	*out = attempt;
	return ERR_OK;
}

enum err ohttp_receive(enum ohttp_form form, const struct ohttp_header *header,
		       const struct hpke_private_key *key,
		       const struct hpke_public_key *own,
		       struct hpke_context *context)
{
	uint8_t info_bytes[OHTTP_INFO_MAX];
	struct writer info = WRITER_OVER(info_bytes);
	struct hpke_received received = {
		.suite = header->suite,
		.enc = { header->enc, header->enc_len },
	};

	TRY(ohttp_info(form, header, &info));
	received.info = bytes_written(&info);
	return hpke_setup_receiver(&received, key, own, context);
}

enum err ohttp_send(const struct ohttp_key_config *config,
		    struct hpke_symmetric symmetric, enum ohttp_form form,
		    struct ohttp_exchange *out)
{
	SCOPED_WIPE(ohttp_exchange_wipe)
	struct ohttp_exchange made = {
		.form = form,
		.header = { .key_id = config->key_id,
			    .suite = { .kem = config->public_key.kem,
				       .kdf = symmetric.kdf,
				       .aead = symmetric.aead } },
	};
	uint8_t info_bytes[OHTTP_INFO_MAX];
	struct writer info = WRITER_OVER(info_bytes);
	struct writer enc = WRITER_OVER(made.header.enc);

	TRY(ohttp_key_config_offers(config, made.header.suite));
	TRY(ohttp_info(form, &made.header, &info));
	TRY(hpke_setup_sender(made.header.suite, &config->public_key,
			      bytes_written(&info), &made.context, &enc));
	made.header.enc_len = enc.len;
	*out = made;
	return ERR_OK;
}

size_t ohttp_nonce_len(uint16_t aead)
{
	size_t key_len = aead_key_len(aead);

	return key_len > AEAD_NONCE_BYTES ? key_len : AEAD_NONCE_BYTES;
}

void ohttp_response_keys(const struct ohttp_exchange *exchange,
			 const uint8_t *nonce, struct hpke_context *out)
{
	const struct ohttp_header *header = &exchange->header;
	const uint16_t aead = exchange->context.suite.aead;
	const size_t len = ohttp_nonce_len(aead);
	uint8_t salt[HPKE_ENC_MAX + OHTTP_NONCE_MAX];
	SCOPED_SECRET32 secret;
	SCOPED_SECRET32 prk;

	_Static_assert(OHTTP_NONCE_MAX <= sizeof(secret.bytes), "it fits");
	invariant(len <= OHTTP_NONCE_MAX && header->enc_len <= HPKE_ENC_MAX);
	hpke_export(&exchange->context, response_label(exchange->form),
		    secret.bytes, len);
	memcpy(salt, header->enc, header->enc_len);
	memcpy(salt + header->enc_len, nonce, len);
	hkdf_extract((struct bytes){ salt, header->enc_len + len },
		     HKDF_PARTS({ secret.bytes, len }), prk.bytes);

	*out = (struct hpke_context){ .suite = exchange->context.suite };
	hkdf_expand(prk.bytes, HKDF_PARTS(BYTES_LITERAL("key")), out->key,
		    aead_key_len(aead));
	hkdf_expand(prk.bytes, HKDF_PARTS(BYTES_LITERAL("nonce")),
		    out->base_nonce, AEAD_NONCE_BYTES);
}
