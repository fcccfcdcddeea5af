/* SPDX-License-Identifier: Apache-2.0 */
#include "log/walk.h"

#include <stdlib.h>
#include <string.h>

/* One bundle: entries before `from` are known, and only hashed. */
struct piece {
	struct tlog_tile tile;
	uint64_t from;
	struct writer bundle;
	struct writer hashes;
	uint8_t memory[TLOG_TILE_BYTES];
};

static enum err read_piece(const struct source *source, struct piece *piece)
{
	piece->hashes = (struct writer)WRITER_OVER(piece->memory);
	piece->bundle.len = 0;
	piece->tile.kind = TLOG_TILE_HASHES;
	TRY(source_tile(source, &piece->tile, &piece->hashes));
	piece->tile.kind = TLOG_TILE_ENTRIES;
	TRY(source_tile(source, &piece->tile, &piece->bundle));
	return tlog_tile_check_bundle(bytes_written(&piece->bundle),
				      bytes_written(&piece->hashes),
				      piece->tile.width);
}

static enum err visit_piece(const struct piece *piece, struct merkle *edge,
			    const struct walk_visitor *visitor)
{
	struct bytes rest = bytes_written(&piece->bundle);
	uint64_t index = piece->tile.index * TLOG_TILE_WIDTH;

	for (unsigned i = 0; i < piece->tile.width; i++, index++) {
		struct bytes entry;

		TRY(tlog_tile_take_entry(&rest, &entry));
		if (index < piece->from)
			continue;
		merkle_add_leaf_hash(edge,
				     piece->memory + i * MERKLE_HASH_BYTES);
		TRY(visitor->visit(visitor->context, index, entry));
	}
	return ERR_OK;
}

static enum err walk_entries(const struct source *source, struct merkle *edge,
			     uint64_t size, struct piece *piece,
			     const struct walk_visitor *visitor)
{
	while (edge->leaves < size) {
		piece->from = edge->leaves;
		piece->tile =
			tlog_tile_of(TLOG_TILE_ENTRIES, 0, edge->leaves, size);
		TRY(read_piece(source, piece));
		TRY(visit_piece(piece, edge, visitor));
	}
	return ERR_OK;
}

/* Every hash that is new above level 0 is the root of the tile below it. */
static enum err check_level(struct tree *tree, unsigned level, uint64_t old)
{
	uint64_t hashes = tlog_tile_hashes(level, tree->size);

	for (uint64_t i = tlog_tile_hashes(level, old); i < hashes; i++) {
		struct merkle_source source = tree_source(tree);
		struct merkle_hash said, found, right;
		unsigned height = level * TLOG_TILE_HEIGHT - 1;

		TRY(tree_hash(tree, level, i, &said));
		TRY(source.node(source.context, height, 2 * i, &found));
		TRY(source.node(source.context, height, 2 * i + 1, &right));
		merkle_node_hash(found.bytes, right.bytes, found.bytes);
		if (memcmp(found.bytes, said.bytes, MERKLE_HASH_BYTES) != 0)
			return ERR_UNAUTHENTIC;
	}
	return ERR_OK;
}

static enum err check_tiles(const struct source *source, uint64_t old,
			    uint64_t size)
{
	struct tree tree;
	enum err err = tree_open(source, size, &tree);

	if (err != ERR_OK)
		return err;
	for (unsigned level = 1; level <= TLOG_TILE_LEVEL_MAX && err == ERR_OK;
	     level++)
		err = check_level(&tree, level, old);
	tree_close(&tree);
	return err;
}

static enum err check_root(const struct merkle *edge,
			   const struct merkle_hash *root)
{
	struct merkle_hash found;

	merkle_root(edge, found.bytes);
	return memcmp(found.bytes, root->bytes, MERKLE_HASH_BYTES) == 0
		       ? ERR_OK
		       : ERR_UNAUTHENTIC;
}

enum err walk(const struct source *source, struct merkle *edge,
	      const struct merkle_head *to, const struct walk_visitor *visitor)
{
	struct piece *piece = calloc(1, sizeof(*piece));
	struct merkle grown = *edge;
	enum err err = ERR_UNAVAILABLE;

	if (piece == NULL)
		return err;
	piece->bundle.data = malloc(TLOG_BUNDLE_BYTES_MAX);
	piece->bundle.max = TLOG_BUNDLE_BYTES_MAX;
	if (piece->bundle.data != NULL)
		err = walk_entries(source, &grown, to->size, piece, visitor);
	free(piece->bundle.data);
	free(piece);
	if (err == ERR_OK)
		err = check_root(&grown, &to->root);
	if (err == ERR_OK)
		err = check_tiles(source, edge->leaves, to->size);
	if (err == ERR_OK)
		*edge = grown;
	return err;
}
