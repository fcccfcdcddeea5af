/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_item: the CBOR of strangers (RFC 8949), walked without memory.
 *
 * What we write and hash is read by wire/cbor.h, which knows one encoding.
 * What others signed is read here: integers in any width, maps in any order.
 * It is well-formed, at most CBOR_ITEM_DEPTH deep, its texts are UTF-8, and a
 * map is looked up only after none of its keys was found twice.  Arrays and
 * maps of indefinite length are read (AWS Nitro sends them), strings of pieces
 * are ERR_UNSUPPORTED.
 *
 * An item is a view of its encoding; the items in it are taken one by one.
 */
#ifndef WIRE_CBOR_ITEM_H
#define WIRE_CBOR_ITEM_H

#include "base/bytes.h"

#define CBOR_ITEM_DEPTH 16
#define CBOR_ITEM_PAIRS_MAX 64 /* of a map that is looked up */

enum cbor_item_kind {
	CBOR_ITEM_UNSIGNED = 0,
	CBOR_ITEM_NEGATIVE, /* -1 - number */
	CBOR_ITEM_BYTES,
	CBOR_ITEM_TEXT,
	CBOR_ITEM_ARRAY,
	CBOR_ITEM_MAP,
	CBOR_ITEM_TAG,
	CBOR_ITEM_SIMPLE, /* false is 20, true 21, null 22 */
	CBOR_ITEM_FLOAT,
};

#define CBOR_ITEM_FALSE 20
#define CBOR_ITEM_TRUE 21
#define CBOR_ITEM_NULL 22

struct cbor_item {
	enum cbor_item_kind kind;
	uint64_t number;      /* value, length, items, pairs, or tag */
	struct bytes content; /* of a string; what an array, map or tag holds */
	struct bytes encoding;
};

/*
 * Take one item with all that is in it.  ERR_TOO_LARGE where it is too deep.
 * On error both arguments are as they were.
 */
MUST_CHECK enum err cbor_item_take(struct bytes *in, struct cbor_item *out);

/* The same of this kind, else ERR_MALFORMED. */
MUST_CHECK enum err cbor_item_take_kind(struct bytes *in,
					enum cbor_item_kind kind,
					struct cbor_item *out);

/* One that fills `in`. */
MUST_CHECK enum err cbor_item_parse(struct bytes in, struct cbor_item *out);

bool cbor_item_is_null(const struct cbor_item *item);

/* ERR_MALFORMED for another kind, ERR_UNSUPPORTED for one out of range. */
MUST_CHECK enum err cbor_item_integer(const struct cbor_item *item,
				      int64_t *out);

/* A map whose keys are integers, texts or bytes, each there once. */
struct cbor_item_map {
	struct bytes pairs;
	size_t count;
};

/* ERR_MALFORMED for what is no such map, ERR_TOO_LARGE for too many pairs. */
MUST_CHECK enum err cbor_item_map(const struct cbor_item *item,
				  struct cbor_item_map *out);

/* The value of a key; false, and `out` as it was, where there is none. */
bool cbor_item_find(const struct cbor_item_map *map, int64_t key,
		    struct cbor_item *out);
bool cbor_item_find_key(const struct cbor_item_map *map,
			const struct cbor_item *key, struct cbor_item *out);
bool cbor_item_find_text(const struct cbor_item_map *map, const char *key,
			 struct cbor_item *out);

#endif
