/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: the model file, read once, hashed before anything parses it.
 *
 * The file is copied into sealed memory and the copy is what is hashed, so the
 * bytes that were measured are the bytes that are used, whatever happens to the
 * file.  The root is of an RFC 6962 tree over pieces of LIMIT_MODEL_PIECE.
 */
#ifndef NODE_MEASURE_H
#define NODE_MEASURE_H

#include "crypto/merkle.h"
#include "sandbox/memory.h"

struct measure_result {
	struct bytes file; /* sealed, read-only */
	size_t mapped;	   /* bytes of memory that it lies in */
	enum memory_pages pages;
	uint8_t root[MERKLE_HASH_BYTES];
};

/* ERR_TOO_LARGE for a file beyond limits, ERR_UNAVAILABLE when unreadable. */
MUST_CHECK enum err measure_file(int file, struct measure_result *out);

/*
 * Take all but the first `needed` bytes of the file out of memory, once nothing
 * looks at them any more; file.len is `needed` then.  ERR_UNAVAILABLE when
 * there is no memory: the process must end.
 */
MUST_CHECK enum err measure_drop(struct measure_result *measured,
				 size_t needed);

/*
 * Digest of the tokenizer: SHA-256 over every metadata entry of the file whose
 * key begins with "tokenizer.", in the order of their keys, each as
 *
 *     u64 length | key | u64 type | u64 length | value       big-endian
 *
 * with the type of an array's elements behind its own, so that two models with
 * one tokenizer have one digest.  This parses the file and belongs inside the
 * jail.
 */
MUST_CHECK enum err measure_tokenizer(struct bytes file,
				      uint8_t digest[static 32]);

#endif
