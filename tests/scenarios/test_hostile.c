/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no honest client sends, to one node that has to live through all of it:
 * each gets its typed error, and then a good request its good answer.
 *
 * Every body and prompt here carries a word that must never be logged.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/limits.h"
#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/sealed.h"

#define WORD "xylophone-canary"
#define SMALL 2048 /* an inner request and what is around it */

static struct system pcc;
static struct sealed_target target;
static struct fetch_response *response;

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	struct policy policy = system_policy();

	(void)tests;
	policy.shape = POLICY_SHAPE_OFF; /* so that refusals take no time */
	system_share(&policy);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	system_unshare();
}

static void adopt(void)
{
	system_adopt(&pcc);
	cr_assert(sealed_find(pcc.gateway, &target));
	response = fetch_response_new();
}

/* After every test: the node lives, and its log is numbers. */
static void examine(void)
{
	static char log[SYSTEM_LOG_MAX];
	const char *stray;

	for (int part = SYSTEM_NODE; part <= SYSTEM_GATEWAY; part++) {
		(void)system_log(&pcc, (enum system_part)part, log);
		stray = journal_stray_line((enum system_part)part, log);
		cr_assert_null(stray, "stray line: %s", stray);
		cr_assert_null(strstr(log, "xylophone"));
	}
	cr_assert(sealed_is_answered(&target), "no answer to a good request");
}

TestSuite(hostile, .init = adopt);

static void send_bytes(struct bytes bytes, const char *type)
{
	free(response);
	response = fetch_response_new();
	sealed_send(&target, bytes, type, response);
}

static void send_request(const struct sealed_request *request)
{
	free(response);
	response = fetch_response_new();
	sealed_send_request(&target, request, response);
}

/* A problem document of this status, and nothing that was sent in it. */
static void expect_problem(long status)
{
	cr_assert_eq(response->status, status, "%ld: %s", response->status,
		     response->body);
	cr_assert_eq(response->end, FETCH_WHOLE);
	cr_assert_str_eq(response->type, "application/problem+json");
	cr_assert_null(strstr(response->body, "xylophone"));
}

/* A refusal inside the encryption, in the API's own form. */
static void expect_sealed(const struct sealed_request *request, unsigned status,
			  const char *code)
{
	struct sealed_answer answer;

	cr_assert_eq(sealed_open(request, response, &answer), ERR_OK,
		     "outside %ld", response->status);
	cr_assert_eq(answer.status, status, "%u", answer.status);
	cr_assert_neq(strstr(answer.content, code), NULL, "%s", answer.content);
	cr_assert_null(strstr(answer.content, "xylophone"));
	free(answer.content);
}

static struct bytes good_inner(void)
{
	static uint8_t memory[SMALL];
	struct writer inner = WRITER_OVER(memory);

	sealed_inner_question(WORD, 1, &inner);
	return bytes_written(&inner);
}

static void make(enum ohttp_form form, struct sealed_request *request)
{
	sealed_make(&target, form, good_inner(), request);
}

/* Bytes that are no header get 400; those that look like one, 400 or 401. */
Test(hostile, garbage_is_refused_as_malformed)
{
	static uint8_t garbage[70000];
	static const size_t lengths[] = { 0, 1, 6, 7, 38, 39, 40, 200, 70000 };

	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (uint8_t)((size_t)WORD[i % 16] ^ i * 167 >> 8);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		send_bytes((struct bytes){ garbage, lengths[i] },
			   SEALED_CHUNKED);
		expect_problem(400);
		send_bytes((struct bytes){ garbage, lengths[i] },
			   SEALED_UNCHUNKED);
		expect_problem(400);
	}
	examine();
}

Test(hostile, plaintext_is_refused_and_not_logged)
{
	static const char text[] =
		"{\"model\":\"" SYSTEM_MODEL_NAME "\",\"prompt\":\"" WORD "\"}";

	send_bytes(bytes_of_string(text), SEALED_CHUNKED);
	expect_problem(400);
	send_bytes(bytes_of_string(text), "application/json");
	expect_problem(415);
	examine();
}

