/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantize.h"

#include <stdlib.h>
#include <string.h>

#include "model/gguf_write.h"
#include "model/quantizer.h"
#include "model/report.h"

/* Room for one row of the widest tensor, as floats and encoded. */
struct row {
	float *weights;
	uint8_t *encoded;
};

/* Whether the name has a part, between dots or at its end. */
static bool has_part(struct bytes name, const char *part)
{
	return memmem(name.data, name.len, part, strlen(part)) != NULL;
}

static bool is_matrix(const struct gguf_tensor *tensor)
{
	return tensor->dimensions[1] > 1 || tensor->dimensions[2] > 1;
}

enum matrix_format quantize_format_for(const struct gguf_tensor *tensor,
				       enum matrix_format wanted)
{
	size_t bytes;

	if (!is_matrix(tensor))
		return tensor->format;
	if (has_part(tensor->name, "ffn_gate_inp."))
		return MATRIX_F32;
	if (matrix_stride(wanted, tensor->dimensions[0], &bytes) == ERR_OK)
		return wanted;
	return tensor->dimensions[0] % 32 == 0 ? MATRIX_Q8_0 : MATRIX_F16;
}

/* Keys that would be untrue of the new file. */
static bool is_stale(struct bytes key)
{
	return bytes_equal(key, BYTES_LITERAL("general.file_type")) ||
	       bytes_equal(key, BYTES_LITERAL("general.alignment")) ||
	       bytes_equal(key, BYTES_LITERAL("general.quantization_version"));
}

static enum err write_index(const struct source *source,
			    const struct quantize *quantize,
			    struct gguf_write *out)
{
	const struct gguf *gguf = &source->gguf;

	for (size_t i = 0; i < gguf->value_count; i++)
		if (!is_stale(gguf->values[i].key))
			gguf_write_value(out, &gguf->values[i]);
	/* The version of the block formats that other engines look for. */
	gguf_write_u32(out, "general.quantization_version", 2);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		struct gguf_tensor declared = gguf->tensors[i];

		declared.format = quantize_format_for(&gguf->tensors[i],
						      quantize->format);
		TRY(gguf_write_declare(out, &declared));
	}
	return ERR_OK;
}

/* Importance of the columns, for each matrix of a stack; none without. */
static enum err find_importance(const struct quantize *quantize,
				const struct gguf_tensor *tensor,
				struct importance *out)
{
	*out = (struct importance){ NULL, 0 };
	/* Of an embedding whole rows are looked up: no column is less. */
	if (quantize->importance == NULL ||
	    bytes_equal(tensor->name, BYTES_LITERAL("token_embd.weight")))
		return ERR_OK;
	return importance_find(quantize->importance, tensor, out);
}

static enum err write_rows(const struct gguf_tensor *tensor,
			   const struct quantizer *quantizer,
			   const struct importance *importance,
			   const struct row *row, struct gguf_write *out)
{
	struct matrix matrix = source_matrix(tensor);
	size_t bytes;

	TRY(matrix_stride(quantizer->format, matrix.columns, &bytes));
	for (size_t i = 0; i < matrix.rows; i++) {
		size_t number = i / (size_t)tensor->dimensions[1];

		matrix_decode(&matrix, i, 0, matrix.columns, row->weights);
		TRY(quantizer_row(quantizer, row->weights,
				  importance_row(importance, number),
				  matrix.columns, row->encoded));
		TRY(gguf_write_data(out,
				    (struct bytes){ row->encoded, bytes }));
	}
	return ERR_OK;
}

static enum err write_tensors(const struct source *source,
			      const struct quantize *quantize,
			      const struct row *row, struct gguf_write *out)
{
	struct report_progress progress =
		report_begin("quantizing", source->file.len);

	for (size_t i = 0; i < source->gguf.tensor_count; i++) {
		const struct gguf_tensor *tensor = &source->gguf.tensors[i];
		struct quantizer quantizer = {
			quantize_format_for(tensor, quantize->format),
			QUANTIZER_SEARCH,
		};
		struct importance importance;

		TRY(find_importance(quantize, tensor, &importance));
		if (quantizer.format == tensor->format)
			TRY(gguf_write_data(out, tensor->data));
		else
			TRY(write_rows(tensor, &quantizer, &importance, row,
				       out));
		report_advance(&progress, tensor->data.len);
	}
	(void)report_end(&progress);
	return ERR_OK;
}

static enum err write_data(const struct source *source,
			   const struct quantize *quantize,
			   struct gguf_write *out)
{
	uint64_t widest = 1;
	struct row row;
	enum err err = ERR_UNAVAILABLE;

	for (size_t i = 0; i < source->gguf.tensor_count; i++)
		if (source->gguf.tensors[i].dimensions[0] > widest)
			widest = source->gguf.tensors[i].dimensions[0];
	row.weights = calloc(widest, sizeof(*row.weights));
	row.encoded = calloc(widest, QUANTIZER_WEIGHT_BYTES);
	if (row.weights != NULL && row.encoded != NULL)
		err = write_tensors(source, quantize, &row, out);
	free(row.weights);
	free(row.encoded);
	return err;
}

enum err quantize_source(const struct source *source,
			 const struct quantize *quantize, const char *path)
{
	SCOPED_GGUF_WRITE *out = NULL;

	TRY(gguf_write_open(path, &out));
	TRY(write_index(source, quantize, out));
	TRY(write_data(source, quantize, out));
	return gguf_write_commit(&out);
}

int quantize_run(const struct options *options)
{
	SCOPED_SOURCE source = { 0 };
	SCOPED_SOURCE importance = { 0 };
	struct quantize quantize = { options->form->format, NULL };
	enum err err = source_open(options->files[0], &source);

	if (err != ERR_OK)
		return report_failure(options->files[0],
				      "is no model file that can be read", err);
	if (options->importance != NULL) {
		err = source_open(options->importance, &importance);
		if (err != ERR_OK)
			return report_failure(options->importance,
					      "is no file of importance", err);
		quantize.importance = &importance.gguf;
	}
	return report_made(
		options->files[1],
		quantize_source(&source, &quantize, options->files[1]));
}
