/* SPDX-License-Identifier: Apache-2.0 */
/* What is read as a release is written again as the same bytes. */
#include <string.h>

#include "wire/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[RELEASE_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct bytes in = { data, size };
	struct release release;

	if (release_parse(in, &release) != ERR_OK)
		return 0;
	invariant(release.entry.len + release.proof.len < size);
	invariant(release_write(&release, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
	return 0;
}
