/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle that parses lies within its input and, unless its evidence is newer
 * than this build, is the one encoding of what it holds.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "wire/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.len == 0 ||
	       (part.data >= whole.data &&
		part.data + part.len <= whole.data + whole.len);
}

static bool is_known(const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->evidence_count; i++)
		if (bundle->evidence[i].type == BUNDLE_EVIDENCE_UNKNOWN)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct writer out = { malloc(size + 1), 0, size };
	struct bundle bundle;

	if (bundle_parse(in, &bundle) == ERR_OK) {
		invariant(bundle.evidence_count >= 1 &&
			  bundle.evidence_count <= BUNDLE_EVIDENCE_MAX);
		invariant(lies_within(bundle.keys, in));
		invariant(lies_within(bundle.statement, in));
		invariant(lies_within(bundle.release, in));
		for (size_t i = 0; i < bundle.evidence_count; i++)
			invariant(lies_within(bundle.evidence[i].value, in));
		if (is_known(&bundle)) {
			invariant(bundle_write(&bundle, &out) == ERR_OK);
			invariant(bytes_equal(bytes_written(&out), in));
		}
	}
	free(out.data);
	return 0;
}
