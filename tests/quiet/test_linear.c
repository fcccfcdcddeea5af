/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Twice as much of the worst that we know for a parser takes twice as long.
 *
 * Each input is one piece, over and over, between a head and a tail; a '#' in a
 * piece is a number of eight digits that grows.  Time is this thread's on its
 * processor, the least of several runs, sizes in turn.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/certificate_pem.h"
#include "inference/encode.h"
#include "inference/jinja_parse.h"
#include "tests/figure.h"
#include "tests/fuzz/fuzz_vocabulary.h"
#include "wire/base64.h"
#include "wire/bhttp.h"
#include "wire/cbor_item.h"
#include "wire/chat.h"
#include "wire/hex.h"
#include "wire/json.h"
#include "wire/json_memory.h"
#include "wire/manifest.h"
#include "wire/sse.h"
#include "wire/unpad.h"
#include "wire/utf8.h"

#define DOUBLINGS 4
#define LARGEST (1u << DOUBLINGS)
#define RUNS_S 0.08  /* of each input */
#define LEAST_S 5e-6 /* less, and it was not read to its end */
#define RATIO_MOST 2.3
#define JSON_BYTES ((size_t)256 << 20)
#define OUTPUT_BYTES ((size_t)16 << 20)

static uint8_t *json_bytes, *output;

/* What a parser says of an input is not looked at: some are refused at the end,
 * which costs as much. */
static void parse_json(struct bytes in)
{
	const struct json *document;

	(void)!json_parse(in, 64, &document);
	json_wipe();
}

static void parse_chat(struct bytes in)
{
	static const struct chat_limits limits = {
		.json_depth = 8,
		.messages = 256,
		.stops = 4,
		.stop_bytes = 64,
		.output_tokens = 100,
	};
	struct chat_request request;
	struct chat_refusal refusal;

	(void)!chat_request_parse(in, CHAT_ENDPOINT_CHAT, &limits, &request,
				  &refusal);
	json_wipe();
}

static void parse_bhttp(struct bytes in)
{
	static const struct bhttp_limits limits = { 8192, 128, UINT64_MAX };
	static uint8_t fields[8192];
	struct bhttp parser;
	struct bhttp_event event = { .kind = BHTTP_EVENT_CONTENT };

	bhttp_init(&parser, BHTTP_MESSAGE_RESPONSE, &limits,
		   (struct writer)WRITER_OVER(fields));
	while (event.kind != BHTTP_EVENT_MORE)
		if (bhttp_next(&parser, &in, &event) != ERR_OK)
			return;
}

static void parse_sse(struct bytes in)
{
	struct sse parser;
	struct sse_event event = { .kind = SSE_EVENT_DATA };

	sse_init(&parser, (struct writer){ output, 0, OUTPUT_BYTES });
	while (event.kind != SSE_EVENT_MORE)
		if (sse_next(&parser, &in, &event) != ERR_OK)
			return;
}

static void unpad_as(struct bytes in, enum unpad_body body)
{
	struct unpad unpad;
	struct bytes out;

	unpad_init(&unpad, body);
	while (unpad_next(&unpad, &in, &out))
		continue;
}

static void unpad_json(struct bytes in)
{
	unpad_as(in, UNPAD_JSON);
}

static void unpad_events(struct bytes in)
{
	unpad_as(in, UNPAD_EVENTS);
}

static void parse_cbor(struct bytes in)
{
	struct cbor_item item;

	(void)!cbor_item_parse(in, &item);
}

static void parse_pem(struct bytes in)
{
	struct writer out = { output, 0, OUTPUT_BYTES };

	while (certificate_pem_take(&in, &out) == ERR_OK)
		continue;
}

static void decode_base64(struct bytes in)
{
	struct writer out = { output, 0, OUTPUT_BYTES };

	(void)!base64_decode(in, &out);
}

static void decode_hex(struct bytes in)
{
	(void)!hex_decode(in, output, in.len / 2);
}

static void check_utf8(struct bytes in)
{
	(void)utf8_is_valid(in);
}

static void check_manifest(struct bytes in)
{
	(void)!manifest_check(in);
}

static void parse_jinja(struct bytes in)
{
	struct jinja_program program;

	if (jinja_parse(in, &program) == ERR_OK)
		jinja_program_close(&program);
}

static struct fuzz_vocabulary vocabularies[3];

static void encode(struct bytes in, const struct fuzz_vocabulary *vocabulary)
{
	static uint32_t tokens[1u << 20];
	struct encode_list list = { tokens, 0, sizeof(tokens) / 4 };
	struct arena arena = { json_bytes, JSON_BYTES, 0 };

	(void)!encode_text(&vocabulary->tokenizer, in, &arena, &list);
}

