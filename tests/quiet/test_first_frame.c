/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a node remembers a prompt: the time to the first frame of one that
 * was asked just before, against that of one which never was.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/sealed.h"
#include "tests/system.h"

#define PAIRS 400
#define PAIRS_MOST 20000
#define PATIENCE_MS 60000
#define WORDS 60
#define T_LIMIT 4.5
#define BRIEFS 100  /* prompts of one word, against as many of sixty */
#define SPOILED 0.1 /* of the times, at either end: others were in the way */

static struct system pcc;
static struct sealed_target target;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(first_frame, .fini = stop);

/* In milliseconds, of new prompts and of the same again. */
struct times {
	double fresh[PAIRS_MOST + PAIRS], again[PAIRS_MOST + PAIRS];
	size_t count;
	double saved_ms; /* by a cache of all but a word */
};

/* A prompt that nobody asked before, and as long as every other. */
static void draw_prompt(struct numbers *dice, char out[static 6 * WORDS])
{
	for (size_t i = 0; i < WORDS; i++) {
		for (size_t k = 0; k < 5; k++)
			*out++ = (char)('a' + numbers_next(dice) % 26);
		*out++ = i + 1 < WORDS ? ' ' : '\0';
	}
}

static double first_frame_ms(const char *prompt)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_request request;
	uint8_t memory[2048];
	struct writer inner = WRITER_OVER(memory);
	double ms;

	sealed_inner_question(prompt, 1, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(&target, &request, response);
	cr_assert_eq(response->status, 200);
	cr_assert_eq(response->end, FETCH_WHOLE);
	ms = (double)response->pieces[0].us / 1e3;
	sealed_free(&request);
	free(response);
	return ms;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/*
 * The mean of all but the longest and shortest times, and its squared error:
 * that of the times with those cut to the longest and shortest left (Yuen 1974).
 */
static void summarise(double *times, size_t count, double *mean, double *error)
{
	size_t from = (size_t)(SPOILED * (double)count), to = count - from;
	double n = (double)(to - from), sum = 0, middle = 0, squares = 0;

	qsort(times, count, sizeof(*times), compare);
	for (size_t i = from; i < to; i++)
		sum += times[i];
	*mean = sum / n;
	for (size_t i = 0; i < count; i++) {
		times[i] = fmin(times[to - 1], fmax(times[from], times[i]));
		middle += times[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++)
		squares += (times[i] - middle) * (times[i] - middle);
	*error = squares / (n * (n - 1));
}

/* Welch's t of new prompts against the same again. */
struct comparison {
	double difference_ms, error_ms;
};

static struct comparison compare_times(struct times *times)
{
	double fresh, again, fresh_error, again_error;

	summarise(times->fresh, times->count, &fresh, &fresh_error);
	summarise(times->again, times->count, &again, &again_error);
	return (struct comparison){ fresh - again,
				    sqrt(fresh_error + again_error) };
}

static void warm_up(struct numbers *dice)
{
	char prompt[6 * WORDS];

	for (size_t i = 0; i < 20; i++) {
		draw_prompt(dice, prompt);
		(void)first_frame_ms(prompt);
	}
}

static void measure_pair(struct numbers *dice, struct times *times)
{
	char prompt[6 * WORDS];

	/* Not one kind always on one worker, the other on the next. */
	draw_prompt(dice, prompt);
	if (numbers_next(dice) % 2 == 0)
		(void)first_frame_ms(prompt);
	draw_prompt(dice, prompt);
	times->fresh[times->count] = first_frame_ms(prompt);
	times->again[times->count] = first_frame_ms(prompt);
	times->count++;
}

/* A long prompt against a short one, in turn: that is what is not computed again
 * where somebody remembers it. */
static void measure_saving(struct numbers *dice, struct times *times)
{
	static double longs[BRIEFS], shorts[BRIEFS];
	double late, soon, error;

	for (size_t i = 0; i < BRIEFS; i++) {
		char prompt[6 * WORDS];

		draw_prompt(dice, prompt);
		longs[i] = first_frame_ms(prompt);
		prompt[5] = '\0';
		shorts[i] = first_frame_ms(prompt);
	}
	summarise(longs, BRIEFS, &late, &error);
	summarise(shorts, BRIEFS, &soon, &error);
	times->saved_ms = late - soon;
}

/*
 * Where others are in the way it takes more pairs, until a cache would be found;
 * what the difference is has no say in that.
 */
static bool is_sharp(const struct times *times)
{
	struct times *copy = malloc(sizeof(*copy));
	double error_ms;

	cr_assert_not_null(copy);
	*copy = *times;
	error_ms = compare_times(copy).error_ms;
	free(copy);
	return error_ms * 2 * T_LIMIT < times->saved_ms;
}

static void measure(struct times *times)
{
	struct effort effort = effort_of(PAIRS);
	struct numbers dice = { effort_seed() };
	uint64_t until_ms = system_now_ms() + PATIENCE_MS;

	warm_up(&dice);
	measure_saving(&dice, times);
	while (times->count < PAIRS_MOST && effort_more(&effort))
		measure_pair(&dice, times);
	while (times->count < PAIRS_MOST && system_now_ms() < until_ms &&
	       !is_sharp(times))
		for (size_t i = 0; i < PAIRS / 4; i++)
			measure_pair(&dice, times);
}

static void expect_no_memory(enum policy_shape shape, const char *name)
{
	static struct times times;
	struct policy policy = system_policy();
	struct comparison found;
	char what[80];

	policy.shape = shape;
	system_start_or_skip(&policy, &pcc);
	cr_assert(sealed_find(pcc.gateway, &target));
	measure(&times);
	found = compare_times(&times);
	snprintf(what, sizeof(what), "%s, pairs of prompts", name);
	figure_of("G5", what, (double)times.count, "");
	snprintf(what, sizeof(what), "%s, Welch's |t|", name);
	figure_at_most("G5", what, fabs(found.difference_ms / found.error_ms),
		       "", T_LIMIT);
	snprintf(what, sizeof(what), "%s, sixty words later than one", name);
	figure_of("G5", what, times.saved_ms, "ms");
	/* The same statistic finds a cache that saves what was just measured. */
	snprintf(what, sizeof(what), "%s, |t| of that difference", name);
	figure_at_least("G5", what, times.saved_ms / found.error_ms, "",
			T_LIMIT);
}

/* Without a shape no tick hides anything. */
Test(first_frame, comes_no_sooner_for_a_prompt_that_was_asked_before)
{
	expect_no_memory(POLICY_SHAPE_OFF, "unshaped");
}
