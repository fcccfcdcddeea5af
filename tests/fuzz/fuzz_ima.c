/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of IMA in both forms, as the first byte says: entries lie within their
 * list, and a replay counts what a walk does.
 */
#include "attest/ima.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum ima_form form;
	struct ima_replay replay;
	struct bytes in;
	size_t entries = 0;

	if (size == 0)
		return 0;
	form = (data[0] & 1) != 0 ? IMA_BINARY : IMA_TEXT;
	in = (struct bytes){ data + 1, size - 1 };
	while (in.len > 0) {
		struct ima_entry entry;
		const uint8_t *before = in.data;

		if (ima_take(&in, form, &entry) != ERR_OK)
			break;
		entries++;
		invariant(in.data > before);
		invariant(in.data + in.len == data + size);
		invariant(entry.path.data > before - 1 &&
			  entry.path.data + entry.path.len <= in.data);
		invariant(entry.path.len >= 1 &&
			  entry.path.len <= IMA_PATH_MAX);
		invariant(entry.signature_len <= IMA_SIGNATURE_MAX);
	}
	if (ima_replay((struct bytes){ data + 1, size - 1 }, form, HASH_SHA256,
		       &replay) == ERR_OK)
		invariant(replay.entries == entries && in.len == 0);
	return 0;
}
