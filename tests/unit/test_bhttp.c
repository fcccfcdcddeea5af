/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bhttp.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/bhttp_transcript.h"
#include "tests/figure.h"
#include "tests/vector.h"

#define FIELD_BYTES 4096

static const struct bhttp_limits limits = {
	.field_bytes = FIELD_BYTES,
	.fields = 32,
	.content = 4096,
};

/* fields counts those of informational responses too. */
static const struct {
	enum bhttp_message message;
	const char *hex;
	size_t fields;
	size_t content_len;
	size_t trailers;
} examples[] = {
	/* RFC 9292, 5.1: known length */
	{ .message = BHTTP_MESSAGE_REQUEST,
	  .hex = "0003474554056874747073000a2f68656c6c6f2e747874406c0a757365722"
		 "d"
		 "6167656e74346375726c2f372e31362e33206c69626375726c2f372e31362"
		 "e"
		 "33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f7"
		 "3"
		 "740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e67756"
		 "1"
		 "676506656e2c206d690000",
	  .fields = 3,
	  .content_len = 0,
	  .trailers = 0 },
	/* RFC 9292, 5.1: known length, truncated */
	{ .message = BHTTP_MESSAGE_REQUEST,
	  .hex = "0003474554056874747073000a2f68656c6c6f2e747874406c0a757365722"
		 "d"
		 "6167656e74346375726c2f372e31362e33206c69626375726c2f372e31362"
		 "e"
		 "33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f7"
		 "3"
		 "740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e67756"
		 "1"
		 "676506656e2c206d69",
	  .fields = 3,
	  .content_len = 0,
	  .trailers = 0 },
	/* RFC 9292, 5.1: indeterminate length, ten bytes of padding */
	{ .message = BHTTP_MESSAGE_REQUEST,
	  .hex = "0203474554056874747073000a2f68656c6c6f2e7478740a757365722d616"
		 "7"
		 "656e74346375726c2f372e31362e33206c69626375726c2f372e31362e332"
		 "0"
		 "4f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740"
		 "f"
		 "7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676"
		 "5"
		 "06656e2c206d6900000000000000000000000000",
	  .fields = 3,
	  .content_len = 0,
	  .trailers = 0 },
	/* RFC 9292, 5.2: known length, with a trailer */
	{ .message = BHTTP_MESSAGE_RESPONSE,
	  .hex = "0140c8001d5468697320636f6e74656e7420636f6e7461696e732043524c4"
		 "6"
		 "2e0d0a0d07747261696c65720474657874",
	  .fields = 0,
	  .content_len = 29,
	  .trailers = 1 },
	/* RFC 9292, 5.2: indeterminate length, after 102 and 103 */
	{ .message = BHTTP_MESSAGE_RESPONSE,
	  .hex = "0340660772756e6e696e670a22736c65657020313522004067046c696e6b2"
		 "3"
		 "3c2f7374796c652e6373733e3b2072656c3d7072656c6f61643b2061733d7"
		 "3"
		 "74796c65046c696e6b243c2f7363726970742e6a733e3b2072656c3d70726"
		 "5"
		 "6c6f61643b2061733d7363726970740040c804646174651d4d6f6e2c20323"
		 "7"
		 "204a756c20323030392031323a32383a353320474d5406736572766572064"
		 "1"
		 "70616368650d6c6173742d6d6f6469666965641d5765642c203232204a756"
		 "c"
		 "20323030392031393a31353a353620474d540465746167142233346161333"
		 "8"
		 "372d642d3135363865623030220d6163636570742d72616e6765730562797"
		 "4"
		 "65730e636f6e74656e742d6c656e67746802353104766172790f416363657"
		 "0"
		 "742d456e636f64696e670c636f6e74656e742d747970650a746578742f706"
		 "c"
		 "61696e003348656c6c6f20576f726c6421204d7920636f6e74656e7420696"
		 "e"
		 "636c75646573206120747261696c696e672043524c462e0d0a0000",
	  .fields = 11,
	  .content_len = 51,
	  .trailers = 0 },
	/* RFC 9458, Appendix A: truncated before its header section */
	{ .message = BHTTP_MESSAGE_REQUEST,
	  .hex = "00034745540568747470730b6578616d706c652e636f6d012f",
	  .fields = 0,
	  .content_len = 0,
	  .trailers = 0 },
	/* RFC 9458, Appendix A: a status and nothing else */
	{ .message = BHTTP_MESSAGE_RESPONSE,
	  .hex = "0140c8",
	  .fields = 0,
	  .content_len = 0,
	  .trailers = 0 },
};

