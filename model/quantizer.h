/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantizer: weights into the formats of inference/matrix.h.
 *
 * Block formats are fitted, not just rounded: of many scales the one whose
 * squared error is least wins, where each error may count by the importance
 * of its column.  Then the scales are rounded to what the format stores, and
 * the integers follow the scales as stored.
 */
#ifndef MODEL_QUANTIZER_H
#define MODEL_QUANTIZER_H

#include "inference/matrix.h"

#define QUANTIZER_WEIGHT_BYTES 4 /* of a weight in any format, at most */

enum quantizer_effort {
	QUANTIZER_QUICK,  /* one scale, from the extremes: for random weights */
	QUANTIZER_SEARCH, /* the best that is found */
};

struct quantizer {
	enum matrix_format format;
	enum quantizer_effort effort;
};

/*
 * Encode one row.  importance: [columns], none negative, or NULL where all
 * columns count alike.  ERR_MALFORMED for a weight that is infinite or NaN,
 * ERR_TOO_LARGE for one beyond the format; errors of matrix_row_bytes().  `out`
 * has the bytes of a row, and holds anything after an error.
 */
MUST_CHECK enum err quantizer_row(const struct quantizer *quantizer,
				  const float *weights, const float *importance,
				  size_t columns, uint8_t *out);

#endif
