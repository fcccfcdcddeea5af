/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_tile: the files that a log is made of (C2SP tlog-tiles).
 *
 *     tile/LEVEL/INDEX          256 hashes of 32 bytes: roots of 256^LEVEL
 *     tile/entries/INDEX        256 entries, each behind its length (u16)
 *     ....p/WIDTH               the same with 1 to 255 of them, at the edge
 *
 * INDEX goes in threes of digits, all but the last behind an x: 1234067 is
 * x001/x234/067.
 */
#ifndef TLOG_TLOG_TILE_H
#define TLOG_TLOG_TILE_H

#include "crypto/merkle_proof.h"

#define TLOG_TILE_WIDTH 256
#define TLOG_TILE_BYTES (TLOG_TILE_WIDTH * MERKLE_HASH_BYTES)
#define TLOG_TILE_HEIGHT 8    /* levels of the tree in one tile */
#define TLOG_TILE_LEVEL_MAX 7 /* of trees to MERKLE_PROOF_SIZE_MAX */
#define TLOG_TILE_PATH_MAX 64
#define TLOG_ENTRY_BYTES_MAX 65535
#define TLOG_BUNDLE_BYTES_MAX (TLOG_TILE_WIDTH * (2 + TLOG_ENTRY_BYTES_MAX))

enum tlog_tile_kind {
	TLOG_TILE_HASHES = 0,
	TLOG_TILE_ENTRIES, /* level 0 alone */
};

struct tlog_tile {
	enum tlog_tile_kind kind;
	unsigned level;
	uint64_t index;
	unsigned width; /* 1 to 256 */
};

/* The path, "tile/0/x001/067.p/3". */
void tlog_tile_path(const struct tlog_tile *tile,
		    char path[static TLOG_TILE_PATH_MAX]);

/* Read just such a path; ERR_MALFORMED for any other text. */
MUST_CHECK enum err tlog_tile_parse(struct bytes path, struct tlog_tile *out);

/* The tile that holds this hash of a level in a tree of `size` leaves. */
struct tlog_tile tlog_tile_of(enum tlog_tile_kind kind, unsigned level,
			      uint64_t place, uint64_t size);

/* How many hashes a level of tiles has in a tree of `size` leaves. */
uint64_t tlog_tile_hashes(unsigned level, uint64_t size);

/*
 * The root of 2^height leaves of a tile's hashes, from hash number `place` on,
 * which they all have to hold.
 */
void tlog_tile_root(struct bytes hashes, unsigned height, size_t place,
		    struct merkle_hash *out);

/* Take the next entry of a bundle. */
MUST_CHECK enum err tlog_tile_take_entry(struct bytes *bundle,
					 struct bytes *entry);

/* Append an entry; ERR_TOO_LARGE beyond 65535 bytes too. */
MUST_CHECK enum err tlog_tile_put_entry(struct writer *bundle,
					struct bytes entry);

/*
 * ERR_UNAUTHENTIC unless a bundle's entries are `count`, without a byte more,
 * and hash to the hashes of the tile of level 0.
 */
MUST_CHECK enum err tlog_tile_check_bundle(struct bytes bundle,
					   struct bytes hashes, size_t count);

#endif
