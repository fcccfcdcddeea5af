/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "attest/snp_table.h"
#include "tests/vector.h"

/* Two entries, as a host lays them out: VCEK at 72, ASK at 75. */
#define VCEK "63da758de6644564adc5f4b93be8accd"
#define ASK "4ab7b379bbac4fe4a02f05aef327c782"
#define END "000000000000000000000000000000000000000000000000"
#define SOUND                                                       \
	VCEK "4800000003000000" ASK "4b00000002000000" END "a1a2a3" \
	     "b1b2"

static enum err parse(const char *hex)
{
	struct snp_table table;

	return snp_table_parse(vector_hex(hex), &table);
}

Test(snp_table, a_table_gives_its_entries_by_kind)
{
	struct snp_table table;

	cr_assert_eq(snp_table_parse(vector_hex(SOUND), &table), ERR_OK);
	cr_assert_eq(table.count, 2);
	cr_assert_eq(table.entries[0].kind, SNP_TABLE_VCEK);
	vector_expect(table.entries[0].value, "a1a2a3");
	cr_assert_eq(table.entries[1].kind, SNP_TABLE_ASK);
	vector_expect(table.entries[1].value, "b1b2");
}

Test(snp_table, nothing_is_a_table_without_entries)
{
	struct snp_table table = { .count = 7 };

	cr_assert_eq(snp_table_parse((struct bytes){ NULL, 0 }, &table),
		     ERR_OK);
	cr_assert_eq(table.count, 0);
	table.count = 7;
	cr_assert_eq(snp_table_parse(vector_hex(END "0000"), &table), ERR_OK);
	cr_assert_eq(table.count, 0);
}

Test(snp_table, a_host_s_own_entry_is_kept_as_other)
{
	struct snp_table table;

	cr_assert_eq(snp_table_parse(vector_hex("ff"
						"000000000000000000000000000000"
						"3000000001000000" END "aa"),
				     &table),
		     ERR_OK);
	cr_assert_eq(table.count, 1);
	cr_assert_eq(table.entries[0].kind, SNP_TABLE_OTHER);
}

Test(snp_table, entries_that_point_astray_are_refused)
{
	/* into the table */
	cr_assert_eq(parse(VCEK "1800000003000000" END "a1a2a3"),
		     ERR_MALFORMED);
	/* beyond the end; so far that it wraps */
	cr_assert_eq(parse(VCEK "3000000004000000" END "a1a2a3"),
		     ERR_TRUNCATED);
	cr_assert_eq(parse(VCEK "ffffffffffffffff" END "a1a2a3"),
		     ERR_TRUNCATED);
	/* empty */
	cr_assert_eq(parse(VCEK "3000000000000000" END "00"), ERR_MALFORMED);
	/* into each other; in another order */
	cr_assert_eq(parse(VCEK "4800000003000000" ASK "4a00000003000000" END
				"a1a2a3b1b2"),
		     ERR_MALFORMED);
	cr_assert_eq(parse(VCEK "4a00000003000000" ASK "4800000002000000" END
				"b1b2a1a2a3"),
		     ERR_MALFORMED);
	/* one kind twice */
	cr_assert_eq(parse(VCEK "4800000003000000" VCEK "4b00000002000000" END
				"a1a2a3b1b2"),
		     ERR_MALFORMED);
	/* something between and behind that nobody points to */
	cr_assert_eq(parse(VCEK "3100000003000000" END "01a1a2a3"),
		     ERR_MALFORMED);
	cr_assert_eq(parse(VCEK "3000000003000000" END "a1a2a301"),
		     ERR_MALFORMED);
	/* and the same with zeros, which is sound */
	cr_assert_eq(parse(VCEK "3100000003000000" END "00a1a2a300"), ERR_OK);
}

Test(snp_table, cut_at_any_length_it_is_truncated)
{
	struct bytes whole = vector_hex(SOUND);

	for (size_t len = 1; len < whole.len; len++) {
		uint8_t *cut = malloc(len);
		struct snp_table table;

		memcpy(cut, whole.data, len);
		cr_assert_eq(
			snp_table_parse((struct bytes){ cut, len }, &table),
			ERR_TRUNCATED);
		free(cut);
	}
}

Test(snp_table, more_entries_than_may_be_are_refused)
{
	static uint8_t raw[(SNP_TABLE_ENTRIES_MAX + 2) * 24 + 32];
	struct snp_table table;

	for (size_t count = SNP_TABLE_ENTRIES_MAX;
	     count <= SNP_TABLE_ENTRIES_MAX + 1; count++) {
		memset(raw, 0, sizeof(raw));
		for (size_t i = 0; i < count; i++) {
			size_t offset = (count + 1) * 24 + i;

			raw[24 * i] = 0xee;
			raw[24 * i + 16] = (uint8_t)offset;
			raw[24 * i + 17] = (uint8_t)(offset >> 8);
			raw[24 * i + 20] = 1;
			raw[offset] = 1;
		}
		cr_assert_eq(snp_table_parse(BYTES_ARRAY(raw), &table),
			     count <= SNP_TABLE_ENTRIES_MAX ? ERR_OK
							    : ERR_TOO_LARGE);
	}
	cr_assert_eq(table.count, SNP_TABLE_ENTRIES_MAX);
}

Test(snp_table, what_is_written_is_read)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);
	const struct snp_table table = {
		.entries = { { SNP_TABLE_VLEK, BYTES_LITERAL("leaf") },
			     { SNP_TABLE_ARK, BYTES_LITERAL("root") } },
		.count = 2,
	};
	struct snp_table back;

	cr_assert_eq(snp_table_write(&table, &out), ERR_OK);
	cr_assert_eq(snp_table_parse(bytes_written(&out), &back), ERR_OK);
	cr_assert_eq(back.count, 2);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(back.entries[i].kind, table.entries[i].kind);
		cr_assert(bytes_equal(back.entries[i].value,
				      table.entries[i].value));
	}
}
