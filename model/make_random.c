/* SPDX-License-Identifier: Apache-2.0 */
#include "model/make_random.h"

#include <math.h>

#include "model/gguf_write.h"
#include "model/lexicon.h"
#include "model/lines.h"
#include "model/noise.h"
#include "model/plan.h"
#include "model/report.h"

#define NORM_DEVIATION 0.1f

/* Where columns do not fill the blocks that were asked for: the next best
 * format that they fill. */
static enum matrix_format format_for(const struct make_random *make,
				     const struct plan_tensor *tensor)
{
	size_t bytes;

	if (tensor->role != PLAN_MATRIX)
		return MATRIX_F32;
	if (matrix_stride(make->format, tensor->columns, &bytes) == ERR_OK)
		return make->format;
	return tensor->columns % 32 == 0 ? MATRIX_Q8_0 : MATRIX_F16;
}

static enum err declare(const struct make_random *make, const struct plan *plan,
			struct gguf_write *out)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_tensor *tensor = &plan->tensors[i];
		struct gguf_tensor declared = {
			.name = bytes_of_string(tensor->name),
			.dimension_count = tensor->stack > 1  ? 3
					   : tensor->rows > 1 ? 2
							      : 1,
			.dimensions = { tensor->columns, tensor->rows,
					tensor->stack, 1 },
			.format = format_for(make, tensor),
		};

		TRY(gguf_write_declare(out, &declared));
	}
	return ERR_OK;
}

/* Where weights come from. */
struct drawing {
	const struct plan_tensor *tensor;
	struct noise noise;
};

/* Norms are about 1: they multiply. */
static void draw(void *from, size_t row, float *out)
{
	struct drawing *drawing = from;
	const struct plan_tensor *tensor = drawing->tensor;
	float deviation = tensor->role == PLAN_NORM || tensor->role == PLAN_BIAS
				  ? NORM_DEVIATION
				  : 1 / sqrtf((float)tensor->columns);

	(void)row; /* in order */
	noise_fill(&drawing->noise, deviation, out, tensor->columns);
	for (size_t i = 0; tensor->role == PLAN_NORM && i < tensor->columns;
	     i++)
		out[i] += 1;
}

static enum err write_tensor(const struct make_random *make,
			     const struct plan_tensor *tensor,
			     struct gguf_write *out)
{
	struct drawing drawing = {
		tensor, noise_start(make->seed, bytes_of_string(tensor->name))
	};
	const struct lines lines = {
		.quantizer = { format_for(make, tensor), QUANTIZER_QUICK },
		.columns = (size_t)tensor->columns,
		.rows = (size_t)tensor->rows,
		.stack = (size_t)tensor->stack,
		.read = draw,
		.from = &drawing,
	};

	return lines_write(&lines, out);
}

static enum err write_tensors(const struct make_random *make,
			      const struct plan *plan, struct gguf_write *out)
{
	struct report_progress progress =
		report_begin("writing", plan->weights);

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_tensor *tensor = &plan->tensors[i];

		TRY(write_tensor(make, tensor, out));
		report_advance(&progress,
			       tensor->columns * tensor->rows * tensor->stack);
	}
	(void)report_end(&progress);
	return ERR_OK;
}

static enum err write_plan(const struct make_random *make,
			   const struct plan *plan, const char *path)
{
	SCOPED_GGUF_WRITE *out = NULL;

	TRY(gguf_write_open(path, &out));
	plan_write_metadata(make->shape, out);
	TRY(lexicon_write(make->shape->vocabulary, out));
	TRY(declare(make, plan, out));
	TRY(write_tensors(make, plan, out));
	return gguf_write_commit(&out);
}

enum err make_random_file(const struct make_random *make, const char *path)
{
	struct plan plan;
	enum err err;

	TRY(plan_open(make->shape, &plan));
	err = write_plan(make, &plan, path);
	plan_close(&plan);
	return err;
}

int make_random_run(const struct options *options)
{
	const struct make_random make = {
		.shape = options->shape,
		.format = options->form->format,
		.seed = options->seed,
	};

	return report_made(options->output,
			   make_random_file(&make, options->output));
}
