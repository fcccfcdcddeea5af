/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the engine reads a prompt and answers: a line of name, value and
 * unit for each figure, the best of several rounds by the clock on the wall.
 *
 *     bench_engine [MODEL.gguf [THREADS [PROMPT [ANSWER [BATCH]]]]]
 *
 * Without a file the home model, on one thread and on two.
 * prefill: PROMPT tokens (512), and prefill_bf16 the same where rows of prompts
 * are bf16; decode: ANSWER tokens one by one (64); batch: the same of BATCH
 * sessions at once (8), tokens of all together; open: laying weights out for
 * the kernels.
 *
 * With a file also the share that this is of what the machine can do: decode,
 * weights read, of what can be read from memory (a small model lies in caches
 * and may have more); prefill, multiplications, of those of tiles of the kind
 * that have nothing to load.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/limits.h"
#include "tests/support/timed.h"

#define HOME_MODEL "models/home.gguf"
#define ROUNDS 5
#define BATCH_MAX 16

struct bench {
	const char *name;
	struct model *model;
	struct team *team;
	size_t threads;
	size_t prompt;
	size_t answer;
	size_t batch;
	enum {
		SHARES_LEFT_OUT,
		SHARES_TOLD
	} shares;
};

static uint32_t token_at(const struct bench *bench, size_t i)
{
	return (uint32_t)(i * 7919 % bench->model->config.vocabulary);
}

/* Feed a session, by chunks; seconds that it took. */
static double feed(const struct bench *bench, struct engine *engine,
		   struct session *session)
{
	uint32_t tokens[TIMED_CHUNK];
	double start = timed_now();
	const float *logits;
	size_t last = 0;

	for (size_t at = 0; at < bench->prompt; at += last + 1) {
		size_t left = bench->prompt - at;
		size_t count = left < TIMED_CHUNK ? left : TIMED_CHUNK;

		for (size_t i = 0; i < count; i++)
			tokens[i] = token_at(bench, at + i);
		timed_must(engine_advance(
			engine, ENGINE_PROMPT,
			&(struct engine_input){ session, tokens, count }, 1));
		last = count - 1;
	}
	timed_must(engine_logits(engine, &last, 1, &logits));
	return timed_now() - start;
}

/* Answers of the first `count` sessions, a token of each at a time. */
static double answer(const struct bench *bench, struct engine *engine,
		     struct session *sessions, size_t count)
{
	struct engine_input inputs[BATCH_MAX];
	uint32_t tokens[BATCH_MAX];
	size_t rows[BATCH_MAX];
	double start = timed_now();
	const float *logits;

	for (size_t i = 0; i < bench->answer; i++) {
		for (size_t s = 0; s < count; s++) {
			tokens[s] = token_at(bench, i * count + s);
			rows[s] = s;
			inputs[s] = (struct engine_input){ &sessions[s],
							   &tokens[s], 1 };
		}
		timed_must(
			engine_advance(engine, ENGINE_ANSWER, inputs, count));
		timed_must(engine_logits(engine, rows, count, &logits));
	}
	return timed_now() - start;
}

struct figures {
	double prefill, bf16, decode, batch;
};

