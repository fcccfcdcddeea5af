/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody sees who watches the bytes of a gateway, for each shape that a
 * policy can ask for.
 */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/figure.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/system.h"

#define FRAME 512
#define TICK_MS 20
#define TICK_US (1000 * TICK_MS)
#define LEAST 16 /* frames: the first total of system_policy() */

static struct system pcc;
static struct sealed_target target;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(shape, .fini = stop);

static struct policy policy_of(enum policy_shape shape)
{
	struct policy policy = system_policy();

	policy.shape = shape;
	policy.frame_bytes = FRAME;
	policy.tick_ms = TICK_MS;
	return policy;
}

static void start(enum policy_shape shape)
{
	struct policy policy = policy_of(shape);

	system_start_or_skip(&policy, &pcc);
	cr_assert(sealed_find(pcc.gateway, &target));
}

/* As different as can be, and all of them short. */
static const struct short_request {
	const char *method, *path, *body;
	unsigned status; /* inside */
} short_requests[] = {
	{ "POST", "/v1/completions",
	  "{\"model\":\"" SYSTEM_MODEL_NAME "\",\"prompt\":\"Once\","
	  "\"max_tokens\":1}",
	  200 },
	{ "POST", "/v1/completions",
	  "{\"model\":\"" SYSTEM_MODEL_NAME
	  "\",\"prompt\":\"There was a girl who\","
	  "\"max_tokens\":12,\"stream\":true}",
	  200 },
	{ "GET", "/v1/models", "", 200 },
	{ "GET", "/nothing/is/here", "", 404 },
	{ "POST", "/v1/completions", "{", 400 },
	{ "POST", "/v1/completions", "{\"model\":\"another\",\"prompt\":\"x\"}",
	  404 },
};

#define SHORT_REQUESTS (sizeof(short_requests) / sizeof(short_requests[0]))

/* Send it, hold the answer against the status inside, return what was seen. */
static struct fetch_response *look_at(const struct short_request *request,
				      enum ohttp_form form)
{
	struct fetch_response *response = fetch_response_new();
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);
	struct sealed_request sealed;
	struct sealed_answer answer;

	sealed_inner(request->method, request->path, request->body, &inner);
	sealed_make(&target, form, bytes_written(&inner), &sealed);
	sealed_send_request(&target, &sealed, response);
	cr_assert_eq(response->status, 200, "%ld", response->status);
	cr_assert_eq(sealed_open(&sealed, response, &answer), ERR_OK);
	cr_assert_eq(answer.status, request->status, "%u: %s", answer.status,
		     answer.content);
	free(answer.content);
	sealed_free(&sealed);
	return response;
}

static void expect_one_size(enum ohttp_form form)
{
	size_t good = 0;

	for (size_t i = 0; i < SHORT_REQUESTS; i++) {
		struct fetch_response *seen = look_at(&short_requests[i], form);

		cr_expect_eq(seen->len, LEAST * FRAME, "%s %s: %zu bytes",
			     short_requests[i].path, short_requests[i].body,
			     seen->len);
		good += seen->len == LEAST * FRAME;
		free(seen);
	}
	figure_all("G1", "answers and refusals of one size", good,
		   SHORT_REQUESTS);
}

Test(shape, every_short_answer_and_refusal_has_one_size_when_paced)
{
	start(POLICY_SHAPE_PACED);
	expect_one_size(OHTTP_CHUNKED);
}

Test(shape, every_short_answer_and_refusal_has_one_size_when_sized)
{
	start(POLICY_SHAPE_SIZED);
	expect_one_size(OHTTP_CHUNKED);
}

Test(shape, the_unchunked_form_has_the_same_one_size)
{
	start(POLICY_SHAPE_PACED);
	expect_one_size(OHTTP_UNCHUNKED);
}

Test(shape, without_a_shape_sizes_tell_answers_apart)
{
	size_t sizes[SHORT_REQUESTS];
	size_t different = 0;

	start(POLICY_SHAPE_OFF);
	for (size_t i = 0; i < SHORT_REQUESTS; i++) {
		struct fetch_response *seen =
			look_at(&short_requests[i], OHTTP_CHUNKED);

		sizes[i] = seen->len;
		different += i > 0 && sizes[i] != sizes[0];
		cr_expect_lt(seen->len, LEAST * FRAME);
		free(seen);
	}
	/* The control of the three tests above: they could have failed. */
	figure_at_least("G1", "other sizes without a shape", (double)different,
			"", 1);
}

