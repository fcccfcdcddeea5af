/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert.h"

#include <stdio.h>
#include <string.h>

#include "model/gguf_write.h"
#include "model/lines.h"
#include "model/pieces.h"
#include "model/plan.h"
#include "model/report.h"

#define LAYERS "blk."

/* The names of a tensor here and there; ".weight" and ".bias" are alike. */
static const struct {
	const char *ours;
	const char *theirs;
} names[] = {
	{ "token_embd", "model.embed_tokens" },
	{ "output_norm", "model.norm" },
	{ "output", "lm_head" },
	{ "attn_norm", "input_layernorm" },
	{ "attn_q", "self_attn.q_proj" },
	{ "attn_k", "self_attn.k_proj" },
	{ "attn_v", "self_attn.v_proj" },
	{ "attn_output", "self_attn.o_proj" },
	{ "attn_q_norm", "self_attn.q_norm" },
	{ "attn_k_norm", "self_attn.k_norm" },
	{ "ffn_norm", "post_attention_layernorm" },
	{ "ffn_gate", "mlp.gate_proj" },
	{ "ffn_up", "mlp.up_proj" },
	{ "ffn_down", "mlp.down_proj" },
};

struct theirs {
	char name[128];
};

static const char *find_name(const char *ours, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].ours) == len &&
		    memcmp(names[i].ours, ours, len) == 0)
			return names[i].theirs;
	}
	invariant(false);
	return NULL;
}

/* blk.3.attn_q.weight becomes model.layers.3.self_attn.q_proj.weight. */
static struct theirs name_of(const struct plan_tensor *tensor)
{
	const char *ours = tensor->name;
	const char *end = strrchr(ours, '.');
	struct theirs made;
	const char *dot, *part;

	if (strncmp(ours, LAYERS, strlen(LAYERS)) != 0) {
		(void)snprintf(made.name, sizeof(made.name), "%s%s",
			       find_name(ours, (size_t)(end - ours)), end);
		return made;
	}
	ours += strlen(LAYERS);
	dot = strchr(ours, '.');
	part = dot + 1;
	(void)snprintf(made.name, sizeof(made.name), "model.layers.%.*s.%s%s",
		       (int)(dot - ours), ours,
		       find_name(part, (size_t)(end - part)), end);
	return made;
}

struct conversion {
	const struct checkpoint *checkpoint;
	struct plan plan;
	enum matrix_format format;
};

static enum matrix_format format_for(const struct conversion *conversion,
				     const struct plan_tensor *tensor)
{
	return tensor->role == PLAN_MATRIX ? conversion->format : MATRIX_F32;
}

/* Queries and keys, whose numbers are turned in pairs; 0 for what is not. */
static uint64_t turned_width(const struct shape *shape,
			     const struct plan_tensor *tensor)
{
	if (strcmp(shape->architecture, "llama") != 0)
		return 0;
	return strstr(tensor->name, ".attn_q.") != NULL ||
			       strstr(tensor->name, ".attn_k.") != NULL
		       ? shape->head_width
		       : 0;
}

/* The row of theirs that is row number `row` of ours. */
static uint64_t source_row(uint64_t row, uint64_t width)
{
	uint64_t within;

	if (width == 0)
		return row;
	within = row % width;
	return row - within + within / 2 + within % 2 * (width / 2);
}

static enum err find_tensor(const struct conversion *conversion,
			    const struct plan_tensor *tensor,
			    struct matrix *out)
{
	struct theirs theirs = name_of(tensor);
	const struct safetensors_tensor *found =
		checkpoint_find(conversion->checkpoint, theirs.name);

	if (found == NULL) {
		(void)report_failure(theirs.name, "is missing", ERR_MALFORMED);
		return ERR_MALFORMED;
	}
	*out = (struct matrix){ .data = found->data.data,
				.rows = (size_t)tensor->rows,
				.columns = (size_t)tensor->columns,
				.format = found->format };
	if (found->dimension_count == (tensor->rows > 1 ? 2 : 1) &&
	    found->dimensions[found->dimension_count - 1] == tensor->columns &&
	    (tensor->rows == 1 || found->dimensions[0] == tensor->rows))
		return matrix_stride(out->format, tensor->columns,
				     &out->stride);
	(void)report_failure(theirs.name, "has another shape than config.json",
			     ERR_MALFORMED);
	return ERR_MALFORMED;
}

