/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that neither work nor die: somebody stopped them.  They are noticed
 * and replaced, and who waited for them is told so.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "policy/limits.h"
#include "tests/figure.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/scenarios/talk.h"
#include "tests/support/swtpm.h"
#include "tests/system.h"

#define TICK_MS 25
#define FRAMES (10000 / TICK_MS) /* an answer takes longer than is patience */
#define PATIENCE_MS ((LIMIT_PULSES + 1) * PULSE_MS)
#define SLACK_MS 5000 /* for a busy machine */

static struct system pcc;
static struct swtpm chip;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
	if (chip.pid != 0)
		swtpm_stop(&chip);
}

TestSuite(hung, .fini = stop, .timeout = 120);

static void start(void)
{
	struct policy policy = system_policy();

	policy.workers = 1;
	policy.warm_workers = 1;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
}

static pid_t find(enum jail_role which)
{
	struct process_list workers;

	if (which != JAIL_WORKER)
		return process_role(pcc.pids[SYSTEM_NODE], which);
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	return workers.count > 0 ? workers.pids[0] : 0;
}

static void begin(struct talk *talk)
{
	const struct openai_question question = { .prompt = "Once upon a time",
						  .form = OPENAI_STREAMED,
						  .max_tokens = 8 };

	talk_begin(talk, pcc.client, &question);
	talk_await(talk);
}

/* Cut, and said to be; its text may have come before, and its padding not. */
static void expect_cut(const struct openai_answer *answer)
{
	cr_assert_eq(answer->status, 200);
	cr_assert_eq(answer->end, FETCH_CUT, "it ended as if it were whole");
	cr_assert_str_eq(answer->error_code, "stream_cut");
}

/* It begins an answer: that is the question, and its end would take long. */
static void expect_answers(void)
{
	uint64_t end = system_now_ms() + SLACK_MS;
	struct talk talk;
	pid_t busy;

	do {
		begin(&talk);
		busy = find(JAIL_WORKER);
		if (busy > 0)
			kill(busy, SIGKILL);
		talk_end(&talk);
	} while (talk.answer.status != 200 && system_now_ms() < end);
	cr_assert_eq(talk.answer.status, 200, "%ld", talk.answer.status);
}

static void stop_in_mid_answer(enum jail_role which, unsigned patience_ms,
			       const char *what)
{
	uint64_t stopped_ms, told_ms;
	struct talk talk;
	pid_t victim;

	start();
	victim = find(which);
	cr_assert_gt(victim, 0);
	begin(&talk);
	stopped_ms = system_now_ms();
	cr_assert_eq(kill(victim, SIGSTOP), 0);
	cr_assert_geq(process_await_end(victim, patience_ms + SLACK_MS), 0,
		      "it still is there");
	talk_end(&talk);
	expect_cut(&talk.answer);
	told_ms = talk.ended_ms - stopped_ms;
	figure_at_most("L7", what, (double)told_ms, "ms",
		       patience_ms + SLACK_MS);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
	cr_assert_neq(find(which), victim);
	expect_answers();
}

Test(hung, a_stopped_front_is_replaced_and_its_callers_are_told)
{
	stop_in_mid_answer(JAIL_FRONT, PATIENCE_MS, "told of a stopped front");
	cr_assert(system_await_log(&pcc, SYSTEM_NODE,
				   "role_ended role=1 how=2 signal=9", 1000),
		  "no line says that it was killed");
}

Test(hung, a_stopped_keeper_is_replaced_and_who_runs_is_told)
{
	stop_in_mid_answer(JAIL_KEEPER, PATIENCE_MS,
			   "told of a stopped keeper");
}

Test(hung, a_stopped_zygote_is_replaced_and_who_runs_is_told)
{
	stop_in_mid_answer(JAIL_ZYGOTE, PATIENCE_MS,
			   "told of a stopped zygote");
}

Test(hung, a_stopped_worker_is_killed_and_its_caller_is_told)
{
	stop_in_mid_answer(JAIL_WORKER, PULSE_MS, "told of a stopped worker");
	cr_assert(system_await_log(&pcc, SYSTEM_NODE,
				   "worker_ended how=2 signal=9 arena=0", 1000),
		  "no line says that its arena was wiped");
}

/* It may be with a TPM, so it has longer; and who asks it for nothing does not
 * notice. */
Test(hung, a_stopped_attester_is_replaced_and_the_node_serves_on)
{
	static const char *arguments[] = { "--evidence", "tpm2", "--tpm", NULL,
					   NULL };
	char address[SWTPM_PATH_MAX + 8];
	struct sealed_target target;
	pid_t victim;

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	swtpm_start(SWTPM_BLANK, &chip);
	snprintf(address, sizeof(address), "unix:%s", chip.socket);
	arguments[3] = address;
	system_tell(arguments, NULL);
	start();
	victim = find(JAIL_ATTESTER);
	cr_assert_gt(victim, 0);
	cr_assert(sealed_find(pcc.gateway, &target));
	cr_assert_eq(kill(victim, SIGSTOP), 0);
	cr_assert(sealed_is_answered(&target));
	cr_assert_geq(
		process_await_end(victim,
				  LIMIT_PULSES_ATTESTER * PULSE_MS + SLACK_MS),
		0, "it still is there");
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
	cr_assert(system_await_log(&pcc, SYSTEM_NODE,
				   "role_ended role=4 how=2 signal=9", 1000));
}

/* Nobody replaces it, and nobody needs it; what it missed it blames on none. */
Test(hung, a_stopped_supervisor_stops_no_answer_and_kills_nobody_afterwards)
{
	struct process_list before, after;
	struct talk talk;

	start();
	begin(&talk);
	process_children(pcc.pids[SYSTEM_NODE], &before);
	system_signal(&pcc, SYSTEM_NODE, SIGSTOP);
	system_sleep_ms(PATIENCE_MS + 2 * PULSE_MS);
	system_signal(&pcc, SYSTEM_NODE, SIGCONT);
	talk_end(&talk);
	cr_assert(openai_is_whole(&talk.answer) && talk.answer.is_done);
	system_sleep_ms(2 * PULSE_MS);
	process_children(pcc.pids[SYSTEM_NODE], &after);
	cr_assert_eq(before.count, after.count);
	for (size_t i = 0; i < before.count; i++)
		cr_assert_eq(before.pids[i], after.pids[i]);
}
