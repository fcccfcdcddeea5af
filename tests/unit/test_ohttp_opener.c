/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_opener.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/ohttp_sealer.h"

#define CHUNK_MAX 16384 /* what the draft says every receiver must take */
#define BODY_MAX (3 * CHUNK_MAX)

static const char *const texts[] = { "alpha", "bravo!", "charlie", "delta" };
#define TEXTS 4
#define WHOLE_TEXT "alphabravo!charliedelta"

/* Contexts are plain data: no key pair is needed to have a pair of ends. */
static struct ohttp_exchange exchange_of(uint16_t aead, enum ohttp_form form)
{
	struct ohttp_exchange exchange = {
		.form = form,
		.header = { .key_id = 1,
			    .suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				       aead },
			    .enc = { 0xec },
			    .enc_len = 32 },
	};

	exchange.context.suite = exchange.header.suite;
	memset(exchange.context.key, 0x11, sizeof(exchange.context.key));
	memset(exchange.context.base_nonce, 0x22, AEAD_NONCE_BYTES);
	memset(exchange.context.exporter_secret, 0x33, HPKE_SECRET_BYTES);
	return exchange;
}

/* One direction of such an exchange, sealed; and how it came out. */
struct stream {
	struct ohttp_exchange exchange;
	enum ohttp_direction direction;
	uint8_t body[BODY_MAX];
	size_t len;
	size_t chunk_end[TEXTS]; /* where each chunk ends in body */
	uint8_t opened_bytes[BODY_MAX];
	struct writer opened;
};

static void init_sealer(const struct stream *stream,
			struct ohttp_sealer *sealer)
{
	const uint8_t entropy[OHTTP_NONCE_MAX] = { 0x5e };

	if (stream->direction == OHTTP_REQUEST)
		ohttp_sealer_init_request(sealer, &stream->exchange);
	else
		ohttp_sealer_init_response(sealer, &stream->exchange, entropy);
}

/* Seal texts[] into the stream; the header of a request is left out. */
static void seal(struct stream *stream, uint16_t aead, enum ohttp_form form,
		 enum ohttp_direction direction)
{
	struct writer out = WRITER_OVER(stream->body);
	struct ohttp_sealer sealer;

	memset(stream, 0, sizeof(*stream));
	stream->exchange = exchange_of(aead, form);
	stream->direction = direction;
	init_sealer(stream, &sealer);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &out), ERR_OK);
	if (direction == OHTTP_REQUEST)
		out.len = 0;
	for (size_t i = form == OHTTP_CHUNKED ? 0 : TEXTS - 1; i < TEXTS; i++) {
		struct bytes text = form == OHTTP_CHUNKED
					    ? bytes_of_string(texts[i])
					    : BYTES_LITERAL(WHOLE_TEXT);

		cr_assert_eq(ohttp_sealer_put(&sealer,
					      i == TEXTS - 1 ? OHTTP_CHUNK_FINAL
							     : OHTTP_CHUNK_MORE,
					      text, &out),
			     ERR_OK);
		stream->chunk_end[i] = out.len;
	}
	stream->len = out.len;
}

/* Open body[0..len) in pieces of `piece` bytes, and end the stream. */
static enum err open_in_pieces(struct stream *stream, size_t piece)
{
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	uint8_t scratch[CHUNK_MAX + OHTTP_CHUNK_TAG];

	memset(stream->opened_bytes, 0, sizeof(stream->opened_bytes));
	stream->opened = WRITER_OVER(stream->opened_bytes);
	ohttp_opener_init(&opener, stream->direction, &stream->exchange,
			  WRITER_OVER(scratch));
	for (size_t at = 0; at < stream->len; at += piece) {
		size_t left = stream->len - at;
		struct bytes in = { stream->body + at,
				    left < piece ? left : piece };

		TRY(ohttp_opener_push(&opener, in, &stream->opened));
	}
	return ohttp_opener_finish(&opener, &stream->opened);
}

static enum err open_whole(struct stream *stream)
{
	return open_in_pieces(stream, BODY_MAX);
}

