/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reading.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "inference/encode.h"
#include "model/report.h"
#include "policy/limits.h"

#define ASKED 32 /* logits that are asked for at once: they are wide */

#define CONTEXT_USUAL 512

/* A tool is not bound by what a node may hold for one request. */
static const struct model_limits limits = LIMITS_MODEL_SHAPE;

/* Zeroed memory, from the kernel and not from the heap: it is large. */
static enum err open_arena(size_t bytes, struct arena *out)
{
	void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data == MAP_FAILED)
		return ERR_UNAVAILABLE;
	*out = (struct arena){ .base = data, .size = bytes };
	return ERR_OK;
}

static void close_arena(struct arena *arena)
{
	if (arena->base != NULL)
		(void)munmap(arena->base, arena->size);
}

#define SCOPED_ARENA __attribute__((cleanup(close_arena))) struct arena

/* Room for every token of every text, and for the windows they can make. */
static enum err open_tokens(struct reading *reading, size_t *max)
{
	size_t most = 0;

	for (size_t i = 0; i < reading->texts.count; i++)
		most += texts_at(&reading->texts, i).len + 16;
	/* Each window has at least one token of text, and its first. */
	reading->tokens = calloc(2 * most + 1, sizeof(*reading->tokens));
	reading->windows = calloc(most + 1, sizeof(*reading->windows));
	if (reading->tokens == NULL || reading->windows == NULL)
		return ERR_UNAVAILABLE;
	*max = most;
	return ERR_OK;
}

static bool starts_with_bos(const struct tokenizer *tokenizer)
{
	return tokenizer->begins_with_bos == TOKENIZER_ON &&
	       tokenizer->bos != VOCABULARY_NONE;
}

/* Cut the tokens of a text into windows, behind those there are. */
static void add_windows(struct reading *reading, const uint32_t *tokens,
			size_t count)
{
	const struct tokenizer *tokenizer = &reading->model->tokenizer;
	size_t first = starts_with_bos(tokenizer) ? 1 : 0;

	while (count > 0) {
		size_t at = reading->windows[reading->window_count];
		size_t room = reading->context - first;
		size_t taken = count < room ? count : room;

		reading->tokens[at] = tokenizer->bos;
		for (size_t i = 0; i < taken; i++)
			reading->tokens[at + first + i] = tokens[i];
		reading->windows[++reading->window_count] = at + first + taken;
		if (reading->texts.kind == TEXTS_MANY)
			return;
		tokens += taken;
		count -= taken;
	}
}

static enum err encode_one(struct reading *reading, struct bytes text)
{
	SCOPED_ARENA arena = { 0 };
	struct encode_list list = { .max = text.len + 16 };
	enum err err;

	if (text.len == 0)
		return ERR_OK;
	TRY(open_arena(encode_memory(&reading->model->tokenizer, text.len),
		       &arena));
	list.tokens = calloc(list.max, sizeof(*list.tokens));
	if (list.tokens == NULL)
		return ERR_UNAVAILABLE;
	err = encode_text(&reading->model->tokenizer, text, &arena, &list);
	if (err == ERR_OK)
		add_windows(reading, list.tokens, list.count);
	free(list.tokens);
	return err;
}

static enum err encode(struct reading *reading, uint32_t texts)
{
	size_t max;

	if (texts != 0 && texts < reading->texts.count)
		reading->texts.count = texts;
	TRY(open_tokens(reading, &max));
	for (size_t i = 0; i < reading->texts.count; i++)
		TRY(encode_one(reading, texts_at(&reading->texts, i)));
	return ERR_OK;
}

static enum err told(const char *subject, const char *what, enum err err)
{
	(void)report_failure(subject, what, err);
	return err;
}

static enum err told_of_file(const char *path, const char *what, enum err err)
{
	(void)report_file(path, what, err);
	return err;
}

static enum err open_parts(const struct reading_files *files,
			   struct reading *made)
{
	uint32_t most;
	enum err err = source_map(files->model, &made->source);

	if (err != ERR_OK)
		return told_of_file(files->model, "cannot be read", err);
	err = model_open(made->source.file, &limits, NULL, &made->model);
	if (err != ERR_OK)
		return told(files->model, "is refused; check says why", err);
	most = made->model->config.context;
	made->prompts = files->prompts;
	made->context = files->context;
	if (made->context == 0)
		made->context = most < CONTEXT_USUAL ? most : CONTEXT_USUAL;
	if (made->context < 2 || made->context > most)
		return told(files->model, "has no such context", ERR_TOO_LARGE);
	err = texts_open(files->text, &made->texts);
	if (err != ERR_OK)
		return told_of_file(files->text,
				    "is no text and no array of strings", err);
	err = encode(made, files->texts);
	return err == ERR_OK
		       ? ERR_OK
		       : told(files->text, "cannot be told in tokens", err);
}

