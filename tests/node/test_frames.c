/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/ohttp_opener.h"
#include "node/frames.h"
#include "wire/bhttp.h"
#include "wire/receipt.h"
#include "wire/sse.h"
#include "wire/unpad.h"

#define RING (64u << 10)
#define WIRE_MAX (4u << 20)

/* What a client gets, and what it makes of it. */
struct outcome {
	size_t frames;
	size_t wire_bytes;
	bool sizes_are_one;
	uint16_t status;
	struct writer content;
	size_t trailers;
	size_t receipt_len; /* of the one trailer */
};

static uint8_t arena_memory[32u << 20] __attribute__((aligned(64)));
static uint8_t wire_memory[WIRE_MAX];
static uint8_t plain_memory[WIRE_MAX];
static uint8_t content_memory[WIRE_MAX];
static uint8_t scratch_memory[WIRE_MAX];

static struct policy policy_of(enum policy_shape shape, uint32_t frame_bytes)
{
	struct policy policy;

	policy_default(&policy);
	policy.shape = shape;
	policy.frame_bytes = frame_bytes;
	policy.total_buckets[0] = 2;
	policy.total_buckets[1] = 5;
	policy.total_buckets[2] = 40;
	policy.total_bucket_count = 3;
	return policy;
}

static struct ohttp_exchange exchange_for(enum ohttp_form form, size_t aead)
{
	struct hpke_private_key private_key;
	struct ohttp_key_config config = { .symmetric_count = 1 };
	struct ohttp_exchange exchange;

	config.symmetric[0] =
		(struct hpke_symmetric){ HPKE_HKDF_SHA256, (uint16_t)aead };
	cr_assert_eq(hpke_key_generate(HPKE_KEM_X25519, &private_key,
				       &config.public_key),
		     ERR_OK);
	cr_assert_eq(ohttp_send(&config, config.symmetric[0], form, &exchange),
		     ERR_OK);
	return exchange;
}

static struct bytes letters(size_t len)
{
	static uint8_t text[RING];

	memset(text, 'x', len);
	return (struct bytes){ text, len };
}

/* A receipt's text is letters here; what they say is tested elsewhere. */
static void note_trailer(const struct bhttp_event *event, struct outcome *out)
{
	out->trailers++;
	out->receipt_len = event->field.value.len;
	cr_assert(bytes_equal(event->field.name, BYTES_LITERAL(RECEIPT_FIELD)));
	cr_assert(bytes_equal(event->field.value, letters(out->receipt_len)));
}

static void read_bhttp(struct bytes message, struct outcome *out)
{
	struct bhttp_limits limits = { 4096, 16, WIRE_MAX };
	struct writer scratch = { scratch_memory, 0, sizeof(scratch_memory) };
	struct bhttp parser;
	struct bhttp_event event;

	bhttp_init(&parser, BHTTP_MESSAGE_RESPONSE, &limits, scratch);
	do {
		cr_assert_eq(bhttp_next(&parser, &message, &event), ERR_OK);
		if (event.kind == BHTTP_EVENT_RESPONSE)
			out->status = event.status;
		if (event.kind == BHTTP_EVENT_CONTENT)
			cr_assert_eq(bytes_put(&out->content, event.content),
				     ERR_OK);
		if (event.kind == BHTTP_EVENT_TRAILER)
			note_trailer(&event, out);
	} while (event.kind != BHTTP_EVENT_MORE);
	cr_assert_eq(bhttp_finish(&parser), ERR_OK);
}

/* Take every frame of an answer that is complete, and open them. */
static struct outcome take_all(const struct policy *policy,
			       const struct ohttp_exchange *exchange,
			       struct answer *answer, struct arena *arena)
{
	static const uint8_t nonce[REQUEST_KEYS_RANDOM_BYTES] = { 7 };
	struct outcome out = { .sizes_are_one = true,
			       .content = WRITER_OVER(content_memory) };
	struct frames frames = { .policy = policy };
	struct writer wire = WRITER_OVER(wire_memory);
	struct writer plain = WRITER_OVER(plain_memory);
	struct ohttp_opener opener;
	bool last = false;

