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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inference/encode.h"
#include "inference/model.h"
#include "policy/limits.h"
#include "tests/scenarios/forensic.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/talk.h"
#include "tests/system.h"

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
