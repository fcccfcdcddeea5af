/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forensic: looks for something secret in places where it must not be.
 *
 * What is looked for is held inverted, bit by bit, and what is looked at is
 * inverted before it is compared, so that the one who looks has no copy to be
 * found.  Each text is looked for in these encodings:
 *
 *     raw | hex, both cases | base64 and base64url at all three alignments |
 *     UTF-16, both orders | the model's token numbers, where they are given
 */
#ifndef TESTS_SCENARIOS_FORENSIC_H
#define TESTS_SCENARIOS_FORENSIC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

#define FORENSIC_TEXT_MAX ((size_t)64)
#define FORENSIC_NEEDLES 11 /* one of no length is looked for nowhere */
#define FORENSIC_NEEDLE_MAX (4 * FORENSIC_TEXT_MAX)

struct forensic_needle {
	const char *encoding;
	uint8_t inverted[FORENSIC_NEEDLE_MAX];
	size_t len;
};

struct forensic {
	struct forensic_needle needles[FORENSIC_NEEDLES];
	bool starts[1 << 16]; /* whether a needle begins with these two bytes */
};

/* What was looked at, and what was found. */
struct forensic_finding {
	size_t hits;
	uint64_t bytes;	      /* looked at */
	uint64_t unreadable;  /* bytes that the kernel gives nobody */
	const char *encoding; /* of the last hit, or NULL */
	char where[128];      /* of the last hit: the mapping or file */
	bool is_refused;      /* not all of it could be looked at */
};

/* Look for this text, at least 16 bytes of ASCII; the caller then wipes it. */
void forensic_init(struct forensic *forensic, const char *text);

/* Also look for these numbers, at least 8, as a model's worker has them. */
void forensic_add_tokens(struct forensic *forensic, const uint32_t *tokens,
			 size_t count);

/*
 * A text that is nowhere else: FORENSIC_TEXT_MAX random letters and a zero,
 * inverted; and the way to make it readable, for just as long as it is needed.
 */
void forensic_invent(uint8_t inverted[static FORENSIC_TEXT_MAX]);
void forensic_reveal(const uint8_t inverted[static FORENSIC_TEXT_MAX],
		     char text[static FORENSIC_TEXT_MAX + 1]);

/* Add what is in the memory of a process; in a file; in a folder's files. */
void forensic_look_at_process(const struct forensic *forensic, pid_t pid,
			      struct forensic_finding *finding);
void forensic_look_at_file(const struct forensic *forensic, const char *path,
			   struct forensic_finding *finding);
void forensic_look_at_folder(const struct forensic *forensic, const char *path,
			     struct forensic_finding *finding);

#endif
