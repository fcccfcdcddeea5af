/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/work.h"

#include <stdatomic.h>
#include <string.h>

#include "inference/reserve.h"

/* One buffer: where its pointer is, and what it needs. */
struct buffer {
	size_t offset; /* of the pointer in its struct */
	size_t count;
	size_t size;
};

#define BUFFER(type, member, count)                         \
	{                                                   \
		offsetof(struct type, member), count,       \
			sizeof(*((struct type *)0)->member) \
	}

#define BUFFERS 13
#define BENCH_BUFFERS 9

/* One list, so that what is measured is what is taken. */
static void list_buffers(const struct config *config, size_t rows,
			 struct buffer out[BUFFERS])
{
	size_t hidden = rows * config->hidden;
	size_t query = rows * config_query_width(config);
	size_t kv = rows * config_kv_width(config);
	size_t inner = rows * config->feed_forward;
	size_t used = rows * config->experts_used;
	const struct buffer list[BUFFERS] = {
		BUFFER(work, x, hidden),
		BUFFER(work, normed, hidden),
		BUFFER(work, branch, hidden),
		BUFFER(work, query, query),
		BUFFER(work, key, kv),
		BUFFER(work, value, kv),
		BUFFER(work, mixed, query),
		BUFFER(work, gate, inner),
		BUFFER(work, up, inner),
		BUFFER(work, router, rows * config->experts),
		BUFFER(work, shares, used),
		BUFFER(work, chosen, used),
		BUFFER(work, answers, used * config->hidden),
	};

	memcpy(out, list, sizeof(list));
}

size_t work_query_stride(const struct config *config)
{
	return ((size_t)config->head_width + 31) / 32 * 32;
}

/* Scores begin at a group of positions, and may end in the midst of one. */
static size_t span_of(const struct work_shape *shape)
{
	return (shape->context / KERNEL_POSITIONS_BF16 + 2) *
	       KERNEL_POSITIONS_BF16;
}

static void list_bench(const struct config *config,
		       const struct work_shape *shape,
		       struct buffer out[BENCH_BUFFERS])
{
	bool is_bf16 = shape->prompts == ACTIVATION_BF16;
	size_t queries = is_bf16 ? WORK_QUERIES_BF16 : WORK_QUERIES;
	size_t head = queries * config->head_width;
	size_t rows = config->experts == 0 ? 0 : shape->rows;
	size_t hidden = rows * config->hidden;
	size_t inner = rows * config->expert_width;
	const struct buffer list[BENCH_BUFFERS] = {
		BUFFER(work_bench, queries, head),
		BUFFER(work_bench, queries_bf16,
		       is_bf16 ? queries * work_query_stride(config) : 0),
		BUFFER(work_bench, scores, queries * span_of(shape)),
		BUFFER(work_bench, mixed, head),
		BUFFER(work_bench, places, rows),
		BUFFER(work_bench, gathered, hidden),
		BUFFER(work_bench, gate, inner),
		BUFFER(work_bench, up, inner),
		BUFFER(work_bench, answer, hidden),
	};

	memcpy(out, list, sizeof(list));
}

/* The widest of what is multiplied after attention or inside a network. */
static size_t inner_columns(const struct config *config)
{
	size_t query = config_query_width(config);

	return query > config->feed_forward ? query : config->feed_forward;
}

static size_t expert_columns(const struct config *config)
{
	return config->hidden > config->expert_width ? config->hidden
						     : config->expert_width;
}

static size_t bench_memory(const struct config *config,
			   const struct work_shape *shape)
{
	const struct activation_shape expert_rows = { shape->rows,
						      expert_columns(config),
						      ACTIVATION_INTEGERS };
	struct buffer buffers[BENCH_BUFFERS];
	size_t bytes = 0;

	list_bench(config, shape, buffers);
	for (size_t i = 0; i < BENCH_BUFFERS; i++)
		bytes += reserve_bytes(buffers[i].count, buffers[i].size);
	if (config->experts != 0)
		bytes += activation_memory(&expert_rows);
	return bytes;
}

size_t work_memory(const struct config *config, const struct work_shape *shape)
{
	const struct activation_shape hidden = { shape->rows, config->hidden,
						 shape->prompts };
	const struct activation_shape inner = { shape->rows,
						inner_columns(config),
						shape->prompts };
	struct buffer buffers[BUFFERS];
	size_t bytes =
		reserve_bytes(shape->members, sizeof(struct work_bench)) +
		shape->members * bench_memory(config, shape);

	list_buffers(config, shape->rows, buffers);
	for (size_t i = 0; i < BUFFERS; i++)
		bytes += reserve_bytes(buffers[i].count, buffers[i].size);
	return bytes + activation_memory(&hidden) + activation_memory(&inner);
}

