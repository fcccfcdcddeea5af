/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_tile.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

#define GROUP 1000 /* an element of the path */
#define GROUPS_MAX 7

void tlog_tile_path(const struct tlog_tile *tile,
		    char path[static TLOG_TILE_PATH_MAX])
{
	unsigned groups[GROUPS_MAX];
	size_t count = 0;
	uint64_t rest = tile->index;
	int len;

	do {
		groups[count++] = (unsigned)(rest % GROUP);
		rest /= GROUP;
	} while (rest > 0);
	if (tile->kind == TLOG_TILE_ENTRIES)
		len = snprintf(path, TLOG_TILE_PATH_MAX, "tile/entries");
	else
		len = snprintf(path, TLOG_TILE_PATH_MAX, "tile/%u",
			       tile->level);
	while (count-- > 0)
		len += snprintf(path + len, TLOG_TILE_PATH_MAX - (size_t)len,
				"/%s%03u", count > 0 ? "x" : "", groups[count]);
	if (tile->width < TLOG_TILE_WIDTH)
		len += snprintf(path + len, TLOG_TILE_PATH_MAX - (size_t)len,
				".p/%u", tile->width);
	invariant(len > 0 && len < TLOG_TILE_PATH_MAX);
}

/* Whether `in` begins with the text, which is taken then. */
static bool takes(struct bytes *in, struct bytes text)
{
	struct bytes front = { in->data, text.len };
	struct bytes taken;

	return in->len >= text.len && bytes_equal(front, text) &&
	       bytes_take(in, text.len, &taken) == ERR_OK;
}

/* Up to three digits; how many there have to be is for the caller to say. */
static enum err take_number(struct bytes *in, size_t len, unsigned *out)
{
	struct bytes digits;
	uint64_t number;

	if (bytes_take(in, len, &digits) != ERR_OK ||
	    decimal_parse(digits, 0, GROUP - 1, &number) != ERR_OK)
		return ERR_MALFORMED;
	*out = (unsigned)number;
	return ERR_OK;
}

/* An index that a tree cannot have would not be written back as it came. */
static enum err take_index(struct bytes *in, uint64_t *out)
{
	uint64_t index = 0;

	for (size_t i = 0; i < GROUPS_MAX; i++) {
		bool is_last = !takes(in, BYTES_LITERAL("x"));
		unsigned group;

		TRY(take_number(in, 3, &group));
		if (index > (UINT64_MAX - group) / GROUP)
			return ERR_MALFORMED;
		index = index * GROUP + group;
		if (is_last) {
			*out = index;
			return ERR_OK;
		}
		if (index == 0 || !takes(in, BYTES_LITERAL("/")))
			return ERR_MALFORMED;
	}
	return ERR_MALFORMED;
}

static size_t digits_at_front(struct bytes in)
{
	size_t len = 0;

	while (len < in.len && len < 3 && in.data[len] >= '0' &&
	       in.data[len] <= '9')
		len++;
	return len;
}

static enum err take_width(struct bytes *in, unsigned *out)
{
	unsigned width = 0;

	if (in->len == 0) {
		*out = TLOG_TILE_WIDTH;
		return ERR_OK;
	}
	if (!takes(in, BYTES_LITERAL(".p/")) || in->len == 0 ||
	    in->data[0] == '0')
		return ERR_MALFORMED;
	TRY(take_number(in, digits_at_front(*in), &width));
	if (width >= TLOG_TILE_WIDTH)
		return ERR_MALFORMED;
	*out = width;
	return ERR_OK;
}

enum err tlog_tile_parse(struct bytes path, struct tlog_tile *out)
{
	struct tlog_tile tile = { .kind = TLOG_TILE_HASHES };

	if (takes(&path, BYTES_LITERAL("tile/entries/"))) {
		tile.kind = TLOG_TILE_ENTRIES;
	} else {
		if (!takes(&path, BYTES_LITERAL("tile/")))
			return ERR_MALFORMED;
		TRY(take_number(&path, 1, &tile.level));
		if (tile.level > TLOG_TILE_LEVEL_MAX ||
		    !takes(&path, BYTES_LITERAL("/")))
			return ERR_MALFORMED;
	}
	TRY(take_index(&path, &tile.index));
	TRY(take_width(&path, &tile.width));
	if (path.len != 0)
		return ERR_MALFORMED;
	*out = tile;
	return ERR_OK;
}

uint64_t tlog_tile_hashes(unsigned level, uint64_t size)
{
	return size >> TLOG_TILE_HEIGHT * level;
}

struct tlog_tile tlog_tile_of(enum tlog_tile_kind kind, unsigned level,
			      uint64_t place, uint64_t size)
{
	struct tlog_tile tile = { kind, level, place / TLOG_TILE_WIDTH,
				  TLOG_TILE_WIDTH };
	uint64_t hashes = tlog_tile_hashes(level, size);
	uint64_t begin = tile.index * TLOG_TILE_WIDTH;

	invariant(level <= TLOG_TILE_LEVEL_MAX && place < hashes);
	if (hashes - begin < TLOG_TILE_WIDTH)
		tile.width = (unsigned)(hashes - begin);
	return tile;
}

void tlog_tile_root(struct bytes hashes, unsigned height, size_t place,
		    struct merkle_hash *out)
{
	size_t count = (size_t)1 << height;
	struct merkle tree;

	invariant(height <= TLOG_TILE_HEIGHT);
	invariant((place + count) * MERKLE_HASH_BYTES <= hashes.len);
	merkle_init(&tree);
	for (size_t i = place; i < place + count; i++)
		merkle_add_leaf_hash(&tree,
				     hashes.data + i * MERKLE_HASH_BYTES);
	merkle_root(&tree, out->bytes);
}

enum err tlog_tile_take_entry(struct bytes *bundle, struct bytes *entry)
{
	struct bytes rest = *bundle;
	uint16_t len;

	TRY(bytes_take_u16(&rest, &len));
	TRY(bytes_take(&rest, len, entry));
	*bundle = rest;
	return ERR_OK;
}

enum err tlog_tile_put_entry(struct writer *bundle, struct bytes entry)
{
	struct writer whole = *bundle;

	if (entry.len > TLOG_ENTRY_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(bytes_put_u16(&whole, (uint16_t)entry.len));
	TRY(bytes_put(&whole, entry));
	*bundle = whole;
	return ERR_OK;
}

enum err tlog_tile_check_bundle(struct bytes bundle, struct bytes hashes,
				size_t count)
{
	if (hashes.len != count * MERKLE_HASH_BYTES)
		return ERR_UNAUTHENTIC;
	for (size_t i = 0; i < count; i++) {
		struct merkle_hash hash;
		struct bytes entry;

		if (tlog_tile_take_entry(&bundle, &entry) != ERR_OK)
			return ERR_UNAUTHENTIC;
		merkle_leaf_hash(entry, hash.bytes);
		if (memcmp(hash.bytes, hashes.data + i * MERKLE_HASH_BYTES,
			   MERKLE_HASH_BYTES) != 0)
			return ERR_UNAUTHENTIC;
	}
	return bundle.len == 0 ? ERR_OK : ERR_UNAUTHENTIC;
}
