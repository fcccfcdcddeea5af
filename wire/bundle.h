/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: everything a client needs to judge a node, in one file.
 *
 * A CMW collection (RFC 9999) in deterministic CBOR (wire/cbor.h, which says
 * why not libcbor).  A record is [media type, bytes, ?indicator], where the
 * indicator 4 marks evidence; labels are in the order of their encodings.
 *
 *     {
 *       "keys":      [ "application/ohttp-keys", bytes ],
 *       "release":   [ BUNDLE_TYPE_RELEASE, bytes ],          ; may be absent
 *       "__cmwc_t":  BUNDLE_COLLECTION,
 *       "evidence":  { 0: [ media type, bytes, 4 ], 1: ... }, ; one to four
 *       "statement": [ BUNDLE_TYPE_STATEMENT, bytes ]
 *     }
 *
 * The bytes of each record stay as they came, since digests and signatures are
 * over them.  Labels that are not in this list, in another order or twice, are
 * refused; evidence of a media type that is not known is kept and named
 * unknown, because a node may carry evidence that is newer than its reader.
 */
#ifndef WIRE_BUNDLE_H
#define WIRE_BUNDLE_H

#include "base/bytes.h"

#define BUNDLE_COLLECTION "tag:pcc-node,2026:bundle:v1"
#define BUNDLE_TYPE_KEYS "application/ohttp-keys"
#define BUNDLE_TYPE_STATEMENT "application/vnd.pcc-node.statement+cbor"
#define BUNDLE_TYPE_RELEASE "application/vnd.pcc-node.release"

#define BUNDLE_BYTES_MAX (64u << 10) /* one bundle, encoded */
#define BUNDLE_EVIDENCE_MAX 4

enum bundle_evidence_type {
	BUNDLE_EVIDENCE_SOFTWARE = 0, /* 64 bytes of report data, no root */
	BUNDLE_EVIDENCE_TPM2,
	BUNDLE_EVIDENCE_SEV_SNP,
	BUNDLE_EVIDENCE_TDX,
	BUNDLE_EVIDENCE_UNKNOWN, /* a media type this build does not know */
	BUNDLE_EVIDENCE_COUNT = BUNDLE_EVIDENCE_UNKNOWN,
};

struct bundle_evidence {
	enum bundle_evidence_type type;
	struct bytes value; /* borrowed; as its vendor made it */
};

struct bundle {
	struct bytes keys;	/* application/ohttp-keys (RFC 9458 s3.2) */
	struct bytes statement; /* wire/statement.h */
	struct bundle_evidence evidence[BUNDLE_EVIDENCE_MAX];
	size_t evidence_count;
	struct bytes release; /* empty: the bundle names no release */
};

/*
 * Append the encoding.  ERR_TOO_LARGE when the writer is too small;
 * ERR_MALFORMED when there is no evidence or one of an unknown type.
 */
MUST_CHECK enum err bundle_write(const struct bundle *bundle,
				 struct writer *out);

/*
 * Read one bundle that fills `in` exactly; every view is borrowed from it.
 * The records are not opened.
 */
MUST_CHECK enum err bundle_parse(struct bytes in, struct bundle *out);

/* The short name of a type: "software", "tpm2", "unknown".  Never NULL. */
const char *bundle_evidence_name(enum bundle_evidence_type type);

/* The type with this short name; ERR_UNSUPPORTED when there is none. */
MUST_CHECK enum err bundle_evidence_named(const char *name,
					  enum bundle_evidence_type *out);

#endif
