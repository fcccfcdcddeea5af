/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cbor_item.h"

#include "wire/utf8.h"

/* RFC 8949, 3.1 and 3.2. */
#define MAJOR_SPECIAL 7
#define ONE_BYTE 24    /* the argument follows in 1, */
#define EIGHT_BYTES 27 /* 2, 4 or 8 bytes */
#define INDEFINITE 31
#define SIMPLE_LEAST 32 /* in the two-byte form */

/* What a first byte and its argument say. */
struct head {
	enum cbor_item_kind kind;
	uint64_t number;
	bool is_indefinite;
	bool is_break;
};

/* An array, map or tag that is not yet at its end. */
struct level {
	bool is_indefinite;
	bool is_map;
	uint64_t left; /* items, unless it is indefinite */
	uint64_t seen;
};

static enum err take_argument(struct bytes *in, unsigned info, uint64_t *out)
{
	struct bytes raw;
	uint64_t value = 0;

	if (info < ONE_BYTE) {
		*out = info;
		return ERR_OK;
	}
	if (info > EIGHT_BYTES)
		return ERR_MALFORMED;
	TRY(bytes_take(in, (size_t)1 << (info - ONE_BYTE), &raw));
	for (size_t i = 0; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	*out = value;
	return ERR_OK;
}

static enum err special(unsigned info, struct head *out)
{
	if (info > ONE_BYTE) {
		out->kind = CBOR_ITEM_FLOAT;
		return ERR_OK;
	}
	out->kind = CBOR_ITEM_SIMPLE;
	/* In two bytes it would be another way to say false. */
	return info == ONE_BYTE && out->number < SIMPLE_LEAST ? ERR_MALFORMED
							      : ERR_OK;
}

static enum err indefinite(unsigned major, struct head *out)
{
	if (major == MAJOR_SPECIAL) {
		out->is_break = true;
		return ERR_OK;
	}
	if (major == CBOR_ITEM_BYTES || major == CBOR_ITEM_TEXT)
		return ERR_UNSUPPORTED;
	if (major != CBOR_ITEM_ARRAY && major != CBOR_ITEM_MAP)
		return ERR_MALFORMED;
	out->kind = (enum cbor_item_kind)major;
	out->is_indefinite = true;
	return ERR_OK;
}

static enum err take_head(struct bytes *in, struct head *out)
{
	uint8_t first;
	unsigned major;
	unsigned info;

	*out = (struct head){ 0 };
	TRY(bytes_take_u8(in, &first));
	major = first >> 5;
	info = first & 0x1f;
	if (info == INDEFINITE)
		return indefinite(major, out);
	TRY(take_argument(in, info, &out->number));
	if (major == MAJOR_SPECIAL)
		return special(info, out);
	out->kind = (enum cbor_item_kind)major;
	return ERR_OK;
}

static enum err take_string(struct bytes *in, const struct head *head,
			    struct bytes *out)
{
	if (head->number > in->len)
		return ERR_TRUNCATED;
	TRY(bytes_take(in, (size_t)head->number, out));
	return head->kind == CBOR_ITEM_TEXT && !utf8_is_valid(*out)
		       ? ERR_MALFORMED
		       : ERR_OK;
}

/* What follows its head.  Every item takes a byte, so counts have a limit. */
static enum err open_level(const struct head *head, size_t rest,
			   struct level *out)
{
	*out = (struct level){ .is_indefinite = head->is_indefinite,
			       .is_map = head->kind == CBOR_ITEM_MAP };
	if (head->kind == CBOR_ITEM_TAG)
		out->left = 1;
	else if (head->number > rest)
		return ERR_TRUNCATED;
	else
		out->left = out->is_map ? 2 * head->number : head->number;
	return ERR_OK;
}

static bool is_at_end(const struct level *level)
{
	return !level->is_indefinite && level->left == 0;
}

/* The levels that are open, the outermost first. */
struct walk {
	struct level levels[CBOR_ITEM_DEPTH];
	size_t depth;
	uint64_t outermost_seen; /* of items in it, when all is done */
};

static void close_level(struct walk *walk)
{
	walk->depth--;
	walk->outermost_seen = walk->levels[walk->depth].seen;
}

/* An item has ended, and with it whatever it was the last of. */
static void count_item(struct walk *walk)
{
	while (walk->depth > 0) {
		struct level *level = &walk->levels[walk->depth - 1];

		level->seen++;
		if (!level->is_indefinite)
			level->left--;
		if (!is_at_end(level))
			return;
		close_level(walk);
	}
}

static enum err end_indefinite(struct walk *walk)
{
	const struct level *level;

	if (walk->depth == 0)
		return ERR_MALFORMED;
	level = &walk->levels[walk->depth - 1];
	if (!level->is_indefinite || (level->is_map && level->seen % 2 != 0))
		return ERR_MALFORMED;
	close_level(walk);
	count_item(walk);
	return ERR_OK;
}

static bool is_container(enum cbor_item_kind kind)
{
	return kind == CBOR_ITEM_ARRAY || kind == CBOR_ITEM_MAP ||
	       kind == CBOR_ITEM_TAG;
}

static enum err step(struct bytes *in, const struct head *head,
		     struct walk *walk)
{
	struct bytes string;

