/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bhttp_write.h"

#include <criterion/criterion.h>

#include "tests/bhttp_transcript.h"
#include "tests/vector.h"
#include "wire/varint.h"

static const struct bhttp_limits limits = {
	.field_bytes = 1024,
	.fields = 8,
	.content = TRANSCRIPT_MAX,
};

static const struct bhttp_control post = {
	.method = { (const uint8_t *)"POST", 4 },
	.scheme = { (const uint8_t *)"https", 5 },
	.authority = { (const uint8_t *)"node", 4 },
	.path = { (const uint8_t *)"/v1/x", 5 },
};

static const struct bhttp_field lines[] = {
	{ { (const uint8_t *)"content-type", 12 },
	  { (const uint8_t *)"application/json", 16 } },
	{ { (const uint8_t *)"x", 1 }, { (const uint8_t *)"", 0 } },
};

static const struct bhttp_write_fields both = { lines, 2 };
static const struct bhttp_write_fields none = { NULL, 0 };

static uint8_t memory[TRANSCRIPT_MAX];
static struct bhttp_transcript result;

static enum err read_back(enum bhttp_message message, const struct writer *out)
{
	transcript_of((struct transcript_input){ .message = message,
						 .limits = limits,
						 .bytes = bytes_written(out),
						 .first = out->len },
		      &result);
	return result.result;
}

/* RFC 9292, 5.1; the example leaves out nothing. */
Test(bhttp_write, the_request_of_rfc_9292_is_written_to_the_byte)
{
	static const char agent[] =
		"curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3";
	const struct bhttp_field fields[] = {
		{ BYTES_LITERAL("user-agent"), bytes_of_string(agent) },
		{ BYTES_LITERAL("host"), BYTES_LITERAL("www.example.com") },
		{ BYTES_LITERAL("accept-language"), BYTES_LITERAL("en, mi") },
	};
	const struct bhttp_control get = {
		.method = BYTES_LITERAL("GET"),
		.scheme = BYTES_LITERAL("https"),
		.authority = BYTES_LITERAL(""),
		.path = BYTES_LITERAL("/hello.txt"),
	};
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(
		bhttp_write_request(&out, &get,
				    (struct bhttp_write_fields){ fields, 3 },
				    BYTES_LITERAL("")),
		ERR_OK);
	vector_expect(
		bytes_written(&out),
		"0003474554056874747073000a2f68656c6c6f2e747874406c0a757365722d"
		"6167656e74346375726c2f372e31362e33206c69626375726c2f372e31362e"
		"33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73"
		"740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561"
		"676506656e2c206d690000");
}

Test(bhttp_write, a_whole_request_reads_as_written)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bhttp_write_request(&out, &post, both,
					 BYTES_LITERAL("{\"a\":1}")),
		     ERR_OK);
	cr_assert_eq(read_back(BHTTP_MESSAGE_REQUEST, &out), ERR_OK);
	cr_assert_eq(result.fields, 2);
	cr_assert_eq(result.trailers, 0);
	cr_assert_eq(result.content_len, 7);
}

Test(bhttp_write, a_whole_response_reads_as_written)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bhttp_write_response(&out, 404, none, BYTES_LITERAL("no")),
		     ERR_OK);
	vector_expect(bytes_written(&out), "014194"
					   "00"
					   "026e6f"
					   "00");
	cr_assert_eq(read_back(BHTTP_MESSAGE_RESPONSE, &out), ERR_OK);
}

Test(bhttp_write, a_streamed_response_reads_as_written)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bhttp_write_response_head(&out, 200, both), ERR_OK);
	cr_assert_eq(bhttp_write_content(&out, BYTES_LITERAL("one")), ERR_OK);
	cr_assert_eq(bhttp_write_content(&out, BYTES_LITERAL("")), ERR_OK);
	cr_assert_eq(bhttp_write_content(&out, BYTES_LITERAL("two")), ERR_OK);
	cr_assert_eq(read_back(BHTTP_MESSAGE_RESPONSE, &out), ERR_TRUNCATED);
	cr_assert_eq(bhttp_write_end(&out), ERR_OK);
	cr_assert_eq(read_back(BHTTP_MESSAGE_RESPONSE, &out), ERR_OK);
	cr_assert_eq(result.content_len, 6);
	cr_assert_arr_eq(result.content, "onetwo", 6);
}

