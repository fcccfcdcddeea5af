/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/log_entry.h"

#include <cbor.h>
#include <criterion/criterion.h>
#include <string.h>

static const uint8_t value[48] = { 1, 2, 3 };

static struct log_entry sample(enum log_entry_kind kind)
{
	struct log_entry entry = {
		.kind = kind,
		.name = BYTES_LITERAL("home"),
		.version = BYTES_LITERAL("1.2.3"),
		.measurements = { { BYTES_LITERAL("launch"), { value, 48 } },
				  { BYTES_LITERAL("pcr14"), { value, 32 } },
				  { BYTES_LITERAL("pcr4"), { value, 32 } },
				  { BYTES_LITERAL("pcr4"),
				    { value + 1, 32 } } },
		.measurement_count = 4,
		.key = BYTES_LITERAL("a key"),
		.not_before = 1800000000,
		.not_after = 1900000000,
	};

	for (size_t i = 0; i < LOG_ENTRY_DIGESTS; i++)
		memset(entry.digests[i], (int)i + 1, LOG_ENTRY_DIGEST_BYTES);
	return entry;
}

static struct bytes written(const struct log_entry *entry, struct writer *out)
{
	cr_assert_eq(log_entry_write(entry, out), ERR_OK);
	return bytes_written(out);
}

Test(log_entry, every_kind_is_read_back_and_written_again_as_it_was)
{
	for (enum log_entry_kind kind = 0; kind < LOG_ENTRY_KINDS; kind++) {
		uint8_t memory[LOG_ENTRY_BYTES_MAX], again[LOG_ENTRY_BYTES_MAX];
		struct writer out = WRITER_OVER(memory);
		struct writer more = WRITER_OVER(again);
		struct log_entry entry = sample(kind), back;

		cr_assert_eq(log_entry_parse(written(&entry, &out), &back),
			     ERR_OK);
		cr_assert_eq(back.kind, kind);
		cr_assert(bytes_equal(written(&back, &more),
				      bytes_written(&out)));
	}
}

Test(log_entry, another_cbor_library_reads_the_same_release)
{
	uint8_t memory[LOG_ENTRY_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct log_entry entry = sample(LOG_ENTRY_RELEASE);
	struct bytes bytes = written(&entry, &out);
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(bytes.data, bytes.len, &result);
	struct cbor_pair *pairs;

	cr_assert_not_null(item);
	cr_assert_eq(result.read, bytes.len);
	cr_assert_eq(cbor_map_size(item), 14);
	pairs = cbor_map_handle(item);
	cr_assert_eq(cbor_get_int(pairs[1].value), LOG_ENTRY_RELEASE);
	cr_assert_eq(cbor_string_length(pairs[3].value), 5);
	cr_assert_eq(cbor_array_size(pairs[11].value), 4);
	cr_assert_eq(cbor_get_int(pairs[12].value), 1800000000);
	cbor_decref(&item);
}

/* The bytes of the smallest kind, once and for all. */
Test(log_entry, a_revocation_has_just_these_bytes)
{
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);
	struct log_entry entry = sample(LOG_ENTRY_REVOCATION);
	uint8_t expected[] = { 0xa3, 1, 1, 2, 6, 13, 0x58, 32, [40 - 1] = 0 };

	memset(expected + 8, LOG_ENTRY_REVOKED + 1, 32);
	cr_assert(bytes_equal(written(&entry, &out), BYTES_ARRAY(expected)));
}

/*
 * A flipped bit gives another entry or none; never the same, and never one that
 * is written otherwise than it was read.
 */
Test(log_entry, a_flipped_bit_never_gives_a_second_encoding)
{
	size_t other = 0, refused = 0;

	for (enum log_entry_kind kind = 0; kind < LOG_ENTRY_KINDS; kind++) {
		uint8_t memory[LOG_ENTRY_BYTES_MAX], again[LOG_ENTRY_BYTES_MAX];
		struct writer out = WRITER_OVER(memory);
		struct log_entry entry = sample(kind), back;
		struct bytes bytes = written(&entry, &out);

		for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
			struct writer more = WRITER_OVER(again);

			memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (log_entry_parse(bytes, &back) == ERR_OK) {
				cr_assert(bytes_equal(written(&back, &more),
						      bytes));
				other++;
			} else {
				refused++;
			}
			memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	cr_assert_gt(other, 1000);
	cr_assert_gt(refused, 500);
}

Test(log_entry, cut_anywhere_or_longer_it_is_refused)
{
	for (enum log_entry_kind kind = 0; kind < LOG_ENTRY_KINDS; kind++) {
		uint8_t memory[LOG_ENTRY_BYTES_MAX + 1] = { 0 };
		struct writer out = WRITER_OVER(memory);
		struct log_entry entry = sample(kind), back;
		struct bytes bytes = written(&entry, &out);

		for (size_t len = 0; len < bytes.len; len++)
			cr_assert_neq(
				log_entry_parse((struct bytes){ memory, len },
						&back),
				ERR_OK);
		bytes.len++;
		cr_assert_eq(log_entry_parse(bytes, &back), ERR_MALFORMED);
	}
}

static enum err attempt(const struct log_entry *entry)
{
	uint8_t memory[LOG_ENTRY_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);

	return log_entry_write(entry, &out);
}

Test(log_entry, what_a_reader_would_refuse_is_not_written)
{
	static const uint8_t long_name[LOG_ENTRY_TEXT_MAX + 1] = { 'a' };
	struct log_entry good = sample(LOG_ENTRY_RELEASE), bad;

	cr_assert_eq(attempt(&good), ERR_OK);
	bad = good;
	bad.name.len = 0;
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad.name = BYTES_ARRAY(long_name);
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad.name = BYTES_LITERAL("two\nlines");
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad = good;
	bad.not_after = bad.not_before - 1;
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad.not_after = UINT64_MAX;
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad = good;
	bad.measurements[0].name = BYTES_LITERAL("pcr 4");
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad = good;
	bad.measurements[0].value.len = 47;
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad = good;
	bad.measurements[1] = bad.measurements[2]; /* twice */
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
	bad = good;
	bad.kind = LOG_ENTRY_KINDS;
	cr_assert_eq(attempt(&bad), ERR_UNSUPPORTED);
	bad = sample(LOG_ENTRY_NODE_KEY);
	bad.key.len = 0;
	cr_assert_eq(attempt(&bad), ERR_MALFORMED);
}

Test(log_entry, measurements_in_any_order_are_put_in_the_one)
{
	struct log_entry entry = sample(LOG_ENTRY_RELEASE);
	struct log_entry_measurement kept = entry.measurements[0];

	entry.measurements[0] = entry.measurements[3];
	entry.measurements[3] = kept;
	cr_assert_eq(attempt(&entry), ERR_MALFORMED);
	log_entry_sort(&entry);
	cr_assert_eq(attempt(&entry), ERR_OK);
}

Test(log_entry, it_is_printed_for_people)
{
	struct log_entry entry = sample(LOG_ENTRY_RELEASE);
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	log_entry_print(&entry, out);
	fclose(out);
	cr_assert_not_null(strstr(text, "kind: release\nname: home\n"));
	cr_assert_not_null(strstr(text, "\nmeasurement pcr4: 010203"));
	cr_assert_not_null(strstr(text, "\nnot after: 2030-03-17T17:46:40Z\n"));
	for (enum log_entry_kind kind = 0; kind < LOG_ENTRY_KINDS; kind++)
		cr_assert_str_neq(log_entry_kind_name(kind), "unknown");
}
