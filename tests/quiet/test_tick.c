/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When frames leave a node that shares its machine with two processes that
 * never rest, as somebody sees it who watches the node's own socket.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/figure.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/campaign.h"
#include "tests/support/observer.h"
#include "tests/support/timed.h"

#define HOGS 2
#define FRAMES 1024    /* of an answer */
#define FRAMES_FEW 256 /* where no claim is made */

static struct system pcc;
static struct observer *observer;

static void stop(void)
{
	system_stop_or_fail(&pcc);
	if (observer != NULL)
		observer_close(observer);
	observer = NULL;
}

TestSuite(tick, .fini = stop);

static const char *observe(const char *socket)
{
	static char path[SYSTEM_PATH_MAX];

	snprintf(path, sizeof(path), "%.80s.seen", socket);
	observer = observer_of_socket(socket, path);
	/* Gateways of ordinary users, too. */
	return observer != NULL && chmod(path, 0777) == 0 ? path : socket;
}

static struct policy policy; /* with ticks and frames as a default has them */

static void choose_policy(uint32_t frames)
{
	policy = system_policy();
	policy.total_buckets[0] = frames;
	policy.total_bucket_count = 1;
}

static void ask(const struct sealed_target *target)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_request request;
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);

	sealed_inner_question("Once", 8, &inner);
	sealed_make(target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(target, &request, response);
	cr_assert_eq(response->status, 200);
	cr_assert_eq(response->end, FETCH_WHOLE);
	sealed_free(&request);
	free(response);
}

/*
 * How far the times between two frames were from the tick, in milliseconds.  A
 * segment that has a frame is as long as one at least.
 */
static size_t read_jitter(double *ms)
{
	static struct observer_notes notes;
	uint64_t before = 0;
	size_t count = 0;

	observer_take(observer, &notes);
	for (size_t i = 0; i < notes.count; i++) {
		const struct observer_segment *segment = &notes.segments[i];

		if (segment->len < policy.frame_bytes)
			continue;
		if (before != 0 && count < FRAMES)
			ms[count++] =
				fabs((double)(segment->ns - before) / 1e6 -
				     policy.tick_ms);
		before = segment->ns;
	}
	return count;
}

static size_t measure(double *ms)
{
	struct sealed_target target;
	struct campaign_hogs hogs;
	size_t count;

	cr_assert_not_null(observer);
	cr_assert(sealed_find(pcc.gateway, &target));
	campaign_hogs_start(HOGS, &hogs);
	ask(&target);
	count = read_jitter(ms);
	campaign_hogs_stop(&hogs);
	cr_assert_geq(count, policy.total_buckets[0] * 9 / 10,
		      "%zu frames were seen", count);
	return count;
}

/* Ticks at which a worker had given no frame yet: nothing left. */
static double count_missing(const double *ms, size_t count)
{
	size_t missing = 0;

	for (size_t i = 0; i < count; i++)
		missing += ms[i] > 0.9 * policy.tick_ms;
	return (double)missing;
}

static double percent(double *ms, size_t count, double part)
{
	return 100 * timed_quantile(ms, count, part) / policy.tick_ms;
}

Test(tick, frames_leave_on_time_beside_processes_that_never_rest)
{
	static double ms[FRAMES];
	size_t count;

	choose_policy(FRAMES);
	system_between(observe);
	system_start_or_skip(&policy, &pcc);
	if (!system_await_log(&pcc, SYSTEM_NODE, "pacing priority=0", 1000))
		cr_skip_test("no process may have real-time priority here");
	count = measure(ms);
	figure_of("G3", "ticks without a frame", count_missing(ms, count), "");
	figure_of("G3", "jitter of ticks, p50", percent(ms, count, 0.5), "%");
	figure_of("G3", "p99", percent(ms, count, 0.99), "%");
	figure_at_most("G3", "p99.9", percent(ms, count, 0.999), "%", 20);
}

/* What the priority is worth is told, with no limit; and that it is missing. */
Test(tick, without_the_priority_frames_leave_and_the_log_says_so)
{
	static double ms[FRAMES];
	const char *wrong;
	size_t count;

	choose_policy(FRAMES_FEW);
	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	if (!system_gives_namespaces())
		cr_skip_test("an ordinary user may not make namespaces here");
	system_between(observe);
	wrong = system_start(&policy, SYSTEM_AS_ORDINARY, &pcc);
	cr_assert_null(wrong, "%s", wrong);
	cr_assert(
		system_await_log(&pcc, SYSTEM_NODE, "pacing priority=1", 1000));
	count = measure(ms);
	figure_of("G3", "without real-time priority, p99",
		  percent(ms, count, 0.99), "%");
}
