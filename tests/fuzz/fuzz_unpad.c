/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a body is the same however it was cut, is no longer than the
 * body, and has no padding: to take it off again changes nothing.
 */
#include <stdlib.h>

#include "wire/unpad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes unpadded(enum unpad_body body, struct bytes in,
			     size_t piece, struct writer *out)
{
	struct unpad unpad;

	unpad_init(&unpad, body);
	out->len = 0;
	while (in.len > 0) {
		struct bytes part = { in.data,
				      in.len < piece ? in.len : piece };
		struct bytes run;

		in.data += part.len;
		in.len -= part.len;
		while (unpad_next(&unpad, &part, &run))
			invariant(bytes_put(out, run) == ERR_OK);
	}
	return bytes_written(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	uint8_t *memory = malloc(3 * size + 3);
	struct writer outs[3];

	invariant(memory != NULL);
	for (size_t i = 0; i < 3; i++)
		outs[i] = (struct writer){ memory + i * size, 0, size };
	for (int body = UNPAD_JSON; body <= UNPAD_EVENTS; body++) {
		enum unpad_body kind = (enum unpad_body)body;
		struct bytes whole = unpadded(kind, in, size + 1, &outs[0]);
		struct bytes cut = unpadded(kind, in, 1 + size % 7, &outs[1]);
		struct bytes again = unpadded(kind, whole, 3, &outs[2]);

		invariant(bytes_equal(whole, cut));
		invariant(bytes_equal(whole, again));
	}
	free(memory);
	return 0;
}