static void expect_whole_text(const struct stream *stream)
{
	cr_assert(bytes_equal(bytes_written(&stream->opened),
			      BYTES_LITERAL(WHOLE_TEXT)));
}

/*
 * Not opened; and what came out is a true beginning that ends with a chunk,
 * with nothing after it in the caller's memory.
 */
static void expect_refused(struct stream *stream)
{
	enum err one_shot = open_whole(stream);
	size_t released = stream->opened.len;

	cr_assert_neq(one_shot, ERR_OK);
	cr_assert_lt(released, strlen(WHOLE_TEXT));
	cr_assert_eq(memcmp(stream->opened_bytes, WHOLE_TEXT, released), 0);
	cr_assert(released == 0 || released == 5 || released == 11 ||
		  released == 18);
	cr_assert(secret_is_zero(stream->opened_bytes + released,
				 BODY_MAX - released));

	cr_assert_eq(open_in_pieces(stream, 1), one_shot);
	cr_assert_eq(stream->opened.len, released);
}

struct kind {
	uint16_t aead;
	enum ohttp_form form;
	enum ohttp_direction direction;
};

#define KINDS 12

static struct kind kind_number(size_t i)
{
	return (struct kind){ (uint16_t)(1 + i % 3),
			      i / 3 % 2 == 0 ? OHTTP_CHUNKED : OHTTP_UNCHUNKED,
			      i / 6 == 0 ? OHTTP_REQUEST : OHTTP_RESPONSE };
}

static void seal_kind(struct stream *stream, size_t i)
{
	struct kind kind = kind_number(i);

	seal(stream, kind.aead, kind.form, kind.direction);
}

static struct stream stream, other; /* too big for a stack */

Test(ohttp_opener, bytes_cut_anywhere_open_as_all_at_once)
{
	for (size_t i = 0; i < KINDS; i++) {
		seal_kind(&stream, i);
		for (size_t piece = 1; piece <= stream.len; piece++) {
			cr_assert_eq(open_in_pieces(&stream, piece), ERR_OK);
			expect_whole_text(&stream);
		}
	}
}

Test(ohttp_opener, a_stream_cut_at_any_byte_is_refused)
{
	for (size_t i = 0; i < KINDS; i++) {
		size_t whole;

		seal_kind(&stream, i);
		whole = stream.len;
		for (stream.len = 0; stream.len < whole; stream.len++)
			expect_refused(&stream);
	}
}

Test(ohttp_opener, a_cut_is_told_as_one_unless_it_could_be_a_final_chunk)
{
	size_t whole, final_begins;

	seal(&stream, HPKE_AES_128_GCM, OHTTP_CHUNKED, OHTTP_REQUEST);
	whole = stream.len;
	final_begins = stream.chunk_end[2] + 1;
	for (stream.len = 0; stream.len < whole; stream.len++)
		cr_assert_eq(open_whole(&stream),
			     stream.len < final_begins + OHTTP_CHUNK_TAG
				     ? ERR_TRUNCATED
				     : ERR_UNAUTHENTIC);
}

