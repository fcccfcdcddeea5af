/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threads of one process share, for ThreadSanitizer to watch (`make race`):
 * a team and what it computes, a model's engine, an answer between the thread
 * that says it and the one that seals it.  No test itself: Criterion and that
 * sanitizer do not go together.
 *
 *     racing            66 where a race was seen
 *     racing control    a race that has to be seen
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/answer.h"
#include "tests/support/timed.h"

#define MEMBERS 4
#define ROUNDS 5000
#define PIECES 20000

static struct {
	uint64_t cells[MEMBERS];
	uint64_t round;
} shared;

/* Each reads what another wrote in the round before. */
static void pass_on(void *context, size_t member)
{
	uint64_t *from = context;

	shared.cells[member] = from[(member + 1) % MEMBERS] + shared.round;
}

static void run_team(void)
{
	uint64_t before[MEMBERS] = { 0 };
	struct team *team;

	timed_must(team_open(MEMBERS, &team));
	for (shared.round = 0; shared.round < ROUNDS; shared.round++) {
		team_run(team, pass_on, before);
		memcpy(before, shared.cells, sizeof(before));
	}
	team_close(team);
	printf("team: %llu rounds\n", (unsigned long long)shared.round);
}

/* With tracks dealt, and with every step shared. */
static void run_engine(const char *path, enum engine_deal deal)
{
	const struct model *model = timed_model(path);
	struct timed_how how = { .config = model->config,
				 .deal = deal,
				 .context = 256 };
	struct timed *timed;

	timed_must(team_open(2, &how.team));
	timed = timed_open(model, &how);
	(void)timed_prefill(timed, 64);
	(void)timed_decode(timed, 0.5);
	team_close(how.team);
	puts("engine: a prompt and its answer");
}

static struct answer answer;

static void *say(void *nothing)
{
	uint8_t piece[32];

	answer_begin(&answer, 200, ANSWER_EVENTS);
	for (size_t i = 0; i < PIECES; i++) {
		memset(piece, (int)i, sizeof(piece));
		answer_add(&answer,
			   (struct bytes){ piece, 1 + i % sizeof(piece) });
	}
	answer_end(&answer, BYTES_LITERAL("receipt"));
	return nothing;
}

static void run_answer(void)
{
	static _Alignas(64) uint8_t memory[8192];
	struct arena arena = { memory, sizeof(memory), 0 };
	struct answer_view view = { 0 };
	pthread_t thread;
	size_t total = 0;

	timed_must(answer_init(&answer, &arena, 4096));
	if (pthread_create(&thread, NULL, say, NULL) != 0)
		die("no thread");
	answer_wait(&answer, ANSWER_WAIT_BEGUN, &view);
	while (!view.ended || view.waiting > 0) {
		uint8_t frame[512];
		struct writer out = WRITER_OVER(frame);
		size_t len = view.waiting < 512 ? view.waiting : 512;

		timed_must(answer_take(&answer, len, &out));
		total += len;
		answer_wait(&answer, ANSWER_WAIT_BYTES, &view);
	}
	(void)pthread_join(thread, NULL);
	printf("answer: %zu bytes\n", total);
}

static void *count(void *cell)
{
	for (size_t i = 0; i < ROUNDS; i++)
		*(volatile uint64_t *)cell += 1;
	return NULL;
}

static void race(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, count, &shared.round) != 0)
		die("no thread");
	(void)count(&shared.round);
	(void)pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "control") == 0) {
		race();
		return 0;
	}
	run_team();
	run_answer();
	run_engine("models/home.gguf", ENGINE_TRACKS);
	run_engine("models/home.gguf", ENGINE_TENSORS);
	return 0;
}