	cr_assert_eq(frames_init(&frames, answer, exchange, nonce, arena),
		     ERR_OK);
	while (!last) {
		size_t before = wire.len;

		cr_assert_eq(frames_next(&frames, &wire, &last), ERR_OK);
		out.frames++;
		if (wire.len - before != policy->frame_bytes)
			out.sizes_are_one = false;
	}
	out.wire_bytes = wire.len;
	ohttp_opener_init(&opener, OHTTP_RESPONSE, exchange,
			  (struct writer)WRITER_OVER(scratch_memory));
	cr_assert_eq(ohttp_opener_push(&opener, bytes_written(&wire), &plain),
		     ERR_OK);
	cr_assert_eq(ohttp_opener_finish(&opener, &plain), ERR_OK);
	read_bhttp(bytes_written(&plain), &out);
	frames_wipe(&frames);
	return out;
}

static struct outcome answer_with_receipt(const struct policy *policy,
					  const struct ohttp_exchange *exchange,
					  struct bytes piece,
					  struct bytes receipt)
{
	struct arena arena = { .base = arena_memory,
			       .size = sizeof(arena_memory) };
	struct answer answer;

	memset(arena_memory, 0, frames_memory(policy, RING) + RING + 4096);
	cr_assert_eq(answer_init(&answer, &arena, RING), ERR_OK);
	answer_begin(&answer, 200, ANSWER_JSON);
	answer_add(&answer, piece);
	answer_end(&answer, receipt);
	return take_all(policy, exchange, &answer, &arena);
}

static struct outcome answer_with(const struct policy *policy,
				  const struct ohttp_exchange *exchange,
				  enum answer_body body, struct bytes piece)
{
	struct arena arena = { .base = arena_memory,
			       .size = sizeof(arena_memory) };
	struct answer answer;

	memset(arena_memory, 0, frames_memory(policy, RING) + RING + 4096);
	cr_assert_eq(answer_init(&answer, &arena, RING), ERR_OK);
	answer_begin(&answer, 200, body);
	answer_add(&answer, piece);
	answer_end(&answer, (struct bytes){ NULL, 0 });
	return take_all(policy, exchange, &answer, &arena);
}

static bool only_white_space(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != ' ')
			return false;
	return true;
}

/* The JSON as it was, and white space behind it. */
static void expect_json(const struct outcome *out, struct bytes json)
{
	struct bytes got = bytes_written(&out->content);
	struct bytes front;

	cr_assert_eq(out->status, 200);
	cr_assert_eq(bytes_take(&got, json.len, &front), ERR_OK);
	cr_assert(bytes_equal(front, json));
	cr_assert(only_white_space(got));
}

static const size_t aeads[] = { HPKE_AES_128_GCM, HPKE_AES_256_GCM,
				HPKE_CHACHA20_POLY1305 };

Test(frames, every_frame_of_every_answer_has_the_one_size)
{
	for (uint32_t frame = 128; frame <= 1024; frame *= 2) {
		struct policy policy = policy_of(POLICY_SHAPE_PACED, frame);

		for (size_t i = 0; i < 3; i++) {
			struct ohttp_exchange exchange =
				exchange_for(OHTTP_CHUNKED, aeads[i]);

			for (size_t len = 0; len < 3 * frame; len += 7) {
				struct outcome out =
					answer_with(&policy, &exchange,
						    ANSWER_JSON, letters(len));

				cr_assert(out.sizes_are_one);
				cr_assert_eq(out.wire_bytes,
					     out.frames * frame);
				expect_json(&out, letters(len));
			}
		}
	}
}

Test(frames, the_number_of_frames_is_one_of_the_totals)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);

	for (size_t len = 0; len < 15000; len += 500) {
		struct outcome out = answer_with(&policy, &exchange,
						 ANSWER_JSON, letters(len));

		cr_assert(out.frames == 2 || out.frames == 5 ||
			  out.frames == 40);
	}
}

