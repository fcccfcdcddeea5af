/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_checkpoint: a log's name, size and root, as the text of a note (C2SP
 * tlog-checkpoint).
 *
 *     origin
 *     size, decimal
 *     base64( root, 32 bytes )
 *     extension lines, if any; none of ours has one
 */
#ifndef TLOG_TLOG_CHECKPOINT_H
#define TLOG_TLOG_CHECKPOINT_H

#include "crypto/merkle_proof.h"
#include "tlog/note.h"

#define TLOG_CHECKPOINT_BYTES_MAX NOTE_BYTES_MAX

struct tlog_checkpoint {
	struct bytes origin; /* borrowed */
	struct merkle_head head;
	struct bytes extensions; /* borrowed; whole lines, mostly none */
};

/*
 * Read the text of a note, all of it.  A size beyond MERKLE_PROOF_SIZE_MAX or
 * with a zero in front is ERR_MALFORMED.
 */
MUST_CHECK enum err tlog_checkpoint_parse(struct bytes text,
					  struct tlog_checkpoint *out);

/* Append the text; ERR_MALFORMED for an origin that is empty or has lines. */
MUST_CHECK enum err tlog_checkpoint_put(struct writer *out,
					const struct tlog_checkpoint *head);

/* A decimal number as these formats write it: "0", or none in front. */
MUST_CHECK enum err tlog_checkpoint_number(struct bytes digits, uint64_t *out);

#endif
