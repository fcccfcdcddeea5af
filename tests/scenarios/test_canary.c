/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word that exists nowhere else goes through the system as a prompt, and
 * another comes back as an answer.  Afterwards they are looked for in all the
 * memory of every process that still lives, in what waits in their pipes and
 * sockets, in every file that was written, and on the raw disk below them.
 *
 * Each "found nowhere" stands beside a "found there" by the same means: while
 * the answer is on its way the worker has both words, and the one who asked
 * still has them afterwards.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/commitment.h"
#include "crypto/ohttp_opener.h"
#include "tests/figure.h"
#include "tests/scenarios/residue.h"
#include "tests/scenarios/sealed.h"
#include "tests/scenarios/talk.h"
#include "wire/base64.h"

#define WORKERS 2
#define ANSWER_LEAST 48 /* bytes that make an answer unlike any other text */

static struct residue residue;

static void stop(void)
{
	residue_stop(&residue);
}

TestSuite(canary, .fini = stop);

static void start(void)
{
	struct policy policy = residue_policy(WORKERS);

	residue_start(&residue, "F1", &policy);
}

/* One figure: what is left, of how many bytes; and what was there before. */
static void expect_nowhere(const char *what, const struct needles *needles,
			   uint64_t control)
{
	struct scan_finding finding = residue_everywhere(&residue, needles);

	cr_assert_eq(finding.hits, 0, "%zu times, as %s, in %s", finding.hits,
		     finding.encoding, finding.where);
	figure_none("F1", what, finding.hits, finding.bytes, control);
}

static void nothing_is_left_of_a_prompt(enum openai_form form)
{
	static struct needles needles, as_tokens;
	uint8_t inverted[CANARY_BYTES];
	char prompt[CANARY_BYTES + 1];
	struct openai_question question = { .prompt = prompt,
					    .form = form,
					    .max_tokens = 48 };
	struct talk talk;
	pid_t worker = 0;
	size_t there;

	start();
	canary_invent(inverted);
	canary_reveal(inverted, prompt);
	canary_look_for(&needles, prompt);
	canary_look_for_tokens(&needles, prompt);
	canary_look_for_tokens(&as_tokens, prompt);
	cr_assert_eq(residue_everywhere(&residue, &needles).hits, 0);
	talk_begin(&talk, residue.pcc.client, &question);
	there = residue_await(&residue, &needles, &worker);
	(void)residue_await(&residue, &as_tokens, &worker);
	talk_end(&talk);
	cr_assert(openai_is_whole(&talk.answer));
	expect_nowhere("bytes in which a prompt is left", &needles, there);
	/* The one who asked may keep it: so the one who looks can see. */
	cr_assert_gt(residue_in_process(&needles, getpid()), 0);
}

Test(canary, nothing_of_a_prompt_is_left_after_a_streamed_answer)
{
	nothing_is_left_of_a_prompt(OPENAI_STREAMED);
}

Test(canary, nothing_of_a_prompt_is_left_after_a_whole_answer)
{
	nothing_is_left_of_a_prompt(OPENAI_WHOLE);
}

#define START "Once upon a time"

/* With this much chance in it, what the model says is said nowhere else. */
static void begin(struct talk *talk, unsigned seed)
{
	const struct openai_question question = {
		.prompt = START,
		.form = OPENAI_WHOLE,
		.seed = seed,
		.max_tokens = 48,
		.extra = "\"temperature\":2",
	};

	talk_begin(talk, residue.pcc.client, &question);
}

/* An answer that is long enough to be known again, and its seed. */
static unsigned find_answer(struct talk *talk)
{
	for (unsigned seed = 1; seed < 20; seed++) {
		begin(talk, seed);
		talk_end(talk);
		cr_assert(openai_is_whole(&talk->answer));
		if (strlen(talk->answer.text) >= ANSWER_LEAST)
			return seed;
	}
	cr_assert_fail("the model says nothing");
	return 0;
}

Test(canary, nothing_of_an_answer_is_left_after_it_was_given)
{
	static struct needles needles;
	struct talk talk;
	pid_t worker = 0;
	size_t len, there;
	unsigned seed;

	start();
	seed = find_answer(&talk);
	len = strnlen(talk.answer.text, NEEDLE_SECRET_MAX);
	needle_add(&needles,
		   (struct bytes){ (uint8_t *)talk.answer.text, len });
	cr_assert_eq(residue_everywhere(&residue, &needles).hits, 0);
	/* Again the same, to see it where it is for as long as it is. */
	begin(&talk, seed);
	there = residue_await(&residue, &needles, &worker);
	talk_end(&talk);
	cr_assert(openai_is_whole(&talk.answer));
	expect_nowhere("bytes in which an answer is left", &needles, there);
	cr_assert_gt(residue_in_process(&needles, getpid()), 0);
}

