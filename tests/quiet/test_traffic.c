/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether sizes and times tell what an answer is about, to somebody who watches
 * the way between callers and gateway and has learnt from many answers of which
 * the topic was known.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/random_model.h"
#include "tests/support/campaign.h"

#define CALLERS 16 /* of paced answers, which take their time */
#define CALLERS_FEW 4
#define CALLERS_LONG 8	 /* four to a processor, at least */
#define TOTAL 12	 /* frames of every answer, */
#define TOTAL_LONG 20	 /* or of long ones */
#define FRAME_LARGE 4096 /* for long ones */
#define ANSWERS 1000
#define ANSWERS_FEW 300	 /* of those that are told apart */
#define ANSWERS_LONG 400 /* that take their time */
#define ANSWERS_MOST 8000
#define HOGS 2

/*
 * A coin's verdict is this many standard deviations above its mean once in two
 * thousand times; and of how many answers on it may not be above G2's limit.
 */
#define DEVIATIONS 3.3
#define ANSWERS_OF_LIMIT 4000
#define LIMIT 0.54
#define TOLD_APART 0.8 /* AUC, at least, where there is no shape */
#define TOLD_BY_TIMES 0.7

#define PERMUTATIONS 499
#define PERMUTATIONS_TEN 59

static struct system pcc;
static struct classifier_row *rows;
static size_t row_count;

static void stop(void)
{
	system_stop_or_fail(&pcc);
	free(rows);
}

TestSuite(traffic, .fini = stop);

/* What is watched, and how its figures are called. */
struct condition {
	const char *name;
	enum policy_shape shape;
	enum campaign_topics topics;
	size_t callers, hogs, answers;
};

/*
 * Answers take longer than ticks only if the model is slow, or its processors
 * are shared; one of random weights does not end an answer before its length.
 */
static void choose_model(enum campaign_topics topics)
{
	const char *path;

	if (topics != CAMPAIGN_LENGTHS)
		return;
	path = random_model("tiny-ptmoe", "f32");
	cr_assert_not_null(path, "no model of random weights can be made");
	cr_assert_eq(setenv("PCC_MODEL", path, 1), 0);
}

static void start(const struct condition *condition)
{
	struct policy policy = system_policy();

	policy.shape = condition->shape;
	policy.workers = CALLERS;
	policy.warm_workers = CALLERS;
	policy.threads = 1;
	policy.total_buckets[0] = TOTAL;
	if (condition->topics == CAMPAIGN_LENGTHS) {
		policy.output_tokens_max = CAMPAIGN_TOKENS;
		policy.frame_bytes = FRAME_LARGE;
		policy.total_buckets[0] = TOTAL_LONG;
	}
	rows = calloc(ANSWERS_MOST + ANSWERS, sizeof(*rows));
	cr_assert_not_null(rows);
	row_count = 0;
	choose_model(condition->topics);
	system_start_or_skip(&policy, &pcc);
}

/* One campaign more. */
static void gather(const struct condition *condition, uint64_t seed)
{
	struct campaign campaign = { .system = &pcc,
				     .topics = condition->topics,
				     .callers = condition->callers,
				     .answers = condition->answers,
				     .seed = seed };
	struct campaign_hogs hogs;
	size_t got;

	campaign_hogs_start(condition->hogs, &hogs);
	got = campaign_run(&campaign, rows + row_count);
	campaign_hogs_stop(&hogs);
	row_count += got;
	cr_assert_geq(got, condition->answers * 9 / 10, "%zu of %zu answers",
		      got, condition->answers);
	if (!campaign.is_prompt)
		cr_log_warn("the observer runs among all others");
}

static void gather_all(const struct condition *condition)
{
	struct effort effort = effort_of(1);

	start(condition);
	while (row_count < ANSWERS_MOST && effort_more(&effort))
		gather(condition, effort_seed() + effort.done);
}

static void tell(const struct condition *condition, const char *what,
		 double value)
{
	char text[160];

	snprintf(text, sizeof(text), "%s, %s", condition->name, what);
	figure_of("G2", text, value, "");
}

static void tell_at_most(const struct condition *condition, const char *what,
			 double value, double limit)
{
	char text[160];

	snprintf(text, sizeof(text), "%s, %s", condition->name, what);
	figure_at_most("G2", text, value, "", limit);
}

