/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/limits.h"

#include <string.h>

#include "inference/product_amx.h"
#include "inference/product_amx_bf16.h"
#include "tests/support/timed.h"

#if defined(__x86_64__)
#include "inference/tiles_amx.h"
#endif

#define BUFFER ((size_t)512 << 20) /* more than caches have for one process */
#define STREAMS 8		   /* read side by side, as weights are */
#define ROUNDS 5
#define TILES 20000
#define TILE_MULTIPLICATIONS_INT8 (16.0 * 16 * 64)
#define TILE_MULTIPLICATIONS_BF16 (16.0 * 16 * 32)

struct reading {
	const uint64_t *words;
	size_t count;
	size_t members;
	uint64_t sums[TEAM_MAX]; /* so that reading is not left out */
};

static void read_share(void *context, size_t member)
{
	struct reading *reading = context;
	struct team_share share =
		team_share(reading->count / STREAMS, member, reading->members);
	uint64_t sums[STREAMS] = { 0 };

	for (size_t i = share.first; i < share.end; i++)
		for (size_t s = 0; s < STREAMS; s++)
			sums[s] +=
				reading->words[s * (reading->count / STREAMS) +
					       i];
	for (size_t s = 0; s < STREAMS; s++)
		reading->sums[member] += sums[s];
}

/* The most that work does a second, of `amount` a round. */
static double best_rate(struct team *team,
			void (*work)(void *context, size_t member),
			void *context, double amount)
{
	double best = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double start = timed_now(), rate;

		team_run(team, work, context);
		rate = amount / (timed_now() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

double limits_read(struct team *team)
{
	static struct reading reading;
	static void *memory;

	if (memory == NULL) {
		memory = timed_memory(BUFFER);
		memset(memory, 1, BUFFER);
	}
	reading.words = memory;
	reading.count = BUFFER / sizeof(*reading.words);
	reading.members = team_size(team);
	return best_rate(team, read_share, &reading, BUFFER);
}

#if defined(__x86_64__)

static void multiply_int8(void *context, size_t member)
{
	(void)context;
	(void)member;
	tiles_configure(64);
	for (int i = 0; i < TILES; i += 4) {
		TILE_MULTIPLY(0, 4, 6);
		TILE_MULTIPLY(1, 5, 6);
		TILE_MULTIPLY(2, 4, 7);
		TILE_MULTIPLY(3, 5, 7);
	}
	tiles_release();
}

static void multiply_bf16(void *context, size_t member)
{
	(void)context;
	(void)member;
	tiles_configure(64);
	for (int i = 0; i < TILES; i += 4) {
		TILE_MULTIPLY_BF16(0, 4, 6);
		TILE_MULTIPLY_BF16(1, 5, 6);
		TILE_MULTIPLY_BF16(2, 4, 7);
		TILE_MULTIPLY_BF16(3, 5, 7);
	}
	tiles_release();
}

static double tiles_rate(struct team *team,
			 void (*work)(void *context, size_t member),
			 double multiplications)
{
	return best_rate(team, work, NULL,
			 (double)team_size(team) * TILES * multiplications);
}

double limits_tiles_int8(struct team *team)
{
	return product_amx_is_there() ? tiles_rate(team, multiply_int8,
						   TILE_MULTIPLICATIONS_INT8)
				      : 0;
}

double limits_tiles_bf16(struct team *team)
{
	return product_amx_is_there() && product_amx_bf16_is_there()
		       ? tiles_rate(team, multiply_bf16,
				    TILE_MULTIPLICATIONS_BF16)
		       : 0;
}

#else

double limits_tiles_int8(struct team *team)
{
	(void)team;
	return 0;
}

double limits_tiles_bf16(struct team *team)
{
	(void)team;
	return 0;
}

#endif

static void add(struct limits_work *work, const struct matrix *matrix,
		double times)
{
	size_t bytes;

	if (matrix->data == NULL)
		return;
	timed_must(matrix_bytes(matrix->format, matrix->rows, matrix->columns,
				&bytes));
	work->bytes += (double)bytes * times;
	work->multiplications +=
		(double)matrix->rows * (double)matrix->columns * times;
}

struct limits_work limits_work_of(const struct model *model)
{
	const struct config *config = &model->config;
	const struct weights *weights = &model->weights;
	struct limits_work work = { 0 };
	size_t output;

	for (uint32_t i = 0; i < config->layers * config->tracks; i++) {
		const struct weights_layer *layer = &weights->layers[i];
		bool is_sparse = config_kind_of(config, i / config->tracks) ==
				 CONFIG_SPARSE;
		double used = is_sparse ? config->experts_used : 1;

		add(&work, &layer->query, 1);
		add(&work, &layer->key, 1);
		add(&work, &layer->value, 1);
		add(&work, &layer->output, 1);
		add(&work, &layer->router, 1);
		add(&work, &layer->gate, used);
		add(&work, &layer->up, used);
		add(&work, &layer->down, used);
	}
	timed_must(matrix_bytes(weights->output.format, weights->output.rows,
				weights->output.columns, &output));
	work.bytes += (double)output; /* of a prompt, only for its last token */
	return work;
}