	if (head->is_break)
		return end_indefinite(walk);
	if (is_container(head->kind)) {
		struct level level;

		TRY(open_level(head, in->len, &level));
		if (walk->depth == CBOR_ITEM_DEPTH)
			return ERR_TOO_LARGE;
		walk->levels[walk->depth++] = level;
		if (!is_at_end(&level))
			return ERR_OK;
		close_level(walk);
	} else if (head->kind == CBOR_ITEM_BYTES ||
		   head->kind == CBOR_ITEM_TEXT) {
		TRY(take_string(in, head, &string));
	}
	count_item(walk);
	return ERR_OK;
}

/* The part of `whole` that is before `rest`. */
static struct bytes before(struct bytes whole, struct bytes rest)
{
	return (struct bytes){ whole.data, whole.len - rest.len };
}

enum err cbor_item_take(struct bytes *in, struct cbor_item *out)
{
	struct walk walk = { .depth = 0 };
	struct bytes rest = *in;
	struct bytes inside;
	struct head first;
	struct head head;

	TRY(take_head(&rest, &first));
	inside = rest;
	TRY(step(&rest, &first, &walk));
	while (walk.depth > 0) {
		TRY(take_head(&rest, &head));
		TRY(step(&rest, &head, &walk));
	}
	*out = (struct cbor_item){ .kind = first.kind,
				   .number = first.number,
				   .content = before(inside, rest),
				   .encoding = before(*in, rest) };
	if (first.is_indefinite) {
		out->content.len--; /* the break */
		out->number = first.kind == CBOR_ITEM_MAP
				      ? walk.outermost_seen / 2
				      : walk.outermost_seen;
	}
	*in = rest;
	return ERR_OK;
}

enum err cbor_item_take_kind(struct bytes *in, enum cbor_item_kind kind,
			     struct cbor_item *out)
{
	struct bytes rest = *in;
	struct cbor_item found;

	TRY(cbor_item_take(&rest, &found));
	if (found.kind != kind)
		return ERR_MALFORMED;
	*in = rest;
	*out = found;
	return ERR_OK;
}

enum err cbor_item_parse(struct bytes in, struct cbor_item *out)
{
	struct cbor_item found;

	TRY(cbor_item_take(&in, &found));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}

bool cbor_item_is_null(const struct cbor_item *item)
{
	return item->kind == CBOR_ITEM_SIMPLE && item->number == CBOR_ITEM_NULL;
}

enum err cbor_item_integer(const struct cbor_item *item, int64_t *out)
{
	if (item->kind != CBOR_ITEM_UNSIGNED &&
	    item->kind != CBOR_ITEM_NEGATIVE)
		return ERR_MALFORMED;
	if (item->number > INT64_MAX)
		return ERR_UNSUPPORTED;
	*out = item->kind == CBOR_ITEM_UNSIGNED ? (int64_t)item->number
						: -1 - (int64_t)item->number;
	return ERR_OK;
}

static bool is_key(const struct cbor_item *item)
{
	return item->kind == CBOR_ITEM_UNSIGNED ||
	       item->kind == CBOR_ITEM_NEGATIVE ||
	       item->kind == CBOR_ITEM_BYTES || item->kind == CBOR_ITEM_TEXT;
}

/* By what they mean, not by how it was written. */
static bool is_same_key(const struct cbor_item *a, const struct cbor_item *b)
{
	return a->kind == b->kind && a->number == b->number &&
	       bytes_equal(a->content, b->content);
}

/* The value of the first pair with this key; ERR_UNAVAILABLE without one. */
static enum err find(struct bytes pairs, const struct cbor_item *key,
		     struct cbor_item *out)
{
	struct cbor_item found;
	struct cbor_item value;

	while (pairs.len > 0) {
		TRY(cbor_item_take(&pairs, &found));
		TRY(cbor_item_take(&pairs, &value));
		if (is_same_key(&found, key)) {
			*out = value;
			return ERR_OK;
		}
	}
	return ERR_UNAVAILABLE;
}

enum err cbor_item_map(const struct cbor_item *item, struct cbor_item_map *out)
{
	struct bytes rest = item->content;
	struct cbor_item key;
	struct cbor_item value;

	if (item->kind != CBOR_ITEM_MAP)
		return ERR_MALFORMED;
	if (item->number > CBOR_ITEM_PAIRS_MAX)
		return ERR_TOO_LARGE;
	while (rest.len > 0) {
		TRY(cbor_item_take(&rest, &key));
		TRY(cbor_item_take(&rest, &value));
		if (!is_key(&key) || find(rest, &key, &value) == ERR_OK)
			return ERR_MALFORMED;
	}
	*out = (struct cbor_item_map){ item->content, (size_t)item->number };
	return ERR_OK;
}

bool cbor_item_find_key(const struct cbor_item_map *map,
			const struct cbor_item *key, struct cbor_item *out)
{
	return find(map->pairs, key, out) == ERR_OK;
}

bool cbor_item_find(const struct cbor_item_map *map, int64_t key,
		    struct cbor_item *out)
{
	struct cbor_item wanted = {
		.kind = key < 0 ? CBOR_ITEM_NEGATIVE : CBOR_ITEM_UNSIGNED,
		.number = key < 0 ? (uint64_t)(-1 - key) : (uint64_t)key,
	};

	return find(map->pairs, &wanted, out) == ERR_OK;
}

bool cbor_item_find_text(const struct cbor_item_map *map, const char *key,
			 struct cbor_item *out)
{
	struct bytes text = bytes_of_string(key);
	struct cbor_item wanted = { .kind = CBOR_ITEM_TEXT,
				    .number = text.len,
				    .content = text };

	return find(map->pairs, &wanted, out) == ERR_OK;
}
