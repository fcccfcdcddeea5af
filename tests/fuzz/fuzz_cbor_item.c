/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken lies within its input and fills it; what is in an array or map
 * can be taken one by one, so many times as it says, and each key is found.
 */
#include "wire/cbor_item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct cbor_item *item);

static size_t walk_all(struct bytes in)
{
	struct cbor_item item;
	size_t count = 0;

	for (; in.len > 0; count++) {
		struct bytes before = in;

		invariant(cbor_item_take(&in, &item) == ERR_OK);
		invariant(item.encoding.data == before.data);
		invariant(item.encoding.len + in.len == before.len);
		walk(&item);
	}
	return count;
}

static void find_all(const struct cbor_item_map *map)
{
	struct bytes rest = map->pairs;
	struct cbor_item key, value, found;

	while (rest.len > 0) {
		invariant(cbor_item_take(&rest, &key) == ERR_OK);
		invariant(cbor_item_take(&rest, &value) == ERR_OK);
		invariant(cbor_item_find_key(map, &key, &found));
		invariant(found.encoding.data == value.encoding.data);
	}
}

static void walk(const struct cbor_item *item)
{
	struct cbor_item_map map;
	int64_t number;

	invariant(item->content.len < item->encoding.len);
	if (cbor_item_integer(item, &number) == ERR_OK)
		invariant((number < 0) == (item->kind == CBOR_ITEM_NEGATIVE));
	if (item->kind == CBOR_ITEM_ARRAY)
		invariant(walk_all(item->content) == item->number);
	else if (item->kind == CBOR_ITEM_MAP)
		invariant(walk_all(item->content) == 2 * item->number);
	else if (item->kind == CBOR_ITEM_TAG)
		invariant(walk_all(item->content) == 1);
	else if (item->kind == CBOR_ITEM_BYTES || item->kind == CBOR_ITEM_TEXT)
		invariant(item->content.len == item->number);
	else
		invariant(item->content.len == 0);
	if (cbor_item_map(item, &map) == ERR_OK)
		find_all(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct cbor_item item;

	if (cbor_item_take(&in, &item) == ERR_OK) {
		invariant(item.encoding.data == data);
		invariant(item.encoding.len + in.len == size);
		walk(&item);
	}
	return 0;
}
