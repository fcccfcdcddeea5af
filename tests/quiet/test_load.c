/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many streams at once, each held against the one answer that its seed has,
 * and more of them than a node can take.
 */
#include <criterion/criterion.h>
#include <signal.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/crowd.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define TOKENS 32
#define STREAMS 16
#define STREAM_MS 3000 /* of each round of requests */
#define ROUNDS 2
#define WORKERS 8
#define CONTROL_MS 1000
#define TICK_MS 10
#define PAUSE_MS 100
#define TOLD_MS 50.0 /* what is claimed */

static struct system pcc;
static struct crowd_lesson lesson;

static void start(enum policy_shape shape, uint32_t workers, uint32_t queue)
{
	struct policy policy = system_policy();
	const char *wrong;

	policy.shape = shape;
	policy.tick_ms = TICK_MS;
	policy.workers = workers;
	policy.warm_workers = workers;
	policy.threads = 1;
	policy.queue = queue;
	policy.context_tokens = 256;
	policy.output_tokens_max = TOKENS;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], workers, 20000));
	wrong = crowd_learn(pcc.gateway, TOKENS, &lesson);
	cr_assert_null(wrong, "%s", wrong);
}

static void stop(void)
{
	crowd_forget(&lesson);
	system_stop_or_fail(&pcc);
}

TestSuite(load, .fini = stop, .timeout = 36000);

static struct crowd begin(size_t clients, unsigned ms, uint64_t seed)
{
	struct crowd_plan plan = { .clients = clients,
				   .until_ms = system_now_ms() + ms,
				   .pause_ms = PAUSE_MS,
				   .seed = seed };
	struct crowd crowd;

	crowd_begin(&lesson, &plan, &crowd);
	return crowd;
}

static void add(struct crowd_result *sum, const struct crowd_result *more)
{
	if (more->stray[0] != '\0')
		cr_log_info("%s", more->stray);
	sum->whole += more->whole;
	sum->refused += more->refused;
	sum->lost += more->lost;
	sum->corrupted += more->corrupted;
	sum->seconds += more->seconds;
}

/* What the same clients say of answers to another question than theirs. */
static uint64_t count_of_wrong_answers(void)
{
	struct crowd_question first = lesson.questions[0];
	struct crowd_result result;
	struct crowd crowd;

	for (size_t i = 0; i + 1 < CROWD_QUESTIONS; i++)
		lesson.questions[i] = lesson.questions[i + 1];
	lesson.questions[CROWD_QUESTIONS - 1] = first;
	crowd = begin(2, CONTROL_MS, effort_seed());
	result = crowd_end(&crowd);
	return result.corrupted;
}

/* And of those that a node which is killed cannot end. */
static uint64_t count_of_cut_answers(void)
{
	struct crowd_result result;
	struct crowd crowd = begin(STREAMS, CONTROL_MS, effort_seed());

	system_sleep_ms(CONTROL_MS / 2);
	system_signal(&pcc, SYSTEM_NODE, SIGKILL);
	result = crowd_end(&crowd);
	return result.lost;
}

static void stream_under(enum policy_shape shape, const char *lost,
			 const char *corrupted)
{
	struct effort effort = effort_of(ROUNDS);
	struct crowd_result sum = { 0 };
	uint64_t wrong, cut;

	start(shape, WORKERS, 64);
	while (effort_more(&effort)) {
		struct crowd crowd =
			begin(STREAMS, STREAM_MS, effort_seed() + effort.done);
		struct crowd_result result = crowd_end(&crowd);

		add(&sum, &result);
	}
	cr_log_info("%lu whole, %lu refused in %.1f s", sum.whole, sum.refused,
		    sum.seconds);
	wrong = count_of_wrong_answers();
	cut = count_of_cut_answers();
	(void)system_await_end(&pcc, SYSTEM_NODE, 1000);
	figure_none("L5", lost, sum.lost, sum.whole + sum.lost, cut);
	figure_none("L5", corrupted, sum.corrupted, sum.whole, wrong);
}

Test(load, of_sixteen_streams_at_once_none_is_lost_and_no_byte_is_another)
{
	stream_under(POLICY_SHAPE_OFF, "unshaped answers lost",
		     "unshaped answers with another byte");
}

Test(load, of_sixteen_paced_streams_none_is_lost_and_no_byte_is_another)
{
	stream_under(POLICY_SHAPE_PACED, "paced answers lost",
		     "paced answers with another byte");
}

Test(load, who_finds_no_place_is_told_in_50_ms_and_no_other_loses_anything)
{
	struct effort effort = effort_of(1);
	double slowest = 0, usual = 0;
	struct crowd_result sum = { 0 };

	start(POLICY_SHAPE_PACED, 2, 2);
	while (effort_more(&effort)) {
		struct crowd crowd =
			begin(STREAMS, STREAM_MS, effort_seed() + effort.done);
		struct crowd_result result = crowd_end(&crowd);

		add(&sum, &result);
		usual = result.refusal_p50;
		if (result.refusal_p99 > slowest)
			slowest = result.refusal_p99;
	}
	cr_log_info("%lu whole, %lu refused, p50 %.1f ms", sum.whole,
		    sum.refused, usual);
	cr_assert_gt(sum.whole, 0);
	cr_assert_gt(sum.refused, sum.whole);
	cr_assert_eq(sum.corrupted, 0);
	figure_all("C4", "accepted while others were refused, and whole",
		   sum.whole, sum.whole + sum.lost);
	figure_at_most("C4", "typed refusals: p99", slowest, "ms", TOLD_MS);
}