#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static struct bhttp_transcript result;
static struct bhttp_transcript other;

/* Everything in one piece. */
static enum err parse(enum bhttp_message message, struct bytes bytes)
{
	transcript_of((struct transcript_input){ .message = message,
						 .limits = limits,
						 .bytes = bytes,
						 .first = bytes.len },
		      &result);
	return result.result;
}

static enum err parse_request(struct bytes bytes)
{
	return parse(BHTTP_MESSAGE_REQUEST, bytes);
}

static enum err parse_response(struct bytes bytes)
{
	return parse(BHTTP_MESSAGE_RESPONSE, bytes);
}

Test(bhttp, the_examples_of_the_specifications_are_read)
{
	for (size_t i = 0; i < EXAMPLES; i++) {
		cr_assert_eq(
			parse(examples[i].message, vector_hex(examples[i].hex)),
			ERR_OK, "example %zu", i);
		cr_assert_eq(result.fields, examples[i].fields);
		cr_assert_eq(result.content_len, examples[i].content_len);
		cr_assert_eq(result.trailers, examples[i].trailers);
	}
	figure_all("B1a", "messages that RFC 9292 prints", EXAMPLES, EXAMPLES);
}

Test(bhttp, any_split_gives_the_same_events)
{
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct bytes bytes = vector_hex(examples[i].hex);
		struct transcript_input input = {
			.message = examples[i].message,
			.limits = limits,
			.bytes = bytes,
		};

		parse(examples[i].message, bytes);
		for (input.piece = 0; input.piece < 4; input.piece++) {
			for (input.first = 0; input.first <= bytes.len;
			     input.first++) {
				transcript_of(input, &other);
				cr_assert(transcript_equal(&result, &other));
			}
		}
	}
}

/* The first example ends early only before its fields, content or trailers. */
Test(bhttp, a_message_may_be_cut_only_before_an_empty_section)
{
	struct bytes whole = vector_hex(examples[0].hex);

	for (size_t len = 0; len < whole.len; len++) {
		bool may_end = len == 25 - 2 + 0 || len >= 133;
		struct bytes cut = { whole.data, len };

		cr_assert_eq(parse_request(cut),
			     may_end ? ERR_OK : ERR_TRUNCATED, "cut at %zu",
			     len);
	}
}

/* The third: what has begun without a length must reach its zero. */
Test(bhttp, an_indeterminate_message_needs_the_end_of_its_fields)
{
	struct bytes whole = vector_hex(examples[2].hex);
	size_t fields_end = whole.len - 12;

	for (size_t len = 0; len < whole.len; len++) {
		struct bytes cut = { whole.data, len };

		cr_assert_eq(parse_request(cut),
			     len >= fields_end ? ERR_OK : ERR_TRUNCATED,
			     "cut at %zu", len);
	}
}

Test(bhttp, begun_content_and_trailers_must_be_ended)
{
	cr_assert_eq(parse_response(vector_hex("0340c80000")), ERR_OK);
	cr_assert_eq(parse_response(vector_hex("0340c8000161")), ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("0340c800016100")), ERR_OK);
	cr_assert_eq(parse_response(vector_hex("0340c8000001610162")),
		     ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("0340c800000161016200")),
		     ERR_OK);
	cr_assert_eq(parse_response(vector_hex("0140c80002")), ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("0140c8000261")), ERR_TRUNCATED);
}

Test(bhttp, an_informational_response_is_not_the_end)
{
	cr_assert_eq(parse_response(vector_hex("034066")), ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("03406600")), ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("014066")), ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("01406600")), ERR_TRUNCATED);
	cr_assert_eq(parse_response(vector_hex("0140660040c8")), ERR_OK);
}

