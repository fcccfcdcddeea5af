/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/signed_receipt.h"

#include "crypto/cose.h"

enum err signed_receipt_write(const struct receipt *receipt,
			      const struct sign_private_key *key,
			      struct writer *out)
{
	uint8_t memory[RECEIPT_BYTES_MAX];
	struct writer payload = WRITER_OVER(memory);
	struct cose_draft draft = { .protected_headers = COSE_PROTECTED_EDDSA,
				    .kind = COSE_PAYLOAD_ATTACHED };

	TRY(receipt_write(receipt, &payload));
	draft.payload = bytes_written(&payload);
	return cose_sign1_write(&draft, key, out);
}

/* tag, array, protected header, no other header; head of the payload, which is
 * longer than 255 bytes; head of the signature. */
#define AROUND (1 + 1 + 4 + 1 + 3 + 2 + SIGN_SIGNATURE_BYTES)

/* One message has one encoding here: other headers could say other things, and
 * any longer form of a length the same thing twice. */
static enum err take_message(struct bytes in, struct cose_sign1 *out)
{
	struct cose_sign1 message;

	TRY(cose_sign1_parse(in, COSE_TAG_NEEDED, &message));
	if (!bytes_equal(message.protected_bytes, COSE_PROTECTED_EDDSA) ||
	    message.headers.count != 0 ||
	    message.kind != COSE_PAYLOAD_ATTACHED ||
	    message.signature.len != SIGN_SIGNATURE_BYTES ||
	    in.len != AROUND + message.payload.len)
		return ERR_MALFORMED;
	*out = message;
	return ERR_OK;
}

enum err signed_receipt_open(struct bytes in, const struct sign_public_key *key,
			     struct receipt *out)
{
	uint8_t memory[RECEIPT_SIGNED_MAX];
	struct writer to_be_signed = WRITER_OVER(memory);
	struct cose_sign1 message;
	struct receipt found;

	TRY(take_message(in, &message));
	TRY(receipt_parse(message.payload, &found));
	TRY(cose_sign1_to_be_signed(&message, (struct bytes){ NULL, 0 },
				    &to_be_signed));
	*out = found;
	return sign_verify(key, bytes_written(&to_be_signed),
			   message.signature.data);
}