/* Their matrix, and how its rows are turned. */
struct turned {
	struct matrix matrix;
	uint64_t width;
};

static void read_row(void *from, size_t row, float *out)
{
	const struct turned *turned = from;
	const struct matrix *matrix = &turned->matrix;

	matrix_decode(matrix, (size_t)source_row(row, turned->width), 0,
		      matrix->columns, out);
}

static enum err write_tensor(const struct conversion *conversion,
			     const struct plan_tensor *tensor,
			     struct gguf_write *out)
{
	const struct shape *shape = &conversion->checkpoint->shape;
	struct turned turned = { .width = turned_width(shape, tensor) };
	const struct lines lines = {
		.quantizer = { format_for(conversion, tensor),
			       QUANTIZER_QUICK },
		.columns = (size_t)tensor->columns,
		.rows = (size_t)tensor->rows,
		.stack = 1,
		.read = read_row,
		.from = &turned,
	};

	TRY(find_tensor(conversion, tensor, &turned.matrix));
	return lines_write(&lines, out);
}

/* What no checkpoint has as a tensor, but says in its configuration. */
static enum err declare_factors(const struct rope *rope, struct gguf_write *out)
{
	const struct gguf_tensor declared = {
		.name = BYTES_LITERAL("rope_freqs.weight"),
		.dimension_count = 1,
		.dimensions = { rope->count, 1, 1, 1 },
		.format = MATRIX_F32,
	};

	return rope->count == 0 ? ERR_OK : gguf_write_declare(out, &declared);
}

static enum err write_factors(const struct rope *rope, struct gguf_write *out)
{
	return gguf_write_data(out,
			       (struct bytes){ (const uint8_t *)rope->factors,
					       rope->count * sizeof(float) });
}

static enum err declare(const struct conversion *conversion,
			struct gguf_write *out)
{
	for (size_t i = 0; i < conversion->plan.count; i++) {
		const struct plan_tensor *tensor = &conversion->plan.tensors[i];
		struct gguf_tensor declared = {
			.name = bytes_of_string(tensor->name),
			.dimension_count = tensor->rows > 1 ? 2 : 1,
			.dimensions = { tensor->columns, tensor->rows, 1, 1 },
			.format = format_for(conversion, tensor),
		};

		TRY(gguf_write_declare(out, &declared));
	}
	return declare_factors(&conversion->checkpoint->rope, out);
}

static enum err write_file(const struct conversion *conversion,
			   const char *path)
{
	const struct plan *plan = &conversion->plan;
	struct report_progress progress =
		report_begin("converting", plan->weights);
	SCOPED_GGUF_WRITE *out = NULL;

	TRY(gguf_write_open(path, &out));
	plan_write_metadata(&conversion->checkpoint->shape, out);
	TRY(pieces_write(conversion->checkpoint, out));
	TRY(declare(conversion, out));
	for (size_t i = 0; i < plan->count; i++) {
		TRY(write_tensor(conversion, &plan->tensors[i], out));
		report_advance(&progress, plan->tensors[i].columns *
						  plan->tensors[i].rows);
	}
	(void)report_end(&progress);
	TRY(write_factors(&conversion->checkpoint->rope, out));
	return gguf_write_commit(&out);
}

enum err convert_checkpoint(const struct checkpoint *checkpoint,
			    enum matrix_format format, const char *path)
{
	struct conversion made = { .checkpoint = checkpoint, .format = format };
	enum err err;

	TRY(plan_open(&checkpoint->shape, &made.plan));
	err = write_file(&made, path);
	plan_close(&made.plan);
	return err;
}

int convert_run(const struct options *options)
{
	static struct checkpoint checkpoint;
	enum matrix_format format =
		options->form == NULL ? MATRIX_F16 : options->form->format;
	enum err err;

	if (matrix_form_of(format)->weights > 1) {
		(void)report_failure("--format",
				     "is F32, F16 or BF16 here; quantize makes "
				     "the others",
				     ERR_UNSUPPORTED);
		return REPORT_USAGE;
	}
	if (checkpoint_open(options->files[0], &checkpoint) != ERR_OK)
		return REPORT_REFUSED;
	err = convert_checkpoint(&checkpoint, format, options->files[1]);
	checkpoint_close(&checkpoint);
	return report_made(options->files[1], err);
}
