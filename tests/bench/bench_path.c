/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the way through every process costs, beside what the model costs: one
 * line of name, value and unit for each figure.
 *
 *     engine    inference/ alone, in this process
 *     off       pcc-client, gateway, node; frames as the text comes
 *     paced     the same, with frames at ticks
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "inference/generate.h"
#include "policy/limits.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/timed.h"
#include "tests/system.h"

#define ROUNDS 9
#define TOKENS 96
#define CONTEXT 256
#define THREADS 2
#define RATE_MS 3000
#define TICKS 256 /* frames whose distances are looked at */
#define PROMPT "Once upon a time"

/* Until the first of an answer, and from there on for each token of it. */
struct cost {
	double first_ms[ROUNDS];
	double token_ms[ROUNDS];
};

static void add(struct cost *cost, size_t round, uint64_t first_us,
		uint64_t all_us, unsigned tokens)
{
	cost->first_ms[round] = (double)first_us / 1e3;
	cost->token_ms[round] = (double)(all_us - first_us) / 1e3 /
				(double)(tokens > 1 ? tokens - 1 : 1);
}

static void print(const char *name, struct cost *cost)
{
	printf("path.%s.first %.2f ms\n", name,
	       timed_quantile(cost->first_ms, ROUNDS, 0.5));
	printf("path.%s.token %.3f ms\n", name,
	       timed_quantile(cost->token_ms, ROUNDS, 0.5));
}

static struct bytes map_model(void)
{
	SCOPED_FD file = open(system_model(), O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *memory;

	invariant(file >= 0 && fstat(file, &status) == 0);
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
		      file, 0);
	invariant(memory != MAP_FAILED);
	return (struct bytes){ memory, (size_t)status.st_size };
}

static void time_engine(const struct model *model, struct arena *arena,
			struct cost *cost, size_t round)
{
	struct generate_options options = { .temperature = 1,
					    .top_p = 1,
					    .seed = { 1 },
					    .tokens_max = TOKENS,
					    .context_max = CONTEXT };
	enum generate_state state = GENERATE_RUNNING;
	struct generation *generation;
	uint64_t began = system_now_us();
	uint64_t first = 0;
	struct bytes text;

	arena_wipe(arena);
	invariant(generate_start_text(model, arena, BYTES_LITERAL(PROMPT),
				      &options, &generation) == ERR_OK);
	while (state == GENERATE_RUNNING) {
		invariant(generate_step(generation, &text, &state) == ERR_OK);
		if (first == 0 && text.len > 0)
			first = system_now_us() - began;
	}
	add(cost, round, first, system_now_us() - began,
	    generate_usage(generation).answer_tokens);
}

static struct cost measure_engine(void)
{
	static const struct model_limits limits = LIMITS_MODEL_SHAPE;
	struct cost cost = { 0 };
	struct arena arena = { 0 };
	struct model *model;

	invariant(model_open(map_model(), &limits, NULL, &model) == ERR_OK);
	arena.size =
		generate_memory(model,
				&(struct generate_room){ .context_max = CONTEXT,
							 .threads = 1 }) +
		ARENA_ALIGNMENT;
	arena.base =
		aligned_alloc(ARENA_ALIGNMENT,
			      arena.size / ARENA_ALIGNMENT * ARENA_ALIGNMENT);
	arena.size = arena.size / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
	for (size_t i = 0; i < ROUNDS; i++)
		time_engine(model, &arena, &cost, i);
	free(arena.base);
	model_close(model);
	print("engine", &cost);
	return cost;
}

static void start(const struct policy *policy, struct system *out)
{
	const char *wrong = system_start(policy, SYSTEM_AS_CALLER, out);

	if (wrong != NULL) {
		fprintf(stderr, "bench_path: %s\n", wrong);
		exit(EXIT_FAILURE);
	}
}

static struct cost measure_answers(const struct system *system)
{
	struct openai_question question = { .prompt = PROMPT,
					    .form = OPENAI_STREAMED,
					    .seed = 1,
					    .max_tokens = TOKENS };
	static struct openai_answer answer;
	struct cost cost = { 0 };

	for (size_t i = 0; i < ROUNDS; i++) {
		openai_complete(system->client, &question, &answer);
		invariant(openai_is_whole(&answer));
		add(&cost, i, answer.first_us, answer.last_us,
		    answer.answer_tokens);
	}
	return cost;
}

/* Requests that are answered in turn by one thread, each of one token. */
struct asker {
	pthread_t thread;
	struct sealed_target target;
	uint64_t until_ms;
	unsigned answered, failed;
};

static void *keep_asking(void *argument)
{
	struct asker *asker = argument;

	while (system_now_ms() < asker->until_ms)
		if (sealed_is_answered(&asker->target))
			asker->answered++;
		else
			asker->failed++;
	return NULL;
}

static void *ask_once(void *argument)
{
	struct asker *asker = argument;

	asker->answered += sealed_is_answered(&asker->target);
	return NULL;
}

