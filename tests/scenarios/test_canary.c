/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word that exists nowhere else goes through the system as a prompt, and
 * another comes back as an answer.  Afterwards they are looked for in all the
 * memory of every process that still lives, and in every file that was written.
 *
 * Each "found nowhere" stands beside a "found there" by the same means: while
 * the answer is on its way the worker has both words, and the one who asked
 * still has them afterwards.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/commitment.h"
#include "crypto/ohttp_opener.h"
#include "inference/encode.h"
#include "inference/model.h"
#include "policy/limits.h"
#include "tests/scenarios/forensic.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/scenarios/talk.h"
#include "tests/system.h"
#include "wire/base64.h"

#define WORKERS 2
#define FRAMES 96
#define TICK_MS 25
#define ANSWER_MS (FRAMES * TICK_MS)
#define SCRATCH ((size_t)1 << 20)
#define ANSWER_LEAST 24 /* bytes that make an answer unlike any other text */

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(canary, .fini = stop);

static void start(void)
{
	struct policy policy = system_policy();

	if (geteuid() != 0)
		cr_skip_test("only root may read other processes' memory");
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = 2; /* whose stacks are looked through as well */
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

static struct forensic_finding in_process(const struct forensic *forensic,
					  pid_t pid)
{
	struct forensic_finding finding = { 0 };

	forensic_look_at_process(forensic, pid, &finding);
	if (finding.is_refused)
		cr_skip_test("not all memory of a process can be read");
	return finding;
}

static void expect_none(const struct forensic_finding *finding)
{
	cr_assert_eq(finding->hits, 0, "%zu times, as %s, in %s", finding->hits,
		     finding->encoding, finding->where);
}

/* In no process of the node or the gateway, and in no file of the system. */
static void expect_nowhere(const struct forensic *forensic)
{
	struct forensic_finding finding = { 0 };
	struct process_list all;
	uint64_t bytes = 0;

	/* The worker that knew it has to have gone first. */
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	process_node(pcc.pids[SYSTEM_NODE], &all);
	cr_assert_eq(all.count, 1 + 3 + WORKERS);
	all.pids[all.count++] = pcc.pids[SYSTEM_GATEWAY];
	for (size_t i = 0; i < all.count; i++) {
		struct forensic_finding here =
			in_process(forensic, all.pids[i]);

		expect_none(&here);
		cr_assert_gt(here.bytes, 100000, "%d was not looked at",
			     all.pids[i]);
		bytes += here.bytes;
	}
	forensic_look_at_folder(forensic, pcc.folder, &finding);
	cr_assert_gt(finding.bytes, 100);
	expect_none(&finding);
	cr_log_info("looked at %zu processes, %lu MiB, and %lu bytes of files",
		    all.count, bytes >> 20, finding.bytes);
}

static struct bytes model_file(void)
{
	int file = open(system_model(), O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *memory;

	cr_assert_geq(file, 0);
	cr_assert_eq(fstat(file, &status), 0);
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
		      file, 0);
	cr_assert_neq(memory, MAP_FAILED);
	close(file);
	return (struct bytes){ memory, (size_t)status.st_size };
}

/* Look for the text in the model's own words too, but for those at its ends. */
static void add_tokens(struct forensic *forensic, const char *text)
{
	static const struct model_limits limits = LIMITS_MODEL_SHAPE;
	uint32_t tokens[FORENSIC_TEXT_MAX + 8];
	struct encode_list list = { tokens, 0, FORENSIC_TEXT_MAX + 8 };
	struct arena scratch = { .size = SCRATCH };
	struct model *model;

	scratch.base = aligned_alloc(ARENA_ALIGNMENT, scratch.size);
	cr_assert_eq(model_open(model_file(), &limits, NULL, &model), ERR_OK);
	memset(scratch.base, 0, scratch.size);
	cr_assert_eq(encode_text(&model->tokenizer, bytes_of_string(text),
				 &scratch, &list),
		     ERR_OK);
	cr_assert_gt(list.count, 12, "%zu tokens", list.count);
	forensic_add_tokens(forensic, tokens + 2, list.count - 4);
	model_close(model);
	free(scratch.base);
	explicit_bzero(tokens, sizeof(tokens));
}

/* One request with a word in it, until it is time to look at its worker. */
static void begin(struct talk *talk, const char *prompt, enum openai_form form,
		  unsigned seed)
{
	const struct openai_question question = {
		.prompt = prompt, .form = form, .seed = seed, .max_tokens = 48
	};

	talk_begin(talk, pcc.client, &question);
	system_sleep_ms(ANSWER_MS / 2); /* in the middle, however it is sent */
}

/* How often workers have it now; the busy one is among them. */
static size_t hits_in_workers(const struct forensic *forensic, pid_t *holder)
{
	struct process_list workers;
	size_t hits = 0;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	for (size_t i = 0; i < workers.count; i++) {
		struct forensic_finding finding =
			in_process(forensic, workers.pids[i]);

		if (finding.hits > 0)
			*holder = workers.pids[i];
		hits += finding.hits;
	}
	return hits;
}

enum fate {
	ANSWERED,
	HUNG_UP,
	KILLED,
};

static void meet(enum fate fate, struct talk *talk, pid_t worker)
{
	if (fate == HUNG_UP) /* the whole client goes, and with it its socket */
		system_signal(&pcc, SYSTEM_CLIENT, SIGKILL);
	if (fate == KILLED)
		cr_assert_eq(kill(worker, SIGKILL), 0);
	talk_end(talk);
	cr_assert_eq(openai_is_whole(&talk->answer), fate == ANSWERED);
}

static void nothing_is_left_of_a_prompt(enum openai_form form, enum fate fate)
{
	static struct forensic forensic, as_tokens;
	uint8_t inverted[FORENSIC_TEXT_MAX];
	char prompt[FORENSIC_TEXT_MAX + 1];
	struct talk talk;
	pid_t worker = 0;

	start();
	forensic_invent(inverted);
	forensic_reveal(inverted, prompt);
	forensic_init(&forensic, prompt);
	add_tokens(&forensic, prompt);
	add_tokens(&as_tokens, prompt);
	expect_nowhere(&forensic);
	begin(&talk, prompt, form, 0);
	cr_assert_gt(hits_in_workers(&forensic, &worker), 0,
		     "the worker itself does not have it: the test is blind");
	cr_assert_gt(hits_in_workers(&as_tokens, &worker), 0,
		     "nor does it have its tokens");
	meet(fate, &talk, worker);
	expect_nowhere(&forensic);
	/* The one who asked may keep it: so the one who looks can see. */
	cr_assert_gt(in_process(&forensic, getpid()).hits, 0);
}

Test(canary, nothing_of_a_prompt_is_left_after_a_streamed_answer)
{
	nothing_is_left_of_a_prompt(OPENAI_STREAMED, ANSWERED);
}

Test(canary, nothing_of_a_prompt_is_left_after_a_whole_answer)
{
	nothing_is_left_of_a_prompt(OPENAI_WHOLE, ANSWERED);
}

Test(canary, nothing_of_a_prompt_is_left_when_its_client_vanishes)
{
	nothing_is_left_of_a_prompt(OPENAI_STREAMED, HUNG_UP);
}

Test(canary, nothing_of_a_prompt_is_left_when_its_worker_is_killed)
{
	nothing_is_left_of_a_prompt(OPENAI_STREAMED, KILLED);
}

#define START "Once upon a time"

/* An answer that is long enough to be known again, and its seed. */
static unsigned find_answer(struct talk *talk)
{
	for (unsigned seed = 1; seed < 20; seed++) {
		begin(talk, START, OPENAI_WHOLE, seed);
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
	char text[FORENSIC_TEXT_MAX + 1] = "";
	struct forensic forensic;
	struct talk talk;
	pid_t worker = 0;
	unsigned seed;

	start();
	seed = find_answer(&talk);
	memcpy(text, talk.answer.text,
	       strnlen(talk.answer.text, FORENSIC_TEXT_MAX));
	forensic_init(&forensic, text);
	expect_nowhere(&forensic);
	/* Again the same, to see it where it is for as long as it is. */
	begin(&talk, START, OPENAI_WHOLE, seed);
	cr_assert_gt(hits_in_workers(&forensic, &worker), 0,
		     "the worker itself does not have it: the test is blind");
	meet(ANSWERED, &talk, worker);
	expect_nowhere(&forensic);
	cr_assert_gt(in_process(&forensic, getpid()).hits, 0);
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

	cr_assert(sealed_find(pcc.gateway, &talk->target));
	snprintf(content, sizeof(content),
		 "{\"model\":\"%s\",\"prompt\":\"" START
		 "\",\"max_tokens\":8,\"seed\":%d}",
		 SYSTEM_MODEL_NAME, SEED);
	sealed_inner("POST", "/v1/completions", content, &inner);
	sealed_make(&talk->target, OHTTP_CHUNKED, bytes_written(&inner),
		    &talk->request);
	cr_assert_eq(pthread_create(&talk->thread, NULL, send_sealed, talk), 0);
	system_sleep_ms(ANSWER_MS / 2);
}

/* Up to FORENSIC_TEXT_MAX bytes of these, from the first run without a zero. */
static void look_for(struct forensic *forensic, struct bytes secret)
{
	char text[FORENSIC_TEXT_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i < secret.len && len < FORENSIC_TEXT_MAX; i++) {
		if (secret.data[i] == 0 && len >= 16)
			break;
		if (secret.data[i] == 0)
			len = 0;
		else
			text[len++] = (char)secret.data[i];
	}
	text[len] = '\0';
	if (len < 16)
		cr_skip_test("too many zeros among random bytes");
	forensic_init(forensic, text);
	explicit_bzero(text, sizeof(text));
}

/* The seed of the sampler, as it stands in the receipt; known beforehand. */
static void look_for_seed(struct forensic *forensic)
{
	const uint8_t number[8] = { [6] = SEED >> 8, [7] = SEED & 0xff };
	uint8_t seed[HASH_SHA256_BYTES];

	hash_sha256(BYTES_ARRAY(number), seed);
	look_for(forensic, BYTES_ARRAY(seed));
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

/*
 * The worker has the seed while its answer is on its way, in the receipt and
 * elsewhere; the one who asked has receipt and salt afterwards, nobody else.
 */
Test(canary, nothing_of_a_receipt_or_its_salt_is_left_after_the_answer)
{
	static struct sealed_talk talk;
	static struct forensic seed, text, raw, salt;
	static uint8_t signed_memory[1024];
	struct writer signed_receipt = WRITER_OVER(signed_memory);
	struct commitment_salt salt_bytes;
	struct bytes letters, signature;
	pid_t worker = 0;

	start();
	look_for_seed(&seed);
	begin_sealed(&talk);
	commitment_salt(&talk.request.exchange.context, &salt_bytes);
	look_for(&salt, BYTES_ARRAY(salt_bytes.bytes));
	cr_assert_gt(hits_in_workers(&seed, &worker), 0,
		     "the worker itself does not have it: the test is blind");
	pthread_join(talk.thread, NULL);

	letters = receipt_in(open_all(&talk));
	cr_assert_eq(base64_decode(letters, &signed_receipt), ERR_OK);
	/* Of the text a piece that is random: the signature's, at its end. */
	look_for(&text, (struct bytes){ letters.data + letters.len - 64, 64 });
	signature =
		(struct bytes){ signed_receipt.data + signed_receipt.len - 64,
				64 };
	look_for(&raw, signature);
	expect_nowhere(&seed);
	expect_nowhere(&text);
	expect_nowhere(&raw);
	expect_nowhere(&salt);
	cr_assert_gt(in_process(&text, getpid()).hits, 0);
	cr_assert_gt(in_process(&raw, getpid()).hits, 0);
	cr_assert_gt(in_process(&salt, getpid()).hits, 0);
	sealed_free(&talk.request);
}

/* "sixteen letters!" as others encode it (coreutils, Python). */
static const char *const planted[] = {
	"sixteen letters!",
	"7369787465656e206c65747465727321",
	"7369787465656E206C65747465727321",
	"c2l4dGVlbiBsZXR0ZXJzIf7+/v7+",
	"/3NpeHRlZW4gbGV0dGVycyH+/v7+/g==",
	"//9zaXh0ZWVuIGxldHRlcnMh/v7+/v4=",
	"_3NpeHRlZW4gbGV0dGVycyH-_v7-_g==",
};

#define PLANTED (sizeof(planted) / sizeof(planted[0]))

static struct forensic_finding find_planted(const struct forensic *forensic,
					    const char *text, size_t len)
{
	struct forensic_finding finding = { 0 };
	char path[] = "/tmp/pcc-planted.XXXXXX";
	int file = mkstemp(path);

	cr_assert_geq(file, 0);
	cr_assert_eq(write(file, text, len), (ssize_t)len);
	forensic_look_at_file(forensic, path, &finding);
	close(file);
	unlink(path);
	return finding;
}

Test(canary, every_encoding_of_a_planted_word_is_found)
{
	static const char utf16[] = "s\0i\0x\0t\0e\0e\0n\0 \0l\0e\0t\0t\0e\0"
				    "r\0s\0!\0";
	struct forensic forensic;

	forensic_init(&forensic, "sixteen letters!");
	for (size_t i = 0; i < PLANTED; i++)
		cr_expect_gt(
			find_planted(&forensic, planted[i], strlen(planted[i]))
				.hits,
			0, "%s", planted[i]);
	cr_expect_gt(find_planted(&forensic, utf16, 32).hits, 0);
	cr_expect_eq(find_planted(&forensic, "sixteen letters?", 16).hits, 0);
}

/* What a process would have whose request was not wiped. */
static _Noreturn void keep_a_copy(const uint8_t *inverted, int ready)
{
	char *text = malloc(FORENSIC_TEXT_MAX + 1);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	forensic_reveal(inverted, text);
	if (write(ready, text, 0) == 0)
		close(ready);
	for (;;)
		pause();
}

Test(canary, a_word_in_the_heap_of_a_live_process_is_found)
{
	uint8_t inverted[FORENSIC_TEXT_MAX];
	char text[FORENSIC_TEXT_MAX + 1], byte;
	struct forensic forensic;
	struct forensic_finding finding;
	int ready[2];
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	forensic_invent(inverted);
	child = fork();
	if (child == 0)
		keep_a_copy(inverted, ready[1]);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 0); /* it has closed its end */
	forensic_reveal(inverted, text);
	forensic_init(&forensic, text);
	finding = in_process(&forensic, child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_assert_gt(finding.hits, 0);
}

Test(canary, the_one_who_looks_has_no_copy_to_be_found)
{
	uint8_t inverted[FORENSIC_TEXT_MAX];
	struct forensic forensic;
	char text[FORENSIC_TEXT_MAX + 1];

	forensic_invent(inverted);
	forensic_reveal(inverted, text);
	forensic_init(&forensic, text);
	explicit_bzero(text, sizeof(text));
	cr_assert_eq(in_process(&forensic, getpid()).hits, 0);
}