Test(frames, an_answer_longer_than_every_total_is_given_whole)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);
	struct outcome out =
		answer_with(&policy, &exchange, ANSWER_JSON, letters(40000));

	cr_assert(out.frames > 40);
	cr_assert(out.sizes_are_one);
	expect_json(&out, letters(40000));
}

Test(frames, the_unchunked_form_has_the_same_sizes_and_totals)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_UNCHUNKED, HPKE_AES_128_GCM);

	for (size_t len = 0; len < 15000; len += 123) {
		struct outcome out = answer_with(&policy, &exchange,
						 ANSWER_JSON, letters(len));

		cr_assert(out.sizes_are_one);
		cr_assert(out.frames == 2 || out.frames == 5 ||
			  out.frames == 40);
		cr_assert_eq(out.content.len, len);
	}
}

Test(frames, an_unchunked_answer_as_long_as_its_ring_fits_with_its_padding)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_UNCHUNKED, HPKE_AES_128_GCM);
	struct outcome out;

	/* One total so far off that nearly all of the message is padding. */
	policy.total_buckets[2] = 4000;
	out = answer_with(&policy, &exchange, ANSWER_JSON, letters(RING));
	cr_assert_eq(out.frames, 4000);
	cr_assert_eq(out.content.len, RING);
}

Test(frames, without_a_shape_frames_are_as_long_as_the_answer)
{
	struct policy policy = policy_of(POLICY_SHAPE_OFF, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);
	struct outcome out =
		answer_with(&policy, &exchange, ANSWER_JSON, letters(1000));

	cr_assert_eq(out.frames, 1);
	cr_assert_eq(out.content.len, 1000);
	cr_assert(out.wire_bytes < 1200);
}

/* A frame's worth of padding before, between and behind two events. */
Test(frames, padding_between_events_is_not_an_event)
{
	static const uint8_t nonce[REQUEST_KEYS_RANDOM_BYTES] = { 1 };
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);
	struct arena arena = { .base = arena_memory,
			       .size = sizeof(arena_memory) };
	struct outcome out = { .content = WRITER_OVER(content_memory) };
	struct bytes said = BYTES_LITERAL("data: one\n\ndata: two\n\n");
	struct frames frames = { .policy = &policy };
	struct writer wire = WRITER_OVER(wire_memory);
	struct writer plain = WRITER_OVER(plain_memory);
	struct writer unpadded = WRITER_OVER(scratch_memory);
	struct ohttp_opener opener;
	struct answer answer;
	struct unpad unpad;
	struct bytes content, run;
	bool last = false;

	memset(arena_memory, 0, sizeof(arena_memory));
	cr_assert_eq(answer_init(&answer, &arena, RING), ERR_OK);
	answer_begin(&answer, 200, ANSWER_EVENTS);
	cr_assert_eq(frames_init(&frames, &answer, &exchange, nonce, &arena),
		     ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(frames_next(&frames, &wire, &last), ERR_OK);
		answer_add(&answer, (struct bytes){ said.data + 11 * i, 11 });
		cr_assert_eq(frames_next(&frames, &wire, &last), ERR_OK);
	}
	answer_end(&answer, letters(700));
	while (!last)
		cr_assert_eq(frames_next(&frames, &wire, &last), ERR_OK);
	ohttp_opener_init(&opener, OHTTP_RESPONSE, &exchange,
			  (struct writer)WRITER_OVER(scratch_memory));
	cr_assert_eq(ohttp_opener_push(&opener, bytes_written(&wire), &plain),
		     ERR_OK);
	cr_assert_eq(ohttp_opener_finish(&opener, &plain), ERR_OK);
	read_bhttp(bytes_written(&plain), &out);
	cr_assert_gt(out.content.len, 3 * 400);
	cr_assert_eq(out.receipt_len, 700);

	unpad_init(&unpad, UNPAD_EVENTS);
	content = bytes_written(&out.content);
	while (unpad_next(&unpad, &content, &run))
		cr_assert_eq(bytes_put(&unpadded, run), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&unpadded), said));
}