static void measure_rate(const struct system *system)
{
	struct asker askers[THREADS] = { 0 };
	unsigned answered = 0, failed = 0;

	for (size_t i = 0; i < THREADS; i++) {
		invariant(sealed_find(system->gateway, &askers[i].target));
		askers[i].until_ms = system_now_ms() + RATE_MS;
		invariant(pthread_create(&askers[i].thread, NULL, keep_asking,
					 &askers[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(askers[i].thread, NULL);
		answered += askers[i].answered;
		failed += askers[i].failed;
	}
	printf("path.off.rate %.0f requests/s\n", answered * 1e3 / RATE_MS);
	printf("path.off.failed %u requests\n", failed);
}

/* The youngest child, last in the kernel's own list; 0 where it has none. */
static pid_t youngest(pid_t zygote)
{
	char path[64], text[512] = "";
	const char *last;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", zygote,
		 zygote);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	if (text[0] != '\0' && text[strlen(text) - 1] == ' ')
		text[strlen(text) - 1] = '\0';
	last = strrchr(text, ' ');
	return (pid_t)strtol(last != NULL ? last : text, NULL, 10);
}

/* From the moment that a new worker exists until its jail is closed. */
static void measure_fork(const struct system *system)
{
	pid_t zygote = process_role(system->pids[SYSTEM_NODE], JAIL_ZYGOTE);
	char filters[PROCESS_VALUE_MAX], value[PROCESS_VALUE_MAX];
	struct asker asker = { 0 };
	double ms[ROUNDS];

	if (youngest(zygote) == 0)
		return;
	process_status(zygote, "Seccomp_filters", filters);
	invariant(sealed_find(system->gateway, &asker.target));
	for (size_t i = 0; i < ROUNDS; i++) {
		pid_t before = youngest(zygote), now = before;
		uint64_t end = system_now_ms() + 2000;
		uint64_t born;

		invariant(pthread_create(&asker.thread, NULL, ask_once,
					 &asker) == 0);
		/* The one before may be what answers, and be gone. */
		while (now <= before && system_now_ms() < end)
			now = youngest(zygote);
		born = system_now_us();
		do
			process_status(now, "Seccomp_filters", value);
		while (strcmp(value, filters) == 0 && system_now_ms() < end);
		ms[i] = (double)(system_now_us() - born) / 1e3;
		pthread_join(asker.thread, NULL);
		system_sleep_ms(50);
	}
	printf("node.fork_to_ready %.2f ms\n", timed_quantile(ms, ROUNDS, 0.5));
}

static void print_memory(const char *name, pid_t pid)
{
	printf("memory.%s.rss %.1f MiB\n", name,
	       (double)process_memory_kib(pid, "Rss") / 1024);
	printf("memory.%s.pss %.1f MiB\n", name,
	       (double)process_memory_kib(pid, "Pss") / 1024);
}

static void measure_memory(const struct system *system)
{
	pid_t node = system->pids[SYSTEM_NODE];
	struct process_list workers;

	process_workers(node, &workers);
	print_memory("supervisor", node);
	print_memory("front", process_role(node, JAIL_FRONT));
	print_memory("keeper", process_role(node, JAIL_KEEPER));
	print_memory("zygote", process_role(node, JAIL_ZYGOTE));
	if (workers.count > 0)
		print_memory("worker", workers.pids[0]);
	print_memory("gateway", system->pids[SYSTEM_GATEWAY]);
	print_memory("client", system->pids[SYSTEM_CLIENT]);
}

/* How far frames are apart that should leave at ticks. */
static void measure_ticks(const struct system *system, uint32_t tick_ms)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_target target;
	struct sealed_request request;
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);
	double apart_ms[TICKS], off_ms[TICKS];
	size_t count = 0;

	invariant(sealed_find(system->gateway, &target));
	sealed_inner_question(PROMPT, 1, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(&target, &request, response);
	invariant(response->status == 200 && response->piece_count > 2);
	for (size_t i = 1; i < response->piece_count && count < TICKS; i++) {
		const struct fetch_piece *piece = &response->pieces[i];

		apart_ms[count] = (double)(piece->us - piece[-1].us) / 1e3;
		off_ms[count] = apart_ms[count] - tick_ms;
		if (off_ms[count] < 0)
			off_ms[count] = -off_ms[count];
		count++;
	}
	printf("path.paced.frame %.2f ms\n",
	       timed_quantile(apart_ms, count, 0.5));
	printf("path.paced.jitter_p50 %.2f ms\n",
	       timed_quantile(off_ms, count, 0.5));
	printf("path.paced.jitter_p99 %.2f ms\n",
	       timed_quantile(off_ms, count, 0.99));
	sealed_free(&request);
	free(response);
}

static struct cost measure_off(void)
{
	struct policy policy = system_policy();
	struct system system;
	struct cost cost;

	policy.shape = POLICY_SHAPE_OFF;
	start(&policy, &system);
	cost = measure_answers(&system);
	print("off", &cost);
	measure_rate(&system);
	measure_fork(&system);
	(void)process_await_node(system.pids[SYSTEM_NODE], policy.warm_workers,
				 2000);
	measure_memory(&system);
	(void)system_stop(&system);
	return cost;
}

static void measure_paced(void)
{
	struct policy policy = system_policy();
	struct system system;
	struct cost cost;

	start(&policy, &system);
	cost = measure_answers(&system);
	/* Its tokens take what its frames take: see path.paced.frame. */
	printf("path.paced.first %.2f ms\n",
	       timed_quantile(cost.first_ms, ROUNDS, 0.5));
	(void)system_stop(&system);

	policy.total_buckets[0] = TICKS;
	policy.total_bucket_count = 1;
	start(&policy, &system);
	measure_ticks(&system, policy.tick_ms);
	(void)system_stop(&system);
}

int main(void)
{
	struct cost engine, off;

	if (system_model() == NULL) {
		fprintf(stderr, "bench_path: no model is present\n");
		return EXIT_FAILURE;
	}
	engine = measure_engine();
	off = measure_off();
	printf("path.over_engine.first %.2f ms\n",
	       timed_quantile(off.first_ms, ROUNDS, 0.5) -
		       timed_quantile(engine.first_ms, ROUNDS, 0.5));
	printf("path.over_engine.token %.3f ms\n",
	       timed_quantile(off.token_ms, ROUNDS, 0.5) -
		       timed_quantile(engine.token_ms, ROUNDS, 0.5));
	measure_paced();
	return EXIT_SUCCESS;
}
