/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node under load: what clients get who ask side by side, each again as soon
 * as it was answered, every byte of every answer checked.
 *
 *     bench_load [--table] [MILLISECONDS]
 *
 *     off, paced   the shape of answers
 *     enough       as many workers as clients may come: who waits or is refused
 *                  then is so while a worker that was used up is replaced
 *     few          four workers and four places to wait; who finds these taken
 *                  is told so, and asks again after 100 ms
 *
 * A line of name, value and unit for each figure, or with --table the rows of
 * a Markdown table.  The clients are threads of this program and share its
 * processors; the way is theirs to the gateway, no pcc-client between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/crowd.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define STEP_MS 1500 /* that clients go on asking, for each number of them */
#define TOKENS 32
#define CONTEXT 256
#define PAUSE_MS 100
#define ENOUGH CROWD_CLIENTS_MAX
#define FEW 4
#define WARM_REQUESTS 2 /* of each client, before anything is measured */

static const size_t clients[] = { 1, 2, 4, 8, 16, 64 };
#define STEPS (sizeof(clients) / sizeof(clients[0]))

enum form {
	LINES,
	TABLE
};

static void start(enum policy_shape shape, uint32_t workers, uint32_t queue,
		  struct system *out)
{
	struct policy policy = system_policy();
	const char *wrong;

	policy.shape = shape;
	policy.workers = workers;
	policy.warm_workers = workers;
	policy.threads = 1;
	policy.queue = queue;
	policy.context_tokens = CONTEXT;
	policy.output_tokens_max = TOKENS;
	wrong = system_start(&policy, SYSTEM_AS_CALLER, out);
	if (wrong == NULL &&
	    !process_await_node(out->pids[SYSTEM_NODE], workers, 20000))
		wrong = "its workers are not there in time";
	if (wrong == NULL)
		return;
	fprintf(stderr, "bench_load: %s\n", wrong);
	exit(EXIT_FAILURE);
}

static void tell(const char *name, size_t count,
		 const struct crowd_result *result)
{
	const struct {
		const char *what;
		double value;
		const char *unit;
	} lines[] = {
		{ "answers", (double)result->whole / result->seconds,
		  "answers/s" },
		{ "tokens", (double)result->tokens / result->seconds,
		  "tokens/s" },
		{ "first.p50", result->first_p50, "ms" },
		{ "first.p99", result->first_p99, "ms" },
		{ "total.p50", result->total_p50, "ms" },
		{ "total.p99", result->total_p99, "ms" },
		{ "refused", (double)result->refused / result->seconds,
		  "refusals/s" },
		{ "refusal.p50", result->refusal_p50, "ms" },
		{ "refusal.p99", result->refusal_p99, "ms" },
		{ "lost", (double)result->lost, "answers" },
		{ "corrupted", (double)result->corrupted, "answers" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		printf("load.%s.%zu.%s %.2f %s\n", name, count, lines[i].what,
		       lines[i].value, lines[i].unit);
}

static void tell_row(const char *name, size_t count,
		     const struct crowd_result *result)
{
	printf("| %s | %zu | %.0f | %.0f | %.1f, %.1f | %.1f, %.1f | ", name,
	       count, (double)result->whole / result->seconds,
	       (double)result->tokens / result->seconds, result->first_p50,
	       result->first_p99, result->total_p50, result->total_p99);
	if (result->refused == 0)
		printf("0 | |");
	else
		printf("%.0f | %.1f, %.1f |",
		       (double)result->refused / result->seconds,
		       result->refusal_p50, result->refusal_p99);
	printf(" %lu, %lu |\n", result->lost, result->corrupted);
}

/* An arena's pages are the kernel's to find when they are first touched. */
static void touch_all(const struct crowd_lesson *lesson)
{
	struct crowd_plan plan = { .clients = CROWD_CLIENTS_MAX,
				   .until_ms = UINT64_MAX,
				   .requests = WARM_REQUESTS,
				   .pause_ms = PAUSE_MS };
	struct crowd crowd;

	crowd_begin(lesson, &plan, &crowd);
	(void)crowd_end(&crowd);
}

static void measure(enum policy_shape shape, uint32_t workers, enum form form,
		    unsigned ms)
{
	const char *name = workers == ENOUGH ? "enough" : "few";
	char full[32];
	struct crowd_lesson lesson;
	struct system system;
	const char *wrong;

	if (form == TABLE)
		snprintf(full, sizeof(full), "%s, %s",
			 shape == POLICY_SHAPE_OFF ? "unshaped" : "paced",
			 name);
	else
		snprintf(full, sizeof(full), "%s.%s",
			 shape == POLICY_SHAPE_OFF ? "off" : "paced", name);
	start(shape, workers, FEW, &system);
	wrong = crowd_learn(system.gateway, TOKENS, &lesson);
	if (wrong == NULL)
		touch_all(&lesson);
	for (size_t i = 0; i < STEPS && wrong == NULL; i++) {
		struct crowd_plan plan = {
			.clients = clients[i],
			.until_ms = system_now_ms() + ms,
			.pause_ms = PAUSE_MS,
			.seed = i,
		};
		struct crowd_result result;
		struct crowd crowd;

		crowd_begin(&lesson, &plan, &crowd);
		result = crowd_end(&crowd);
		(form == LINES ? tell : tell_row)(full, clients[i], &result);
		if (result.stray[0] != '\0')
			fprintf(stderr, "bench_load: %s\n", result.stray);
	}
	crowd_forget(&lesson);
	if (wrong == NULL)
		wrong = system_stop(&system);
	if (wrong == NULL)
		return;
	fprintf(stderr, "bench_load: %s\n", wrong);
	exit(EXIT_FAILURE);
}

int main(int count, char **arguments)
{
	enum form form = LINES;
	unsigned ms = STEP_MS;

	for (int i = 1; i < count; i++) {
		if (strcmp(arguments[i], "--table") == 0)
			form = TABLE;
		else
			ms = (unsigned)strtoul(arguments[i], NULL, 10);
	}
	if (system_obstacle() != NULL)
		die(system_obstacle());
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	measure(POLICY_SHAPE_OFF, ENOUGH, form, ms);
	measure(POLICY_SHAPE_OFF, FEW, form, ms);
	measure(POLICY_SHAPE_PACED, ENOUGH, form, ms);
	measure(POLICY_SHAPE_PACED, FEW, form, ms);
	return EXIT_SUCCESS;
}
