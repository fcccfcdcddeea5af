/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the engine reads a prompt and answers, on one thread: one line of
 * name, value and unit for each figure, the best of several rounds.
 *
 *     bench_engine [MODEL.gguf]
 *
 * Without a file: the stories model of MODELS (../shared/models), the home
 * model, where they are; and PT-MoE of random weights in each format, shaped
 * as the server model is, but smaller: 4 tracks, 4 layers, 8 experts, 103 M
 * weights, half of them active.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inference/model.h"

#define PROMPT 96
#define ANSWER 64
#define ROUNDS 5

static const struct model_limits limits = { .layers = 4096,
					    .width = 1u << 17,
					    .vocabulary = 1u << 20,
					    .context = 4096 };

/* Of processor time: one thread that computes, on a machine that is shared. */
static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *room(size_t bytes)
{
	void *memory = aligned_alloc(64, bytes / 64 * 64 + 64);

	invariant(memory != NULL);
	memset(memory, 0, bytes / 64 * 64 + 64);
	return memory;
}

static void must(enum err err)
{
	invariant(err == ERR_OK);
}

/* Feed tokens by chunks of a size; seconds that it took. */
static double feed(struct session *session, size_t count, size_t chunk)
{
	uint32_t tokens[SESSION_CHUNK];
	double start = seconds();
	const float *logits;

	for (size_t at = 0; at < count; at += chunk) {
		for (size_t i = 0; i < chunk; i++)
			tokens[i] = (uint32_t)((at + i) * 7919) %
				    session->model.config->vocabulary;
		must(session_advance(session, tokens, chunk));
		if (chunk == 1)
			must(session_logits(session, 0, &logits));
	}
	return seconds() - start;
}

static double best(double a, double b)
{
	return a < b ? a : b;
}

static void measure(const char *name, const struct session_model *model)
{
	size_t context = PROMPT + ANSWER;
	size_t bytes = session_memory(model->config, context);
	struct arena arena = { room(bytes), bytes, 0 };
	double prefill = 1e9, decode = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		struct session session;

		arena_wipe(&arena);
		must(session_open(&session, model, context, &arena));
		prefill = best(prefill, feed(&session, PROMPT, SESSION_CHUNK));
		decode = best(decode, feed(&session, ANSWER, 1));
	}
	printf("engine.%s.prefill %.0f tokens/s\n", name, PROMPT / prefill);
	printf("engine.%s.decode %.1f tokens/s\n", name, ANSWER / decode);
	printf("engine.%s.session %.2f MiB\n", name, (double)bytes / (1 << 20));
	free(arena.base);
}

/* Every instruction set in turn; the scalar reference only where asked. */
static void measure_all(const char *name, struct session_model model,
			size_t first_kernel)
{
	char full[64];

	for (size_t i = first_kernel; kernel_at(i) != NULL; i++) {
		model.kernel = kernel_at(i);
		(void)snprintf(full, sizeof(full), "%s.%s", name,
			       model.kernel->name);
		measure(full, &model);
	}
}

static void measure_file(const char *name, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct model *model;
	uint8_t *data;
	long len;
	double start;

	if (file == NULL) {
		printf("engine.%s absent\n", name);
		return;
	}
	invariant(fseek(file, 0, SEEK_END) == 0);
	len = ftell(file);
	rewind(file);
	data = room((size_t)len);
	invariant(fread(data, 1, (size_t)len, file) == (size_t)len);
	(void)fclose(file);

	start = seconds();
	must(model_open((struct bytes){ data, (size_t)len }, &limits, NULL, &model));
	printf("engine.%s.open %.2f ms\n", name, (seconds() - start) * 1e3);
	printf("engine.%s.weights %llu\n", name,
	       (unsigned long long)model->weights.count);
	measure_all(name, model_for_session(model), 0);
	model_close(model);
	free(data);
}

/* --- Random weights --- */

