/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: blocks of a model file into panels, quickly.
 *
 * The formats that most files are in have their integers in an order that a
 * panel takes over four at a time; panel_write() does the same for any format,
 * number by number, and is what this is compared with.
 */
#ifndef INFERENCE_PACK_H
#define INFERENCE_PACK_H

#include <stdbool.h>

#include "inference/matrix.h"

/*
 * Up to 256 columns of a row, at `from` in the file's format, into the share
 * of row 0 to 15 in a zeroed block.  False, and nothing done, for formats that
 * have no such order.
 */
bool pack_block(enum matrix_format format, const uint8_t *from, size_t columns,
		size_t row, uint8_t *block);

#endif
