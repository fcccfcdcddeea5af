/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list that is read is a tree: each item is below a collection that stands
 * before it, no deeper than allowed, and its value is of the input or of the
 * memory given.
 */
#include "wire/cmw.h"
#include "wire/json.h"

#define INPUT_MAX 4096

static _Alignas(JSON_ALIGNMENT) uint8_t json_memory[1 << 21];
static uint8_t memory[INPUT_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.len == 0 ||
	       (part.data >= whole.data &&
		part.data + part.len <= whole.data + whole.len);
}

static void check(const struct cmw *cmw, struct bytes values)
{
	bool has_child[CMW_ITEMS_MAX] = { false };

	invariant(cmw->count >= 1 && cmw->count <= CMW_ITEMS_MAX);
	for (size_t i = 0; i < cmw->count; i++) {
		const struct cmw_item *item = &cmw->items[i];

		invariant(item->depth <= CMW_DEPTH);
		invariant(item->indicator <= CMW_INDICATORS);
		if (item->kind == CMW_RECORD)
			invariant(lies_within(item->value, values));
		if (i == 0)
			continue;
		invariant(item->parent < i);
		invariant(cmw->items[item->parent].kind == CMW_COLLECTION);
		invariant(item->depth == cmw->items[item->parent].depth + 1);
		has_child[item->parent] = true;
	}
	for (size_t i = 0; i < cmw->count; i++)
		invariant(has_child[i] ==
			  (cmw->items[i].kind == CMW_COLLECTION));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_warm;
	struct bytes in = { data, size };
	struct writer out = WRITER_OVER(memory);
	struct cmw cmw;

	if (!is_warm)
		json_warm(json_memory, sizeof(json_memory), 1);
	is_warm = true;
	if (size > INPUT_MAX)
		return 0;
	if (cmw_parse_cbor(in, &cmw) == ERR_OK)
		check(&cmw, in);
	if (cmw_parse_json(in, &out, &cmw) == ERR_OK)
		check(&cmw, bytes_written(&out));
	json_wipe();
	return 0;
}