Test(bhttp, a_flipped_bit_changes_the_message_or_is_refused)
{
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct bytes bytes = vector_hex(examples[i].hex);
		uint8_t *copy = vector_copy(bytes);
		struct transcript_input input = {
			.message = examples[i].message,
			.limits = limits,
			.bytes = { copy, bytes.len },
			.first = bytes.len,
		};

		parse(examples[i].message, bytes);
		for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
			/* A zero before zeros may become their longer form. */
			if (copy[bit / 8] == 0 && bit % 8 >= 6)
				continue;
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			transcript_of(input, &other);
			cr_assert_not(transcript_equal(&result, &other),
				      "example %zu, bit %zu", i, bit);
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

Test(bhttp, padding_is_zero_to_the_end)
{
	cr_assert_eq(parse_response(vector_hex("0140c8000000000000")), ERR_OK);
	cr_assert_eq(parse_response(vector_hex("0140c8000000000001")),
		     ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("0140c8000000800000")),
		     ERR_MALFORMED);
}

Test(bhttp, a_request_is_not_a_response)
{
	cr_assert_eq(parse_response(vector_hex(examples[0].hex)),
		     ERR_MALFORMED);
	cr_assert_eq(parse_request(vector_hex("0140c8")), ERR_MALFORMED);
	cr_assert_eq(parse_request(vector_hex("04")), ERR_MALFORMED);
	cr_assert_eq(parse_request(vector_hex("c000000000000004")),
		     ERR_MALFORMED);
	cr_assert_eq(parse_request(vector_hex("")), ERR_TRUNCATED);
}

Test(bhttp, a_status_is_between_100_and_599)
{
	cr_assert_eq(parse_response(vector_hex("014063")), ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("0100")), ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("014257")), ERR_OK);
	cr_assert_eq(parse_response(vector_hex("014258")), ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("01ffffffffffffffff")),
		     ERR_MALFORMED);
	/* 200 and 65536, which 16 bits would take for 200 */
	cr_assert_eq(parse_response(vector_hex("01800100c8")), ERR_MALFORMED);
}

/* One response with one line in its header, trailer or early header. */
static enum err parse_line(const char *before, struct bytes name,
			   struct bytes value)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bytes_put(&out, vector_hex(before)), ERR_OK);
	cr_assert_eq(bytes_put_u8(&out, (uint8_t)name.len), ERR_OK);
	cr_assert_eq(bytes_put(&out, name), ERR_OK);
	cr_assert_eq(bytes_put_u8(&out, (uint8_t)value.len), ERR_OK);
	cr_assert_eq(bytes_put(&out, value), ERR_OK);
	cr_assert_eq(bytes_put_u8(&out, 0), ERR_OK);
	if (memory[1] == 0x40 && memory[2] == 0x66)
		cr_assert_eq(bytes_put(&out, vector_hex("40c800")), ERR_OK);
	return parse_response(bytes_written(&out));
}

static const char *const before_lines[] = {
	"0340c8",     /* header */
	"0340c80000", /* trailer */
	"034066",     /* header of an informational response */
};

#define EXPECT_LINE(expected, name, value)                            \
	cr_assert_eq(parse_line(before_lines[i], BYTES_LITERAL(name), \
				BYTES_LITERAL(value)),                \
		     expected)

Test(bhttp, field_lines_are_held_to_the_rules_wherever_they_stand)
{
	for (size_t i = 0; i < 3; i++) {
		EXPECT_LINE(ERR_OK, "a", "");
		EXPECT_LINE(ERR_OK, "accept", "text/plain, \xc3\xa9");
		EXPECT_LINE(ERR_MALFORMED, "Accept", "b");
		EXPECT_LINE(ERR_MALFORMED, "a b", "b");
		EXPECT_LINE(ERR_MALFORMED, "a\0", "b");
		EXPECT_LINE(ERR_MALFORMED, ":status", "200");
		EXPECT_LINE(ERR_MALFORMED, ":protocol", "websocket");
		EXPECT_LINE(ERR_MALFORMED, "a", "b\0c");
		EXPECT_LINE(ERR_MALFORMED, "a", "b\rc");
		EXPECT_LINE(ERR_MALFORMED, "a", "b\nc");
		EXPECT_LINE(ERR_MALFORMED, "a", "b\r\nevil: 1");
		EXPECT_LINE(ERR_MALFORMED, "a", " b");
		EXPECT_LINE(ERR_MALFORMED, "a", "b\t");
	}
}

Test(bhttp, a_field_name_is_not_empty)
{
	/* known length: a section of one line without a name */
	cr_assert_eq(parse_response(vector_hex("0140c8020000")), ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("0140c803000161")),
		     ERR_MALFORMED);
}

