/* SPDX-License-Identifier: Apache-2.0 */
/* A statement that parses is the one encoding of what it says. */
#include "wire/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t memory[STATEMENT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct bytes in = { data, size };
	struct statement statement;

	if (statement_parse(in, &statement) != ERR_OK)
		return 0;
	invariant(size <= STATEMENT_BYTES_MAX);
	invariant(statement_write(&statement, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
	return 0;
}
