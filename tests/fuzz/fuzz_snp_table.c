/* SPDX-License-Identifier: Apache-2.0 */
/* A table that parses lies within its input; written anew it says the same. */
#include <stdlib.h>

#include "attest/snp_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_written(const struct snp_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->entries[i].kind == SNP_TABLE_OTHER)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct writer out = { malloc(size + SNP_TABLE_ENTRY_BYTES), 0,
			      size + SNP_TABLE_ENTRY_BYTES };
	struct snp_table table;
	struct snp_table again;

	if (snp_table_parse((struct bytes){ data, size }, &table) == ERR_OK) {
		for (size_t i = 0; i < table.count; i++) {
			struct bytes value = table.entries[i].value;

			invariant(value.len > 0 && value.data >= data &&
				  value.data + value.len <= data + size);
		}
		if (is_written(&table)) {
			invariant(snp_table_write(&table, &out) == ERR_OK);
			invariant(snp_table_parse(bytes_written(&out),
						  &again) == ERR_OK);
			invariant(again.count == table.count);
			for (size_t i = 0; i < table.count; i++)
				invariant(bytes_equal(again.entries[i].value,
						      table.entries[i].value));
		}
	}
	free(out.data);
	return 0;
}
