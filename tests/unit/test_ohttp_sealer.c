/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_sealer.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/secret.h"

static struct ohttp_exchange exchange_of(uint16_t aead, enum ohttp_form form)
{
	struct ohttp_exchange exchange = {
		.form = form,
		.header = { .suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				       aead },
			    .enc_len = 32 },
	};

	exchange.context.suite = exchange.header.suite;
	memset(exchange.context.key, 0x11, sizeof(exchange.context.key));
	return exchange;
}

static const uint8_t entropy[OHTTP_NONCE_MAX] = { 1, 2, 3 };
static uint8_t text[20000];
static uint8_t memory[40000];

/* A response sealer past its nonce. */
static struct ohttp_sealer begun(uint16_t aead, enum ohttp_form form)
{
	struct ohttp_exchange exchange = exchange_of(aead, form);
	struct writer out = WRITER_OVER(memory);
	struct ohttp_sealer sealer;

	ohttp_sealer_init_response(&sealer, &exchange, entropy);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &out), ERR_OK);
	cr_assert_eq(out.len, ohttp_nonce_len(aead));
	cr_assert_arr_eq(memory, entropy, out.len);
	return sealer;
}

Test(ohttp_sealer, a_chunk_is_as_long_on_the_wire_as_was_told)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_CHUNKED);

	for (size_t len = 1; len <= 20000; len += len < 200 ? 1 : 97) {
		struct writer out = WRITER_OVER(memory);

		cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
					      (struct bytes){ text, len },
					      &out),
			     ERR_OK);
		cr_assert_eq(out.len,
			     ohttp_sealer_wire_len(OHTTP_CHUNK_MORE, len));
	}
}

Test(ohttp_sealer, a_final_chunk_is_as_long_on_the_wire_as_was_told)
{
	for (size_t len = 0; len <= 300; len++) {
		struct ohttp_sealer sealer =
			begun(HPKE_AES_256_GCM, OHTTP_CHUNKED);
		struct writer out = WRITER_OVER(memory);

		cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL,
					      (struct bytes){ text, len },
					      &out),
			     ERR_OK);
		cr_assert_eq(out.len, len + 17);
		cr_assert_eq(out.len,
			     ohttp_sealer_wire_len(OHTTP_CHUNK_FINAL, len));
	}
}

Test(ohttp_sealer, frames_of_512_bytes_are_filled_exactly)
{
	cr_assert_eq(ohttp_sealer_plaintext_max(OHTTP_CHUNK_MORE, 512), 494);
	cr_assert_eq(ohttp_sealer_wire_len(OHTTP_CHUNK_MORE, 494), 512);
	cr_assert_eq(ohttp_sealer_plaintext_max(OHTTP_CHUNK_FINAL, 512), 495);
	cr_assert_eq(ohttp_sealer_wire_len(OHTTP_CHUNK_FINAL, 495), 512);
}

Test(ohttp_sealer, the_most_plaintext_for_a_length_is_the_most)
{
	const enum ohttp_chunk kinds[] = { OHTTP_CHUNK_MORE,
					   OHTTP_CHUNK_FINAL };

	for (size_t i = 0; i < 2; i++)
		for (size_t wire = 0; wire < 40000; wire++) {
			size_t most =
				ohttp_sealer_plaintext_max(kinds[i], wire);

			if (most > 0)
				cr_assert_leq(
					ohttp_sealer_wire_len(kinds[i], most),
					wire);
			cr_assert_gt(ohttp_sealer_wire_len(kinds[i], most + 1),
				     wire);
		}
}

Test(ohttp_sealer, a_chunk_without_room_can_be_put_again)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	struct ohttp_sealer twin = sealer;
	struct bytes in = { text, 100 };
	uint8_t expected_bytes[200];
	struct writer expected = WRITER_OVER(expected_bytes);

	cr_assert_eq(ohttp_sealer_put(&twin, OHTTP_CHUNK_MORE, in, &expected),
		     ERR_OK);
	for (size_t max = 0; max < expected.len; max++) {
		struct writer small = { memory, 0, max };

		cr_assert_eq(
			ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, in, &small),
			ERR_TOO_LARGE);
		cr_assert_eq(small.len, 0);
	}
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, in, &out),
		     ERR_OK);
	cr_assert(bytes_equal(bytes_written(&out), bytes_written(&expected)));
}

Test(ohttp_sealer, one_text_sealed_twice_looks_different)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	struct writer out = WRITER_OVER(memory);

	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
					      (struct bytes){ text, 494 },
					      &out),
			     ERR_OK);
	cr_assert_arr_neq(memory, memory + 512, 512);
}

Test(ohttp_sealer, a_prefix_without_room_can_be_begun_again)
{
	struct ohttp_exchange exchange =
		exchange_of(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	struct writer small = { memory, 0, OHTTP_HEADER_BYTES + 31 };
	struct writer out = WRITER_OVER(memory);
	struct ohttp_sealer sealer;

	ohttp_sealer_init_request(&sealer, &exchange);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &small), ERR_TOO_LARGE);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &out), ERR_OK);
	cr_assert_eq(out.len, OHTTP_HEADER_BYTES + 32);
}

Test(ohttp_sealer, after_the_final_chunk_it_holds_no_key)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_UNCHUNKED);
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL,
				      BYTES_LITERAL("whole"), &out),
		     ERR_OK);
	cr_assert_eq(out.len, 5 + OHTTP_CHUNK_TAG);
	cr_assert(secret_is_zero(&sealer.context, sizeof(sealer.context)));
}

Test(ohttp_sealer, a_chunk_after_the_final_one_stops_the_program,
     .signal = SIGABRT)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	struct writer out = WRITER_OVER(memory);
	enum err err;

	err = ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL, BYTES_LITERAL("x"),
			       &out);
	cr_assert_eq(err, ERR_OK);
	err = ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, BYTES_LITERAL("x"),
			       &out);
	cr_assert_fail("sealed on: %d", (int)err);
}

Test(ohttp_sealer, an_empty_chunk_that_is_not_final_stops_the_program,
     .signal = SIGABRT)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	struct writer out = WRITER_OVER(memory);
	enum err err = ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
					(struct bytes){ NULL, 0 }, &out);

	cr_assert_fail("sealed nothing: %d", (int)err);
}

Test(ohttp_sealer, a_second_chunk_of_the_unchunked_form_stops_the_program,
     .signal = SIGABRT)
{
	struct ohttp_sealer sealer = begun(HPKE_AES_128_GCM, OHTTP_UNCHUNKED);
	struct writer out = WRITER_OVER(memory);
	enum err err = ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
					BYTES_LITERAL("x"), &out);

	cr_assert_fail("sealed a part: %d", (int)err);
}
