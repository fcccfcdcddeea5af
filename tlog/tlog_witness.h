/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_witness: what a log asks a witness, and what that has to answer (C2SP
 * tlog-witness, add-checkpoint).
 *
 *     old N                         the size the witness signed last
 *     base64( hash )                consistency from there, at most 63 lines
 *     (an empty line)
 *     the checkpoint, a note
 */
#ifndef TLOG_TLOG_WITNESS_H
#define TLOG_TLOG_WITNESS_H

#include "tlog/tlog_checkpoint.h"

#define TLOG_WITNESS_REQUEST_MAX (NOTE_BYTES_MAX + (16u << 10))
#define TLOG_WITNESS_LINES_MAX 63

struct tlog_witness_request {
	uint64_t old_size;
	struct merkle_proof growth;
	struct note note;		   /* borrowed */
	struct tlog_checkpoint checkpoint; /* borrowed */
};

MUST_CHECK enum err tlog_witness_parse(struct bytes in,
				       struct tlog_witness_request *out);

MUST_CHECK enum err tlog_witness_put(struct writer *out, uint64_t old_size,
				     const struct merkle_proof *growth,
				     struct bytes checkpoint);

/* HTTP statuses that mean something here. */
enum tlog_witness_status {
	TLOG_WITNESS_SIGN = 200,
	TLOG_WITNESS_MALFORMED = 400,
	TLOG_WITNESS_NO_SIGNATURE = 403, /* of the log's, that is good */
	TLOG_WITNESS_NO_LOG = 404,	 /* of this origin */
	TLOG_WITNESS_CONFLICT = 409,	 /* another size, or another root */
	TLOG_WITNESS_NO_PROOF = 422,	 /* the tree did not just grow */
};

/*
 * What to answer, in the order in which the specification asks.  `log` is the
 * key of the origin, NULL where it is not known; `last` is what was signed last,
 * of size 0 if nothing was.  A request that is to be signed has a head that
 * `last` grew into, or is.
 */
enum tlog_witness_status
tlog_witness_judge(const struct tlog_witness_request *request,
		   const struct note_key *log, const struct merkle_head *last);

#endif
