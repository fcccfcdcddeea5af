/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, or values, are made into tiles, some positions at a time, and all
 * queries go over these:
 *
 *                rows      elements that are summed   columns
 *     score      queries   of a head                  positions
 *     blend      queries   positions                  of a head
 *
 * Either way a row of a tile is two vectors of sixteen elements that lie one
 * after the other in the cache, interleaved.
 */
#include "inference/kernel_amx_bf16.h"

#include "inference/kernel_avx2.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "inference/kernel_store.h"
#include "inference/pairs_bf16.h"
#include "inference/tiles_amx.h"

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c"
#define TARGET __attribute__((target(FEATURES)))
#define INLINE inline __attribute__((always_inline, target(FEATURES)))

#define GROUP ((size_t)32)	/* elements that a tile sums */
#define TILE ((size_t)512)	/* numbers of a tile of columns */
#define WIDTH_MAX ((size_t)256) /* of a head; wider ones go another way */
#define SCORED_AT_ONCE ((size_t)64)
#define BLENDED_AT_ONCE ((size_t)256)
#define KEY_TILES (SCORED_AT_ONCE / TILE_ROWS * WIDTH_MAX / GROUP)
#define VALUE_TILES (BLENDED_AT_ONCE / GROUP * WIDTH_MAX / TILE_ROWS)

/* Sixteen elements of keys or values; none is subnormal (activation.h). */
static INLINE __m512 load_sixteen(enum kernel_store store, const void *from,
				  size_t i)
{
	__m512 x;

	if (store == KERNEL_F16)
		return _mm512_cvtph_ps(_mm256_loadu_si256(
			(const __m256i *)((const uint16_t *)from + i)));
	if (store == KERNEL_I8)
		return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(
			(const __m128i *)((const int8_t *)from + i))));
	x = _mm512_loadu_ps((const float *)from + i);
	return _mm512_mask_mov_ps(
		x,
		_mm512_cmp_ps_mask(_mm512_abs_ps(x),
				   _mm512_set1_ps(ACTIVATION_BF16_LEAST),
				   _CMP_LT_OQ),
		_mm512_setzero_ps());
}

/* A row of a tile: elements from `first` and from `second` on, in turn. */
static INLINE void interleave(enum kernel_store store, const void *from,
			      size_t first, size_t second, uint16_t *out)
{
	pairs_bf16_store(load_sixteen(store, from, first),
			 load_sixteen(store, from, second), out);
}

/* How results begin, and where they lie. */
struct results {
	float *to;
	size_t stride;
	enum {
		FROM_ZERO,
		FROM_WHAT_IS_THERE
	} begin;
};

#define BEGIN(tile, row, column)                                          \
	do {                                                              \
		if (out->begin == FROM_ZERO)                              \
			TILE_ZERO(tile);                                  \
		else                                                      \
			TILE_LOAD(tile,                                   \
				  out->to + (row)*out->stride + (column), \
				  out->stride * sizeof(float));           \
	} while (0)
#define END(tile, row, column)                                   \
	TILE_STORE(tile, out->to + (row)*out->stride + (column), \
		   out->stride * sizeof(float))

static INLINE void add_tiles(const struct tiles_bf16 *job,
			     const struct results *out, size_t rows,
			     size_t columns)
{
	BEGIN(0, 0, 0);
	if (rows == 2)
		BEGIN(1, TILE_ROWS, 0);
	if (columns == 2)
		BEGIN(2, 0, TILE_ROWS);
	if (rows == 2 && columns == 2)
		BEGIN(3, TILE_ROWS, TILE_ROWS);
	tiles_add_bf16(job, rows, columns);
	END(0, 0, 0);
	if (rows == 2)
		END(1, TILE_ROWS, 0);
	if (columns == 2)
		END(2, 0, TILE_ROWS);
	if (rows == 2 && columns == 2)
		END(3, TILE_ROWS, TILE_ROWS);
}

/* All rows by all columns, tiles of which lie one after the other. */
static INLINE void add_all(const struct tiles_bf16 *all,
			   const struct results *results, size_t rows,
			   size_t columns)
{
	for (size_t r = 0; r < rows; r += 2 * TILE_ROWS) {
		for (size_t c = 0; c < columns; c += 2 * TILE_ROWS) {
			struct tiles_bf16 job = *all;
			struct results out = *results;

			job.rows += r * all->stride;
			job.columns[0] += c / TILE_ROWS * all->groups * TILE;
			job.columns[1] = job.columns[0] + all->groups * TILE;
			out.to += r * out.stride + c;
			if (rows - r <= TILE_ROWS && columns - c <= TILE_ROWS)
				add_tiles(&job, &out, 1, 1);
			else if (rows - r <= TILE_ROWS)
				add_tiles(&job, &out, 1, 2);
			else if (columns - c <= TILE_ROWS)
				add_tiles(&job, &out, 2, 1);
			else
				add_tiles(&job, &out, 2, 2);
		}
	}
}

