/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_opener.h"

#include "base/secret.h"

void ohttp_opener_wipe(struct ohttp_opener *opener)
{
	secret_wipe(opener, sizeof(*opener));
	opener->state = OHTTP_OPENER_DEAD;
}

/* Begin to collect something of this many bytes. */
static void expect(struct ohttp_opener *opener, enum ohttp_opener_state state,
		   size_t wanted)
{
	opener->state = state;
	opener->wanted = wanted;
	opener->pending.len = 0;
}

/* What a body of this form begins with. */
static void expect_body(struct ohttp_opener *opener)
{
	/* This direction has its keys now, and needs no others. */
	hpke_context_wipe(&opener->exchange.context);
	if (opener->exchange.form == OHTTP_CHUNKED)
		expect(opener, OHTTP_OPENER_LENGTH, 1);
	else
		expect(opener, OHTTP_OPENER_LAST, opener->pending.max);
}

void ohttp_opener_init(struct ohttp_opener *opener,
		       enum ohttp_direction direction,
		       const struct ohttp_exchange *exchange,
		       struct writer scratch)
{
	invariant(scratch.len == 0 && scratch.max >= OHTTP_NONCE_MAX);
	opener->exchange = *exchange;
	opener->context = exchange->context;
	opener->pending = scratch;
	if (direction == OHTTP_REQUEST)
		expect_body(opener);
	else
		expect(opener, OHTTP_OPENER_NONCE,
		       ohttp_nonce_len(exchange->context.suite.aead));
}

/* Move bytes from `in` until pending holds all that is wanted, or in ends. */
static enum err collect(struct ohttp_opener *opener, struct bytes *in)
{
	size_t missing = opener->wanted - opener->pending.len;
	struct bytes next;

	TRY(bytes_take(in, in->len < missing ? in->len : missing, &next));
	return bytes_put(&opener->pending, next);
}

static enum err take_nonce(struct ohttp_opener *opener, struct bytes *in)
{
	TRY(collect(opener, in));
	if (opener->pending.len < opener->wanted)
		return ERR_OK;
	ohttp_response_keys(&opener->exchange, opener->pending.data,
			    &opener->context);
	expect_body(opener);
	return ERR_OK;
}

/* A varint of RFC 9000, 16: the first two bits tell how long it is. */
static uint64_t varint_value(struct bytes raw)
{
	uint64_t value = raw.data[0] & 0x3f;

	for (size_t i = 1; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	return value;
}

static enum err take_length(struct ohttp_opener *opener, struct bytes *in)
{
	uint64_t length;

	TRY(collect(opener, in));
	opener->wanted = (size_t)1 << (opener->pending.data[0] >> 6);
	if (opener->pending.len < opener->wanted)
		return ERR_OK;

	length = varint_value(bytes_written(&opener->pending));
	if (length == 0) {
		expect(opener, OHTTP_OPENER_LAST, opener->pending.max);
		return ERR_OK;
	}
	/* Too short for a tag, or empty, which the draft calls the same. */
	if (length <= OHTTP_CHUNK_TAG)
		return ERR_UNAUTHENTIC;
	if (length > opener->pending.max)
		return ERR_TOO_LARGE;
	expect(opener, OHTTP_OPENER_CHUNK, (size_t)length);
	return ERR_OK;
}

static enum err take_chunk(struct ohttp_opener *opener, struct bytes *in,
			   struct writer *plaintext)
{
	TRY(collect(opener, in));
	if (opener->pending.len < opener->wanted)
		return ERR_OK;
	TRY(hpke_open(&opener->context, (struct bytes){ NULL, 0 },
		      bytes_written(&opener->pending), plaintext));
	expect(opener, OHTTP_OPENER_LENGTH, 1);
	return ERR_OK;
}

static enum err take_last(struct ohttp_opener *opener, struct bytes *in)
{
	TRY(collect(opener, in));
	return in->len == 0 ? ERR_OK : ERR_TOO_LARGE;
}

static enum err step(struct ohttp_opener *opener, struct bytes *in,
		     struct writer *plaintext)
{
	switch (opener->state) {
	case OHTTP_OPENER_NONCE:
		return take_nonce(opener, in);
	case OHTTP_OPENER_LENGTH:
		return take_length(opener, in);
	case OHTTP_OPENER_CHUNK:
		return take_chunk(opener, in, plaintext);
	case OHTTP_OPENER_LAST:
		return take_last(opener, in);
	case OHTTP_OPENER_ENDED:
	case OHTTP_OPENER_DEAD:
		break;
	}
	return ERR_UNAUTHENTIC;
}

enum err ohttp_opener_push(struct ohttp_opener *opener, struct bytes in,
			   struct writer *plaintext)
{
	enum err err = ERR_OK;

	while (err == ERR_OK && in.len > 0)
		err = step(opener, &in, plaintext);
	if (err != ERR_OK)
		ohttp_opener_wipe(opener);
	return err;
}

static enum err open_last(struct ohttp_opener *opener, struct writer *plaintext)
{
	struct bytes aad = opener->exchange.form == OHTTP_CHUNKED
				   ? BYTES_LITERAL("final")
				   : (struct bytes){ NULL, 0 };

	if (opener->state == OHTTP_OPENER_ENDED ||
	    opener->state == OHTTP_OPENER_DEAD)
		return ERR_UNAUTHENTIC;
	if (opener->state != OHTTP_OPENER_LAST ||
	    opener->pending.len < OHTTP_CHUNK_TAG)
		return ERR_TRUNCATED;
	return hpke_open(&opener->context, aad, bytes_written(&opener->pending),
			 plaintext);
}

enum err ohttp_opener_finish(struct ohttp_opener *opener,
			     struct writer *plaintext)
{
	enum err err = open_last(opener, plaintext);

	ohttp_opener_wipe(opener);
	if (err == ERR_OK)
		opener->state = OHTTP_OPENER_ENDED;
	return err;
}
