/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantize.h"

#include <string.h>

#include "model/gguf_write.h"
#include "model/lines.h"
#include "model/report.h"

/* Whether the name has a part, between dots or at its end. */
static bool has_part(struct bytes name, const char *part)
{
	return memmem(name.data, name.len, part, strlen(part)) != NULL;
}

static bool is_matrix(const struct gguf_tensor *tensor)
{
	return tensor->dimensions[1] > 1 || tensor->dimensions[2] > 1;
}

/* The rows that tokens have: on the way in, and on the way out. */
static bool is_embedding(struct bytes name)
{
	return bytes_equal(name, BYTES_LITERAL("token_embd.weight")) ||
	       bytes_equal(name, BYTES_LITERAL("output.weight"));
}

enum matrix_format quantize_format_for(const struct quantize *quantize,
				       const struct gguf_tensor *tensor)
{
	enum matrix_format wanted = is_embedding(tensor->name)
					    ? quantize->embedding
					    : quantize->format;
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

		declared.format =
			quantize_format_for(quantize, &gguf->tensors[i]);
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

static void read_row(void *from, size_t row, float *out)
{
	const struct gguf_tensor *tensor = from;
	size_t rows = (size_t)tensor->dimensions[1];
	struct matrix matrix = source_matrix_at(tensor, row / rows);

	matrix_decode(&matrix, row % rows, 0, matrix.columns, out);
}

static enum err write_tensor(const struct quantize *quantize,
			     struct gguf_tensor *tensor, struct gguf_write *out)
{
	struct importance importance;
	const struct lines lines = {
		.quantizer = { quantize_format_for(quantize, tensor),
			       QUANTIZER_SEARCH },
		.columns = (size_t)tensor->dimensions[0],
		.rows = (size_t)tensor->dimensions[1],
		.stack = source_stack(tensor),
		.importance = &importance,
		.read = read_row,
		.from = tensor,
	};

	if (lines.quantizer.format == tensor->format)
		return gguf_write_data(out, tensor->data);
	TRY(find_importance(quantize, tensor, &importance));
	return lines_write(&lines, out);
}

static enum err write_tensors(const struct source *source,
			      const struct quantize *quantize,
			      struct gguf_write *out)
{
	struct report_progress progress =
		report_begin("quantizing", source->file.len);

	for (size_t i = 0; i < source->gguf.tensor_count; i++) {
		TRY(write_tensor(quantize, &source->gguf.tensors[i], out));
		report_advance(&progress, source->gguf.tensors[i].data.len);
	}
	(void)report_end(&progress);
	return ERR_OK;
}

enum err quantize_source(const struct source *source,
			 const struct quantize *quantize, const char *path)
{
	SCOPED_GGUF_WRITE *out = NULL;

	TRY(gguf_write_open(path, &out));
	TRY(write_index(source, quantize, out));
	TRY(write_tensors(source, quantize, out));
	return gguf_write_commit(&out);
}

int quantize_run(const struct options *options)
{
	SCOPED_SOURCE source = { 0 };
	SCOPED_SOURCE importance = { 0 };
	const struct matrix_form *embedding =
		options->embedding != NULL ? options->embedding : options->form;
	struct quantize quantize = {
		.format = options->form->format,
		.embedding = embedding->format,
	};
	enum err err = source_open(options->files[0], &source);

	if (err != ERR_OK)
		return report_file(options->files[0],
				   "is no model file that can be read", err);
	if (options->importance != NULL) {
		err = source_open(options->importance, &importance);
		if (err != ERR_OK)
			return report_file(options->importance,
					   "is no file of importance", err);
		quantize.importance = &importance.gguf;
	}
	return report_made(
		options->files[1],
		quantize_source(&source, &quantize, options->files[1]));
}
