/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/timed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define TEXT 64 /* tokens, while they are made one by one */

static const struct model_limits limits = { .layers = 4096,
					    .width = 1u << 17,
					    .vocabulary = 1u << 20,
					    .context = 1u << 17 };

double timed_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void timed_must(enum err err)
{
	if (err != ERR_OK)
		die(err_name(err));
}

static void *reserve(size_t bytes)
{
	size_t size = (bytes / HUGE_PAGE + 2) * HUGE_PAGE;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	memory += HUGE_PAGE - (size_t)memory % HUGE_PAGE;
	madvise(memory, bytes, MADV_HUGEPAGE);
	return memory;
}

static void release(void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
}

void *timed_memory(size_t bytes)
{
	void *memory = reserve(bytes);

	invariant(memory != NULL);
	return memory;
}

static struct bytes map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *data;

	if (fd < 0 || fstat(fd, &status) != 0)
		die("the model cannot be opened");
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
	if (data == MAP_FAILED)
		die("the model cannot be mapped");
	close(fd);
	return (struct bytes){ data, (size_t)status.st_size };
}

struct model *timed_model(const char *path)
{
	static const struct model_memory memory = { reserve, release };
	struct model *model;

	timed_must(model_open(map(path), &limits, &memory, &model));
	return model;
}

struct timed *timed_open(const struct model *model, const struct timed_how *how)
{
	struct timed *timed = calloc(1, sizeof(*timed));
	struct work_model work = model_for_engine(model);
	const struct session_shape shape = { how->context, TIMED_CHUNK,
					     KERNEL_F16 };
	const struct engine_shape room = { .rows = TIMED_CHUNK,
					   .logits = 1,
					   .context = how->context,
					   .deal = how->deal };
	struct arena arena = { .size = session_memory(&how->config, &shape) +
				       engine_memory(&how->config, &room,
						     team_size(how->team)) };

	invariant(timed != NULL);
	arena.base = timed_memory(arena.size);
	timed->config = how->config;
	work.config = &timed->config;
	timed_must(
		session_open(&timed->session, &timed->config, &shape, &arena));
	timed_must(
		engine_open(&timed->engine, &work, &room, how->team, &arena));
	return timed;
}

static uint32_t token_at(const struct timed *timed, size_t i)
{
	return (uint32_t)(i * 7919 % timed->config.vocabulary);
}

/* The next tokens of the text. */
static void feed(struct timed *timed, enum engine_rows rows, size_t count)
{
	uint32_t tokens[TIMED_CHUNK];

	for (size_t i = 0; i < count; i++)
		tokens[i] = token_at(timed, timed->session.position + i);
	timed_must(engine_advance(
		&timed->engine, rows,
		&(struct engine_input){ &timed->session, tokens, count }, 1));
}

/* The logits after one of the tokens that went in last. */
static void look(struct timed *timed, size_t row)
{
	const float *logits;

	timed_must(engine_logits(&timed->engine, &row, 1, &logits));
}

double timed_decode(struct timed *timed, double seconds)
{
	double start = timed_now(), taken = 0;
	size_t tokens = 0;

	for (; taken < seconds || tokens == 0; taken = timed_now() - start) {
		timed->session.position = tokens % TEXT;
		feed(timed, ENGINE_ANSWER, 1);
		look(timed, 0);
		tokens++;
	}
	return (double)tokens / taken;
}

double timed_prefill(struct timed *timed, size_t tokens)
{
	double start = timed_now();
	size_t count = 0;

	timed->session.position = 0;
	for (size_t left = tokens; left > 0; left -= count) {
		count = left < TIMED_CHUNK ? left : TIMED_CHUNK;
		feed(timed, ENGINE_PROMPT, count);
	}
	look(timed, count - 1);
	return (double)tokens / (timed_now() - start);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double timed_quantile(double *values, size_t count, double part)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(size_t)(part * (double)(count - 1) + 0.5)];
}

double timed_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double timed_spread(double *values, size_t count)
{
	double median = timed_median(values, count);

	return 100 * (values[count * 3 / 4] - values[count / 4]) / median;
}
