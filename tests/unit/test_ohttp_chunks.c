/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body of sixteen chunks whose pieces somebody on the way knows and moves
 * about as they like: every bit, and all pairs, in every suite and direction.
 * That one bit or one place less opens is each time seen beside it.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "tests/figure.h"

#define CHUNKS 16
#define TEXT_BYTES 9 /* of each chunk, which tell it from all others */
#define BODY_MAX 1024
#define KINDS 6 /* suites and directions */

struct body {
	struct ohttp_exchange exchange;
	enum ohttp_direction direction;
	uint8_t nonce[OHTTP_NONCE_MAX];
	size_t nonce_len; /* before a response */
	uint8_t chunks[CHUNKS][64];
	size_t lens[CHUNKS];
};

/* What is to be opened, and what came out. */
struct attempt {
	uint8_t sealed[BODY_MAX];
	size_t len;
	uint8_t opened[BODY_MAX];
	size_t opened_len;
	enum err end;
};

static void text_of(size_t chunk, uint8_t text[static TEXT_BYTES])
{
	memset(text, (int)('a' + chunk), TEXT_BYTES);
}

/* The same request or response again where `other` is 0, else another one. */
static void seal(size_t kind, uint8_t other, struct body *out)
{
	uint8_t entropy[OHTTP_NONCE_MAX] = { 0x5e, other };
	struct ohttp_sealer sealer;
	uint8_t memory[BODY_MAX];
	struct writer wire = WRITER_OVER(memory);

	*out = (struct body){ .direction = kind / 3 == 0 ? OHTTP_REQUEST
							 : OHTTP_RESPONSE };
	out->exchange = (struct ohttp_exchange){
		.form = OHTTP_CHUNKED,
		.header = { .key_id = 1,
			    .suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				       (uint16_t)(1 + kind % 3) },
			    .enc_len = 32 },
	};
	out->exchange.context.suite = out->exchange.header.suite;
	memset(out->exchange.context.key, 0x11 + other, AEAD_KEY_MAX);
	memset(out->exchange.context.exporter_secret, 0x33 + other,
	       HPKE_SECRET_BYTES);
	if (out->direction == OHTTP_REQUEST)
		ohttp_sealer_init_request(&sealer, &out->exchange);
	else
		ohttp_sealer_init_response(&sealer, &out->exchange, entropy);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &wire), ERR_OK);
	if (out->direction == OHTTP_RESPONSE) {
		out->nonce_len = wire.len;
		memcpy(out->nonce, memory, wire.len);
	}
	for (size_t i = 0; i < CHUNKS; i++) {
		uint8_t text[TEXT_BYTES];
		struct writer chunk = WRITER_OVER(out->chunks[i]);

		text_of(i, text);
		cr_assert_eq(ohttp_sealer_put(&sealer,
					      i == CHUNKS - 1
						      ? OHTTP_CHUNK_FINAL
						      : OHTTP_CHUNK_MORE,
					      BYTES_ARRAY(text), &chunk),
			     ERR_OK);
		out->lens[i] = chunk.len;
	}
}

static void begin(const struct body *body, struct attempt *out)
{
	*out = (struct attempt){ .len = body->nonce_len };
	memcpy(out->sealed, body->nonce, body->nonce_len);
}

static void add(const struct body *body, size_t chunk, struct attempt *out)
{
	memcpy(out->sealed + out->len, body->chunks[chunk], body->lens[chunk]);
	out->len += body->lens[chunk];
}

static void open_it(const struct body *body, struct attempt *attempt)
{
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	uint8_t scratch[128];
	struct writer out = WRITER_OVER(attempt->opened);
	struct bytes in = { attempt->sealed, attempt->len };

	ohttp_opener_init(&opener, body->direction, &body->exchange,
			  WRITER_OVER(scratch));
	attempt->end = ohttp_opener_push(&opener, in, &out);
	if (attempt->end == ERR_OK)
		attempt->end = ohttp_opener_finish(&opener, &out);
	attempt->opened_len = out.len;
}

/*
 * Bytes that came out though nobody sealed them for their place: those after
 * the first `good` chunks, wherever in the caller's memory.
 */
static size_t strays(const struct attempt *attempt, size_t good)
{
	size_t count = 0;

	for (size_t i = 0; i < BODY_MAX; i++) {
		uint8_t expected = i < good * TEXT_BYTES
					   ? (uint8_t)('a' + i / TEXT_BYTES)
					   : 0;

		count += attempt->opened[i] != 0 &&
			 attempt->opened[i] != expected;
	}
	return count;
}

static bool is_whole(const struct attempt *attempt)
{
	return attempt->end == ERR_OK &&
	       attempt->opened_len == (size_t)CHUNKS * TEXT_BYTES &&
	       strays(attempt, CHUNKS) == 0;
}

static void open_whole(const struct body *body, struct attempt *attempt)
{
	begin(body, attempt);
	for (size_t i = 0; i < CHUNKS; i++)
		add(body, i, attempt);
	open_it(body, attempt);
}

static struct body body, another;
static struct attempt attempt;

