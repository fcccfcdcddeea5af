/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: what an operator may choose, and nothing that weakens isolation.
 *
 * The file is lines of ASCII, each ended by a line feed:
 *
 *     FILE  = { LINE "\n" }
 *     LINE  = "" | "#" { %x20-7E } | KEY " = " VALUE
 *     VALUE = NUMBER | NUMBER { " " NUMBER } | WORD
 *
 * Every key stands there exactly once.  There are no defaults to fall back on,
 * so a file that lost its end is refused and not half obeyed.  Numbers are
 * decimal without sign or leading zero.  deploy/policy.conf is the documented
 * example and states the defaults.
 *
 * policy_write() gives the canonical form, keys in order and no comments; its
 * SHA-256 stands in the node statement.  A client sees this digest, and of the
 * choices themselves the shape (off included) and the model's name alone: who
 * has the file can compare.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define POLICY_TEXT_MAX 8192 /* bytes of a file, and of its canonical form */
#define POLICY_BUCKETS_MAX 8
#define POLICY_NAME_MAX 64

enum policy_shape {
	POLICY_SHAPE_PACED, /* one frame a tick, to a bucketed total */
	POLICY_SHAPE_SIZED, /* frames of one size, as soon as they are full */
	POLICY_SHAPE_OFF,   /* frames as the text comes; a client sees this */
};

/* In what numbers prompts go through the model; see generate.h. */
enum policy_numerics {
	POLICY_NUMERICS_INTEGERS,
	POLICY_NUMERICS_BF16_PROMPTS,
};

/* Where the private keys live that requests are encrypted to. */
enum policy_kem {
	POLICY_KEM_X25519,   /* on the keeper's secret pages */
	POLICY_KEM_P256_TPM, /* in the machine's TPM, which has to be there */
};

/* A policy that policy_parse() filled is within every limit in limits.h. */
struct policy {
	uint32_t workers;	    /* requests served at once */
	uint32_t warm_workers;	    /* of these, forked ahead; <= workers */
	uint32_t threads;	    /* of the engine, in each worker */
	uint32_t queue;		    /* requests that may wait for a worker */
	uint32_t context_tokens;    /* prompt and answer together */
	uint32_t output_tokens_max; /* <= context_tokens */
	uint32_t request_ms_max;
	enum policy_numerics numerics;
	enum policy_shape shape;
	enum policy_kem kem;
	uint32_t frame_bytes;			    /* a sealed frame */
	uint32_t tick_ms;			    /* between two frames */
	uint32_t total_buckets[POLICY_BUCKETS_MAX]; /* frames, ascending */
	uint32_t total_bucket_count;		    /* at least 1 */
	uint32_t key_rotation_s;
	uint32_t key_lifetime_s; /* between one and two rotations */
	char model_name[POLICY_NAME_MAX + 1]; /* [a-z0-9._-]+, zero-padded */
};

/* Where a policy was refused, and why, in a fixed text of ours. */
struct policy_fault {
	size_t line; /* from 1; one past the last where a key is missing */
	const char *reason;
	uint32_t least, most; /* of a number that is out of range; else 0 */
};

/* The policy that deploy/policy.conf states. */
void policy_default(struct policy *out);

/*
 * ERR_MALFORMED for text that is not of the form above, ERR_TRUNCATED for one
 * that ends early (no line feed at the end, or a key missing), ERR_DENIED for a
 * value outside its limits or at odds with another.
 */
MUST_CHECK enum err policy_parse(struct bytes text, struct policy *out,
				 struct policy_fault *where);

/* The canonical form.  ERR_TOO_LARGE when the writer has no room. */
MUST_CHECK enum err policy_write(const struct policy *policy,
				 struct writer *out);

#endif
