/* SPDX-License-Identifier: Apache-2.0 */
/* An entry that parses is the one encoding of what it says, and prints. */
#include <stdlib.h>

#include "wire/log_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct bytes in = { data, size };
	struct writer out = { malloc(size + 1), 0, size };
	struct log_entry entry;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	if (log_entry_parse(in, &entry) == ERR_OK) {
		invariant(log_entry_write(&entry, &out) == ERR_OK);
		invariant(bytes_equal(bytes_written(&out), in));
		log_entry_print(&entry, nowhere);
	}
	free(out.data);
	return 0;
}
