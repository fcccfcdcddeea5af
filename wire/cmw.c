/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cmw.h"

#include <string.h>

#include "wire/base64.h"
#include "wire/cbor_item.h"
#include "wire/cmw_rules.h"
#include "wire/json.h"

#define RECORD_LEAST 2
#define RECORD_MOST 3

/* RFC 9277, B: no byte of such a tag is 0xff. */
#define TAG_FIRST 0x63740101u
#define TAG_DIGITS 255u
#define CONTENT_FORMAT_LAST 65024u
#define TAG_LAST 1668612095u

/* application/cmw+cbor, which stands around a collection itself. */
#define TAG_COLLECTION 1668547091u

#define JSON_DEPTH (CMW_DEPTH + 2) /* a record in the innermost */

uint64_t cmw_tag(uint16_t content_format)
{
	return TAG_FIRST + content_format / TAG_DIGITS * (TAG_DIGITS + 1) +
	       content_format % TAG_DIGITS;
}

static enum err content_format_of(uint64_t tag, uint16_t *out)
{
	uint64_t rest;
	uint64_t number;

	if (tag < TAG_FIRST || tag > TAG_LAST)
		return ERR_UNSUPPORTED;
	rest = (tag - TAG_FIRST) % (TAG_DIGITS + 1);
	number = (tag - TAG_FIRST) / (TAG_DIGITS + 1) * TAG_DIGITS + rest;
	if (rest == TAG_DIGITS || number > CONTENT_FORMAT_LAST)
		return ERR_MALFORMED;
	*out = (uint16_t)number;
	return ERR_OK;
}

static enum err read_cbor_type(const struct cbor_item *item,
			       struct cmw_item *out)
{
	if (item->kind == CBOR_ITEM_UNSIGNED) {
		if (item->number > UINT16_MAX)
			return ERR_MALFORMED;
		out->content_format = (uint16_t)item->number;
		return ERR_OK;
	}
	if (item->kind != CBOR_ITEM_TEXT)
		return ERR_MALFORMED;
	out->type = item->content;
	return cmw_rules_media_type(item->content);
}

static enum err read_cbor_record(const struct cbor_item *record,
				 struct cmw_item *out)
{
	struct bytes parts = record->content;
	struct cbor_item item;

	if (record->number < RECORD_LEAST || record->number > RECORD_MOST)
		return ERR_MALFORMED;
	TRY(cbor_item_take(&parts, &item));
	TRY(read_cbor_type(&item, out));
	TRY(cbor_item_take_kind(&parts, CBOR_ITEM_BYTES, &item));
	out->value = item.content;
	if (record->number < RECORD_MOST)
		return ERR_OK;
	TRY(cbor_item_take_kind(&parts, CBOR_ITEM_UNSIGNED, &item));
	return cmw_rules_indicator(item.number, &out->indicator);
}

/* A collection is read later, from its encoding, which lies in `value`. */
static enum err read_cbor(const struct cbor_item *item, struct cmw_item *out)
{
	struct cbor_item inner;

	if (item->kind == CBOR_ITEM_ARRAY)
		return read_cbor_record(item, out);
	if (item->kind == CBOR_ITEM_MAP) {
		out->kind = CMW_COLLECTION;
		out->value = item->encoding;
		return ERR_OK;
	}
	if (item->kind != CBOR_ITEM_TAG)
		return ERR_MALFORMED;
	TRY(cbor_item_parse(item->content, &inner));
	if (item->number == TAG_COLLECTION && inner.kind == CBOR_ITEM_MAP) {
		out->kind = CMW_COLLECTION;
		out->value = inner.encoding;
		return ERR_OK;
	}
	TRY(content_format_of(item->number, &out->content_format));
	if (inner.kind != CBOR_ITEM_BYTES)
		return ERR_MALFORMED;
	out->value = inner.content;
	return ERR_OK;
}

static enum err read_label(const struct cbor_item *key, struct cmw_item *out)
{
	if (key->kind != CBOR_ITEM_TEXT)
		return cbor_item_integer(key, &out->number);
	out->label = key->content;
	return key->content.len == 0 ? ERR_MALFORMED : ERR_OK;
}

/* The items of collection `at`, behind all that are there. */
static enum err open_cbor(struct cmw *cmw, size_t at)
{
	struct cbor_item_map map;
	struct cbor_item item;
	struct cbor_item key;
	struct bytes rest;
	size_t before = cmw->count;

