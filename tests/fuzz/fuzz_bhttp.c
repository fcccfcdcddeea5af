/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any split gives the same events and the same end, and what an error is does
 * not depend on the split either.
 *
 *     kind | first piece | further pieces | message
 */
#include "tests/bhttp_transcript.h"

static const struct bhttp_limits limits = {
	.field_bytes = 512,
	.fields = 8,
	.content = 4096,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct bhttp_transcript whole;
	static struct bhttp_transcript split;
	struct transcript_input input = { .limits = limits };

	if (len < 3)
		return 0;
	input.message = (data[0] & 1) != 0 ? BHTTP_MESSAGE_RESPONSE
					   : BHTTP_MESSAGE_REQUEST;
	input.bytes = (struct bytes){ data + 3, len - 3 };
	input.first = input.bytes.len;
	transcript_of(input, &whole);
	invariant(whole.content_len <= limits.content);
	invariant(whole.fields + whole.trailers <= limits.fields);

	input.first = data[1] < input.bytes.len ? data[1] : input.bytes.len;
	input.piece = data[2] % 16;
	transcript_of(input, &split);
	invariant(transcript_equal(&whole, &split));
	return 0;
}
