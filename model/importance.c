/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine is not changed for this: it is given a kernel of its own choice,
 * except that multiplications are looked at before they are made.  A matrix is
 * known by where its weights lie in the file.
 */
#include "model/importance.h"

#include <math.h>
#include <stdlib.h>

#include "model/gguf_write.h"
#include "model/reading.h"
#include "model/report.h"

enum err importance_find(const struct gguf *file,
			 const struct gguf_tensor *tensor,
			 struct importance *out)
{
	struct source_name name = source_name_of(tensor->name);
	const struct gguf_tensor *found = gguf_find_tensor(file, name.text);
	size_t columns = (size_t)tensor->dimensions[0];
	const float *values;

	if (found == NULL) {
		*out = (struct importance){ NULL, 0 };
		return ERR_OK;
	}
	if (found->format != MATRIX_F32 || found->dimensions[0] != columns ||
	    found->dimensions[1] != tensor->dimensions[2] ||
	    found->dimensions[2] != 1 || found->dimensions[3] != 1)
		return ERR_MALFORMED;
	values = (const float *)found->data.data;
	for (size_t i = 0; i < found->data.len / sizeof(*values); i++)
		if (!isfinite(values[i]) || values[i] < 0)
			return ERR_MALFORMED;
	*out = (struct importance){ values, columns };
	return ERR_OK;
}

const float *importance_row(const struct importance *importance, size_t number)
{
	if (importance->rows == NULL)
		return NULL;
	return importance->rows + number * importance->columns;
}

/* What one tensor was multiplied by. */
struct tally {
	const struct gguf_tensor *tensor; /* borrowed */
	double *squares;		  /* [stack][columns], or NULL */
};

/* A kernel has no context to hand on, and this program one thread. */
static struct {
	const struct kernel *kernel; /* the one that computes */
	struct tally *tallies;	     /* by address */
	size_t count;
	enum err err;
} watch;

static int compare_tallies(const void *a, const void *b)
{
	const struct tally *left = a;
	const struct tally *right = b;
	const uint8_t *x = left->tensor->data.data;
	const uint8_t *y = right->tensor->data.data;

	return (x > y) - (x < y);
}

/* The tensor that some weights belong to. */
static struct tally *find_tally(const uint8_t *weights)
{
	size_t low = 0, high = watch.count;
	struct bytes data;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (watch.tallies[middle].tensor->data.data <= weights)
			low = middle;
		else
			high = middle;
	}
	data = watch.tallies[low].tensor->data;
	if (weights < data.data || weights >= data.data + data.len)
		return NULL;
	return &watch.tallies[low];
}

static size_t stack_of(const struct gguf_tensor *tensor)
{
	return (size_t)tensor->dimensions[2];
}

static void count(struct tally *tally, const struct matrix *matrix,
		  const float *x, size_t rows)
{
	const struct gguf_tensor *tensor = tally->tensor;
	size_t columns = matrix->columns;
	size_t one = tensor->data.len / stack_of(tensor);
	size_t number = (size_t)(matrix->data - tensor->data.data) / one;

	if (tally->squares == NULL)
		tally->squares = calloc(stack_of(tensor) * columns,
					sizeof(*tally->squares));
	if (tally->squares == NULL) {
		watch.err = ERR_UNAVAILABLE;
		return;
	}
	for (size_t i = 0; i < rows * columns; i++)
		tally->squares[number * columns + i % columns] +=
			(double)x[i] * (double)x[i];
}

static void watch_multiply(const struct kernel_multiply *multiply)
{
	struct tally *tally = find_tally(multiply->matrix->data);

	if (tally != NULL)
		count(tally, multiply->matrix, multiply->x, multiply->rows);
	watch.kernel->multiply(multiply);
}

static enum err start_watch(const struct model *model)
{
	const struct gguf *gguf = &model->gguf;