Test(bhttp_write, a_streamed_request_reads_as_written)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bhttp_write_request_head(&out, &post, both), ERR_OK);
	cr_assert_eq(bhttp_write_content(&out, BYTES_LITERAL("x")), ERR_OK);
	cr_assert_eq(bhttp_write_end(&out), ERR_OK);
	cr_assert_eq(read_back(BHTTP_MESSAGE_REQUEST, &out), ERR_OK);
	cr_assert_eq(result.fields, 2);
}

Test(bhttp_write, padding_fills_a_message_to_its_size)
{
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bhttp_write_request(&out, &post, none, BYTES_LITERAL("")),
		     ERR_OK);
	memory[1023] = 1; /* what stood there before does not shine through */
	cr_assert_eq(bhttp_write_padding(&out, 1024), ERR_OK);
	cr_assert_eq(out.len, 1024);
	cr_assert_eq(read_back(BHTTP_MESSAGE_REQUEST, &out), ERR_OK);
	cr_assert_eq(bhttp_write_padding(&out, 1023), ERR_TOO_LARGE);
	cr_assert_eq(bhttp_write_padding(&out, sizeof(memory) + 1),
		     ERR_TOO_LARGE);
	cr_assert_eq(out.len, 1024);
}

Test(bhttp_write, nothing_is_written_that_would_not_be_read)
{
	struct writer out = WRITER_OVER(memory);
	struct bhttp_control bad = post;
	const struct bhttp_field split = { BYTES_LITERAL("a"),
					   BYTES_LITERAL("b\r\nc: d") };
	const struct bhttp_field capital = { BYTES_LITERAL("A"),
					     BYTES_LITERAL("b") };

	bad.path = BYTES_LITERAL("v1");
	cr_assert_eq(bhttp_write_request_head(&out, &bad, none), ERR_MALFORMED);
	cr_assert_eq(
		bhttp_write_response_head(
			&out, 200, (struct bhttp_write_fields){ &split, 1 }),
		ERR_MALFORMED);
	cr_assert_eq(
		bhttp_write_response(&out, 200,
				     (struct bhttp_write_fields){ &capital, 1 },
				     BYTES_LITERAL("")),
		ERR_MALFORMED);
	cr_assert_eq(bhttp_write_response_head(&out, 199, none), ERR_MALFORMED);
	cr_assert_eq(bhttp_write_response_head(&out, 600, none), ERR_MALFORMED);
	cr_assert_eq(out.len, 0);
}

Test(bhttp_write, a_writer_too_small_is_left_as_it_was)
{
	struct writer full = WRITER_OVER(memory);

	cr_assert_eq(
		bhttp_write_request(&full, &post, both, BYTES_LITERAL("x")),
		ERR_OK);
	for (size_t max = 0; max < full.len; max++) {
		struct writer out = { memory, 0, max };

		cr_assert_eq(bhttp_write_request(&out, &post, both,
						 BYTES_LITERAL("x")),
			     ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}

Test(bhttp_write, a_chunk_fills_any_size_from_two_bytes_on)
{
	static uint8_t content[TRANSCRIPT_MAX];

	cr_assert_eq(bhttp_write_content_fit(0), 0);
	cr_assert_eq(bhttp_write_content_fit(1), 0);
	for (size_t size = 2; size < 20000; size++) {
		struct writer out = { memory, 0, size };
		struct bytes in;
		size_t len = bhttp_write_content_fit(size);
		uint64_t prefix;

		cr_assert_eq(
			bhttp_write_content_fill(
				&out, (struct bytes){ content, len }, size),
			ERR_OK);
		cr_assert_eq(out.len, size);
		in = bytes_written(&out);
		cr_assert_eq(varint_take(&in, &prefix), ERR_OK);
		cr_assert_eq(prefix, len);
		cr_assert_eq(in.len, len);
		cr_assert_leq(bhttp_write_content_size(len), size);
		cr_assert_eq(
			bhttp_write_content_fill(
				&out, (struct bytes){ content, len + 1 }, size),
			ERR_MALFORMED);
	}
}