Test(ohttp_chunks, a_flipped_bit_in_any_chunk_releases_no_byte_of_it)
{
	size_t flips = 0, accepted = 0, released = 0, control = 0;

	for (size_t kind = 0; kind < KINDS; kind++) {
		seal(kind, 0, &body);
		for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
			for (size_t bit = 0; bit < 8 * body.lens[chunk];
			     bit++) {
				uint8_t *byte = &body.chunks[chunk][bit / 8];

				*byte ^= (uint8_t)(1u << bit % 8);
				open_whole(&body, &attempt);
				*byte ^= (uint8_t)(1u << bit % 8);
				accepted += attempt.end == ERR_OK;
				released += strays(&attempt, chunk);
				flips++;
			}
			open_whole(&body, &attempt);
			cr_assert(is_whole(&attempt));
			/* The same eyes see the bytes of what does open. */
			control += strays(&attempt, chunk);
		}
	}
	figure_none("B6", "flipped bits that were taken", accepted, flips,
		    CHUNKS * KINDS);
	figure_none("B6", "bytes released of a chunk with a flipped bit",
		    released, flips, control);
}

/* How often a body that `arrange` made was opened, of how many. */
struct count {
	size_t tried;
	size_t opened;
};

typedef void arrangement(size_t first, size_t second);

static void swap(size_t first, size_t second)
{
	for (size_t i = 0; i < CHUNKS; i++)
		add(&body,
		    i == first	  ? second
		    : i == second ? first
				  : i,
		    &attempt);
}

/* One place in the other's stead. */
static void repeat(size_t first, size_t second)
{
	for (size_t i = 0; i < CHUNKS; i++)
		add(&body, i == second ? first : i, &attempt);
}

/* The first once more, before the second. */
static void insert(size_t first, size_t second)
{
	for (size_t i = 0; i < CHUNKS; i++) {
		if (i == second)
			add(&body, first, &attempt);
		add(&body, i, &attempt);
	}
}

/* All from the first up to the second, that one not. */
static void drop(size_t first, size_t second)
{
	for (size_t i = 0; i < CHUNKS; i++)
		if (i < first || i >= second)
			add(&body, i, &attempt);
}

/* The first chunk of another exchange, in the second place of this one. */
static void splice(size_t first, size_t second)
{
	for (size_t i = 0; i < CHUNKS; i++)
		add(i == second ? &another : &body, i == second ? first : i,
		    &attempt);
}

/* All pairs, in one order or in both; a pair of equals where that says more. */
static struct count try_pairs(arrangement *arrange, bool is_ordered,
			      bool with_equals)
{
	struct count count = { 0 };

	for (size_t kind = 0; kind < KINDS; kind++) {
		seal(kind, 0, &body);
		seal(kind, 7, &another);
		open_whole(&body, &attempt);
		cr_assert(is_whole(&attempt));
		open_whole(&another, &attempt);
		cr_assert(is_whole(&attempt));
		for (size_t i = 0; i < CHUNKS; i++)
			for (size_t j = 0; j < CHUNKS; j++) {
				if ((i == j && !with_equals) ||
				    (i > j && is_ordered))
					continue;
				begin(&body, &attempt);
				arrange(i, j);
				open_it(&body, &attempt);
				count.tried++;
				count.opened += attempt.end == ERR_OK;
				/* What came out is a true beginning. */
				cr_assert_eq(strays(&attempt, CHUNKS), 0);
			}
	}
	return count;
}

static void expect_none(const char *what, struct count count)
{
	figure_none("B7", what, count.opened, count.tried, 2 * KINDS);
}

Test(ohttp_chunks, no_two_of_sixteen_chunks_can_change_places)
{
	expect_none("pairs of chunks that changed places",
		    try_pairs(swap, true, false));
}

Test(ohttp_chunks, no_chunk_can_stand_for_another_or_come_again)
{
	expect_none("chunks in another's place",
		    try_pairs(repeat, false, false));
	expect_none("chunks that came again", try_pairs(insert, false, true));
}

Test(ohttp_chunks, no_run_of_chunks_can_be_dropped)
{
	expect_none("runs of chunks dropped", try_pairs(drop, true, false));
}

Test(ohttp_chunks, no_chunk_of_another_message_fits_anywhere)
{
	expect_none("chunks of another message in this one",
		    try_pairs(splice, false, true));
}

/* Cut behind any chunk but the last: reported, whatever was released. */
Test(ohttp_chunks, a_missing_final_chunk_is_told_as_a_cut)
{
	size_t cuts = 0, told = 0;

	for (size_t kind = 0; kind < KINDS; kind++) {
		seal(kind, 0, &body);
		for (size_t left = 0; left < CHUNKS; left++) {
			begin(&body, &attempt);
			for (size_t i = 0; i < left; i++)
				add(&body, i, &attempt);
			open_it(&body, &attempt);
			cuts++;
			told += attempt.end == ERR_TRUNCATED;
			cr_assert_eq(attempt.opened_len, left * TEXT_BYTES);
		}
	}
	figure_all("B7", "missing final chunks told as a cut", told, cuts);
}

/* A body that is opened with an exchange that differs in one thing. */
static bool opens_as(const struct body *with)
{
	open_whole(&body, &attempt);
	attempt.opened_len = 0;
	memset(attempt.opened, 0, sizeof(attempt.opened));
	open_it(with, &attempt);
	return attempt.end == ERR_OK;
}

Test(ohttp_chunks, suite_direction_and_exchange_are_bound)
{
	size_t tried = 0, opened = 0, control = 0;

	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t as = 0; as < 2 * KINDS; as++) {
			seal(kind, 0, &body);
			seal(as % KINDS, as < KINDS ? 0 : 7, &another);
			if (as == kind) {
				control += opens_as(&another);
				continue;
			}
			tried++;
			opened += opens_as(&another);
		}
	cr_assert_eq(control, KINDS);
	figure_none("B8",
		    "bodies that opened in another suite, direction or "
		    "exchange",
		    opened, tried, control);
}
