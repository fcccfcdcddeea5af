/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmw: messages of attestation in a wrapper that says what they are (RFC 9999).
 *
 *     CBOR   record = [ media type or content format, bytes, ? indicator ]
 *                   | tag(bytes), whose number is made of a content format
 *     JSON   record = [ media type, base64url, ? indicator ]
 *     both   collection = { ? "__cmwc_t": URI or OID, label: CMW, ... }
 *
 * Read into a list: the whole is item 0, and what is in a collection follows
 * it, each naming its parent.  wire/bundle.h is our own collection, which is
 * narrower; this reads those of strangers.
 */
#ifndef WIRE_CMW_H
#define WIRE_CMW_H

#include "base/bytes.h"

#define CMW_ITEMS_MAX 32
#define CMW_DEPTH 4		   /* collections in one another */
#define CMW_BYTES_MAX (256u << 10) /* encoded */

enum cmw_kind {
	CMW_RECORD = 0,
	CMW_COLLECTION,
};

/* What the message means, bit by bit. */
enum cmw_indicator {
	CMW_REFERENCE_VALUES = 1u << 0,
	CMW_ENDORSEMENTS = 1u << 1,
	CMW_EVIDENCE = 1u << 2,
	CMW_ATTESTATION_RESULTS = 1u << 3,
	CMW_INDICATORS = (1u << 4) - 1,
};

/* Views are borrowed; what is not said is empty. */
struct cmw_item {
	enum cmw_kind kind;
	size_t parent;	    /* item 0 is its own */
	size_t depth;	    /* of collections around it */
	struct bytes label; /* in the parent, or, where that is a number: */
	int64_t number;

	struct bytes type;	 /* a record's media type, a collection's URI */
	uint16_t content_format; /* of a record without media type */
	struct bytes value;
	unsigned indicator; /* of enum cmw_indicator; 0: unsaid */
};

struct cmw {
	struct cmw_item items[CMW_ITEMS_MAX];
	size_t count;
};

/*
 * Read one that fills `in`.  ERR_TOO_LARGE beyond the limits above,
 * ERR_UNSUPPORTED for a tag of no content format.
 */
MUST_CHECK enum err cmw_parse_cbor(struct bytes in, struct cmw *out);

/*
 * The same as text.  Values are decoded into `memory`; texts are of the
 * thread's documents and live until json_wipe() (wire/json.h).
 */
MUST_CHECK enum err cmw_parse_json(struct bytes text, struct writer *memory,
				   struct cmw *out);

/* The number of the tag that stands for a content format (RFC 9277, B). */
uint64_t cmw_tag(uint16_t content_format);

#endif