static void encode_sentencepiece(struct bytes in)
{
	encode(in, &vocabularies[0]);
}

static void encode_byte_level(struct bytes in)
{
	encode(in, &vocabularies[1]);
}

static void encode_unigram(struct bytes in)
{
	encode(in, &vocabularies[2]);
}

struct input {
	const char *name;
	void (*parse)(struct bytes in);
	struct bytes head, piece, tail;
	size_t size; /* the smaller one's */
};

#define ALL(text) BYTES_LITERAL(text)
#define MANY ((size_t)32 << 10)
#define SOME ((size_t)6 << 10)

#define TEXTS(parser)                                                               \
	{                                                                           \
		#parser " of one letter",                                           \
		parser,                                                             \
		ALL(""),                                                            \
		ALL("a"),                                                           \
		ALL(""),                                                            \
		SOME                                                                \
	},                                                                          \
		{ #parser " of spaces", parser, ALL(""), ALL(" "), ALL(""), SOME }, \
		{ #parser " of lines", parser, ALL(""), ALL("\n"), ALL(""), SOME }, \
		{ #parser " of no text", parser,  ALL(""),                          \
		  ALL("\xff"),		 ALL(""), SOME },                           \
		{ #parser " of digits", parser, ALL(""), ALL("1"), ALL(""), SOME }, \
		{ #parser " of words", parser,	ALL(""),                            \
		  ALL("the cat's "),   ALL(""), SOME },                             \
		{ #parser " of pairs", parser, ALL(""), ALL("ab"), ALL(""), SOME }, \
	{                                                                           \
#parser " of accents", parser, ALL(""), ALL("e\xcc\x81"),           \
			ALL(""), SOME                                               \
	}

static const struct input inputs[] = {
	{ "JSON numbers", parse_json, ALL("[1"), ALL(",1"), ALL("]"), MANY },
	{ "JSON keys", parse_json, ALL("{\"k\":0"), ALL(",\"k#\":1"), ALL("}"),
	  SOME },
	{ "JSON escapes", parse_json, ALL("[\""), ALL("\\u00e9"), ALL("\"]"),
	  MANY },
	{ "JSON arrays", parse_json, ALL("[[]"), ALL(",[]"), ALL("]"), SOME },
	{ "JSON depth", parse_json, ALL("[0"), ALL(",[[[[[[[[]]]]]]]]"),
	  ALL("]"), MANY },
	{ "JSON spaces", parse_json, ALL("["), ALL(" \n"), ALL("]"), MANY },
	{ "JSON digits", parse_json, ALL("[0."), ALL("1"), ALL("]"), MANY },
	{ "chat content", parse_chat,
	  ALL("{\"messages\":[{\"role\":\"user\",\"content\":\""),
	  ALL("\\n\\\""), ALL("\"}]}"), MANY },
	{ "chat parts", parse_chat,
	  ALL("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	      "\"text\",\"text\":\"\"}"),
	  ALL(",{\"type\":\"text\",\"text\":\"a\"}"), ALL("]}]}"), MANY },
	{ "Binary HTTP chunks", parse_bhttp, ALL("\3\x40\xc8\0"), ALL("\1a"),
	  ALL("\0\0"), MANY },
	{ "event comments", parse_sse, ALL(""), ALL(":\n"), ALL(""), MANY },
	{ "event lines", parse_sse, ALL(""), ALL("data:\n"), ALL("\n"), MANY },
	{ "events", parse_sse, ALL(""), ALL("data:a\n\n"), ALL(""), MANY },
	{ "JSON padding", unpad_json, ALL(""), ALL("  a"), ALL(""), MANY },
	{ "event padding", unpad_events, ALL(""), ALL("a\n\n:\n\n"), ALL(""),
	  MANY },
	{ "CBOR numbers", parse_cbor, ALL("\x9f"), ALL("\1"), ALL("\xff"),
	  MANY },
	{ "CBOR keys", parse_cbor, ALL("\xbf"), ALL("\x68#\1"), ALL("\xff"),
	  MANY },
	{ "PEM lines", parse_pem, ALL("-----BEGIN CERTIFICATE-----\n"),
	  ALL("AAAA\n"), ALL("-----END CERTIFICATE-----\n"), MANY },
	{ "PEM texts", parse_pem, ALL(""),
	  ALL("-----BEGIN CERTIFICATE-----\nAAAA\n"
	      "-----END CERTIFICATE-----\n"),
	  ALL(""), MANY },
	{ "base64", decode_base64, ALL(""), ALL("Ab-_"), ALL(""), MANY },
	{ "hex", decode_hex, ALL(""), ALL("aF"), ALL(""), MANY },
	{ "UTF-8", check_utf8, ALL(""), ALL("\xf0\x9f\x98\x80"), ALL(""),
	  4 * MANY },
	{ "manifest lines", check_manifest, ALL("pcc-release v1\n"),
	  ALL("file b# 1\n"), ALL(""), MANY },
	{ "template outputs", parse_jinja, ALL(""), ALL("{{a}}"), ALL(""),
	  SOME / 2 },
	{ "template terms", parse_jinja, ALL("{{a"), ALL("+a"), ALL("}}"),
	  SOME / 4 },
	{ "template text", parse_jinja, ALL(""), ALL("{ % "), ALL(""), SOME },
	{ "template comments", parse_jinja, ALL(""), ALL("{##}"), ALL(""),
	  SOME },
	TEXTS(encode_sentencepiece),
	TEXTS(encode_byte_level),
	TEXTS(encode_unigram),
};

#define INPUTS (sizeof(inputs) / sizeof(*inputs))

static void put_piece(struct writer *out, struct bytes piece, unsigned number)
{
	char digits[9];

	snprintf(digits, sizeof(digits), "%08u", number);
	for (size_t i = 0; i < piece.len; i++) {
		bool is_number = piece.data[i] == '#';
		struct bytes one = { piece.data + i, 1 };

		/* "{##}" is a comment. */
		if (is_number && piece.len > 4)
			one = bytes_of_string(digits);
		cr_assert_eq(bytes_put(out, one), ERR_OK);
	}
}

static struct bytes make(const struct input *input, size_t size,
			 struct writer *out)
{
	cr_assert_eq(bytes_put(out, input->head), ERR_OK);
	for (unsigned i = 0; out->len < size; i++)
		put_piece(out, input->piece, i);
	cr_assert_eq(bytes_put(out, input->tail), ERR_OK);
	return bytes_written(out);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double time_of(void (*parse)(struct bytes in), struct bytes in)
{
	double begin = seconds();

	parse(in);
	return seconds() - begin;
}

/*
 * The least of several runs of one size over the least of the largest, by the
 * doubling: over four of them clocks and the edges of caches count for less.
 */
static double ratio_of(const struct input *input)
{
	size_t room = 2 * input->size;
	struct writer once = { malloc(room), 0, room };
	struct writer more = { malloc(LARGEST * room), 0, LARGEST * room };
	struct bytes small = make(input, input->size, &once);
	struct bytes large = make(input, LARGEST * input->size, &more);
	double least = 1e9, least_of_large = 1e9, ratio;

	for (double spent = 0; spent < RUNS_S;) {
		double one = time_of(input->parse, small);
		double other = time_of(input->parse, large);

		spent += one + other;
		least = one < least ? one : least;
		least_of_large =
			other < least_of_large ? other : least_of_large;
	}
	free(once.data);
	free(more.data);
	ratio = pow(least_of_large / least, 1.0 / DOUBLINGS);
	fprintf(stderr, "%-36s %8.3f ms, twice %5.2f\n", input->name,
		1e3 * least, ratio);
	cr_expect_gt(least, LEAST_S, "%s", input->name);
	return ratio;
}

static void prepare(void)
{
	static const enum tokenizer_model models[] = { TOKENIZER_SENTENCEPIECE,
						       TOKENIZER_BYTE_LEVEL,
						       TOKENIZER_UNIGRAM };
	static const char *const splits[] = { "none", "qwen2", "none" };

	json_bytes = aligned_alloc(64, JSON_BYTES);
	output = malloc(OUTPUT_BYTES);
	cr_assert_not_null(json_bytes);
	cr_assert_not_null(output);
	json_warm(json_bytes, JSON_BYTES, 7);
	for (size_t i = 0; i < 3; i++)
		fuzz_open(&vocabularies[i], models[i], splits[i], NULL);
}

/* What has to be found: a search of all before, for each. */
static void parse_in_squares(struct bytes in)
{
	volatile size_t same = 0;

	for (size_t i = 0; i < in.len; i++)
		for (size_t j = 0; j < i; j++)
			same += in.data[i] == in.data[j];
}

Test(linear, twice_the_worst_input_takes_twice_as_long, .init = prepare,
     .timeout = 120)
{
	static const struct input square = { "a search of all before",
					     parse_in_squares,
					     ALL(""),
					     ALL("a"),
					     ALL(""),
					     2048 };
	double worst = 0;

	for (size_t i = 0; i < INPUTS; i++) {
		double ratio = ratio_of(&inputs[i]);

		worst = ratio > worst ? ratio : worst;
	}
	figure_of("D3", "inputs", INPUTS, "");
	figure_at_most("D3", "time of twice the input, the worst of them",
		       worst, "times", RATIO_MOST);
	cr_assert_gt(ratio_of(&square), 3, "the control");
}
