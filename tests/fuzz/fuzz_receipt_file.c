/* SPDX-License-Identifier: Apache-2.0 */
/* A kept answer that parses is the one encoding of its parts, which lie in it. */
#include <stdlib.h>

#include "wire/receipt_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.data >= whole.data && part.len <= whole.len &&
	       part.data + part.len <= whole.data + whole.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct writer out = { malloc(size + 1), 0, size };
	struct receipt_file file;

	invariant(out.data != NULL);
	if (receipt_file_parse(in, &file) == ERR_OK) {
		invariant(lies_within(file.bundle, in));
		invariant(lies_within(file.receipt, in));
		invariant(lies_within(file.request, in));
		invariant(lies_within(file.response, in));
		invariant(receipt_file_write(&file, &out) == ERR_OK);
		invariant(bytes_equal(bytes_written(&out), in));
	}
	free(out.data);
	return 0;
}
