/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_table.h"

#include <string.h>

#include "base/secret.h"

#define GUID_BYTES 16

static const uint8_t guids[SNP_TABLE_OTHER][GUID_BYTES] = {
	/* 63da758d-e664-4564-adc5-f4b93be8accd */
	[SNP_TABLE_VCEK] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
			     0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd },
	/* a8074bc2-a25a-483e-aae6-39c045a0b8a1 */
	[SNP_TABLE_VLEK] = { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
			     0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 },
	/* 4ab7b379-bbac-4fe4-a02f-05aef327c782 */
	[SNP_TABLE_ASK] = { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
			    0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82 },
	/* c0b406a4-a803-4952-9743-3fb6014cd0ae */
	[SNP_TABLE_ARK] = { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
			    0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae },
};

static enum snp_table_kind kind_of(struct bytes guid)
{
	for (int i = 0; i < SNP_TABLE_OTHER; i++)
		if (memcmp(guids[i], guid.data, GUID_BYTES) == 0)
			return (enum snp_table_kind)i;
	return SNP_TABLE_OTHER;
}

static bool holds(const struct snp_table *table, enum snp_table_kind kind)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->entries[i].kind == kind)
			return true;
	return false;
}

/* What an entry says of its value: where in the whole, and how long. */
struct place {
	struct bytes guid;
	uint32_t offset, len;
};

static enum err take_place(struct bytes *in, struct place *out)
{
	TRY(bytes_take(in, GUID_BYTES, &out->guid));
	TRY(bytes_take_u32_le(in, &out->offset));
	return bytes_take_u32_le(in, &out->len);
}

static bool is_end(const struct place *place)
{
	return secret_is_zero(place->guid.data, GUID_BYTES) &&
	       place->offset == 0 && place->len == 0;
}

/* Zeros up to the value, then the value; `rest` begins at `*at`. */
static enum err take_value(struct bytes *rest, size_t *at,
			   const struct place *place, struct bytes *out)
{
	struct bytes gap;

	if (place->offset < *at || place->len == 0)
		return ERR_MALFORMED;
	TRY(bytes_take(rest, place->offset - *at, &gap));
	if (!secret_is_zero(gap.data, gap.len))
		return ERR_MALFORMED;
	TRY(bytes_take(rest, place->len, out));
	*at = (size_t)place->offset + place->len;
	return ERR_OK;
}

static enum err add(struct snp_table *table, struct bytes guid,
		    struct bytes value)
{
	enum snp_table_kind kind = kind_of(guid);

	if (kind != SNP_TABLE_OTHER && holds(table, kind))
		return ERR_MALFORMED;
	table->entries[table->count++] =
		(struct snp_table_entry){ kind, value };
	return ERR_OK;
}

/* Their number, with `in` moved behind the entry of zeros. */
static enum err take_places(struct bytes *in,
			    struct place places[SNP_TABLE_ENTRIES_MAX],
			    size_t *count)
{
	for (size_t i = 0; i <= SNP_TABLE_ENTRIES_MAX; i++) {
		struct place place;

		TRY(take_place(in, &place));
		if (is_end(&place)) {
			*count = i;
			return ERR_OK;
		}
		if (i < SNP_TABLE_ENTRIES_MAX)
			places[i] = place;
	}
	return ERR_TOO_LARGE;
}

enum err snp_table_parse(struct bytes in, struct snp_table *out)
{
	struct place places[SNP_TABLE_ENTRIES_MAX];
	struct snp_table table = { .count = 0 };
	struct bytes rest = in;
	size_t count = 0;
	size_t at;

	if (in.len > SNP_TABLE_BYTES_MAX)
		return ERR_TOO_LARGE;
	if (in.len > 0)
		TRY(take_places(&rest, places, &count));
	at = in.len - rest.len;
	for (size_t i = 0; i < count; i++) {
		struct bytes value;

		TRY(take_value(&rest, &at, &places[i], &value));
		TRY(add(&table, places[i].guid, value));
	}
	if (!secret_is_zero(rest.data, rest.len))
		return ERR_MALFORMED;
	*out = table;
	return ERR_OK;
}

static enum err put_u32_le(struct writer *out, size_t value)
{
	const uint8_t raw[] = { (uint8_t)value, (uint8_t)(value >> 8),
				(uint8_t)(value >> 16),
				(uint8_t)(value >> 24) };

	return bytes_put(out, BYTES_ARRAY(raw));
}

enum err snp_table_write(const struct snp_table *table, struct writer *out)
{
	static const uint8_t end[SNP_TABLE_ENTRY_BYTES] = { 0 };
	size_t at = (table->count + 1) * SNP_TABLE_ENTRY_BYTES;

	for (size_t i = 0; i < table->count; i++) {
		const struct snp_table_entry *entry = &table->entries[i];

		invariant(entry->kind < SNP_TABLE_OTHER &&
			  entry->value.len <= SNP_TABLE_BYTES_MAX);
		TRY(bytes_put(out, BYTES_ARRAY(guids[entry->kind])));
		TRY(put_u32_le(out, at));
		TRY(put_u32_le(out, entry->value.len));
		at += entry->value.len;
	}
	TRY(bytes_put(out, BYTES_ARRAY(end)));
	for (size_t i = 0; i < table->count; i++)
		TRY(bytes_put(out, table->entries[i].value));
	return ERR_OK;
}