Test(bhttp, lines_fill_their_section_exactly)
{
	cr_assert_eq(parse_response(vector_hex("0140c80401610162")), ERR_OK);
	/* the value, its length, or the name runs over the end */
	cr_assert_eq(parse_response(vector_hex("0140c80401610262620000")),
		     ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("0140c8020161016200")),
		     ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("0140c80202616101620000")),
		     ERR_MALFORMED);
	cr_assert_eq(parse_response(vector_hex("0140c8014001610162")),
		     ERR_MALFORMED);
}

/* A request of indeterminate length with this control data and no fields. */
static enum err parse_control(const char *const parts[static 4])
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bytes_put_u8(&out, 2), ERR_OK);
	for (size_t i = 0; i < 4; i++) {
		struct bytes part = bytes_of_string(parts[i]);

		cr_assert_eq(bytes_put_u8(&out, (uint8_t)part.len), ERR_OK);
		cr_assert_eq(bytes_put(&out, part), ERR_OK);
	}
	cr_assert_eq(bytes_put_u8(&out, 0), ERR_OK);
	return parse_request(bytes_written(&out));
}

Test(bhttp, control_data_is_held_to_the_rules)
{
	static const struct {
		const char *const parts[4];
		enum err expected;
	} cases[] = {
		{ { "POST", "https", "", "/v1" }, ERR_OK },
		{ { "OPTIONS", "https", "a", "*" }, ERR_OK },
		{ { "CONNECT", "", "a:443", "" }, ERR_OK },
		{ { "CONNECT", "https", "a:443", "/" }, ERR_MALFORMED },
		{ { "CONNECT", "", "", "" }, ERR_MALFORMED },
		{ { "", "https", "a", "/" }, ERR_MALFORMED },
		{ { "GE T", "https", "a", "/" }, ERR_MALFORMED },
		{ { "GET", "", "a", "/" }, ERR_MALFORMED },
		{ { "GET", "https", "a", "" }, ERR_MALFORMED },
		{ { "GET", "https", "a", "v1" }, ERR_MALFORMED },
		{ { "GET", "https", "a b", "/" }, ERR_MALFORMED },
		{ { "GET", "https", "a", "/ HTTP/1.1\r\nx: y" },
		  ERR_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(parse_control(cases[i].parts), cases[i].expected,
			     "case %zu", i);
}

static enum err parse_within(struct bhttp_limits narrow, const char *hex)
{
	struct bytes bytes = vector_hex(hex);

	transcript_of(
		(struct transcript_input){ .message = BHTTP_MESSAGE_RESPONSE,
					   .limits = narrow,
					   .bytes = bytes,
					   .first = bytes.len },
		&result);
	return result.result;
}

Test(bhttp, each_limit_holds_to_the_byte)
{
	struct bhttp_limits narrow = { .field_bytes = 4,
				       .fields = 2,
				       .content = 3 };

	/* two lines of two bytes; then one byte or one line more */
	cr_assert_eq(parse_within(narrow, "0340c8016101620163016400"), ERR_OK);
	cr_assert_eq(parse_within(narrow, "0340c801610162016302646400"),
		     ERR_TOO_LARGE);
	cr_assert_eq(parse_within(narrow, "0340c80161000162000163000000"),
		     ERR_TOO_LARGE);
	/* trailers and informational responses count with the rest */
	cr_assert_eq(parse_within(narrow, "0340c80161000162000000016300"),
		     ERR_TOO_LARGE);
	cr_assert_eq(parse_within(narrow, "0340660040660040c800"), ERR_OK);
	cr_assert_eq(parse_within(narrow, "03406600406600406600"),
		     ERR_TOO_LARGE);
	/* content at once, and in chunks */
	cr_assert_eq(parse_within(narrow, "0140c80003616263"), ERR_OK);
	cr_assert_eq(parse_within(narrow, "0140c80004"), ERR_TOO_LARGE);
	cr_assert_eq(parse_within(narrow, "0340c80001610262630000"), ERR_OK);
	cr_assert_eq(parse_within(narrow, "0340c8000161026263016400"),
		     ERR_TOO_LARGE);
}

Test(bhttp, no_length_is_too_large_to_refuse)
{
	cr_assert_eq(parse_request(vector_hex("00ffffffffffffffff")),
		     ERR_TOO_LARGE);
	cr_assert_eq(parse_response(vector_hex("0340c8ffffffffffffffff")),
		     ERR_TOO_LARGE);
	cr_assert_eq(parse_response(vector_hex("0340c80161ffffffffffffffff")),
		     ERR_TOO_LARGE);
	cr_assert_eq(parse_response(vector_hex("0140c800ffffffffffffffff")),
		     ERR_TOO_LARGE);
	cr_assert_eq(parse_response(vector_hex("0340c8000161ffffffffffffffff")),
		     ERR_TOO_LARGE);
	/* a section may say so, but its lines must keep to the limits */
	cr_assert_eq(parse_response(vector_hex("0140c8ffffffffffffffff0161")),
		     ERR_TRUNCATED);
}

Test(bhttp, after_an_error_nothing_is_read)
{
	uint8_t scratch[FIELD_BYTES];
	struct bhttp_event event = { .kind = BHTTP_EVENT_MORE };
	struct bytes bad = vector_hex("014063");
	struct bytes good = vector_hex("40c8");
	struct bhttp parser;

	bhttp_init(&parser, BHTTP_MESSAGE_RESPONSE, &limits,
		   (struct writer){ scratch, 0, sizeof(scratch) });
	cr_assert_eq(bhttp_next(&parser, &bad, &event), ERR_MALFORMED);
	cr_assert_eq(bhttp_next(&parser, &good, &event), ERR_MALFORMED);
	cr_assert_eq(good.len, 2);
	cr_assert_eq(bhttp_finish(&parser), ERR_MALFORMED);
}

Test(bhttp, a_cut_stream_stays_cut)
{
	uint8_t scratch[FIELD_BYTES];
	struct bhttp_event event = { .kind = BHTTP_EVENT_MORE };
	struct bytes half = vector_hex("0140");
	struct bytes rest = vector_hex("c8");
	struct bhttp parser;

	bhttp_init(&parser, BHTTP_MESSAGE_RESPONSE, &limits,
		   (struct writer){ scratch, 0, sizeof(scratch) });
	cr_assert_eq(bhttp_next(&parser, &half, &event), ERR_OK);
	cr_assert_eq(bhttp_finish(&parser), ERR_TRUNCATED);
	cr_assert_eq(bhttp_next(&parser, &rest, &event), ERR_TRUNCATED);
}

static enum bhttp_message message_of(const json_t *vector)
{
	return strcmp(vector_text(vector, "kind"), "request") == 0
		       ? BHTTP_MESSAGE_REQUEST
		       : BHTTP_MESSAGE_RESPONSE;
}

static void expect_as_marked(const char *what, const char *path)
{
	json_t *set = vector_load(path);

	for (size_t i = 0; i < json_array_size(set); i++) {
		const json_t *vector = json_array_get(set, i);
		bool valid = json_is_true(json_object_get(vector, "valid"));
		enum err err =
			parse(message_of(vector), vector_bytes(vector, "hex"));

		cr_assert_eq(err == ERR_OK, valid, "%s: %s",
			     vector_text(vector, "name"), err_name(err));
	}
	figure_all("B1b", what, json_array_size(set), json_array_size(set));
	json_decref(set);
}

Test(bhttp, the_published_set_of_rfc_9292_is_read_as_marked)
{
	expect_as_marked("messages of the RFC 9292 set",
			 "bhttp/rfc9292-examples.json");
}

Test(bhttp, the_vectors_of_quiche_are_read_as_marked)
{
	expect_as_marked("messages of quiche's BHTTP",
			 "bhttp/quiche-bhttp.json");
}

/*
 * ohttp-go writes names with capitals, which this parser refuses.  In lower
 * case all four are valid: two are whole, the third is cut where RFC 9292's own
 * example is, the fourth has no content and one trailer.
 */
Test(bhttp, the_vectors_of_ohttp_go_differ_only_in_their_capitals)
{
	json_t *set = vector_load("bhttp/ohttp-go-truncation.json");

	for (size_t i = 0; i < json_array_size(set); i++) {
		struct bytes bytes =
			vector_bytes(json_array_get(set, i), "hex");
		uint8_t *lower = vector_copy(bytes);

		cr_assert_eq(parse_request(bytes), ERR_MALFORMED);
		for (size_t at = 5; at < bytes.len; at++)
			if (lower[at] >= 'A' && lower[at] <= 'Z')
				lower[at] |= 0x20;
		cr_assert_eq(parse_request((struct bytes){ lower, bytes.len }),
			     ERR_OK, "vector %zu", i);
	}
	json_decref(set);
}
