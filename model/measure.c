/* SPDX-License-Identifier: Apache-2.0 */
#include "model/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/noise.h"
#include "model/quantizer.h"
#include "model/report.h"
#include "model/sixes.h"

#define GAUSSIAN_COUNT (1u << 18)

double measure_decibels(struct measure_noise noise)
{
	if (noise.noise <= 0)
		return INFINITY;
	return 10 * log10(noise.signal / noise.noise);
}

static void compare(const float *a, const float *b, size_t count,
		    struct measure_noise *out)
{
	for (size_t i = 0; i < count; i++) {
		double lost = (double)a[i] - (double)b[i];

		out->signal += (double)a[i] * (double)a[i];
		out->noise += lost * lost;
	}
}

/* Of one shape; with room for a row of each. */
static void compare_matrices(const struct matrix *a, const struct matrix *b,
			     float *rows, struct measure_noise *out)
{
	size_t columns = a->columns;

	for (size_t i = 0; i < a->rows; i++) {
		matrix_decode(a, i, 0, columns, rows);
		matrix_decode(b, i, 0, columns, rows + columns);
		compare(rows, rows + columns, columns, out);
	}
}

enum err measure_tensors(const struct gguf_tensor *a,
			 const struct gguf_tensor *b, struct measure_noise *out)
{
	size_t columns = (size_t)a->dimensions[0];
	float *rows;

	if (memcmp(a->dimensions, b->dimensions, sizeof(a->dimensions)) != 0)
		return ERR_MALFORMED;
	rows = calloc(2 * columns, sizeof(*rows));
	if (rows == NULL)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < source_stack(a); i++) {
		struct matrix left = source_matrix_at(a, i);
		struct matrix right = source_matrix_at(b, i);

		compare_matrices(&left, &right, rows, out);
	}
	free(rows);
	return ERR_OK;
}

static enum err print_tensor(const struct gguf_tensor *a,
			     const struct gguf_tensor *b,
			     struct measure_noise *total)
{
	struct measure_noise noise = { 0 };

	TRY(measure_tensors(a, b, &noise));
	printf("%-40s %-6s %-6s %8.2f dB\n", source_name_of(a->name).text,
	       matrix_form_of(a->format)->name, matrix_form_of(b->format)->name,
	       measure_decibels(noise));
	/* What was only copied would hide what the others lost. */
	if (noise.noise > 0) {
		total->signal += noise.signal;
		total->noise += noise.noise;
	}
	return ERR_OK;
}

/* Both lists are sorted by name. */
static int compare_sources(const struct source *a, const struct source *b)
{
	struct measure_noise total = { 0 };
	struct report_progress progress =
		report_begin("measuring", a->file.len);

	for (size_t i = 0; i < a->gguf.tensor_count; i++) {
		const struct gguf_tensor *left = &a->gguf.tensors[i];
		const struct gguf_tensor *right = &b->gguf.tensors[i];
		enum err err = ERR_MALFORMED;

		if (i < b->gguf.tensor_count &&
		    bytes_equal(left->name, right->name))
			err = print_tensor(left, right, &total);
		if (err != ERR_OK) {
			return report_failure(
				b->path,
				"has other tensors than the first file", err);
		}
		report_advance(&progress, left->data.len);
	}
	(void)report_end(&progress);
	printf("%-54s %8.2f dB\n", "all that differ", measure_decibels(total));
	return REPORT_GOOD;
}

int measure_run(const struct options *options)
{
	SCOPED_SOURCE a = { 0 };
	SCOPED_SOURCE b = { 0 };
	enum err err = source_open(options->files[0], &a);

	if (err != ERR_OK)
		return report_file(options->files[0],
				   "is no model file that can be read", err);
	err = source_open(options->files[1], &b);
	if (err != ERR_OK)
		return report_file(options->files[1],
				   "is no model file that can be read", err);
	return compare_sources(&a, &b);
}

double measure_bits(const struct matrix_form *form)
{
	return 8 * (double)form->bytes / (double)(form->weights * form->rows);
}

/* Weights, to somewhere and back: [2][count]. */
static enum err draw(size_t count, uint64_t seed, float **out)
{
	struct noise noise = noise_start(seed, BYTES_LITERAL("gaussian"));
	float *weights = calloc(2 * count, sizeof(*weights));

	if (weights == NULL)
		return ERR_UNAVAILABLE;
	noise_fill(&noise, 1, weights, count);
	*out = weights;
	return ERR_OK;
}

static enum err round_trip(enum matrix_format format, float *weights,
			   size_t count)
{
	const struct quantizer quantizer = { format, QUANTIZER_SEARCH };
	size_t rows = matrix_form_of(format)->rows, columns = count / rows;
	const struct quantizer_rows line = { .weights = weights,
					     .count = rows,
					     .columns = columns };
	struct matrix matrix = { .rows = rows,
				 .columns = columns,
				 .format = format };
	uint8_t *encoded;
	enum err err;

	TRY(matrix_stride(format, columns, &matrix.stride));
	encoded = malloc(matrix.stride);
	if (encoded == NULL)
		return ERR_UNAVAILABLE;
	matrix.data = encoded;
	err = quantizer_line(&quantizer, &line, encoded);
	for (size_t i = 0; err == ERR_OK && i < rows; i++)
		matrix_decode(&matrix, i, 0, columns,
			      weights + count + i * columns);
	free(encoded);
	return err;
}

enum err measure_gaussian(enum matrix_format format, size_t count,
			  uint64_t seed, struct measure_noise *out)
{
	struct measure_noise made = { 0 };
	float *weights;
	enum err err;

	TRY(draw(count, seed, &weights));
	err = round_trip(format, weights, count);
	if (err == ERR_OK) {
		compare(weights, weights + count, count, &made);
		*out = made;
	}
	free(weights);
	return err;
}

enum err measure_gaussian_sixes(size_t count, uint64_t seed,
				struct measure_noise *out)
{
	struct measure_noise made = { 0 };
	uint8_t block[SIXES_BYTES];
	float *weights;

	count -= count % SIXES_WEIGHTS;
	TRY(draw(count, seed, &weights));
	for (size_t i = 0; i < count; i += SIXES_WEIGHTS) {
		sixes_encode(weights + i, block);
		sixes_decode(block, weights + count + i);
	}
	compare(weights, weights + count, count, &made);
	free(weights);
	*out = made;
	return ERR_OK;
}

static void print_gaussian(const char *name, double bits,
			   struct measure_noise noise)
{
	printf("%-6s %8.4f %8.2f %12.2f\n", name, bits, measure_decibels(noise),
	       measure_decibels(noise) / bits);
}

int measure_run_sqnr(const struct options *options)
{
	struct measure_noise noise;

	printf("%-6s %8s %8s %12s\n", "format", "bits", "dB", "dB a bit");
	for (size_t i = 0; matrix_form_at(i) != NULL; i++) {
		const struct matrix_form *form = matrix_form_at(i);
		enum err err = measure_gaussian(form->format, GAUSSIAN_COUNT,
						options->seed, &noise);

		if (err != ERR_OK)
			return report_failure(form->name, "cannot be measured",
					      err);
		print_gaussian(form->name, measure_bits(form), noise);
	}
	if (measure_gaussian_sixes(GAUSSIAN_COUNT, options->seed, &noise) !=
	    ERR_OK)
		return report_failure("6x6", "cannot be measured",
				      ERR_UNAVAILABLE);
	print_gaussian("6x6", 8.0 * SIXES_BYTES / SIXES_WEIGHTS, noise);
	return REPORT_GOOD;
}