#define SEED 4242
#define RECEIPT_FIELD_TEXT "\x0bpcc-receipt" /* its length before it */

/* A question that is sealed by hand, so that its salt is known here. */
struct sealed_talk {
	pthread_t thread;
	struct sealed_target target;
	struct sealed_request request;
	struct fetch_response response;
};

static void *send_sealed(void *argument)
{
	struct sealed_talk *talk = argument;

	sealed_send_request(&talk->target, &talk->request, &talk->response);
	return NULL;
}

static void begin_sealed(struct sealed_talk *talk)
{
	char content[256];
	uint8_t memory[2048];
	struct writer inner = WRITER_OVER(memory);

	cr_assert(sealed_find(residue.pcc.gateway, &talk->target));
	snprintf(content, sizeof(content),
		 "{\"model\":\"%s\",\"prompt\":\"" START
		 "\",\"max_tokens\":8,\"seed\":%d}",
		 SYSTEM_MODEL_NAME, SEED);
	sealed_inner("POST", "/v1/completions", content, &inner);
	sealed_make(&talk->target, OHTTP_CHUNKED, bytes_written(&inner),
		    &talk->request);
	cr_assert_eq(pthread_create(&talk->thread, NULL, send_sealed, talk), 0);
}

/* The seed of the sampler, as it stands in the receipt; known beforehand. */
static void look_for_seed(struct needles *needles)
{
	const uint8_t number[8] = { [6] = SEED >> 8, [7] = SEED & 0xff };
	uint8_t seed[HASH_SHA256_BYTES];

	hash_sha256(BYTES_ARRAY(number), seed);
	needle_add(needles, BYTES_ARRAY(seed));
}

/* The text of the trailer, out of the opened answer. */
static struct bytes receipt_in(struct bytes plain)
{
	struct bytes mark = BYTES_LITERAL(RECEIPT_FIELD_TEXT);
	const uint8_t *at = memmem(plain.data, plain.len, mark.data, mark.len);

	cr_assert_not_null(at, "no receipt came");
	/* A length of two bytes follows. */
	return (struct bytes){ at + mark.len + 2,
			       (size_t)(((at[mark.len] & 0x3f) << 8) |
					at[mark.len + 1]) };
}

static struct bytes open_all(const struct sealed_talk *talk)
{
	static uint8_t scratch[64u << 10], memory[1u << 20];
	struct writer plain = WRITER_OVER(memory);
	struct ohttp_opener opener;

	ohttp_opener_init(&opener, OHTTP_RESPONSE, &talk->request.exchange,
			  (struct writer)WRITER_OVER(scratch));
	cr_assert_eq(
		ohttp_opener_push(
			&opener,
			(struct bytes){ (const uint8_t *)talk->response.body,
					talk->response.len },
			&plain),
		ERR_OK);
	cr_assert_eq(ohttp_opener_finish(&opener, &plain), ERR_OK);
	return bytes_written(&plain);
}

static void expect_none(const struct needles *needles)
{
	struct scan_finding finding = residue_everywhere(&residue, needles);

	cr_assert_eq(finding.hits, 0, "%zu times, as %s, in %s", finding.hits,
		     finding.encoding, finding.where);
}

/*
 * The worker has the seed while its answer is on its way, in the receipt and
 * elsewhere; the one who asked has receipt and salt afterwards, nobody else.
 */
Test(canary, nothing_of_a_receipt_or_its_salt_is_left_after_the_answer)
{
	static struct sealed_talk talk;
	static struct needles seed, text, raw, salt;
	static uint8_t signed_memory[1024];
	struct writer signed_receipt = WRITER_OVER(signed_memory);
	struct commitment_salt salt_bytes;
	struct bytes letters, signature;
	pid_t worker = 0;

	start();
	look_for_seed(&seed);
	begin_sealed(&talk);
	commitment_salt(&talk.request.exchange.context, &salt_bytes);
	needle_add(&salt, BYTES_ARRAY(salt_bytes.bytes));
	(void)residue_await(&residue, &seed, &worker);
	pthread_join(talk.thread, NULL);

	letters = receipt_in(open_all(&talk));
	cr_assert_eq(base64_decode(letters, &signed_receipt), ERR_OK);
	/* Of the text a piece that is random: the signature's, at its end. */
	needle_add(&text,
		   (struct bytes){ letters.data + letters.len - 64, 64 });
	signature =
		(struct bytes){ signed_receipt.data + signed_receipt.len - 64,
				64 };
	needle_add(&raw, signature);
	expect_none(&seed);
	expect_none(&text);
	expect_none(&raw);
	expect_none(&salt);
	cr_assert_gt(residue_in_process(&text, getpid()), 0);
	cr_assert_gt(residue_in_process(&raw, getpid()), 0);
	cr_assert_gt(residue_in_process(&salt, getpid()), 0);
	sealed_free(&talk.request);
}
