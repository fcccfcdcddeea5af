/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: what a release consists of, line by line, for people and programs.
 *
 *     FILE    = "pcc-release v1\n" { LINE "\n" }
 *     LINE    = SECTION " " NAME " " VALUE
 *     SECTION = 1*32( a-z )
 *     NAME    = 1*128( %x21-7E )
 *     VALUE   = 1*512( %x20-7E ), without a space at either end
 *
 * Lines are in the order of their bytes and no two have section and name in
 * common, so there is one text for one release: its SHA-256 stands in the log.
 * A section is a kind of fact: digest, file, jail, library, limit, log,
 * measurement, policy; a reader shows those that it does not know as they are.
 */
#ifndef WIRE_MANIFEST_H
#define WIRE_MANIFEST_H

#include "base/bytes.h"

#define MANIFEST_HEAD "pcc-release v1\n"
#define MANIFEST_BYTES_MAX (1u << 20)
#define MANIFEST_SECTION_MAX 32
#define MANIFEST_NAME_MAX 128
#define MANIFEST_VALUE_MAX 512

struct manifest_line {
	struct bytes section, name, value; /* borrowed */
};

/* A place in a manifest; `last` is the line before, for the order. */
struct manifest_reader {
	struct bytes rest;
	struct bytes last;
};

/* ERR_UNSUPPORTED for another version, ERR_TOO_LARGE, ERR_MALFORMED. */
MUST_CHECK enum err manifest_begin(struct bytes text,
				   struct manifest_reader *out);

/*
 * The next line.  ERR_TRUNCATED at the end, where nothing is left to read;
 * ERR_MALFORMED for a line that is out of form or out of order.
 */
MUST_CHECK enum err manifest_next(struct manifest_reader *reader,
				  struct manifest_line *out);

/* Whether the whole of it is a manifest. */
MUST_CHECK enum err manifest_check(struct bytes text);

/* The value under section and name; ERR_UNSUPPORTED where there is none. */
MUST_CHECK enum err manifest_find(struct bytes text, const char *section,
				  const char *name, struct bytes *value);

/* The order of lines: by section, then by name; < 0, 0 or > 0. */
int manifest_compare(const struct manifest_line *a,
		     const struct manifest_line *b);

#endif