Test(ohttp_opener, any_flipped_bit_is_refused)
{
	for (size_t i = 0; i < KINDS; i++) {
		seal_kind(&stream, i);
		for (size_t bit = 0; bit < 8 * stream.len; bit++) {
			stream.body[bit / 8] ^= (uint8_t)(1u << bit % 8);
			expect_refused(&stream);
			stream.body[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		cr_assert_eq(open_whole(&stream), ERR_OK);
	}
}

Test(ohttp_opener, one_byte_more_is_refused)
{
	for (size_t i = 0; i < KINDS; i++) {
		seal_kind(&stream, i);
		stream.len++;
		expect_refused(&stream);
	}
}

/* Put `in` in the place of `count` chunks of the stream, from `at` on. */
static void splice(size_t at, size_t count, struct bytes in)
{
	size_t from = at == 0 ? 0 : stream.chunk_end[at - 1];
	size_t to = at + count == 0 ? 0 : stream.chunk_end[at + count - 1];

	memmove(stream.body + from + in.len, stream.body + to, stream.len - to);
	if (in.len != 0)
		memcpy(stream.body + from, in.data, in.len);
	stream.len = stream.len - (to - from) + in.len;
}

/* Chunk `at` of `from`, with its length before it. */
static struct bytes chunk_of(const struct stream *from, size_t at)
{
	size_t begin = at == 0 ? 0 : from->chunk_end[at - 1];

	return (struct bytes){ from->body + begin,
			       from->chunk_end[at] - begin };
}

static void seal_two_requests(void)
{
	seal(&stream, HPKE_AES_256_GCM, OHTTP_CHUNKED, OHTTP_REQUEST);
	other = stream;
}

Test(ohttp_opener, chunks_swapped_are_refused)
{
	for (size_t at = 0; at + 1 < TEXTS - 1; at++) {
		struct bytes first, second;

		seal_two_requests();
		first = chunk_of(&other, at);
		second = chunk_of(&other, at + 1);
		splice(at, 2, first);
		splice(at, 0, second);
		expect_refused(&stream);
	}
}

Test(ohttp_opener, a_dropped_chunk_is_refused)
{
	for (size_t at = 0; at < TEXTS - 1; at++) {
		seal_two_requests();
		splice(at, 1, (struct bytes){ NULL, 0 });
		expect_refused(&stream);
	}
}

Test(ohttp_opener, a_chunk_sent_twice_is_refused)
{
	for (size_t at = 0; at < TEXTS - 1; at++) {
		seal_two_requests();
		splice(at, 0, chunk_of(&other, at));
		expect_refused(&stream);
	}
}

Test(ohttp_opener, a_chunk_of_another_exchange_is_refused)
{
	struct ohttp_sealer sealer;

	for (size_t at = 0; at < TEXTS - 1; at++) {
		struct writer out = WRITER_OVER(other.body);

		seal_two_requests();
		other.exchange.context.key[0] ^= 1;
		init_sealer(&other, &sealer);
		for (size_t i = 0; i <= at; i++) {
			sealer.state = OHTTP_SEALER_BEGUN;
			out.len = 0;
			cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
						      bytes_of_string(texts[i]),
						      &out),
				     ERR_OK);
		}
		splice(at, 1, bytes_written(&out));
		expect_refused(&stream);
	}
}