/* Up to the header's end nothing can be opened; after it all can but the end */
Test(hostile, a_request_cut_anywhere_is_refused)
{
	const size_t header = OHTTP_HEADER_BYTES + 32;
	struct sealed_request request;

	make(OHTTP_CHUNKED, &request);
	for (size_t cut = 0; cut < request.len; cut += cut < 48 ? 5 : 23) {
		struct sealed_request fresh;

		make(OHTTP_CHUNKED, &fresh);
		fresh.len = cut;
		send_request(&fresh);
		if (cut < header)
			expect_problem(400);
		else
			expect_sealed(&fresh, 400, "invalid_http");
		sealed_free(&fresh);
	}
	sealed_free(&request);
	examine();
}

Test(hostile, an_unchunked_request_cut_anywhere_is_refused)
{
	const size_t header = OHTTP_HEADER_BYTES + 32;

	for (size_t cut = header - 1; cut < header + 60; cut += 6) {
		struct sealed_request request;

		make(OHTTP_UNCHUNKED, &request);
		request.len = cut;
		send_request(&request);
		if (cut < header)
			expect_problem(400);
		else
			expect_sealed(&request, 400, "invalid_http");
		sealed_free(&request);
	}
	examine();
}

/*
 * A flip in the header leads to another key, suite or secret: whatever comes
 * back, it is no answer.  One in the body is seen by its tag.
 */
static void expect_no_answer(const struct sealed_request *request)
{
	struct sealed_answer answer;

	if (response->status != 200) {
		cr_assert(response->status == 400 || response->status == 401,
			  "%ld", response->status);
		return;
	}
	if (sealed_open(request, response, &answer) != ERR_OK)
		return;
	cr_assert_eq(answer.status, 400, "%u", answer.status);
	free(answer.content);
}

Test(hostile, a_flipped_bit_anywhere_is_refused)
{
	struct sealed_request request;
	size_t len;

	make(OHTTP_CHUNKED, &request);
	len = request.len;
	sealed_free(&request);
	for (size_t bit = 0; bit < len * 8; bit += bit < 56 ? 3 : 61) {
		make(OHTTP_CHUNKED, &request);
		request.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		send_request(&request);
		expect_no_answer(&request);
		sealed_free(&request);
	}
	examine();
}

Test(hostile, a_request_is_answered_once)
{
	struct sealed_request request;
	struct sealed_answer answer;

	make(OHTTP_CHUNKED, &request);
	send_request(&request);
	cr_assert_eq(sealed_open(&request, response, &answer), ERR_OK);
	cr_assert_eq(answer.status, 200);
	free(answer.content);
	for (int i = 0; i < 3; i++) {
		send_request(&request);
		expect_problem(400);
	}
	/* Nor under another media type, nor with another body. */
	send_bytes((struct bytes){ request.bytes, request.len },
		   SEALED_UNCHUNKED);
	expect_problem(400);
	request.bytes[request.len - 1] ^= 1;
	send_request(&request);
	expect_problem(400);
	sealed_free(&request);
	examine();
}

Test(hostile, a_request_that_failed_is_not_tried_again)
{
	struct sealed_request request;

	make(OHTTP_CHUNKED, &request);
	request.bytes[request.len - 1] ^= 1;
	send_request(&request);
	expect_sealed(&request, 400, "invalid_http");
	request.bytes[request.len - 1] ^= 1;
	send_request(&request);
	expect_problem(400);
	sealed_free(&request);
	examine();
}

Test(hostile, an_unknown_key_is_told_as_such)
{
	struct sealed_request request;

	for (int i = 1; i < 256; i += 50) {
		make(OHTTP_CHUNKED, &request);
		request.bytes[0] = (uint8_t)(request.bytes[0] + i);
		send_request(&request);
		expect_problem(401);
		cr_assert_neq(strstr(response->body, "#ohttp-key"), NULL);
		sealed_free(&request);
	}
	examine();
}

