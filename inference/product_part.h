/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product_part: for the kernels of tiles: a product is computed a part at a
 * time, some rows of activations by some panels, all rows of these panels before
 * the next panels.
 */
#ifndef INFERENCE_PRODUCT_PART_H
#define INFERENCE_PRODUCT_PART_H

#include <xmmintrin.h>

#include "inference/product.h"

/* What a part is at most. */
struct product_most {
	size_t rows;
	size_t panels;
};

struct product_part {
	const struct product *product;
	struct product_most most;
	size_t row; /* the first */
	size_t rows;
	size_t panel;  /* the first */
	size_t panels; /* none: all parts were before */
};

static inline size_t product_part_at_most(size_t count, size_t most)
{
	return count < most ? count : most;
}

/* As many as there are from the first on. */
static inline void product_part_fill(struct product_part *part)
{
	size_t panels = (part->product->outputs + PANEL_ROWS - 1) / PANEL_ROWS;

	part->rows = product_part_at_most(part->product->rows - part->row,
					  part->most.rows);
	part->panels =
		product_part_at_most(panels - part->panel, part->most.panels);
}

static inline struct product_part
product_part_first(const struct product *product, struct product_most most)
{
	struct product_part part = { .product = product, .most = most };

	if (product->rows > 0)
		product_part_fill(&part);
	return part;
}

static inline void product_part_next(struct product_part *part)
{
	part->row += part->rows;
	if (part->row >= part->product->rows) {
		part->row = 0;
		part->panel += part->panels;
	}
	product_part_fill(part);
}

/* Block b of a panel of the product. */
static inline const uint8_t *product_part_block(const struct product *product,
						size_t panel, size_t b)
{
	return product->panels + (panel * product->x->blocks + b) *
					 panel_forms[product->format].bytes;
}

/* Ask for a block that will be needed after this one's tiles. */
static inline void product_part_prefetch(enum panel_format format,
					 const uint8_t *block)
{
	for (size_t at = 0; at < panel_forms[format].bytes; at += 64)
		_mm_prefetch((const char *)block + at, _MM_HINT_T1);
}

#endif