/* Open a request of one chunk whose length and additional data are given. */
static enum err open_hand_made(struct bytes length, const char *text,
			       const char *aad)
{
	struct writer out = WRITER_OVER(stream.body);
	struct hpke_context context;

	stream.exchange = exchange_of(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	stream.direction = OHTTP_REQUEST;
	context = stream.exchange.context;
	cr_assert_eq(bytes_put(&out, length), ERR_OK);
	cr_assert_eq(hpke_seal(&context, bytes_of_string(aad),
			       bytes_of_string(text), &out),
		     ERR_OK);
	stream.len = out.len;
	return open_whole(&stream);
}

Test(ohttp_opener, an_empty_chunk_that_is_not_final_is_refused_though_it_opens)
{
	cr_assert_eq(open_hand_made(BYTES_LITERAL("\x10"), "", ""),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(open_hand_made(BYTES_LITERAL("\x11"), "x", ""),
		     ERR_TRUNCATED);
	cr_assert_eq(stream.opened.len, 1);
}

Test(ohttp_opener, an_empty_final_chunk_is_a_whole_message)
{
	cr_assert_eq(open_hand_made(BYTES_LITERAL("\0"), "", "final"), ERR_OK);
	cr_assert_eq(stream.opened.len, 0);
}

Test(ohttp_opener, a_final_chunk_sealed_as_another_is_refused_and_vice_versa)
{
	cr_assert_eq(open_hand_made(BYTES_LITERAL("\0"), "text", ""),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(open_hand_made(BYTES_LITERAL("\x14"), "text", "final"),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(stream.opened.len, 0);
	cr_assert_eq(open_hand_made(BYTES_LITERAL("\0"), "text", "final"),
		     ERR_OK);
}

Test(ohttp_opener, a_length_need_not_be_in_its_shortest_form)
{
	static const struct bytes finals[] = {
		{ (const uint8_t *)"\x40\0", 2 },
		{ (const uint8_t *)"\x80\0\0\0", 4 },
		{ (const uint8_t *)"\xc0\0\0\0\0\0\0\0", 8 },
	};
	static const struct bytes twenties[] = {
		{ (const uint8_t *)"\x40\x14", 2 },
		{ (const uint8_t *)"\x80\0\0\x14", 4 },
		{ (const uint8_t *)"\xc0\0\0\0\0\0\0\x14", 8 },
	};

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(open_hand_made(finals[i], "text", "final"),
			     ERR_OK);
		cr_assert_eq(open_hand_made(twenties[i], "text", ""),
			     ERR_TRUNCATED);
		cr_assert_eq(stream.opened.len, 4);
	}
}

static enum err push_only(struct bytes in, size_t scratch_len)
{
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	struct ohttp_exchange exchange =
		exchange_of(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	uint8_t scratch[128];
	struct writer nothing = { NULL, 0, 0 };

	ohttp_opener_init(&opener, OHTTP_REQUEST, &exchange,
			  (struct writer){ scratch, 0, scratch_len });
	return ohttp_opener_push(&opener, in, &nothing);
}

Test(ohttp_opener, a_length_beyond_the_scratch_is_too_large_at_once)
{
	cr_assert_eq(push_only(BYTES_LITERAL("\x40\x64"), 100), ERR_OK);
	cr_assert_eq(push_only(BYTES_LITERAL("\x40\x65"), 100), ERR_TOO_LARGE);
	cr_assert_eq(push_only(BYTES_LITERAL("\xbf\xff\xff\xff"), 100),
		     ERR_TOO_LARGE);
	cr_assert_eq(push_only(BYTES_LITERAL("\xc0\0\0\1\0\0\0\0"), 100),
		     ERR_TOO_LARGE);
	cr_assert_eq(push_only(BYTES_LITERAL("\xff\xff\xff\xff"
					     "\xff\xff\xff\xef"),
			       100),
		     ERR_TOO_LARGE);
	cr_assert_eq(push_only(BYTES_LITERAL("\xff\xff\xff\xff"
					     "\xff\xff\xff\xff"),
			       100),
		     ERR_TOO_LARGE);
}

Test(ohttp_opener, a_length_too_short_for_a_byte_and_a_tag_is_refused_at_once)
{
	for (uint8_t length = 1; length <= OHTTP_CHUNK_TAG; length++)
		cr_assert_eq(push_only((struct bytes){ &length, 1 }, 100),
			     ERR_UNAUTHENTIC);
}

static enum err open_one_chunk(size_t text_len, enum ohttp_chunk kind)
{
	static uint8_t text[CHUNK_MAX + 1];
	struct writer out = WRITER_OVER(stream.body);
	struct ohttp_sealer sealer;

	stream.exchange = exchange_of(HPKE_CHACHA20_POLY1305, OHTTP_CHUNKED);
	stream.direction = OHTTP_REQUEST;
	init_sealer(&stream, &sealer);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &out), ERR_OK);
	out.len = 0;
	cr_assert_eq(ohttp_sealer_put(&sealer, kind,
				      (struct bytes){ text, text_len }, &out),
		     ERR_OK);
	if (kind == OHTTP_CHUNK_MORE)
		cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL,
					      (struct bytes){ NULL, 0 }, &out),
			     ERR_OK);
	stream.len = out.len;
	return open_whole(&stream);
}

Test(ohttp_opener, chunks_of_16384_bytes_open_and_of_one_more_are_too_large)
{
	const enum ohttp_chunk kinds[] = { OHTTP_CHUNK_MORE,
					   OHTTP_CHUNK_FINAL };

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(open_one_chunk(CHUNK_MAX, kinds[i]), ERR_OK);
		cr_assert_eq(stream.opened.len, CHUNK_MAX);
		cr_assert_eq(open_one_chunk(CHUNK_MAX + 1, kinds[i]),
			     ERR_TOO_LARGE);
		cr_assert_eq(stream.opened.len, 0);
	}
}

