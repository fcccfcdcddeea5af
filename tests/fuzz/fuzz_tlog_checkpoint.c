/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint that parses is the one text of what it says. */
#include <stdlib.h>

#include "tlog/tlog_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct writer out = { malloc(size + 1), 0, size };
	struct tlog_checkpoint head;

	if (tlog_checkpoint_parse(in, &head) == ERR_OK) {
		invariant(head.head.size <= MERKLE_PROOF_SIZE_MAX);
		invariant(tlog_checkpoint_put(&out, &head) == ERR_OK);
		invariant(bytes_equal(bytes_written(&out), in));
	}
	free(out.data);
	return 0;
}
