/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lines.h"

#include <stdlib.h>

/* Room for a line, as floats and encoded. */
struct room {
	float *weights;
	uint8_t *encoded;
	size_t bytes; /* of it, encoded */
};

static size_t at_most(size_t count, size_t most)
{
	return count < most ? count : most;
}

static enum err write_matrix(const struct lines *lines, size_t number,
			     const struct room *room, struct gguf_write *out)
{
	size_t most = matrix_form_of(lines->quantizer.format)->rows;
	struct quantizer_rows rows = { .weights = room->weights,
				       .columns = lines->columns };

	if (lines->importance != NULL)
		rows.importance = importance_row(lines->importance, number);
	for (size_t row = 0; row < lines->rows; row += rows.count) {
		rows.count = at_most(lines->rows - row, most);
		for (size_t i = 0; i < rows.count; i++)
			lines->read(lines->from, number * lines->rows + row + i,
				    room->weights + i * lines->columns);
		TRY(quantizer_line(&lines->quantizer, &rows, room->encoded));
		TRY(gguf_write_data(
			out, (struct bytes){ room->encoded, room->bytes }));
	}
	return ERR_OK;
}

static enum err write_stack(const struct lines *lines, const struct room *room,
			    struct gguf_write *out)
{
	for (size_t i = 0; i < lines->stack; i++)
		TRY(write_matrix(lines, i, room, out));
	return ERR_OK;
}

enum err lines_write(const struct lines *lines, struct gguf_write *out)
{
	enum matrix_format format = lines->quantizer.format;
	struct room room = { 0 };
	enum err err = ERR_UNAVAILABLE;

	TRY(matrix_stride(format, lines->columns, &room.bytes));
	room.weights = calloc(lines->columns, matrix_form_of(format)->rows *
						      sizeof(*room.weights));
	room.encoded = calloc(1, room.bytes);
	if (room.weights != NULL && room.encoded != NULL)
		err = write_stack(lines, &room, out);
	free(room.weights);
	free(room.encoded);
	return err;
}
