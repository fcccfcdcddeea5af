/* SPDX-License-Identifier: Apache-2.0 */
#include "model/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/noise.h"
#include "model/quantizer.h"
#include "model/report.h"

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

enum err measure_tensors(const struct gguf_tensor *a,
			 const struct gguf_tensor *b, struct measure_noise *out)
{
	struct matrix left = source_matrix(a), right = source_matrix(b);
	size_t columns = left.columns;
	float *rows;

	if (memcmp(a->dimensions, b->dimensions, sizeof(a->dimensions)) != 0)
		return ERR_MALFORMED;
	rows = calloc(2 * columns, sizeof(*rows));
	if (rows == NULL)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < left.rows; i++) {
		matrix_decode(&left, i, 0, columns, rows);
		matrix_decode(&right, i, 0, columns, rows + columns);
		compare(rows, rows + columns, columns, out);
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
	printf("%-40s %-5s %-5s %8.2f dB\n", source_name_of(a->name).text,
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
	printf("%-52s %8.2f dB\n", "all that differ", measure_decibels(total));
	return REPORT_GOOD;
}

int measure_run(const struct options *options)
{
	SCOPED_SOURCE a = { 0 };
	SCOPED_SOURCE b = { 0 };
	enum err err = source_open(options->files[0], &a);

	if (err != ERR_OK)
		return report_failure(options->files[0],
				      "is no model file that can be read", err);
	err = source_open(options->files[1], &b);
	if (err != ERR_OK)
		return report_failure(options->files[1],
				      "is no model file that can be read", err);
	return compare_sources(&a, &b);
}

/* weights: [2][count], encoded: room for as many floats. */
static enum err round_trip(enum matrix_format format, float *weights,
			   uint8_t *encoded, size_t count)
{
	const struct quantizer quantizer = { format, QUANTIZER_SEARCH };
	struct matrix matrix = {
		.data = encoded, .rows = 1, .columns = count, .format = format
	};

	TRY(quantizer_row(&quantizer, weights, NULL, count, encoded));
	matrix_decode(&matrix, 0, 0, count, weights + count);
	return ERR_OK;
}

enum err measure_gaussian(enum matrix_format format, size_t count,
			  uint64_t seed, struct measure_noise *out)
{
	struct noise noise = noise_start(seed, BYTES_LITERAL("gaussian"));
	float *weights = calloc(2 * count, sizeof(*weights));
	uint8_t *encoded = calloc(count, QUANTIZER_WEIGHT_BYTES);
	struct measure_noise made = { 0 };
	enum err err = ERR_UNAVAILABLE;

	if (weights != NULL && encoded != NULL) {
		noise_fill(&noise, 1, weights, count);
		err = round_trip(format, weights, encoded, count);
	}
	if (err == ERR_OK) {
		compare(weights, weights + count, count, &made);
		*out = made;
	}
	free(weights);
	free(encoded);
	return err;
}

int measure_run_sqnr(const struct options *options)
{
	printf("%-6s %8s %8s %12s\n", "format", "bits", "dB", "dB a bit");
	for (size_t i = 0; matrix_form_at(i) != NULL; i++) {
		const struct matrix_form *form = matrix_form_at(i);
		double bits = 8 * (double)form->bytes / (double)form->weights;
		struct measure_noise noise;
		enum err err = measure_gaussian(form->format, GAUSSIAN_COUNT,
						options->seed, &noise);

		if (err != ERR_OK)
			return report_failure(form->name, "cannot be measured",
					      err);
		printf("%-6s %8.4f %8.2f %12.2f\n", form->name, bits,
		       measure_decibels(noise), measure_decibels(noise) / bits);
	}
	return REPORT_GOOD;
}
