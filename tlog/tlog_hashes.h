/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_hashes: lines of text, and Merkle proofs as lines of base64, which
 * several of C2SP's formats have in common.
 */
#ifndef TLOG_TLOG_HASHES_H
#define TLOG_TLOG_HASHES_H

#include "crypto/merkle_proof.h"

/* One line, which may be empty, without its newline, which has to be there. */
MUST_CHECK enum err tlog_hashes_take_line(struct bytes *in, struct bytes *out);

/* Hashes, at most `max`, and the empty line that ends them. */
MUST_CHECK enum err tlog_hashes_take(struct bytes *in, size_t max,
				     struct merkle_proof *out);

/* Append a proof's lines and the empty one. */
MUST_CHECK enum err tlog_hashes_put(struct writer *out,
				    const struct merkle_proof *proof);

#endif