static void tell_at_least(const struct condition *condition, const char *what,
			  double value, double limit)
{
	char text[160];

	snprintf(text, sizeof(text), "%s, %s", condition->name, what);
	figure_at_least("G2", text, value, "", limit);
}

/* All ten topics, then the rows for two. */
static struct classifier_verdict judge_ten(size_t permutations)
{
	struct classifier_verdict verdict;

	classifier_judge(rows, row_count, CAMPAIGN_TOPICS, permutations,
			 effort_seed(), &verdict);
	return verdict;
}

static struct classifier_verdict judge_two(size_t permutations)
{
	struct classifier_verdict verdict;

	campaign_halve(rows, row_count);
	classifier_judge(rows, row_count, 2, permutations, effort_seed(),
			 &verdict);
	return verdict;
}

/* The same judge on the same topics: so what it does not find is not there. */
static void expect_told_apart(const struct condition *condition, double least)
{
	struct classifier_verdict ten, two;

	start(condition);
	gather(condition, effort_seed());
	ten = judge_ten(0);
	two = judge_two(0);
	tell(condition, "ten topics AUC", ten.auc);
	tell(condition, "right of ten", ten.accuracy);
	tell_at_least(condition, "two topics AUC", two.auc, least);
}

static double limit_of(const struct classifier_verdict *verdict)
{
	return verdict->by_chance + DEVIATIONS * verdict->by_chance_sd;
}

/* Short of what a coin does with these rows; of many, below the limit, too. */
static void expect_no_better_than_chance(const struct condition *condition)
{
	struct classifier_verdict ten, two;
	size_t all;

	gather_all(condition);
	all = row_count;
	row_count = campaign_of_one_total(rows, row_count);
	cr_assert_geq(row_count, all / 2, "%zu of %zu have one total",
		      row_count, all);
	ten = judge_ten(PERMUTATIONS_TEN);
	two = judge_two(PERMUTATIONS);
	tell(condition, "answers", (double)all);
	tell(condition, "of them of one total", (double)row_count);
	tell(condition, "right of ten", ten.accuracy);
	tell(condition, "p of two topics", two.p);
	tell_at_most(condition, "ten topics AUC", ten.auc, limit_of(&ten));
	tell_at_most(condition, "two topics AUC", two.auc, limit_of(&two));
	if (row_count >= ANSWERS_OF_LIMIT)
		cr_assert_leq(two.auc, LIMIT);
}

Test(traffic, without_a_shape_topics_are_told_apart)
{
	expect_told_apart(&(struct condition){ "off", POLICY_SHAPE_OFF,
					       CAMPAIGN_REQUESTS, CALLERS_FEW,
					       0, ANSWERS_FEW },
			  TOLD_APART);
}

Test(traffic, without_a_shape_topics_are_told_apart_on_a_busy_machine)
{
	expect_told_apart(&(struct condition){ "off, busy", POLICY_SHAPE_OFF,
					       CAMPAIGN_REQUESTS, CALLERS_FEW,
					       HOGS, ANSWERS_FEW },
			  TOLD_APART);
}

/* Frames of one size, each when it is full: then times alone are left, and
 * whoever else computes on this machine is in them. */
Test(traffic, in_frames_of_one_size_times_tell_how_long_an_answer_is)
{
	expect_told_apart(&(struct condition){ "sized, long",
					       POLICY_SHAPE_SIZED,
					       CAMPAIGN_LENGTHS, CALLERS_FEW, 0,
					       ANSWERS_FEW },
			  TOLD_BY_TIMES);
}

Test(traffic, paced_answers_do_not_tell_their_topic)
{
	expect_no_better_than_chance(
		&(struct condition){ "paced", POLICY_SHAPE_PACED,
				     CAMPAIGN_REQUESTS, CALLERS, 0, ANSWERS });
}

Test(traffic, paced_answers_do_not_tell_their_topic_on_a_busy_machine)
{
	expect_no_better_than_chance(&(struct condition){
		"paced, busy", POLICY_SHAPE_PACED, CAMPAIGN_REQUESTS, CALLERS,
		HOGS, ANSWERS });
}

/* Each processor computes for several answers at a time. */
Test(traffic, paced_answers_do_not_tell_how_long_they_are)
{
	expect_no_better_than_chance(&(struct condition){
		"paced, long", POLICY_SHAPE_PACED, CAMPAIGN_LENGTHS,
		CALLERS_LONG, 0, ANSWERS_LONG });
}
