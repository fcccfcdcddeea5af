/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_sealer.h"

#include <string.h>

#include "base/secret.h"

/* The forms of a varint (RFC 9000, 16): length, top bits, largest value. */
static const struct varint {
	size_t len;
	uint64_t mark;
	uint64_t max;
} varints[] = {
	{ 1, 0, 0x3f },
	{ 2, 0x4000, 0x3fff },
	{ 4, 0x80000000, 0x3fffffff },
	{ 8, 0xc000000000000000, 0x3fffffffffffffff },
};

#define VARINTS (sizeof(varints) / sizeof(varints[0]))

static const struct varint *varint_for(uint64_t value)
{
	size_t i = 0;

	while (i < VARINTS - 1 && value > varints[i].max)
		i++;
	invariant(value <= varints[i].max);
	return &varints[i];
}

static enum err put_varint(struct writer *out, uint64_t value)
{
	const struct varint *form = varint_for(value);
	uint8_t raw[8];

	value |= form->mark;
	for (size_t i = 0; i < form->len; i++)
		raw[i] = (uint8_t)(value >> (8 * (form->len - 1 - i)));
	return bytes_put(out, (struct bytes){ raw, form->len });
}

void ohttp_sealer_wipe(struct ohttp_sealer *sealer)
{
	secret_wipe(sealer, sizeof(*sealer));
	sealer->state = OHTTP_SEALER_ENDED;
}

void ohttp_sealer_init_request(struct ohttp_sealer *sealer,
			       const struct ohttp_exchange *exchange)
{
	struct writer prefix = WRITER_OVER(sealer->prefix);
	enum err err = ohttp_header_write(&exchange->header, &prefix);

	invariant(err == ERR_OK);
	sealer->state = OHTTP_SEALER_NEW;
	sealer->form = exchange->form;
	sealer->context = exchange->context;
	sealer->prefix_len = prefix.len;
}

void ohttp_sealer_init_response(struct ohttp_sealer *sealer,
				const struct ohttp_exchange *exchange,
				const uint8_t entropy[static OHTTP_NONCE_MAX])
{
	sealer->state = OHTTP_SEALER_NEW;
	sealer->form = exchange->form;
	sealer->prefix_len = ohttp_nonce_len(exchange->context.suite.aead);
	memcpy(sealer->prefix, entropy, sealer->prefix_len);
	ohttp_response_keys(exchange, sealer->prefix, &sealer->context);
}

enum err ohttp_sealer_begin(struct ohttp_sealer *sealer, struct writer *out)
{
	invariant(sealer->state == OHTTP_SEALER_NEW);
	TRY(bytes_put(out,
		      (struct bytes){ sealer->prefix, sealer->prefix_len }));
	sealer->state = OHTTP_SEALER_BEGUN;
	return ERR_OK;
}

/* The chunk's length as it goes on the wire: a final one says 0. */
static uint64_t length_field(enum ohttp_chunk kind, size_t plaintext_len)
{
	return kind == OHTTP_CHUNK_FINAL ? 0 : plaintext_len + OHTTP_CHUNK_TAG;
}

size_t ohttp_sealer_wire_len(enum ohttp_chunk kind, size_t plaintext_len)
{
	return varint_for(length_field(kind, plaintext_len))->len +
	       plaintext_len + OHTTP_CHUNK_TAG;
}

static enum err put_chunk(struct ohttp_sealer *sealer, enum ohttp_chunk kind,
			  struct bytes plaintext, struct writer *out)
{
	struct bytes aad = kind == OHTTP_CHUNK_FINAL
				   ? BYTES_LITERAL("final")
				   : (struct bytes){ NULL, 0 };

	TRY(put_varint(out, length_field(kind, plaintext.len)));
	return hpke_seal(&sealer->context, aad, plaintext, out);
}

enum err ohttp_sealer_put(struct ohttp_sealer *sealer, enum ohttp_chunk kind,
			  struct bytes plaintext, struct writer *out)
{
	struct writer attempt = *out;

	invariant(sealer->state == OHTTP_SEALER_BEGUN);
	invariant(kind == OHTTP_CHUNK_FINAL ||
		  (sealer->form == OHTTP_CHUNKED && plaintext.len > 0));
	if (sealer->form == OHTTP_CHUNKED)
		TRY(put_chunk(sealer, kind, plaintext, &attempt));
	else
		TRY(hpke_seal(&sealer->context, (struct bytes){ NULL, 0 },
			      plaintext, &attempt));
	*out = attempt;
	if (kind == OHTTP_CHUNK_FINAL)
		ohttp_sealer_wipe(sealer);
	return ERR_OK;
}

size_t ohttp_sealer_plaintext_max(enum ohttp_chunk kind, size_t wire_len)
{
	uint64_t best = 0;

	if (kind == OHTTP_CHUNK_FINAL)
		best = wire_len > 0 ? wire_len - 1 : 0;
	for (size_t i = 0; kind == OHTTP_CHUNK_MORE && i < VARINTS; i++) {
		uint64_t sealed = wire_len < varints[i].len
					  ? 0
					  : wire_len - varints[i].len;

		if (sealed > varints[i].max)
			sealed = varints[i].max;
		best = sealed > best ? sealed : best;
	}
	return best > OHTTP_CHUNK_TAG ? (size_t)best - OHTTP_CHUNK_TAG : 0;
}
