/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from any form is written back to the same bytes. */
#include <string.h>

#include "wire/varint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	uint8_t memory[VARINT_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	uint64_t value;
	uint64_t again;
	size_t size;

	if (varint_take(&in, &value) != ERR_OK) {
		invariant(len == 0 || len < varint_size_of(data[0]));
		return 0;
	}
	size = len - in.len;
	invariant(size == varint_size_of(data[0]) && value <= VARINT_MAX);
	invariant(varint_put_in(&out, value, size) == ERR_OK);
	invariant(memcmp(memory, data, size) == 0);

	out.len = 0;
	invariant(varint_put(&out, value) == ERR_OK && out.len <= size);
	in = bytes_written(&out);
	invariant(varint_take(&in, &again) == ERR_OK && again == value);
	return 0;
}
