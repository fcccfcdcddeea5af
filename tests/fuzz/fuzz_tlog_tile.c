/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path of a tile that parses is the one path of that tile; a bundle's entries
 * are written again as they were, and have hashes of their own alone.
 */
#include <stdlib.h>
#include <string.h>

#include "tlog/tlog_tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_path(struct bytes in)
{
	char path[TLOG_TILE_PATH_MAX];
	struct tlog_tile tile;

	if (tlog_tile_parse(in, &tile) != ERR_OK)
		return;
	tlog_tile_path(&tile, path);
	invariant(bytes_equal(bytes_of_string(path), in));
	invariant(strstr(path, "..") == NULL && path[0] == 't');
}

static void read_bundle(struct bytes in)
{
	struct writer out = { malloc(in.len + 1), 0, in.len };
	uint8_t hashes[TLOG_TILE_BYTES];
	struct bytes rest = in, entry;
	size_t count = 0;

	while (count < TLOG_TILE_WIDTH &&
	       tlog_tile_take_entry(&rest, &entry) == ERR_OK) {
		merkle_leaf_hash(entry, hashes + count++ * MERKLE_HASH_BYTES);
		invariant(tlog_tile_put_entry(&out, entry) == ERR_OK);
	}
	invariant(out.len == in.len - rest.len);
	invariant(out.len == 0 || memcmp(out.data, in.data, out.len) == 0);
	invariant((tlog_tile_check_bundle(
			   in,
			   (struct bytes){ hashes, count * MERKLE_HASH_BYTES },
			   count) == ERR_OK) == (rest.len == 0));
	free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };

	read_path(in);
	read_bundle(in);
	return 0;
}
