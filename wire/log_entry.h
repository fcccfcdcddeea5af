/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_entry: what stands in the transparency log, in one canonical encoding.
 *
 * Deterministic CBOR (wire/cbor.h): one map, whose kind says which of these
 * fields are in it; they are all there, in this order, and no other is.
 *
 *     {  1: unsigned   version, LOG_ENTRY_VERSION
 *        2: unsigned   kind                    R M G I N P V
 *        3: text       name                    R M G I . P .
 *        4: text       version                 R . . . . . .
 *        5: bytes[32]  program                 R . . . . . .
 *        6: bytes[32]  model root              R M . . . . .
 *        7: bytes[32]  tokenizer               R M . . . . .
 *        8: bytes[32]  policy                  R . . . . P .
 *        9: bytes[32]  jail filters            R . . . . . .
 *       10: bytes[32]  log grammar             R . . . . . .
 *       11: bytes[32]  SHA-256 of the manifest R . . . . . .
 *       12: bytes[32]  node id                 . . . . N . .
 *       13: bytes[32]  leaf hash of an entry   . . . . . . V
 *       14: [ [ register, bytes ] ... ]        R . . . . . .
 *       15: bytes      key, as below           . . G I N . .
 *       16: unsigned   not before              R . G I N . .
 *       17: unsigned   not after               R . G I N . .  }
 *
 * R release, M model, G gateway key, I issuer key, N node key config, P policy,
 * V revocation.  A digest is what a node's statement (wire/statement.h) has.
 */
#ifndef WIRE_LOG_ENTRY_H
#define WIRE_LOG_ENTRY_H

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"

#define LOG_ENTRY_VERSION 1
#define LOG_ENTRY_BYTES_MAX 8192
#define LOG_ENTRY_DIGEST_BYTES 32
#define LOG_ENTRY_TEXT_MAX 128
#define LOG_ENTRY_KEY_MAX 1024
#define LOG_ENTRY_REGISTER_MAX 15
#define LOG_ENTRY_MEASUREMENTS_MAX 64

enum log_entry_kind {
	LOG_ENTRY_RELEASE = 0,
	LOG_ENTRY_MODEL,
	LOG_ENTRY_GATEWAY_KEY, /* key: SubjectPublicKeyInfo (RFC 5280, 4.1) */
	LOG_ENTRY_ISSUER_KEY,  /* key: the same, of tokens (RFC 9578) */
	LOG_ENTRY_NODE_KEY,    /* key: application/ohttp-keys (RFC 9458, 3.2) */
	LOG_ENTRY_POLICY,
	LOG_ENTRY_REVOCATION, /* of whatever that earlier entry said */
	LOG_ENTRY_KINDS,
};

enum log_entry_digest {
	LOG_ENTRY_PROGRAM = 0,
	LOG_ENTRY_MODEL_ROOT,
	LOG_ENTRY_TOKENIZER,
	LOG_ENTRY_POLICY_DIGEST,
	LOG_ENTRY_JAIL,
	LOG_ENTRY_GRAMMAR,
	LOG_ENTRY_MANIFEST,
	LOG_ENTRY_NODE_ID,
	LOG_ENTRY_REVOKED,
	LOG_ENTRY_DIGESTS,
};

/*
 * A register by its name in attest/appraisal.h, such as "pcr4", and a value it
 * is expected to have.  Several of one register: any will do.
 */
struct log_entry_measurement {
	struct bytes name;  /* borrowed */
	struct bytes value; /* borrowed; 32 or 48 bytes */
};

/* Fields that the kind has not are neither written nor read. */
struct log_entry {
	enum log_entry_kind kind;
	struct bytes name, version; /* borrowed; printable ASCII */
	uint8_t digests[LOG_ENTRY_DIGESTS][LOG_ENTRY_DIGEST_BYTES];
	/* In the order of their names, then of their values; none twice. */
	struct log_entry_measurement measurements[LOG_ENTRY_MEASUREMENTS_MAX];
	size_t measurement_count;
	struct bytes key;    /* borrowed; not empty */
	uint64_t not_before; /* Unix seconds; both are inside */
	uint64_t not_after;
};

/* Append it.  ERR_MALFORMED for one that a reader would refuse. */
MUST_CHECK enum err log_entry_write(const struct log_entry *entry,
				    struct writer *out);

/*
 * Read one entry that fills `in`; views are borrowed.  ERR_UNSUPPORTED for
 * another version or kind, else ERR_MALFORMED or ERR_TRUNCATED.
 */
MUST_CHECK enum err log_entry_parse(struct bytes in, struct log_entry *out);

/* Put measurements in the order that an entry needs. */
void log_entry_sort(struct log_entry *entry);

/* "release", "node-key".  Never NULL. */
const char *log_entry_kind_name(enum log_entry_kind kind);
const char *log_entry_digest_name(enum log_entry_digest digest);

/* Whether entries of this kind have this digest, or these fields at all. */
bool log_entry_has_digest(enum log_entry_kind kind,
			  enum log_entry_digest digest);
bool log_entry_has_name(enum log_entry_kind kind);
bool log_entry_has_key(enum log_entry_kind kind);
bool log_entry_has_times(enum log_entry_kind kind);

/* For people: one line a field, "name: value". */
void log_entry_print(const struct log_entry *entry, FILE *out);

#endif
