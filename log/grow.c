/* SPDX-License-Identifier: Apache-2.0 */
#include "log/grow.h"

#include <stdlib.h>
#include <string.h>

#include "log/durable.h"

/* The rightmost tile of each level, and the rightmost bundle. */
struct level {
	uint64_t hashes;		/* of the level in all */
	bool is_changed;		/* since its tile was put */
	uint8_t bytes[TLOG_TILE_BYTES]; /* of the tile that is not full */
};

struct growth {
	const struct source *folder;
	struct level levels[TLOG_TILE_LEVEL_MAX + 1];
	struct writer bundle; /* from malloc */
};

static enum err put(const struct growth *growth, const struct tlog_tile *tile,
		    struct bytes data)
{
	char path[TLOG_TILE_PATH_MAX];

	tlog_tile_path(tile, path);
	return durable_put(growth->folder->folder, path, data, DURABLE_PUBLIC);
}

/* Read what is not full yet. */
static enum err load(struct growth *growth, uint64_t size)
{
	for (unsigned i = 0; i <= TLOG_TILE_LEVEL_MAX; i++) {
		struct level *level = &growth->levels[i];
		struct writer out = WRITER_OVER(level->bytes);
		struct tlog_tile tile;

		level->hashes = tlog_tile_hashes(i, size);
		if (level->hashes % TLOG_TILE_WIDTH == 0)
			continue;
		tile = tlog_tile_of(TLOG_TILE_HASHES, i, level->hashes - 1,
				    size);
		TRY(source_tile(growth->folder, &tile, &out));
		if (i > 0)
			continue;
		tile.kind = TLOG_TILE_ENTRIES;
		TRY(source_tile(growth->folder, &tile, &growth->bundle));
	}
	return ERR_OK;
}

/* Put the rightmost tile of a level, as wide as it is, and its bundle. */
static enum err put_level(struct growth *growth, unsigned i)
{
	struct level *level = &growth->levels[i];
	uint64_t last = level->hashes - 1;
	struct tlog_tile tile = { TLOG_TILE_HASHES, i, last / TLOG_TILE_WIDTH,
				  (unsigned)(last % TLOG_TILE_WIDTH) + 1 };
	struct bytes hashes = { level->bytes, tile.width * MERKLE_HASH_BYTES };

	level->is_changed = false;
	if (i == 0) {
		tile.kind = TLOG_TILE_ENTRIES;
		TRY(put(growth, &tile, bytes_written(&growth->bundle)));
		tile.kind = TLOG_TILE_HASHES;
	}
	return put(growth, &tile, hashes);
}

/* A tile that is full goes out, and its root into the level above. */
static enum err add_hash(struct growth *growth, const struct merkle_hash *leaf)
{
	struct merkle_hash hash = *leaf;

	for (unsigned i = 0; i <= TLOG_TILE_LEVEL_MAX; i++) {
		struct level *level = &growth->levels[i];
		size_t place = level->hashes++ % TLOG_TILE_WIDTH;

		memcpy(level->bytes + place * MERKLE_HASH_BYTES, hash.bytes,
		       MERKLE_HASH_BYTES);
		level->is_changed = true;
		if (place + 1 < TLOG_TILE_WIDTH)
			return ERR_OK;
		TRY(put_level(growth, i));
		if (i == 0)
			growth->bundle.len = 0;
		tlog_tile_root(BYTES_ARRAY(level->bytes), TLOG_TILE_HEIGHT, 0,
			       &hash);
	}
	return ERR_TOO_LARGE;
}

static enum err add(struct growth *growth, struct merkle *edge,
		    struct bytes entry)
{
	struct merkle_hash leaf;

	merkle_leaf_hash(entry, leaf.bytes);
	TRY(tlog_tile_put_entry(&growth->bundle, entry));
	merkle_add_leaf_hash(edge, leaf.bytes);
	return add_hash(growth, &leaf);
}

static enum err grow_with(struct growth *growth, struct merkle *edge,
			  const struct bytes *entries, size_t count)
{
	TRY(load(growth, edge->leaves));
	for (size_t i = 0; i < count; i++)
		TRY(add(growth, edge, entries[i]));
	for (unsigned i = 0; i <= TLOG_TILE_LEVEL_MAX; i++)
		if (growth->levels[i].is_changed)
			TRY(put_level(growth, i));
	return ERR_OK;
}

enum err grow(const struct source *folder, struct merkle *edge,
	      const struct bytes *entries, size_t count)
{
	struct growth *growth = calloc(1, sizeof(*growth));
	struct merkle grown = *edge;
	enum err err = ERR_UNAVAILABLE;

	if (growth == NULL)
		return err;
	growth->folder = folder;
	growth->bundle.data = malloc(TLOG_BUNDLE_BYTES_MAX);
	growth->bundle.max = TLOG_BUNDLE_BYTES_MAX;
	if (growth->bundle.data != NULL)
		err = grow_with(growth, &grown, entries, count);
	free(growth->bundle.data);
	free(growth);
	if (err == ERR_OK)
		*edge = grown;
	return err;
}

static enum err check(const struct source *source, uint64_t size,
		      struct writer *bundle)
{
	uint8_t memory[TLOG_TILE_BYTES];
	struct writer hashes = WRITER_OVER(memory);
	struct tlog_tile tile =
		tlog_tile_of(TLOG_TILE_HASHES, 0, size - 1, size);

	TRY(source_tile(source, &tile, &hashes));
	tile.kind = TLOG_TILE_ENTRIES;
	TRY(source_tile(source, &tile, bundle));
	return tlog_tile_check_bundle(bytes_written(bundle),
				      bytes_written(&hashes), tile.width);
}

enum err grow_check_bundle(const struct source *source, uint64_t size)
{
	struct writer bundle = { NULL, 0, TLOG_BUNDLE_BYTES_MAX };
	enum err err = ERR_UNAVAILABLE;

	if (size == 0)
		return ERR_OK;
	bundle.data = malloc(TLOG_BUNDLE_BYTES_MAX);
	if (bundle.data != NULL)
		err = check(source, size, &bundle);
	free(bundle.data);
	return err;
}
