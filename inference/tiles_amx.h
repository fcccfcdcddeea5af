/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiles_amx: the tiles of AMX, eight of sixteen rows of 64 bytes.
 *
 * The instructions stand here by themselves because the intrinsics of gcc 12
 * do not tell the compiler that they read memory.  Tile numbers are constants.
 */
#ifndef INFERENCE_TILES_AMX_H
#define INFERENCE_TILES_AMX_H

#include <stddef.h>
#include <stdint.h>

#define TILE_ROWS ((size_t)16)
#define TILE_BYTES ((size_t)1024)

#define TILE_LOAD(tile, from, stride)                              \
	__asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"( \
				 (const void *)(from)),            \
			 "r"((size_t)(stride))                     \
			 : "memory")
#define TILE_STORE(tile, to, stride)                        \
	__asm__ volatile("tilestored %%tmm" #tile           \
			 ", (%0,%1,1)" ::"r"((void *)(to)), \
			 "r"((size_t)(stride))              \
			 : "memory")
#define TILE_ZERO(tile) __asm__ volatile("tilezero %tmm" #tile)
/* c += a * b, all signed. */
#define TILE_MULTIPLY(c, a, b) \
	__asm__ volatile("tdpbssd %tmm" #b ", %tmm" #a ", %tmm" #c)

/* c += a * b, all bf16 in pairs; c is floats. */
#define TILE_MULTIPLY_BF16(c, a, b) \
	__asm__ volatile("tdpbf16ps %tmm" #b ", %tmm" #a ", %tmm" #c)

/* The layout that ldtilecfg reads (Intel SDM, palette 1). */
struct tile_config {
	uint8_t palette, start_row;
	uint8_t reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

/* Tiles 4 and 5 are factors of so many columns, in bytes; 6 and 7 have the rows
 * that these meet; the others are whole. */
static inline void tiles_configure(uint16_t columns)
{
	struct tile_config config = { .palette = 1 };

	for (size_t t = 0; t < 8; t++) {
		config.row_bytes[t] = t == 4 || t == 5 ? columns : 64;
		config.rows[t] = t >= 6 ? (uint8_t)(columns / 4) : 16;
	}
	__asm__ volatile("ldtilecfg (%0)" ::"r"(&config) : "memory");
}

static inline void tiles_release(void)
{
	__asm__ volatile("tilerelease");
}

/* Rows by columns of bf16, in groups of 32 elements that both share. */
struct tiles_bf16 {
	const uint16_t *rows; /* of all groups, side by side */
	size_t stride;	      /* to the next row */
	/* [groups][16 pairs of elements][16 columns][2], twice */
	const uint16_t *columns[2];
	size_t groups;
};

/*
 * Add products to tile 2c + r: the r-th sixteen rows by the c-th sixteen
 * columns.  Sizes, 1 or 2, are constants wherever this is inlined.
 */
static inline __attribute__((always_inline)) void
tiles_add_bf16(const struct tiles_bf16 *job, size_t rows, size_t columns)
{
	const uint16_t *row = job->rows, *first = job->columns[0];
	const uint16_t *second = job->columns[1];
	size_t stride = job->stride * sizeof(*row);

	for (size_t g = 0; g < job->groups; g++) {
		TILE_LOAD(4, row, stride);
		TILE_LOAD(6, first, 64);
		TILE_MULTIPLY_BF16(0, 4, 6);
		if (columns == 2) {
			TILE_LOAD(7, second, 64);
			TILE_MULTIPLY_BF16(2, 4, 7);
		}
		if (rows == 2) {
			TILE_LOAD(5, row + TILE_ROWS * job->stride, stride);
			TILE_MULTIPLY_BF16(1, 5, 6);
			if (columns == 2)
				TILE_MULTIPLY_BF16(3, 5, 7);
		}
		row += 32;
		first += 512;
		second += 512;
	}
}

#endif
