/* SPDX-License-Identifier: Apache-2.0 */
#include "log/tree.h"

#include <stdlib.h>
#include <string.h>

enum err tree_open(const struct source *source, uint64_t size, struct tree *out)
{
	struct tree_slot *slots = calloc(TREE_SLOTS, sizeof(*slots));

	if (slots == NULL)
		return ERR_UNAVAILABLE;
	*out = (struct tree){ source, size, slots };
	return ERR_OK;
}

void tree_close(struct tree *tree)
{
	free(tree->slots);
	tree->slots = NULL;
}

static bool same(const struct tlog_tile *a, const struct tlog_tile *b)
{
	return a->level == b->level && a->index == b->index &&
	       a->width == b->width;
}

static enum err load(const struct tree *tree, const struct tlog_tile *tile,
		     const struct tree_slot **out)
{
	struct tree_slot *slot =
		&tree->slots[(tile->index + 17 * tile->level) % TREE_SLOTS];
	struct writer hashes = WRITER_OVER(slot->hashes);

	if (!same(&slot->tile, tile)) {
		slot->tile.width = 0;
		TRY(source_tile(tree->source, tile, &hashes));
		slot->tile = *tile;
	}
	*out = slot;
	return ERR_OK;
}

/* Eight levels of the tree are one of tiles. */
static enum err node(void *context, unsigned level, uint64_t index,
		     struct merkle_hash *out)
{
	const struct tree *tree = context;
	unsigned of_tiles = level / TLOG_TILE_HEIGHT;
	unsigned height = level % TLOG_TILE_HEIGHT;
	uint64_t place = index << height;
	struct tlog_tile tile =
		tlog_tile_of(TLOG_TILE_HASHES, of_tiles, place, tree->size);
	const struct tree_slot *slot;

	TRY(load(tree, &tile, &slot));
	tlog_tile_root(
		(struct bytes){ slot->hashes, tile.width * MERKLE_HASH_BYTES },
		height, (size_t)(place % TLOG_TILE_WIDTH), out);
	return ERR_OK;
}

struct merkle_source tree_source(struct tree *tree)
{
	return (struct merkle_source){ node, tree };
}

enum err tree_hash(struct tree *tree, unsigned level, uint64_t place,
		   struct merkle_hash *out)
{
	return node(tree, level * TLOG_TILE_HEIGHT, place, out);
}

enum err tree_edge(struct tree *tree, const struct merkle_hash *root,
		   struct merkle *out)
{
	struct merkle_source source = tree_source(tree);
	struct merkle_hash found;
	struct merkle edge;

	TRY(merkle_proof_edge(&source, tree->size, &edge));
	merkle_root(&edge, found.bytes);
	if (memcmp(found.bytes, root->bytes, MERKLE_HASH_BYTES) != 0)
		return ERR_UNAUTHENTIC;
	*out = edge;
	return ERR_OK;
}

static enum err read_head(const struct source *source, const char *path,
			  struct tree_head *head)
{
	struct writer out = { head->memory, 0, TLOG_CHECKPOINT_BYTES_MAX };

	TRY(source_read(source, path, &out));
	head->bytes = bytes_written(&out);
	TRY(note_parse(head->bytes, &head->note));
	return tlog_checkpoint_parse(head->note.text, &head->checkpoint);
}

enum err tree_head_read(const struct source *source, const char *path,
			struct tree_head *out)
{
	struct tree_head head = { .memory = malloc(TLOG_CHECKPOINT_BYTES_MAX) };
	enum err err = ERR_UNAVAILABLE;

	if (head.memory != NULL)
		err = read_head(source, path, &head);
	if (err != ERR_OK) {
		free(head.memory);
		return err;
	}
	*out = head;
	return ERR_OK;
}

void tree_head_free(struct tree_head *head)
{
	free(head->memory);
	*head = (struct tree_head){ .memory = NULL };
}

enum err tree_head_verify(const struct tree_head *head,
			  const struct note_key *key)
{
	struct note_finding finding;

	if (!bytes_equal(head->checkpoint.origin, bytes_of_string(key->name)))
		return ERR_UNAUTHENTIC;
	TRY(note_verify(&head->note, key, 1, &finding));
	return finding.mark == NOTE_SIGNED ? ERR_OK : ERR_UNAUTHENTIC;
}