struct reading_files reading_files_of(const struct options *options)
{
	return (struct reading_files){ .model = options->files[0],
				       .text = options->files[1],
				       .context = options->context,
				       .texts = options->texts,
				       .prompts = options->prompts };
}

enum err reading_open(const struct reading_files *files, struct reading *out)
{
	struct reading made = { 0 };
	enum err err = open_parts(files, &made);

	if (err != ERR_OK) {
		reading_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void reading_close(struct reading *reading)
{
	free(reading->tokens);
	free(reading->windows);
	texts_close(&reading->texts);
	if (reading->model != NULL)
		model_close(reading->model);
	source_close(&reading->source);
	*reading = (struct reading){ 0 };
}

/* -ln p of one token, from the logits before it. */
static double surprise_of(const float *logits, size_t count, uint32_t token)
{
	double sum = 0, most = (double)logits[0];

	for (size_t i = 1; i < count; i++)
		most = fmax(most, (double)logits[i]);
	for (size_t i = 0; i < count; i++)
		sum += exp((double)logits[i] - most);
	return log(sum) + most - (double)logits[token];
}

/* A window, while it is read. */
struct window {
	struct session session;
	struct engine engine;
	struct report_progress *progress;
	struct reading_result *result;
};

/* How surprising the tokens after a chunk's were, each after its own. */
static enum err ask(struct window *window, const uint32_t *tokens, size_t count)
{
	size_t vocabulary = window->engine.model.config->vocabulary;
	size_t rows[ASKED];
	const float *logits;

	for (size_t at = 0; at < count; at += ASKED) {
		size_t left = count - at;
		size_t some = left < ASKED ? left : ASKED;

		for (size_t r = 0; r < some; r++)
			rows[r] = at + r;
		TRY(engine_logits(&window->engine, rows, some, &logits));
		for (size_t r = 0; r < some; r++) {
			window->result->surprise +=
				surprise_of(logits + r * vocabulary, vocabulary,
					    tokens[at + r + 1]);
		}
	}
	window->result->tokens += count;
	return ERR_OK;
}

/* The last token of a window is only asked for. */
static enum err read_window(struct window *window, const uint32_t *tokens,
			    size_t count)
{
	for (size_t at = 0; at + 1 < count; at += GENERATE_CHUNK) {
		size_t left = count - 1 - at;
		struct engine_input input = { &window->session, tokens + at,
					      left < GENERATE_CHUNK
						      ? left
						      : GENERATE_CHUNK };

		TRY(engine_advance(&window->engine, ENGINE_PROMPT, &input, 1));
		TRY(ask(window, tokens + at, input.count));
		report_advance(window->progress, input.count);
	}
	return ERR_OK;
}

static struct session_shape session_shape_of(const struct reading *reading)
{
	return (struct session_shape){ reading->context, GENERATE_CHUNK,
				       KERNEL_F16 };
}

static struct engine_shape engine_shape_of(const struct reading *reading)
{
	return (struct engine_shape){ .rows = GENERATE_CHUNK,
				      .logits = ASKED,
				      .context = reading->context,
				      .prompts = reading->prompts };
}

static enum err read_windows(const struct reading *reading,
			     const struct work_model *model,
			     struct arena *arena, struct reading_result *out)
{
	const struct session_shape shape = session_shape_of(reading);
	const struct engine_shape room = engine_shape_of(reading);
	struct report_progress progress = report_begin(
		"reading", reading->windows[reading->window_count]);

	for (size_t i = 0; i < reading->window_count; i++) {
		size_t begin = reading->windows[i];
		size_t count = reading->windows[i + 1] - begin;
		struct window window = { .progress = &progress, .result = out };

		arena_wipe(arena);
		TRY(session_open(&window.session, model->config, &shape,
				 arena));
		TRY(engine_open(&window.engine, model, &room, NULL, arena));
		TRY(read_window(&window, reading->tokens + begin, count));
	}
	out->seconds = report_end(&progress);
	return ERR_OK;
}

enum err reading_run(const struct reading *reading, const struct kernel *kernel,
		     struct reading_result *out)
{
	struct work_model model = model_for_engine(reading->model);
	const struct session_shape shape = session_shape_of(reading);
	const struct engine_shape room = engine_shape_of(reading);
	struct reading_result result = { 0 };
	SCOPED_ARENA arena = { 0 };

	model.kernel = kernel;
	TRY(open_arena(session_memory(model.config, &shape) +
			       engine_memory(model.config, &room, 1),
		       &arena));
	TRY(read_windows(reading, &model, &arena, &result));
	*out = result;
	return ERR_OK;
}