Test(hostile, a_suite_that_is_not_offered_is_refused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {
		{ 2, 0x21 }, /* KEM: X448 */
		{ 2, 0x10 }, /* KEM: P-256, known but not this key's */
		{ 1, 0x64 }, /* KEM: post-quantum, not here yet */
		{ 4, 0x02 }, /* KDF: SHA-384 */
		{ 4, 0x00 }, { 6, 0x00 }, /* AEAD */
		{ 6, 0x04 }, { 5, 0xff }, /* AEAD: 0xff01 */
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct sealed_request request;

		make(OHTTP_CHUNKED, &request);
		request.bytes[changes[i].at] = changes[i].value;
		send_request(&request);
		expect_problem(400);
		sealed_free(&request);
	}
	examine();
}

Test(hostile, a_body_beyond_the_limit_is_refused)
{
	static uint8_t large[LIMIT_REQUEST_BYTES + 1];
	struct fetch_request post = {
		.url = target.url,
		.headers =
			(const char *const[]){ "Content-Type: " SEALED_CHUNKED,
					       NULL },
		.body = BYTES_ARRAY(large),
	};

	memset(large, 'x', sizeof(large));
	fetch(&post, response);
	expect_problem(413);
	/* The same without a length that tells beforehand. */
	free(response);
	response = fetch_response_new();
	post.is_chunked = true;
	fetch(&post, response);
	cr_assert(response->status == 413 || response->status == 400, "%ld",
		  response->status);
	examine();
}

Test(hostile, an_opened_request_beyond_a_chunks_limit_is_refused_inside)
{
	static uint8_t large[2 * LIMIT_CHUNK_PLAINTEXT];
	struct sealed_request request;

	sealed_begin(&target, OHTTP_CHUNKED, &request);
	sealed_chunk(&request, OHTTP_CHUNK_MORE, BYTES_ARRAY(large));
	sealed_chunk(&request, OHTTP_CHUNK_FINAL, good_inner());
	send_request(&request);
	expect_sealed(&request, 413, "request_too_large");
	sealed_free(&request);
	examine();
}

Test(hostile, another_media_type_is_refused)
{
	static const char *const types[] = {
		"message/ohttp-res",   "message/ohttp-chunked-res",
		"message/bhttp",       "text/plain",
		"message/ohttp-reqq",  "message/ohttp-chunked-req2",
		"multipart/form-data",
	};
	struct sealed_request request;

	make(OHTTP_CHUNKED, &request);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		send_bytes((struct bytes){ request.bytes, request.len },
			   types[i]);
		expect_problem(415);
	}
	/* Nobody has looked at it so far: it is still good. */
	send_request(&request);
	cr_assert_eq(response->status, 200);
	sealed_free(&request);
	examine();
}

Test(hostile, one_form_cannot_be_taken_for_the_other)
{
	struct sealed_request request;

	make(OHTTP_CHUNKED, &request);
	send_bytes((struct bytes){ request.bytes, request.len },
		   SEALED_UNCHUNKED);
	expect_no_answer(&request);
	sealed_free(&request);
	make(OHTTP_UNCHUNKED, &request);
	send_bytes((struct bytes){ request.bytes, request.len },
		   SEALED_CHUNKED);
	expect_no_answer(&request);
	sealed_free(&request);
	examine();
}

Test(hostile, an_empty_chunk_before_the_final_one_is_refused)
{
	struct sealed_request request;

	sealed_begin(&target, OHTTP_CHUNKED, &request);
	sealed_chunk(&request, OHTTP_CHUNK_MORE, BYTES_LITERAL(""));
	sealed_chunk(&request, OHTTP_CHUNK_FINAL, good_inner());
	send_request(&request);
	expect_sealed(&request, 400, "invalid_http");
	sealed_free(&request);
	examine();
}