static INLINE size_t at_most(size_t count, size_t most)
{
	return count < most ? count : most;
}

/* A group of keys as tiles [d / 32]; the last is filled up with zeros. */
static INLINE void read_keys(enum kernel_store store,
			     const struct kernel_score_bf16 *job, size_t group,
			     uint16_t *out)
{
	size_t from = group * job->width * KERNEL_POSITIONS;
	size_t rest = (GROUP - job->width % GROUP) % GROUP;

	for (size_t d = 0; d < job->width; d += 2) {
		interleave(store, job->keys, from, from + KERNEL_POSITIONS,
			   out);
		from += 2 * KERNEL_POSITIONS;
		out += 2 * KERNEL_POSITIONS;
	}
	memset(out, 0, rest * KERNEL_POSITIONS * sizeof(*out));
}

static INLINE void score_store(enum kernel_store store,
			       const struct kernel_score_bf16 *job)
{
	uint16_t tiles[KEY_TILES * TILE] __attribute__((aligned(64)));
	size_t most = SCORED_AT_ONCE / KERNEL_POSITIONS;
	const struct tiles_bf16 all = {
		.rows = job->queries,
		.stride = job->query_stride,
		.columns = { tiles, NULL },
		.groups = (job->width + GROUP - 1) / GROUP,
	};

	for (size_t first = 0; first < job->groups; first += most) {
		size_t count = at_most(job->groups - first, most);
		struct results out = { job->scores + first * KERNEL_POSITIONS,
				       job->score_stride, FROM_ZERO };

		for (size_t g = 0; g < count; g++)
			read_keys(store, job, first + g,
				  tiles + g * all.groups * TILE);
		add_all(&all, &out, job->count, count * KERNEL_POSITIONS);
	}
}

TARGET void kernel_amx_bf16_score(const struct kernel_score_bf16 *job)
{
	if (job->width > WIDTH_MAX) {
		kernel_avx2()->score_bf16(job);
		return;
	}
	tiles_configure(64);
	KERNEL_BY_STORE(score_store, job);
	tiles_release();
}

/* Positions from `first` on as tiles [d / 16][positions / 32]. */
static INLINE void read_values(enum kernel_store store,
			       const struct kernel_blend_bf16 *job,
			       size_t first, size_t positions, uint16_t *out)
{
	for (size_t c = 0; c < job->width; c += TILE_ROWS) {
		for (size_t p = first; p < first + positions; p += 2) {
			size_t from = p * job->width + c;

			interleave(store, job->values, from, from + job->width,
				   out);
			out += 2 * TILE_ROWS;
		}
	}
}

static INLINE void blend_store(enum kernel_store store,
			       const struct kernel_blend_bf16 *job)
{
	uint16_t tiles[VALUE_TILES * TILE] __attribute__((aligned(64)));
	const struct results out = { job->out, job->out_stride,
				     FROM_WHAT_IS_THERE };

	for (size_t first = 0; first < job->positions;
	     first += BLENDED_AT_ONCE) {
		size_t count = at_most(job->positions - first, BLENDED_AT_ONCE);
		const struct tiles_bf16 all = {
			.rows = job->weights + first,
			.stride = job->weight_stride,
			.columns = { tiles, NULL },
			.groups = count / GROUP,
		};

		read_values(store, job, first, count, tiles);
		add_all(&all, &out, job->count, job->width);
	}
}

TARGET void kernel_amx_bf16_blend(const struct kernel_blend_bf16 *job)
{
	if (job->width % TILE_ROWS != 0 || job->width > WIDTH_MAX) {
		kernel_avx2()->blend_bf16(job);
		return;
	}
	tiles_configure(64);
	KERNEL_BY_STORE(blend_store, job);
	tiles_release();
}

#else

void kernel_amx_bf16_score(const struct kernel_score_bf16 *job)
{
	kernel_scalar.score_bf16(job);
}

void kernel_amx_bf16_blend(const struct kernel_blend_bf16 *job)
{
	kernel_scalar.blend_bf16(job);
}

#endif