Test(ohttp_opener, a_writer_without_room_is_too_large_and_left_alone)
{
	struct ohttp_opener opener;
	uint8_t scratch[64];
	struct writer small = { stream.opened_bytes, 0, 4 };

	seal(&stream, HPKE_AES_128_GCM, OHTTP_CHUNKED, OHTTP_REQUEST);
	ohttp_opener_init(&opener, OHTTP_REQUEST, &stream.exchange,
			  WRITER_OVER(scratch));
	cr_assert_eq(ohttp_opener_push(
			     &opener, (struct bytes){ stream.body, stream.len },
			     &small),
		     ERR_TOO_LARGE);
	cr_assert_eq(small.len, 0);
}

Test(ohttp_opener, after_an_error_it_is_dead_and_holds_no_key)
{
	struct ohttp_opener opener;
	uint8_t scratch[64];
	struct bytes whole;

	seal(&stream, HPKE_AES_128_GCM, OHTTP_CHUNKED, OHTTP_RESPONSE);
	whole = (struct bytes){ stream.body, stream.len };
	stream.opened = WRITER_OVER(stream.opened_bytes);
	stream.body[20] ^= 1;
	ohttp_opener_init(&opener, OHTTP_RESPONSE, &stream.exchange,
			  WRITER_OVER(scratch));
	cr_assert_eq(ohttp_opener_push(&opener, whole, &stream.opened),
		     ERR_UNAUTHENTIC);
	cr_assert(secret_is_zero(&opener.context, sizeof(opener.context)));
	cr_assert(secret_is_zero(&opener.exchange, sizeof(opener.exchange)));
	stream.body[20] ^= 1;
	cr_assert_eq(ohttp_opener_push(&opener, whole, &stream.opened),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(ohttp_opener_finish(&opener, &stream.opened),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(stream.opened.len, 0);
}

Test(ohttp_opener, after_the_end_it_takes_nothing_and_holds_no_key)
{
	struct ohttp_opener opener;
	uint8_t scratch[64];
	struct bytes whole;

	seal(&stream, HPKE_AES_128_GCM, OHTTP_CHUNKED, OHTTP_REQUEST);
	whole = (struct bytes){ stream.body, stream.len };
	stream.opened = WRITER_OVER(stream.opened_bytes);
	ohttp_opener_init(&opener, OHTTP_REQUEST, &stream.exchange,
			  WRITER_OVER(scratch));
	cr_assert_eq(ohttp_opener_push(&opener, whole, &stream.opened), ERR_OK);
	cr_assert_eq(ohttp_opener_finish(&opener, &stream.opened), ERR_OK);
	expect_whole_text(&stream);
	cr_assert(secret_is_zero(&opener.context, sizeof(opener.context)));
	cr_assert_eq(ohttp_opener_finish(&opener, &stream.opened),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(ohttp_opener_push(&opener, whole, &stream.opened),
		     ERR_UNAUTHENTIC);
	expect_whole_text(&stream);
}

Test(ohttp_opener, a_request_is_not_taken_for_a_response_nor_the_reverse)
{
	const enum ohttp_form forms[] = { OHTTP_CHUNKED, OHTTP_UNCHUNKED };

	for (size_t i = 0; i < 2; i++) {
		seal(&stream, HPKE_AES_128_GCM, forms[i], OHTTP_REQUEST);
		stream.direction = OHTTP_RESPONSE;
		expect_refused(&stream);
		seal(&stream, HPKE_AES_128_GCM, forms[i], OHTTP_RESPONSE);
		stream.direction = OHTTP_REQUEST;
		expect_refused(&stream);
	}
}

Test(ohttp_opener, a_response_to_another_request_is_refused)
{
	seal(&stream, HPKE_AES_128_GCM, OHTTP_CHUNKED, OHTTP_RESPONSE);
	stream.exchange.header.enc[31] ^= 1;
	expect_refused(&stream);
	stream.exchange.header.enc[31] ^= 1;
	stream.exchange.context.exporter_secret[0] ^= 1;
	expect_refused(&stream);
}
