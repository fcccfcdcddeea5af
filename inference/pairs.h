/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs: which two tokens merge into which, in byte-level BPE.
 */
#ifndef INFERENCE_PAIRS_H
#define INFERENCE_PAIRS_H

#include "inference/vocabulary.h"

struct pairs_slot; /* one merge */

struct pairs {
	struct pairs_slot *slots; /* [slot_mask + 1], hashed by the pair */
	size_t slot_mask;
};

/*
 * Read tokenizer.ggml.merges.  ERR_MALFORMED where one names texts that are
 * no tokens, ERR_TOO_LARGE beyond count_max.  Close with pairs_close().
 */
MUST_CHECK enum err pairs_open(const struct gguf *gguf,
			       const struct vocabulary *vocabulary,
			       size_t count_max, struct pairs *out);

void pairs_close(struct pairs *pairs);

struct pairs_result {
	uint32_t rank;	/* lower merges first */
	uint32_t token; /* VOCABULARY_NONE where the two do not merge */
};

struct pairs_result pairs_find(const struct pairs *pairs, uint32_t left,
			       uint32_t right);

#endif
