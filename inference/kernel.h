/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: the arithmetic of the model, in several instruction sets.
 *
 * All paths give the same bits.  What makes that possible is that the order of
 * every sum is fixed, here and in product.h, and not left to the hardware:
 *
 *   dot       8 lanes; lane j takes the products of elements 8i + j, i rising,
 *             each by one fused multiply-add; a short end counts as zeros.
 *             Lanes are added ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
 *   score     one sum; elements rising, one fused multiply-add each.
 *   softmax   16 lanes, by place modulo 16; added as above after lane j + 8
 *             was added to lane j.
 *   blend     one sum an element; positions rising, one fused multiply-add
 *             each.
 *   score_bf16, blend_bf16
 *             both factors rounded to bf16 (activation.h), and the order of
 *             product.h for such rows: 32 elements at a time, or 32 positions.
 *
 * It follows that a result does not depend on how many rows or outputs are
 * worked on together, so a prompt may be cut into chunks anywhere.
 */
#ifndef INFERENCE_KERNEL_H
#define INFERENCE_KERNEL_H

#include <stddef.h>

#include "inference/matrix.h"
#include "inference/product.h"

/* Keys lie in groups of so many positions: [positions / 16][d][16]. */
#define KERNEL_POSITIONS ((size_t)16)
/* What is blended as bf16 begins and ends at a multiple of so many. */
#define KERNEL_POSITIONS_BF16 ((size_t)32)

/* What keys and values are kept as. */
enum kernel_store {
	KERNEL_F32,
	KERNEL_F16,
	KERNEL_I8, /* integers: their scales are the caller's business */
};

/* Rows times a matrix of floats (F32, F16 or BF16). */
struct kernel_multiply {
	const struct matrix *matrix;
	const float *x; /* [rows][columns] */
	size_t rows;
	float *out;    /* [rows][stride] */
	size_t stride; /* floats */
};

/* Queries against keys. */
struct kernel_score {
	const float *queries; /* [count][query_stride], `width` used of each */
	size_t query_stride;
	size_t count;
	size_t width;
	enum kernel_store store;
	const void *keys; /* [groups][width][16] */
	size_t groups;
	float *scores; /* [count][score_stride], 16 * groups written of each */
	size_t score_stride;
};

/* Values by their weights. */
struct kernel_blend {
	const float *weights; /* [count][weight_stride] */
	size_t weight_stride;
	size_t count;
	enum kernel_store store;
	const void *values; /* [positions][width] */
	size_t positions;
	size_t width;
	float *out; /* [count][out_stride], added to */
	size_t out_stride;
};

/* The same for rows of a prompt.  Queries go by sixteens: up to the next
 * multiple of 16 they are read, and as many rows of scores are written. */
struct kernel_score_bf16 {
	const uint16_t *queries; /* [count][query_stride]; zeros from `width` to
				    the next multiple of 32 */
	size_t query_stride;
	size_t count;
	size_t width; /* even */
	enum kernel_store store;
	const void *keys; /* [groups][width][16] */
	size_t groups;
	float *scores; /* [count][score_stride] */
	size_t score_stride;
};

/* The same for rows of a prompt, by sixteens as well. */
struct kernel_blend_bf16 {
	const uint16_t *weights; /* [count][weight_stride] */
	size_t weight_stride;
	size_t count;
	enum kernel_store store;
	const void *values; /* [positions][width] */
	size_t positions;   /* a multiple of 32 */
	size_t width;
	float *out; /* [count][out_stride], added to */
	size_t out_stride;
};

struct kernel {
	const char *name;

	/* Rows times panels of integers; see product.h. */
	void (*product)(const struct product *product);

	/* The same for rows that are bf16, where product_takes_bf16(). */
	void (*product_bf16)(const struct product *product);

	/* Row `row` becomes x; see activation.h. */
	void (*set_row)(struct activation *activation, size_t row,
			const float *x, size_t columns);

	void (*multiply)(const struct kernel_multiply *multiply);

	/* dot(a, b) of count elements. */
	float (*dot)(const float *a, const float *b, size_t count);

	void (*score)(const struct kernel_score *score);

	/*
	 * x[i] = exp(x[i] - max) / sum for first <= i < end, in place; lanes go
	 * by i, so x is to begin at a multiple of 16.
	 */
	void (*softmax)(float *x, size_t first, size_t end);

	void (*blend)(const struct kernel_blend *blend);

	void (*score_bf16)(const struct kernel_score_bf16 *score);
	void (*blend_bf16)(const struct kernel_blend_bf16 *blend);

	/* gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i], in place. */
	void (*swiglu)(float *gate, const float *up, size_t count);

	/* out[i] = the half nearest to x[i], ties to even. */
	void (*narrow)(const float *x, size_t count, uint16_t *out);

	/* The same to bf16; see activation.h.  out may begin at x, or before. */
	void (*narrow_bf16)(const float *x, size_t count, uint16_t *out);

	/* out[i] += scale * x[i], by one fused multiply-add. */
	void (*add_scaled)(float scale, const float *x, size_t count,
			   float *out);
};

/*
 * Number i of those that this processor runs, plainest first, or NULL.  The
 * first call asks the kernel for the tiles of AMX, which a jail may forbid
 * later on: make it before.
 */
const struct kernel *kernel_at(size_t i);

/* The fastest of them. */
const struct kernel *kernel_best(void);

/* out[i] = x[i] / sqrt(mean(x^2) + epsilon) * weight[i], count elements. */
struct kernel_norm {
	const float *weight;
	size_t count;
	float epsilon;
};

/* Normalise one row; out may be x. */
void kernel_rms_norm(const struct kernel *kernel,
		     const struct kernel_norm *norm, const float *x,
		     float *out);

#endif