static double least(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

/* Room for both kinds of figures: prompts as integers and as bf16. */
static struct engine_shape room_of(const struct bench *bench)
{
	return (struct engine_shape){
		.rows = TIMED_CHUNK,
		.logits = BATCH_MAX,
		.context = bench->prompt + bench->answer,
		.prompts = ACTIVATION_BF16,
	};
}

static void run_round(const struct bench *bench, struct arena *arena,
		      struct figures *out)
{
	const struct work_model model = model_for_engine(bench->model);
	size_t context = bench->prompt + bench->answer;
	const struct session_shape shape = { context, TIMED_CHUNK, KERNEL_F16 };
	const struct engine_shape room = room_of(bench);
	struct session sessions[BATCH_MAX];
	struct session one;
	struct engine engine;

	arena_wipe(arena);
	timed_must(session_open(&one, model.config, &shape, arena));
	for (size_t s = 0; s < bench->batch; s++)
		timed_must(session_open(&sessions[s], model.config, &shape,
					arena));
	timed_must(engine_open(&engine, &model, &room, bench->team, arena));
	out->decode = least(out->decode, answer(bench, &engine, &one, 1));
	one.position = 0;
	out->bf16 = least(out->bf16, feed(bench, &engine, &one));
	one.position = 0;
	engine.shape.prompts = ACTIVATION_INTEGERS;
	out->prefill = least(out->prefill, feed(bench, &engine, &one));
	if (bench->batch > 0)
		out->batch = least(out->batch, answer(bench, &engine, sessions,
						      bench->batch));
}

static size_t memory_of(const struct bench *bench)
{
	const struct config *config = &bench->model->config;
	size_t context = bench->prompt + bench->answer;
	const struct session_shape shape = { context, TIMED_CHUNK, KERNEL_F16 };
	const struct engine_shape room = room_of(bench);

	return (bench->batch + 1) * session_memory(config, &shape) +
	       engine_memory(config, &room, bench->threads);
}

static void print(const struct bench *bench, const char *what, double rate)
{
	printf("engine.%s.%zu.%s %.1f tokens/s\n", bench->name, bench->threads,
	       what, rate);
}

static void print_share(const struct bench *bench, const char *what,
			double done, double limit)
{
	if (limit > 0)
		printf("engine.%s.%zu.%s_share %.1f %%\n", bench->name,
		       bench->threads, what, 100 * done / limit);
}

static void print_shares(const struct bench *bench,
			 const struct figures *figures)
{
	struct limits_work work = limits_work_of(bench->model);
	double prompt = (double)bench->prompt * work.multiplications;
	double answer = (double)bench->answer * work.bytes;

	print_share(bench, "prefill", prompt / figures->prefill,
		    limits_tiles_int8(bench->team));
	print_share(bench, "prefill_bf16", prompt / figures->bf16,
		    limits_tiles_bf16(bench->team));
	print_share(bench, "decode", answer / figures->decode,
		    limits_read(bench->team));
}

static void measure(const struct bench *bench)
{
	struct figures figures = { 0 };
	struct arena arena = { .size = memory_of(bench) };

	arena.base = timed_memory(arena.size);
	for (int i = 0; i < ROUNDS; i++)
		run_round(bench, &arena, &figures);
	print(bench, "prefill", (double)bench->prompt / figures.prefill);
	print(bench, "prefill_bf16", (double)bench->prompt / figures.bf16);
	print(bench, "decode", (double)bench->answer / figures.decode);
	if (bench->batch > 0)
		print(bench, "batch",
		      (double)(bench->answer * bench->batch) / figures.batch);
	if (bench->shares == SHARES_TOLD)
		print_shares(bench, &figures);
	munmap(arena.base, arena.size);
}

static size_t number(int count, char **arguments, int i, size_t otherwise)
{
	return i < count ? strtoul(arguments[i], NULL, 10) : otherwise;
}

/* The file's name, without folder and ending. */
static const char *name_of(const char *path)
{
	static char name[64];
	const char *slash = strrchr(path, '/');

	(void)snprintf(name, sizeof(name), "%s",
		       slash == NULL ? path : slash + 1);
	if (strrchr(name, '.') != NULL)
		*strrchr(name, '.') = '\0';
	return name;
}

static void open_model(const char *path, struct bench *bench)
{
	double start = timed_now();

	bench->model = timed_model(path);
	bench->name = name_of(path);
	printf("engine.%s.open %.3f s\n", bench->name, timed_now() - start);
}

static void run(struct bench *bench)
{
	timed_must(team_open(bench->threads, &bench->team));
	measure(bench);
	team_close(bench->team);
}

int main(int count, char **arguments)
{
	struct bench bench = {
		.threads = number(count, arguments, 2, 1),
		.prompt = number(count, arguments, 3, 512),
		.answer = number(count, arguments, 4, 64),
		.batch = number(count, arguments, 5, 8),
	};

	if (bench.batch > BATCH_MAX || bench.threads == 0)
		die("at least 1 thread, at most 16 sessions at once");
	if (count > 1) {
		bench.shares = SHARES_TOLD;
		open_model(arguments[1], &bench);
		run(&bench);
		return EXIT_SUCCESS;
	}
	if (access(HOME_MODEL, R_OK) != 0)
		return EXIT_SUCCESS;
	open_model(HOME_MODEL, &bench);
	bench.prompt = 96;
	for (bench.threads = 1; bench.threads <= 2; bench.threads++)
		run(&bench);
	return EXIT_SUCCESS;
}