/* An answer of the most tokens, which takes more than the first total. */
static struct fetch_response *look_at_a_long_answer(void)
{
	struct fetch_response *response = fetch_response_new();
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);
	struct sealed_request sealed;
	struct sealed_answer answer;

	sealed_inner("POST", "/v1/completions",
		     "{\"model\":\"" SYSTEM_MODEL_NAME
		     "\",\"prompt\":\"Once upon a "
		     "time\",\"stream\":true,\"seed\":3}",
		     &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &sealed);
	sealed_send_request(&target, &sealed, response);
	cr_assert_eq(sealed_open(&sealed, response, &answer), ERR_OK);
	cr_assert_eq(answer.status, 200);
	free(answer.content);
	sealed_free(&sealed);
	return response;
}

Test(shape, the_bytes_of_any_answer_are_one_of_the_policys_totals)
{
	struct policy policy = policy_of(POLICY_SHAPE_PACED);
	struct fetch_response *seen;
	bool found = false;

	start(POLICY_SHAPE_PACED);
	seen = look_at_a_long_answer();
	for (size_t i = 0; i < policy.total_bucket_count; i++)
		found = found ||
			seen->len == (size_t)policy.total_buckets[i] * FRAME;
	cr_assert(found, "%zu bytes", seen->len);
	figure_at_most("G4", "totals that a policy may name",
		       POLICY_BUCKETS_MAX, "", 8);
	free(seen);
}

/*
 * Frames may be late on a busy machine, and then two arrive as one piece; but
 * none is ever early, and no burst makes up for what was missed.
 */
Test(shape, one_frame_leaves_at_a_tick)
{
	struct fetch_response *seen;
	const struct fetch_piece *first, *last;

	start(POLICY_SHAPE_PACED);
	seen = look_at(&short_requests[0], OHTTP_CHUNKED);
	first = &seen->pieces[0];
	last = &seen->pieces[seen->piece_count - 1];
	cr_assert_geq(seen->piece_count, LEAST / 2, "%zu pieces",
		      seen->piece_count);
	for (size_t i = 0; i < seen->piece_count; i++) {
		const struct fetch_piece *piece = &seen->pieces[i];
		uint64_t ticks = (piece->us - first->us) / TICK_US;

		cr_assert_eq(piece->len % FRAME, 0, "%zu bytes", piece->len);
		cr_assert_leq(piece->len / FRAME, ticks + 3,
			      "%zu frames in %lu ticks", piece->len / FRAME,
			      ticks);
	}
	cr_assert_geq(last->us - first->us, (LEAST - 3) * TICK_US);
	free(seen);
}

Test(shape, sized_frames_do_not_wait_for_a_tick)
{
	struct fetch_response *seen;

	start(POLICY_SHAPE_SIZED);
	seen = look_at(&short_requests[2], OHTTP_CHUNKED);
	cr_assert_lt(seen->us, (LEAST - 1) * TICK_US, "%lu us", seen->us);
	free(seen);
}

/* Whether the kernel runs this thread before all others. */
static bool is_real_time(pid_t thread)
{
	int policy = sched_getscheduler(thread);

	return policy >= 0 && (policy & ~SCHED_RESET_ON_FORK) != SCHED_OTHER;
}

/* Of a node's threads the one that paces, if that is permitted here. */
Test(shape, no_thread_but_the_one_that_paces_runs_before_others)
{
	struct process_list all, threads;
	size_t found = 0, most;
	pid_t front;

	start(POLICY_SHAPE_PACED);
	cr_assert(
		system_await_log(&pcc, SYSTEM_NODE, "pacing priority=", 2000));
	most = system_await_log(&pcc, SYSTEM_NODE, "pacing priority=0", 0);
	front = process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT);
	cr_assert_eq(is_real_time(front), most == 1);
	process_node(pcc.pids[SYSTEM_NODE], &all);
	cr_assert_gt(all.count, 4);
	for (size_t i = 0; i < all.count; i++) {
		process_threads(all.pids[i], &threads);
		for (size_t j = 0; j < threads.count; j++)
			found += is_real_time(threads.pids[j]);
	}
	cr_assert_eq(found, most, "%zu threads", found);
}
