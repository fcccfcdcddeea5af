/* SPDX-License-Identifier: Apache-2.0 */
/* What parses, as a receipt or as a worker's part, is the one encoding of what
 * it says. */
#include "wire/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_part(struct bytes in)
{
	uint8_t memory[RECEIPT_ANSWER_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct receipt_answer answer;

	if (receipt_answer_parse(in, &answer) != ERR_OK)
		return;
	invariant(receipt_answer_write(&answer, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t memory[RECEIPT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct bytes in = { data, size };
	struct receipt receipt;

	try_part(in);
	if (receipt_parse(in, &receipt) != ERR_OK)
		return 0;
	invariant(size <= RECEIPT_BYTES_MAX);
	invariant(receipt_write(&receipt, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
	return 0;
}