	TRY(cbor_item_parse(cmw->items[at].value, &item));
	TRY(cbor_item_map(&item, &map));
	rest = map.pairs;
	while (rest.len > 0) {
		struct cmw_item *one;

		TRY(cbor_item_take(&rest, &key));
		TRY(cbor_item_take(&rest, &item));
		if (key.kind == CBOR_ITEM_TEXT &&
		    bytes_equal(key.content, BYTES_LITERAL(CMW_RULES_TYPE))) {
			if (item.kind != CBOR_ITEM_TEXT)
				return ERR_MALFORMED;
			TRY(cmw_rules_collection_type(item.content));
			cmw->items[at].type = item.content;
			continue;
		}
		TRY(cmw_rules_add(cmw, at, &one));
		TRY(read_label(&key, one));
		TRY(read_cbor(&item, one));
	}
	return cmw->count == before ? ERR_MALFORMED : ERR_OK;
}

enum err cmw_parse_cbor(struct bytes in, struct cmw *out)
{
	struct cmw found = { .count = 0 };
	struct cbor_item item;
	struct cmw_item *first;

	if (in.len > CMW_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(cbor_item_parse(in, &item));
	TRY(cmw_rules_add(&found, 0, &first));
	TRY(read_cbor(&item, first));
	for (size_t i = 0; i < found.count; i++)
		if (found.items[i].kind == CMW_COLLECTION)
			TRY(open_cbor(&found, i));
	*out = found;
	return ERR_OK;
}

/* What is read of a text, beside the list. */
struct reading {
	struct cmw *cmw;
	struct writer *memory;
	const struct json *values[CMW_ITEMS_MAX]; /* of collections */
};

static enum err decode(struct bytes letters, struct writer *memory,
		       struct bytes *out)
{
	size_t before = memory->len;

	if (letters.len == 0)
		return ERR_MALFORMED;
	TRY(base64_decode(letters, memory));
	*out = (struct bytes){ memory->data + before, memory->len - before };
	return ERR_OK;
}

static enum err read_json_record(const struct json *record,
				 struct writer *memory, struct cmw_item *out)
{
	size_t count = json_count(record);
	struct bytes letters;
	int64_t indicator;

	if (count < RECORD_LEAST || count > RECORD_MOST)
		return ERR_MALFORMED;
	TRY(json_as_string(json_element(record, 0), &out->type));
	TRY(cmw_rules_media_type(out->type));
	TRY(json_as_string(json_element(record, 1), &letters));
	TRY(decode(letters, memory, &out->value));
	if (count < RECORD_MOST)
		return ERR_OK;
	TRY(json_as_integer(json_element(record, 2), &indicator));
	if (indicator < 0)
		return ERR_MALFORMED;
	return cmw_rules_indicator((uint64_t)indicator, &out->indicator);
}

static enum err read_json(struct reading *reading, const struct json *value,
			  struct cmw_item *out)
{
	if (json_kind_of(value) == JSON_KIND_ARRAY)
		return read_json_record(value, reading->memory, out);
	if (json_kind_of(value) != JSON_KIND_OBJECT)
		return ERR_MALFORMED;
	out->kind = CMW_COLLECTION;
	reading->values[out - reading->cmw->items] = value;
	return ERR_OK;
}

static enum err open_json(struct reading *reading, size_t at)
{
	struct cmw *cmw = reading->cmw;
	const struct json *object = reading->values[at];
	size_t before = cmw->count;

	if (json_count(object) > CMW_ITEMS_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < json_count(object); i++) {
		struct cmw_item *one;
		struct bytes name;
		const struct json *value = json_entry(object, i, &name);

		if (bytes_equal(name, BYTES_LITERAL(CMW_RULES_TYPE))) {
			TRY(json_as_string(value, &cmw->items[at].type));
			TRY(cmw_rules_collection_type(cmw->items[at].type));
			continue;
		}
		if (name.len == 0)
			return ERR_MALFORMED;
		TRY(cmw_rules_add(cmw, at, &one));
		one->label = name;
		TRY(read_json(reading, value, one));
	}
	return cmw->count == before ? ERR_MALFORMED : ERR_OK;
}

enum err cmw_parse_json(struct bytes text, struct writer *memory,
			struct cmw *out)
{
	struct cmw found = { .count = 0 };
	struct writer decoded = *memory;
	struct reading reading = { .cmw = &found, .memory = &decoded };
	const struct json *root;
	struct cmw_item *first;

	if (text.len > CMW_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(json_parse(text, JSON_DEPTH, &root));
	TRY(cmw_rules_add(&found, 0, &first));
	TRY(read_json(&reading, root, first));
	for (size_t i = 0; i < found.count; i++)
		if (found.items[i].kind == CMW_COLLECTION)
			TRY(open_json(&reading, i));
	*memory = decoded;
	*out = found;
	return ERR_OK;
}
