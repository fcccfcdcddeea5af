/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses cut, mended and cut again, opened twice: by the incremental opener
 * in pieces, and by a plain reading of the draft over the whole buffer.  Both
 * have to find the same plaintext or both refuse.
 *
 * The input is a list of edits to a response that was sealed honestly, so that
 * what is left of it still opens.
 */
#include <stdint.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"

#define WIRE_MAX 4096
#define SCRATCH 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ohttp_exchange fixed_exchange(uint8_t choice)
{
	struct ohttp_exchange exchange = {
		.form = choice & 0x80 ? OHTTP_UNCHUNKED : OHTTP_CHUNKED,
		.header = { .suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				       (uint16_t)(1 + choice % 3) },
			    .enc_len = 32 },
	};

	exchange.context.suite = exchange.header.suite;
	return exchange;
}

static void seal_response(const struct ohttp_exchange *exchange,
			  struct writer *out)
{
	static const uint8_t text[100] = "no more than this";
	const uint8_t entropy[OHTTP_NONCE_MAX] = { 1 };
	const struct bytes first = { text, 20 };
	const struct bytes second = { text, 100 };
	struct ohttp_sealer sealer;

	ohttp_sealer_init_response(&sealer, exchange, entropy);
	invariant(ohttp_sealer_begin(&sealer, out) == ERR_OK);
	if (exchange->form == OHTTP_CHUNKED) {
		invariant(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, first,
					   out) == ERR_OK);
		invariant(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, second,
					   out) == ERR_OK);
	}
	invariant(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL, first, out) ==
		  ERR_OK);
}

/* One edit: u8 what | u8 where | u8 byte. */
static enum err edit(struct writer *wire, struct bytes *edits)
{
	uint8_t what, where, byte;
	size_t at;

	TRY(bytes_take_u8(edits, &what));
	TRY(bytes_take_u8(edits, &where));
	TRY(bytes_take_u8(edits, &byte));
	at = wire->len == 0 ? 0 : where % wire->len;
	switch (what % 4) {
	case 0: /* overwrite */
		if (wire->len > 0)
			wire->data[at] = byte;
		break;
	case 1: /* insert */
		TRY(bytes_put_u8(wire, 0));
		memmove(wire->data + at + 1, wire->data + at,
			wire->len - 1 - at);
		wire->data[at] = byte;
		break;
	case 2: /* remove */
		if (wire->len == 0)
			break;
		memmove(wire->data + at, wire->data + at + 1,
			wire->len - 1 - at);
		wire->len--;
		break;
	default: /* cut the end off */
		wire->len = at;
	}
	return ERR_OK;
}

static enum err take_varint(struct bytes *in, uint64_t *out)
{
	struct bytes raw;

	if (in->len == 0)
		return ERR_TRUNCATED;
	TRY(bytes_take(in, (size_t)1 << (in->data[0] >> 6), &raw));
	*out = raw.data[0] & 0x3f;
	for (size_t i = 1; i < raw.len; i++)
		*out = *out << 8 | raw.data[i];
	return ERR_OK;
}

/* The whole response at once, with no regard for which error it is. */
static enum err reference(const struct ohttp_exchange *exchange,
			  struct bytes in, struct writer *out)
{
	const struct bytes none = { NULL, 0 };
	struct hpke_context keys;
	struct bytes nonce, chunk;
	uint64_t length = 0;

	TRY(bytes_take(&in, ohttp_nonce_len(exchange->context.suite.aead),
		       &nonce));
	ohttp_response_keys(exchange, nonce.data, &keys);
	if (exchange->form == OHTTP_UNCHUNKED)
		return in.len > SCRATCH ? ERR_TOO_LARGE
					: hpke_open(&keys, none, in, out);
	for (;;) {
		TRY(take_varint(&in, &length));
		if (length == 0)
			break;
		if (length > SCRATCH || length == OHTTP_CHUNK_TAG)
			return ERR_TOO_LARGE;
		TRY(bytes_take(&in, (size_t)length, &chunk));
		TRY(hpke_open(&keys, none, chunk, out));
	}
	return in.len > SCRATCH
		       ? ERR_TOO_LARGE
		       : hpke_open(&keys, BYTES_LITERAL("final"), in, out);
}

static enum err incremental(const struct ohttp_exchange *exchange,
			    struct bytes in, size_t piece, struct writer *out)
{
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	uint8_t scratch[SCRATCH];
	struct bytes next;

	ohttp_opener_init(&opener, OHTTP_RESPONSE, exchange,
			  WRITER_OVER(scratch));
	while (bytes_take(&in, piece < in.len ? piece : in.len, &next) ==
		       ERR_OK &&
	       next.len > 0)
		TRY(ohttp_opener_push(&opener, next, out));
	return ohttp_opener_finish(&opener, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t wire_bytes[WIRE_MAX];
	static uint8_t plain_bytes[WIRE_MAX], pieces_bytes[WIRE_MAX];
	struct writer wire = WRITER_OVER(wire_bytes);
	struct writer plain = WRITER_OVER(plain_bytes);
	struct writer pieces = WRITER_OVER(pieces_bytes);
	struct bytes edits = { data, size };
	struct ohttp_exchange exchange;
	uint8_t choice, piece;
	enum err by_reference, by_pieces;

	if (bytes_take_u8(&edits, &choice) != ERR_OK ||
	    bytes_take_u8(&edits, &piece) != ERR_OK)
		return 0;
	exchange = fixed_exchange(choice);
	seal_response(&exchange, &wire);
	while (edit(&wire, &edits) == ERR_OK)
		continue;

	by_reference = reference(&exchange, bytes_written(&wire), &plain);
	by_pieces = incremental(&exchange, bytes_written(&wire),
				(size_t)piece + 1, &pieces);
	invariant((by_reference == ERR_OK) == (by_pieces == ERR_OK));
	invariant(bytes_equal(bytes_written(&plain), bytes_written(&pieces)));
	return 0;
}
