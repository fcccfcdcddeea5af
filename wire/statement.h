/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement: what a node says of itself, in one canonical encoding.
 *
 * Deterministic CBOR (wire/cbor.h); every field is there, in this order, and
 * nothing else is.  Evidence signs the SHA-512 of these bytes, so a reader
 * accepts exactly what a writer makes.
 *
 *     {  1: unsigned   version, STATEMENT_VERSION
 *        2: bytes[32]  node id
 *        3: bytes[32]  SHA-256 of the program file that runs
 *        4: bytes[32]  Merkle root of the model file (crypto/merkle.h)
 *        5: bytes[32]  digest of the tokenizer
 *        6: bytes[32]  SHA-256 of policy_write()'s canonical form
 *        7: bytes[32]  digest of the system call filters of all roles
 *        8: bytes[32]  digest of the log grammar
 *        9: [ mode, frame bytes, tick ms ]  the shape of responses
 *       10: text       model name, 1..STATEMENT_NAME_MAX
 *       11: unsigned   when the current key expires, Unix seconds
 *       12: text       assurance: software, tpm2, sev-snp or tdx
 *       13: bytes[32]  Ed25519 public key of receipts (wire/receipt.h)
 *       14: bytes[32]  SHA-256 of the supervisor's arguments, argv joined by
 *                      zero bytes  }
 */
#ifndef WIRE_STATEMENT_H
#define WIRE_STATEMENT_H

#include "base/bytes.h"

#define STATEMENT_VERSION 2
#define STATEMENT_DIGEST_BYTES 32
#define STATEMENT_NAME_MAX 128
#define STATEMENT_BYTES_MAX 512 /* one statement, encoded */

/* How responses leave the node, as in enum policy_shape: lower tells less. */
enum statement_mode {
	STATEMENT_MODE_PACED = 0, /* a frame of one size at each tick */
	STATEMENT_MODE_SIZED = 1, /* frames of one size, as they are full */
	STATEMENT_MODE_OFF = 2,	  /* as the text comes */
	STATEMENT_MODE_COUNT,
};

/* Where the evidence for a statement is rooted; higher is stronger. */
enum statement_assurance {
	STATEMENT_SOFTWARE = 0, /* nowhere: for development */
	STATEMENT_TPM2,
	STATEMENT_SEV_SNP,
	STATEMENT_TDX,
	STATEMENT_ASSURANCE_COUNT,
};

/*
 * What runs on a node, in the order in which it is measured (attest/identity.h)
 * and told everywhere.
 */
enum statement_digest {
	STATEMENT_PROGRAM = 0,
	STATEMENT_MODEL,
	STATEMENT_TOKENIZER,
	STATEMENT_POLICY,
	STATEMENT_JAIL, /* filters */
	STATEMENT_LOG,	/* grammar */
	STATEMENT_COMMAND,
	STATEMENT_DIGESTS,
};

struct statement_shape {
	enum statement_mode mode;
	uint32_t frame_bytes; /* one sealed frame on the wire */
	uint32_t tick_ms;
};

struct statement {
	uint8_t node_id[STATEMENT_DIGEST_BYTES];
	uint8_t binary_digest[STATEMENT_DIGEST_BYTES];
	uint8_t model_root[STATEMENT_DIGEST_BYTES];
	uint8_t tokenizer_digest[STATEMENT_DIGEST_BYTES];
	uint8_t policy_digest[STATEMENT_DIGEST_BYTES];
	uint8_t jail_digest[STATEMENT_DIGEST_BYTES];
	uint8_t log_digest[STATEMENT_DIGEST_BYTES];
	uint8_t receipt_key[STATEMENT_DIGEST_BYTES];
	uint8_t command_digest[STATEMENT_DIGEST_BYTES];
	struct statement_shape shape;
	struct bytes model_name; /* borrowed; printable ASCII */
	uint64_t key_expiry;	 /* Unix seconds */
	enum statement_assurance assurance;
};

/*
 * Append the encoding.  ERR_TOO_LARGE when the writer or the model name's limit
 * is too small, ERR_MALFORMED for a name, mode or assurance that a reader would
 * refuse.
 */
MUST_CHECK enum err statement_write(const struct statement *statement,
				    struct writer *out);

/*
 * Read one statement that fills `in` exactly; the name is borrowed from it.
 * ERR_UNSUPPORTED for another version, ERR_MALFORMED or ERR_TRUNCATED for
 * anything but the one encoding above.
 */
MUST_CHECK enum err statement_parse(struct bytes in, struct statement *out);

/* One of the digests, borrowed; and its name: "program", "model", ... */
const uint8_t *statement_digest(const struct statement *statement,
				enum statement_digest which);
const char *statement_digest_name(enum statement_digest which);

/* The words on the wire: "paced", "sev-snp".  Never NULL. */
const char *statement_mode_name(enum statement_mode mode);
const char *statement_assurance_name(enum statement_assurance assurance);

/* The level of this word; ERR_MALFORMED when it is none. */
MUST_CHECK enum err statement_assurance_named(struct bytes name,
					      enum statement_assurance *out);

#endif
