/* SPDX-License-Identifier: Apache-2.0 */
#include "model/prepack.h"

#include <stdlib.h>

#include "model/gguf_write.h"
#include "model/report.h"

static enum err write_index(const struct gguf *gguf, struct gguf_write *out)
{
	/* The type of file is a number of formats that are not these. */
	for (size_t i = 0; i < gguf->value_count; i++) {
		if (!bytes_equal(gguf->values[i].key,
				 BYTES_LITERAL("general.file_type")))
			gguf_write_value(out, &gguf->values[i]);
	}
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		struct gguf_tensor declared = gguf->tensors[i];

		declared.format = matrix_ready_format(declared.format);
		TRY(gguf_write_declare(out, &declared));
	}
	return ERR_OK;
}

/* A panel at a time, so that no matrix has to fit memory. */
static enum err write_matrix(const struct matrix *matrix, uint8_t *panel,
			     struct gguf_write *out)
{
	struct matrix rows = *matrix, packed;

	for (size_t row = 0; row < matrix->rows; row += PANEL_ROWS) {
		size_t left = matrix->rows - row;

		rows.data = matrix->data + row * matrix->stride;
		rows.rows = left < PANEL_ROWS ? left : PANEL_ROWS;
		matrix_pack(&rows, panel, &packed);
		TRY(gguf_write_data(out,
				    (struct bytes){ panel, packed.stride }));
	}
	return ERR_OK;
}

static enum err write_stack(const struct gguf_tensor *tensor, uint8_t *panel,
			    struct gguf_write *out)
{
	for (size_t i = 0; i < source_stack(tensor); i++) {
		struct matrix matrix = source_matrix_at(tensor, i);

		TRY(write_matrix(&matrix, panel, out));
	}
	return ERR_OK;
}

static enum err write_tensor(const struct gguf_tensor *tensor,
			     struct gguf_write *out)
{
	enum matrix_format format = matrix_ready_format(tensor->format);
	uint8_t *panel;
	size_t bytes;
	enum err err;

	if (format == tensor->format)
		return gguf_write_data(out, tensor->data);
	TRY(matrix_stride(format, tensor->dimensions[0], &bytes));
	panel = malloc(bytes);
	if (panel == NULL)
		return ERR_UNAVAILABLE;
	err = write_stack(tensor, panel, out);
	free(panel);
	return err;
}

enum err prepack_source(const struct source *source, const char *path)
{
	const struct gguf *gguf = &source->gguf;
	struct report_progress progress =
		report_begin("packing", source->file.len);
	SCOPED_GGUF_WRITE *out = NULL;

	TRY(gguf_write_open(path, &out));
	TRY(write_index(gguf, out));
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		TRY(write_tensor(&gguf->tensors[i], out));
		report_advance(&progress, gguf->tensors[i].data.len);
	}
	(void)report_end(&progress);
	return gguf_write_commit(&out);
}

int prepack_run(const struct options *options)
{
	SCOPED_SOURCE source = { 0 };
	enum err err = source_open(options->files[0], &source);

	if (err != ERR_OK)
		return report_file(options->files[0],
				   "is no model file that can be read", err);
	return report_made(options->files[1],
			   prepack_source(&source, options->files[1]));
}
