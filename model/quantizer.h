/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantizer: weights into the formats of inference/matrix.h.
 *
 * Block formats are fitted, not just rounded: of many scales the one whose
 * squared error is least wins, where each error may count by the importance
 * of its column.  Then the scales are rounded to what the format stores, and
 * the integers follow the scales as stored.
 *
 * Panels of a foreign format hold what that format would hold.
 */
#ifndef MODEL_QUANTIZER_H
#define MODEL_QUANTIZER_H

#include "inference/matrix.h"

enum quantizer_effort {
	QUANTIZER_QUICK,  /* one scale, from the extremes: for random weights */
	QUANTIZER_SEARCH, /* the best that is found */
};

struct quantizer {
	enum matrix_format format;
	enum quantizer_effort effort;
};

/* Rows of a matrix: one, or as many as a panel has, or the last few. */
struct quantizer_rows {
	const float *weights;	 /* [count][columns] */
	const float *importance; /* [columns], none negative; NULL: all alike */
	size_t count;
	size_t columns;
};

/*
 * Encode a line: a row, or a panel, in which rows that are not there have
 * scales of zero.  ERR_MALFORMED for a weight that is infinite or NaN,
 * ERR_TOO_LARGE for one beyond the format; errors of matrix_stride().  `out`
 * has as many bytes as that says, and holds anything after an error.
 */
MUST_CHECK enum err quantizer_line(const struct quantizer *quantizer,
				   const struct quantizer_rows *rows,
				   uint8_t *out);

#endif