	watch.kernel = model->kernel;
	watch.err = ERR_OK;
	watch.count = gguf->tensor_count;
	watch.tallies = calloc(watch.count, sizeof(*watch.tallies));
	if (watch.tallies == NULL)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < watch.count; i++)
		watch.tallies[i].tensor = &gguf->tensors[i];
	qsort(watch.tallies, watch.count, sizeof(*watch.tallies),
	      compare_tallies);
	return ERR_OK;
}

static void end_watch(void)
{
	for (size_t i = 0; watch.tallies != NULL && i < watch.count; i++)
		free(watch.tallies[i].squares);
	free(watch.tallies);
	watch.tallies = NULL;
}

/* One row, as shares of its mean: roots of squares, because with the squares
 * themselves a few columns took it all, and perplexity rose.  Ones where nothing came by. */
static enum err write_row(const double *squares, size_t columns,
			  struct gguf_write *out)
{
	double sum = 0;
	float value;

	for (size_t i = 0; i < columns; i++)
		sum += sqrt(squares[i]);
	for (size_t i = 0; i < columns; i++) {
		value = sum > 0 ? (float)(sqrt(squares[i]) * (double)columns /
					  sum)
				: 1;
		TRY(gguf_write_data(out,
				    (struct bytes){ (const uint8_t *)&value,
						    sizeof(value) }));
	}
	return ERR_OK;
}

static enum err declare(const struct tally *tally, struct gguf_write *out)
{
	struct gguf_tensor declared = {
		.name = tally->tensor->name,
		.dimension_count = 2,
		.dimensions = { tally->tensor->dimensions[0],
				stack_of(tally->tensor), 1, 1 },
		.format = MATRIX_F32,
	};

	return tally->squares == NULL ? ERR_OK
				      : gguf_write_declare(out, &declared);
}

static enum err write_rows(const struct tally *tally, struct gguf_write *out)
{
	size_t columns = (size_t)tally->tensor->dimensions[0];

	for (size_t i = 0;
	     tally->squares != NULL && i < stack_of(tally->tensor); i++)
		TRY(write_row(tally->squares + i * columns, columns, out));
	return ERR_OK;
}

static enum err write_file(const struct gguf *gguf, const char *path)
{
	SCOPED_GGUF_WRITE *out = NULL;
	struct bytes architecture;

	TRY(gguf_write_open(path, &out));
	TRY(gguf_string(gguf, "general.architecture", &architecture));
	gguf_write_string(out, "general.architecture", architecture);
	gguf_write_string(out, "general.type", BYTES_LITERAL("importance"));
	for (size_t i = 0; i < watch.count; i++)
		TRY(declare(&watch.tallies[i], out));
	for (size_t i = 0; i < watch.count; i++)
		TRY(write_rows(&watch.tallies[i], out));
	return gguf_write_commit(&out);
}

static enum err measure(const struct reading *reading, const char *path)
{
	struct kernel kernel = *reading->model->kernel;
	struct reading_result result;

	TRY(start_watch(reading->model));
	kernel.multiply = watch_multiply;
	TRY(reading_run(reading, &kernel, &result));
	TRY(watch.err);
	return write_file(&reading->model->gguf, path);
}

/* These are multiplied by other means, which nobody looks at. */
static bool has_integers(const struct gguf *gguf)
{
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		enum matrix_format format = gguf->tensors[i].format;

		if (matrix_is_panels(matrix_ready_format(format)))
			return true;
	}
	return false;
}

int importance_run(const struct options *options)
{
	const struct reading_files files = reading_files_of(options);
	struct reading reading;
	enum err err;

	if (reading_open(&files, &reading) != ERR_OK)
		return REPORT_REFUSED;
	if (has_integers(&reading.model->gguf)) {
		reading_close(&reading);
		(void)report_failure(files.model,
				     "has weights that are no floats",
				     ERR_UNSUPPORTED);
		return REPORT_REFUSED;
	}
	err = measure(&reading, options->output);
	end_watch();
	reading_close(&reading);
	return report_made(options->output, err);
}