Test(hostile, a_request_without_its_final_chunk_is_refused)
{
	struct sealed_request request;

	sealed_begin(&target, OHTTP_CHUNKED, &request);
	sealed_chunk(&request, OHTTP_CHUNK_MORE, good_inner());
	send_request(&request);
	expect_sealed(&request, 400, "invalid_http");
	sealed_free(&request);

	/* Its control: the same bytes with an empty final chunk are good. */
	sealed_begin(&target, OHTTP_CHUNKED, &request);
	sealed_chunk(&request, OHTTP_CHUNK_MORE, good_inner());
	sealed_chunk(&request, OHTTP_CHUNK_FINAL, BYTES_LITERAL(""));
	send_request(&request);
	expect_sealed(&request, 200, "text_completion");
	sealed_free(&request);
	examine();
}

Test(hostile, chunks_in_another_order_are_refused)
{
	const size_t half = good_inner().len / 2;
	struct bytes rest = good_inner();
	struct bytes first;
	struct sealed_request request;
	size_t header, one, two;

	cr_assert_eq(bytes_take(&rest, half, &first), ERR_OK);
	for (int swapped = 0; swapped < 2; swapped++) {
		uint8_t kept[SMALL];

		sealed_begin(&target, OHTTP_CHUNKED, &request);
		header = request.len;
		sealed_chunk(&request, OHTTP_CHUNK_MORE, first);
		one = request.len - header;
		sealed_chunk(&request, OHTTP_CHUNK_MORE, rest);
		two = request.len - header - one;
		sealed_chunk(&request, OHTTP_CHUNK_FINAL, BYTES_LITERAL(""));
		memcpy(kept, request.bytes + header, one + two);
		if (swapped) {
			memcpy(request.bytes + header, kept + one, two);
			memcpy(request.bytes + header + two, kept, one);
		}
		send_request(&request);
		if (swapped)
			expect_sealed(&request, 400, "invalid_http");
		else
			expect_sealed(&request, 200, "text_completion");
		sealed_free(&request);
	}
	examine();
}

Test(hostile, an_inner_request_that_does_not_parse_is_refused_inside)
{
	static const uint8_t wrong[][8] = {
		{ 4, 0 },	      /* no such framing */
		{ 1, 0x40, 0xc8 },    /* a response */
		{ 0, 4, 'P', 'O' },   /* ends in its control data */
		{ 0, 0, 0, 0, 0, 0 }, /* nothing in it */
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct sealed_request request;

		sealed_make(&target, OHTTP_CHUNKED, BYTES_ARRAY(wrong[i]),
			    &request);
		send_request(&request);
		expect_sealed(&request, 400, "invalid_http");
		sealed_free(&request);
	}
	examine();
}

Test(hostile, an_empty_request_is_refused_inside)
{
	struct sealed_request request;

	sealed_make(&target, OHTTP_CHUNKED, BYTES_LITERAL(""), &request);
	send_request(&request);
	expect_sealed(&request, 400, "invalid_http");
	sealed_free(&request);
	examine();
}

Test(hostile, a_node_that_is_not_there_is_told_as_such)
{
	struct sealed_target other = target;
	struct sealed_request request;
	char *digit = other.node_header + strlen("PCC-Node: ");

	make(OHTTP_CHUNKED, &request);
	*digit = *digit == '0' ? '1' : '0';
	sealed_send_request(&other, &request, response);
	expect_problem(404);
	free(response);
	response = fetch_response_new();
	memcpy(digit, WORD, sizeof(WORD));
	sealed_send_request(&other, &request, response);
	expect_problem(400);
	sealed_free(&request);
	examine();
}

Test(hostile, other_methods_and_paths_are_refused_outside)
{
	static const struct {
		const char *method, *path;
		long status;
	} wrong[] = {
		{ "GET", "/", 405 },
		{ "PUT", "/", 405 },
		{ "DELETE", "/v1/nodes", 405 },
		{ "GET", "/" WORD, 404 },
		{ "POST", "/v1/chat/completions", 404 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char url[128];

		snprintf(url, sizeof(url), "%s%s", pcc.gateway, wrong[i].path);
		free(response);
		response = fetch_response_new();
		fetch(&(struct fetch_request){ .url = url,
					       .method = wrong[i].method },
		      response);
		expect_problem(wrong[i].status);
	}
	examine();
}
