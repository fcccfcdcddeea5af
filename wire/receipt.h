/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt: what a node signs about one answer, in one canonical encoding.
 *
 * Deterministic CBOR (wire/cbor.h); every field is there, in this order, and
 * nothing else is.  It is the payload of a COSE_Sign1 (RFC 9052) under the key
 * that the node statement names (wire/statement.h, 13), and it travels as the
 * trailer field "pcc-receipt" of the answer, in base64url without padding.
 *
 *     {  1: unsigned   version, RECEIPT_VERSION
 *        2: bytes[32]  commitment to the request (crypto/commitment.h)
 *        3: bytes[32]  commitment to the body of the response
 *        4: [ temperature, top_p, top_k, tokens, context, numerics ]
 *        5: bytes[32]  seed of the sampler (inference/sampler.h)
 *        6: [ prompt tokens, answer tokens ]
 *        7: text       how it ended: stop or length
 *        8: unsigned   1: the worker's memory was all zero when it began
 *        9: bytes[32]  Merkle root of the model file
 *       10: bytes[32]  digest of the tokenizer
 *       11: bytes[32]  digest of the policy
 *       12: bytes[32]  digest of the system call filters
 *       13: bytes      adapter of the model: empty, there is none
 *       14: [ mode, frame bytes, tick ms ]  the shape of responses
 *       15: bytes[32]  node id
 *       16: unsigned   id of the key that opened the request, 0..255
 *       17: bytes[32]  SHA-256 of the bundle that offered that key
 *       18: unsigned   kinds of evidence in it: 1 << enum
 *                      bundle_evidence_type; 1 alone is software only
 *       19: text       assurance of the statement
 *       20: bytes[32]  SHA-256 of the text of the log's checkpoint that the
 *                      release is proven under; zeros: the node names none
 *       21: unsigned   time, Unix seconds, a multiple of RECEIPT_TIME_STEP_S }
 *
 * temperature and top_p are the bits of an IEEE 754 binary32, as used.  Fields
 * 2 to 8 are the worker's own word, so one that was taken over can lie about
 * its own request; the others are the keeper's, and it cannot.
 */
#ifndef WIRE_RECEIPT_H
#define WIRE_RECEIPT_H

#include "wire/statement.h"

#define RECEIPT_VERSION 1
#define RECEIPT_DIGEST_BYTES 32
#define RECEIPT_BYTES_MAX 640	     /* one receipt, encoded */
#define RECEIPT_ANSWER_BYTES_MAX 192 /* the worker's part */
#define RECEIPT_SIGNED_MAX 800	     /* with its COSE_Sign1 around it */
#define RECEIPT_TIME_STEP_S 60 /* coarse: no finer than anyone sees anyway */
#define RECEIPT_FIELD "pcc-receipt"
#define RECEIPT_FIELD_VALUE_MAX ((RECEIPT_SIGNED_MAX * 4 + 2) / 3)

enum receipt_finish {
	RECEIPT_FINISH_STOP = 0, /* the model, or a stop string */
	RECEIPT_FINISH_LENGTH,	 /* the limit on tokens, or the context */
	RECEIPT_FINISH_COUNT,
};

enum receipt_numerics {
	RECEIPT_INTEGERS = 0, /* as in enum generate_numerics */
	RECEIPT_BF16_PROMPTS,
	RECEIPT_NUMERICS_COUNT,
};

enum receipt_arena {
	RECEIPT_ARENA_UNREAD = 0,
	RECEIPT_ARENA_ZERO, /* wiped and read back before the worker began */
	RECEIPT_ARENA_COUNT,
};

/* What drew the answer; all of it, so that it can be drawn again. */
struct receipt_sampling {
	float temperature;
	float top_p;
	uint32_t top_k;
	uint32_t tokens_max;
	uint32_t context_max;
	enum receipt_numerics numerics;
};

/* The worker's part. */
struct receipt_answer {
	uint8_t request[RECEIPT_DIGEST_BYTES];
	uint8_t response[RECEIPT_DIGEST_BYTES];
	struct receipt_sampling sampling;
	uint8_t seed[RECEIPT_DIGEST_BYTES];
	uint32_t prompt_tokens;
	uint32_t answer_tokens;
	enum receipt_finish finish;
	enum receipt_arena arena;
};

/* The keeper's part. */
struct receipt_node {
	uint8_t model_root[RECEIPT_DIGEST_BYTES];
	uint8_t tokenizer_digest[RECEIPT_DIGEST_BYTES];
	uint8_t policy_digest[RECEIPT_DIGEST_BYTES];
	uint8_t jail_digest[RECEIPT_DIGEST_BYTES];
	struct statement_shape shape;
	uint8_t node_id[RECEIPT_DIGEST_BYTES];
	uint8_t key_id;
	uint8_t evidence_digest[RECEIPT_DIGEST_BYTES];
	uint32_t evidence_kinds; /* 1 << enum bundle_evidence_type */
	enum statement_assurance assurance;
	uint8_t checkpoint_digest[RECEIPT_DIGEST_BYTES];
	uint64_t time; /* Unix seconds */
};

struct receipt {
	struct receipt_answer answer;
	struct receipt_node node;
};

/*
 * The worker's part alone, fields 2 to 8 as a map, on its way to the keeper.
 * Writing gives ERR_TOO_LARGE, or ERR_MALFORMED for what a reader would refuse;
 * parsing ERR_MALFORMED or ERR_TRUNCATED for anything but the one encoding.
 */
MUST_CHECK enum err receipt_answer_write(const struct receipt_answer *answer,
					 struct writer *out);
MUST_CHECK enum err receipt_answer_parse(struct bytes in,
					 struct receipt_answer *out);

/* The same for a whole receipt; ERR_UNSUPPORTED for another version. */
MUST_CHECK enum err receipt_write(const struct receipt *receipt,
				  struct writer *out);
MUST_CHECK enum err receipt_parse(struct bytes in, struct receipt *out);

/* Whether nothing but software evidence stood behind it. */
bool receipt_is_software_only(const struct receipt *receipt);

/* The words on the wire, "stop" and "length".  Never NULL. */
const char *receipt_finish_name(enum receipt_finish finish);

#endif
