/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release: the part of a bundle that says which release a node is of, and that
 * the release is in a transparency log.
 *
 *     [ bytes   entry, as it stands in the log (wire/log_entry.h),
 *       bytes   proof of it (tlog/tlog_proof.h) ]         deterministic CBOR
 */
#ifndef WIRE_RELEASE_H
#define WIRE_RELEASE_H

#include "base/bytes.h"

#define RELEASE_BYTES_MAX (32u << 10)

/* Both are borrowed, and neither is opened here. */
struct release {
	struct bytes entry;
	struct bytes proof;
};

/* Append it.  ERR_TOO_LARGE beyond RELEASE_BYTES_MAX or without room. */
MUST_CHECK enum err release_write(const struct release *release,
				  struct writer *out);

/* Read one that fills `in`. */
MUST_CHECK enum err release_parse(struct bytes in, struct release *out);

#endif