/* Wherever content ends in a frame, and wherever the receipt does. */
Test(frames, a_receipt_comes_behind_the_content_in_frames_of_the_same_size)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);
	static const size_t receipts[] = {
		0, 1, 63, 64, 480, 700, RECEIPT_FIELD_VALUE_MAX
	};

	for (size_t i = 0; i < sizeof(receipts) / sizeof(receipts[0]); i++) {
		for (size_t len = 0; len < 1100; len++) {
			struct outcome out = answer_with_receipt(
				&policy, &exchange, letters(len),
				letters(receipts[i]));

			cr_assert(out.sizes_are_one);
			cr_assert(out.frames == 2 || out.frames == 5);
			cr_assert_eq(out.content.len, len);
			cr_assert_eq(out.trailers, receipts[i] > 0);
			cr_assert_eq(out.receipt_len, receipts[i]);
		}
	}
}

Test(frames, every_shape_and_form_carries_a_receipt)
{
	for (int shape = POLICY_SHAPE_PACED; shape <= POLICY_SHAPE_OFF;
	     shape++) {
		struct policy policy = policy_of((enum policy_shape)shape, 128);

		for (int form = OHTTP_CHUNKED; form <= OHTTP_UNCHUNKED;
		     form++) {
			struct ohttp_exchange exchange = exchange_for(
				(enum ohttp_form)form, HPKE_AES_128_GCM);
			struct outcome out = answer_with_receipt(
				&policy, &exchange, letters(3000),
				letters(700));

			cr_assert_eq(out.receipt_len, 700);
			cr_assert_geq(out.content.len, 3000);
		}
	}
}

Test(frames, a_frame_pulled_before_there_is_text_is_full_of_padding)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);
	static const uint8_t nonce[REQUEST_KEYS_RANDOM_BYTES] = { 1 };
	struct arena arena = { .base = arena_memory,
			       .size = sizeof(arena_memory) };
	struct frames frames = { .policy = &policy };
	uint8_t frame_memory[1024];
	struct answer answer;
	bool last;

	memset(arena_memory, 0, sizeof(arena_memory));
	cr_assert_eq(answer_init(&answer, &arena, RING), ERR_OK);
	answer_begin(&answer, 200, ANSWER_EVENTS);
	cr_assert_eq(frames_init(&frames, &answer, &exchange, nonce, &arena),
		     ERR_OK);
	for (int i = 0; i < 100; i++) {
		struct writer frame = WRITER_OVER(frame_memory);

		cr_assert_eq(frames_next(&frames, &frame, &last), ERR_OK);
		cr_assert_eq(frame.len, 512);
		cr_assert_not(last);
	}
}

Test(frames, two_answers_to_one_request_share_no_byte_of_ciphertext)
{
	struct policy policy = policy_of(POLICY_SHAPE_OFF, 512);
	struct ohttp_exchange exchange =
		exchange_for(OHTTP_CHUNKED, HPKE_AES_128_GCM);
	static const uint8_t nonces[2][REQUEST_KEYS_RANDOM_BYTES] = { { 1 },
								      { 2 } };
	uint8_t sealed[2][2048];

	for (int i = 0; i < 2; i++) {
		struct arena arena = { .base = arena_memory,
				       .size = sizeof(arena_memory) };
		struct writer frame = WRITER_OVER(sealed[i]);
		struct frames frames = { .policy = &policy };
		struct answer answer;
		bool last;

		memset(arena_memory, 0, sizeof(arena_memory));
		cr_assert_eq(answer_init(&answer, &arena, RING), ERR_OK);
		answer_begin(&answer, 200, ANSWER_JSON);
		answer_add(&answer, letters(1000));
		answer_end(&answer, (struct bytes){ NULL, 0 });
		cr_assert_eq(frames_init(&frames, &answer, &exchange, nonces[i],
					 &arena),
			     ERR_OK);
		cr_assert_eq(frames_next(&frames, &frame, &last), ERR_OK);
	}
	for (size_t at = 32; at + 16 < 1000; at += 16)
		cr_assert_neq(memcmp(sealed[0] + at, sealed[1] + at, 16), 0);
}
