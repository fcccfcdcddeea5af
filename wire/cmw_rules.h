/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmw_rules: what CMWs in CBOR and in JSON have in common (wire/cmw.h).
 */
#ifndef WIRE_CMW_RULES_H
#define WIRE_CMW_RULES_H

#include "wire/cmw.h"

/* The label that is none but a collection's type. */
#define CMW_RULES_TYPE "__cmwc_t"

/* type "/" subtype, and parameters in printable ASCII (RFC 9110, 8.3.1). */
MUST_CHECK enum err cmw_rules_media_type(struct bytes text);

/* A URI by its scheme (RFC 3986, 3.1), or a dotted OID. */
MUST_CHECK enum err cmw_rules_collection_type(struct bytes text);

MUST_CHECK enum err cmw_rules_indicator(uint64_t bits, unsigned *out);

/* The next item of the list, below `parent`; ERR_TOO_LARGE where none is. */
MUST_CHECK enum err cmw_rules_add(struct cmw *cmw, size_t parent,
				  struct cmw_item **out);

#endif
