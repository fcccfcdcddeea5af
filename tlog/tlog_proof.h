/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_proof: that an entry is in a log whose head a log and its witnesses
 * signed; checked offline (C2SP tlog-proof@v1).
 *
 *     c2sp.org/tlog-proof@v1
 *     extra BASE64                  may be absent; proves nothing
 *     index N
 *     base64( hash )                the path, from the leaf's sibling upwards
 *     (an empty line)
 *     the checkpoint, a note
 */
#ifndef TLOG_TLOG_PROOF_H
#define TLOG_TLOG_PROOF_H

#include "tlog/tlog_checkpoint.h"

#define TLOG_PROOF_BYTES_MAX (NOTE_BYTES_MAX + (16u << 10))
#define TLOG_PROOF_WITNESSES_MAX 16
#define TLOG_PROOF_AHEAD_S 300 /* of our clock: still no time of the future */

struct tlog_proof {
	struct bytes extra; /* borrowed; in base64; empty without one */
	uint64_t index;
	struct merkle_proof path;
	struct note note;		   /* borrowed */
	struct tlog_checkpoint checkpoint; /* of that note; borrowed */
};

/* Take it apart; it fills `in`.  ERR_MALFORMED or ERR_TOO_LARGE. */
MUST_CHECK enum err tlog_proof_parse(struct bytes in, struct tlog_proof *out);

/* Append one: index and path, and a checkpoint as its bytes are. */
MUST_CHECK enum err tlog_proof_put(struct writer *out, uint64_t index,
				   const struct merkle_proof *path,
				   struct bytes checkpoint);

/* Whom to believe, and how much of them. */
struct tlog_policy {
	const struct note_key *log;	  /* its name is the origin */
	const struct note_key *witnesses; /* of type NOTE_COSIGNATURE */
	size_t witness_count;		  /* at most TLOG_PROOF_WITNESSES_MAX */
	size_t quorum; /* of different witnesses; 0: the log will do */
	uint64_t now;  /* Unix seconds */
	/*
	 * Of the quorum's cosignatures; 0: they may be of any age.  Without a
	 * quorum nobody tells the time, and every head is stale.
	 */
	uint64_t age_max_s;
};

/* In the order in which they are asked; the first that is wrong is told. */
enum tlog_verdict {
	TLOG_PROVEN = 0,
	TLOG_MALFORMED,
	TLOG_WRONG_ORIGIN,    /* another log */
	TLOG_NOT_SIGNED,      /* the log's key did not sign this head */
	TLOG_SIGNATURE_WRONG, /* one of a known key is false */
	TLOG_NOT_INCLUDED,    /* the path does not lead to this head */
	TLOG_BELOW_QUORUM,    /* too few witnesses */
	TLOG_STALE,	      /* enough, but of too long ago */
	TLOG_VERDICTS,
};

/* A stable word such as "below-quorum", and a sentence.  Never NULL. */
const char *tlog_proof_verdict_name(enum tlog_verdict verdict);
const char *tlog_proof_verdict_text(enum tlog_verdict verdict);

/* Whether the head of a checkpoint is to be believed: all but the path. */
enum tlog_verdict tlog_proof_judge_head(const struct note *note,
					const struct tlog_checkpoint *head,
					const struct tlog_policy *policy);

/* Whether the log has an entry with this leaf hash (merkle_leaf_hash). */
enum tlog_verdict tlog_proof_judge(const struct tlog_proof *proof,
				   const struct merkle_hash *leaf,
				   const struct tlog_policy *policy);

/* Parse and judge, for the bytes of an entry. */
enum tlog_verdict tlog_proof_verify(struct bytes proof, struct bytes entry,
				    const struct tlog_policy *policy);

#endif
