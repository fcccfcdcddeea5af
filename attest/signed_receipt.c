/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/signed_receipt.h"

#include <string.h>

#include "wire/cbor.h"

/* All of a COSE_Sign1 before its payload; the deterministic encoding. */
static const uint8_t envelope[] = { 0xd2, 0x84, 0x43, 0xa1, 0x01, 0x27, 0xa0 };

/* All of a Sig_structure (RFC 9052, 4.4) before the payload. */
#define SIGNED_BEGIN \
	"\x84\x6a"   \
	"Signature1" \
	"\x43\xa1\x01\x27\x40"

#define SIGNED_MAX (sizeof(SIGNED_BEGIN) + CBOR_HEAD_MAX + RECEIPT_BYTES_MAX)

static enum err put_signed(struct bytes payload, struct writer *out)
{
	TRY(bytes_put(out, BYTES_LITERAL(SIGNED_BEGIN)));
	return cbor_put_bytes(out, payload);
}

enum err signed_receipt_write(const struct receipt *receipt,
			      const struct sign_private_key *key,
			      struct writer *out)
{
	uint8_t payload_memory[RECEIPT_BYTES_MAX], signed_memory[SIGNED_MAX];
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	struct writer payload = WRITER_OVER(payload_memory);
	struct writer to_sign = WRITER_OVER(signed_memory);
	struct writer whole = *out;

	TRY(receipt_write(receipt, &payload));
	TRY(put_signed(bytes_written(&payload), &to_sign));
	sign_message(key, bytes_written(&to_sign), signature);
	TRY(bytes_put(&whole, BYTES_ARRAY(envelope)));
	TRY(cbor_put_bytes(&whole, bytes_written(&payload)));
	TRY(cbor_put_bytes(&whole, BYTES_ARRAY(signature)));
	*out = whole;
	return ERR_OK;
}

enum err signed_receipt_open(struct bytes in, const struct sign_public_key *key,
			     struct receipt *out)
{
	uint8_t signed_memory[SIGNED_MAX];
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	struct writer signed_bytes = WRITER_OVER(signed_memory);
	struct receipt found;
	struct bytes front, payload;

	TRY(bytes_take(&in, sizeof(envelope), &front));
	if (!bytes_equal(front, BYTES_ARRAY(envelope)))
		return ERR_MALFORMED;
	TRY(cbor_take_bytes(&in, &payload));
	TRY(cbor_take_bytes_into(&in, signature, sizeof(signature)));
	TRY(bytes_expect_end(&in));
	TRY(receipt_parse(payload, &found));
	TRY(put_signed(payload, &signed_bytes));
	*out = found;
	return sign_verify(key, bytes_written(&signed_bytes), signature);
}