/* Fill in the pointers that a list names. */
static enum err take(void *owner, const struct buffer *buffers, size_t count,
		     struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		void *memory =
			arena_alloc(arena, buffers[i].count, buffers[i].size);

		if (memory == NULL)
			return ERR_TOO_LARGE;
		memcpy((uint8_t *)owner + buffers[i].offset, &memory,
		       sizeof(memory));
	}
	return ERR_OK;
}

static enum err take_bench(const struct config *config,
			   const struct work_shape *shape, struct arena *arena,
			   struct work_bench *out)
{
	const struct activation_shape expert_rows = { shape->rows,
						      expert_columns(config),
						      ACTIVATION_INTEGERS };
	struct buffer buffers[BENCH_BUFFERS];

	list_bench(config, shape, buffers);
	TRY(take(out, buffers, BENCH_BUFFERS, arena));
	if (config->experts == 0)
		return ERR_OK;
	return activation_open(&out->activation, &expert_rows, arena);
}

enum err work_open(struct work *work, const struct work_model *model,
		   const struct work_shape *shape, struct arena *arena)
{
	const struct config *config = model->config;
	const struct activation_shape hidden = { shape->rows, config->hidden,
						 shape->prompts };
	const struct activation_shape inner = { shape->rows,
						inner_columns(config),
						shape->prompts };
	struct work made = { .model = model, .span = span_of(shape) };
	struct buffer buffers[BUFFERS];

	made.benches =
		arena_alloc(arena, shape->members, sizeof(*made.benches));
	if (made.benches == NULL)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < shape->members; i++)
		TRY(take_bench(config, shape, arena, &made.benches[i]));
	list_buffers(config, shape->rows, buffers);
	TRY(take(&made, buffers, BUFFERS, arena));
	TRY(activation_open(&made.normed_activation, &hidden, arena));
	TRY(activation_open(&made.inner_activation, &inner, arena));
	*work = made;
	return ERR_OK;
}

void work_set_form(struct work *work, enum activation_form form)
{
	work->form = form;
	work->normed_activation.form = form;
	work->inner_activation.form = form;
}

struct each {
	void (*step)(void *context, size_t row);
	void *context;
	size_t rows;
	size_t members;
};

static void each_share(void *context, size_t member)
{
	const struct each *each = context;
	struct team_share share = team_share(each->rows, member, each->members);

	for (size_t row = share.first; row < share.end; row++)
		each->step(each->context, row);
}

/* Where a member would have less than a row or two, a meeting costs more. */
void work_each(const struct work *work, size_t rows,
	       void (*step)(void *context, size_t row), void *context)
{
	struct each each = { step, context, rows, team_size(work->team) };

	if (rows < 2 * each.members)
		each.members = 1;
	if (each.members == 1)
		each_share(&each, 0);
	else
		team_run(work->team, each_share, &each);
}

struct items {
	void (*step)(void *context, size_t member, size_t item);
	void *context;
	size_t count;
	_Atomic size_t next;
};

static void take_items(void *context, size_t member)
{
	struct items *items = context;

	for (;;) {
		size_t item = atomic_fetch_add(&items->next, 1);

		if (item >= items->count)
			return;
		items->step(items->context, member, item);
	}
}

void work_items(const struct work *work, size_t items,
		void (*step)(void *context, size_t member, size_t item),
		void *context)
{
	struct items all = { step, context, items, 0 };

	if (items == 1)
		take_items(&all, 0);
	else
		team_run(work->team, take_items, &all);
}

struct multiplication {
	const struct work *work;
	const struct multiply_input *in;
	const struct work_product *products;
	size_t count;
};

static void multiply_part(void *context, size_t member)
{
	const struct multiplication *all = context;
	size_t members = team_size(all->work->team);

	for (size_t i = 0; i < all->count; i++) {
		const struct matrix *matrix = all->products[i].matrix;
		struct multiply_output out = { all->products[i].out,
					       matrix->rows };

		multiply(all->work->model->kernel, matrix, all->in,
			 multiply_share(matrix, member, members), out);
	}
}

void work_multiply(const struct work *work, const struct multiply_input *in,
		   const struct work_product *products, size_t count)
{
	struct multiplication all = { work, in, products, count };

	team_run(work->team, multiply_part, &all);
}

void work_report(const struct work *work, const char *name, uint32_t layer,
		 uint32_t track, const float *values, size_t count)
{
	if (work->trace != NULL)
		work->trace->report(work->trace->context, name, layer, track,
				    values, count);
}