static const struct config shape = {
	.tracks = 4,
	.layers = 4,
	.block_depth = 4,
	.hidden = 512,
	.heads = 4,
	.kv_heads = 4,
	.head_width = 32,
	.feed_forward = 1472,
	.experts = 8,
	.experts_used = 2,
	.expert_width = 736,
	.vocabulary = 16384,
	.context = 4096,
	.window = 64,
	.rms_epsilon = 1e-5f,
	.rope_base = 500000,
	.logit_cap = 50,
	.rotation = CONFIG_ROTATE_LOCAL,
	.head_norm = CONFIG_HEADS_NORMALISED,
	.reach = { { CONFIG_LOCAL, CONFIG_LOCAL, CONFIG_LOCAL, CONFIG_GLOBAL },
		   4 },
	.kind = { { CONFIG_DENSE, CONFIG_SPARSE }, 2 },
};

/* Memory for all weights, taken from the front. */
struct source {
	enum matrix_format format;
	uint8_t *next;
	size_t bytes;
	size_t weights;
	uint32_t random;
};

/* Small weights of either sign; halves below 2^-6, so never infinite. */
static void fill(struct source *source, uint8_t *out, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		source->random = source->random * 1664525u + 1013904223u;
		out[i] = (uint8_t)(source->random >> 24);
	}
	if (source->format == MATRIX_F32)
		for (size_t i = 3; i < bytes; i += 4)
			out[i] = (out[i] & 0x80) | 0x3c;
	if (source->format == MATRIX_F16)
		for (size_t i = 1; i < bytes; i += 2)
			out[i] = (out[i] & 0x83) | 0x24;
	if (source->format == MATRIX_Q8_0)
		for (size_t i = 1; i < bytes; i += BLOCK_Q8_0_BYTES)
			out[i] = 0x0a;
}

static struct matrix take(struct source *source, size_t rows, size_t columns)
{
	struct matrix made = { .data = source->next,
			       .rows = rows,
			       .columns = columns,
			       .format = source->format };
	size_t bytes;

	must(matrix_stride(made.format, columns, &made.stride));
	bytes = rows * made.stride;
	invariant(bytes <= source->bytes);
	fill(source, source->next, bytes);
	source->next += bytes;
	source->bytes -= bytes;
	source->weights += rows * columns;
	return made;
}

static void take_layer(struct source *source, uint32_t layer, const float *ones,
		       struct weights_layer *out)
{
	size_t stack = 1, width = shape.feed_forward;

	if (config_kind_of(&shape, layer) == CONFIG_SPARSE) {
		stack = shape.experts;
		width = shape.expert_width;
		out->router = take(source, shape.experts, shape.hidden);
	}
	out->attention_norm = ones;
	out->query_norm = ones;
	out->key_norm = ones;
	out->feed_norm = ones;
	out->query = take(source, config_query_width(&shape), shape.hidden);
	out->key = take(source, config_kv_width(&shape), shape.hidden);
	out->value = take(source, config_kv_width(&shape), shape.hidden);
	out->output = take(source, shape.hidden, config_query_width(&shape));
	out->gate = take(source, stack * width, shape.hidden);
	out->up = take(source, stack * width, shape.hidden);
	out->down = take(source, stack * shape.hidden, width);
}

static void measure_random(const char *name, enum matrix_format format)
{
	static struct weights_layer layers[4 * 4];
	static float ones[2048];
	size_t bytes = 640u << 20;
	struct source source = { .format = format,
				 .next = room(bytes),
				 .bytes = bytes };
	uint8_t *memory = source.next;
	struct weights weights = { .output_norm = ones, .layers = layers };

	for (size_t i = 0; i < 2048; i++)
		ones[i] = 1;
	weights.embedding = take(&source, shape.vocabulary, shape.hidden);
	weights.output = weights.embedding;
	for (uint32_t i = 0; i < shape.layers * shape.tracks; i++)
		take_layer(&source, i / shape.tracks, ones, &layers[i]);
	printf("engine.%s.weights %zu\n", name, source.weights);
	measure_all(name, (struct session_model){ &shape, &weights, NULL }, 1);
	free(memory);
}

int main(int argc, char **argv)
{
	const char *models = getenv("MODELS");
	char path[512];

	if (argc > 1) {
		measure_file("file", argv[1]);
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s/stories260K/stories260K.gguf",
		       models == NULL ? "../shared/models" : models);
	measure_file("stories", path);
	measure_file("home", "models/home.gguf");
	measure_random("ptmoe_f32", MATRIX_F32);
	measure_random("ptmoe_f16", MATRIX_F16);
	measure_random("ptmoe_q8", MATRIX_Q8_0);
	return 0;
}
