/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: holds a log against what may stand in it.
 *
 * The node's lines have to be among the forms of policy/events.h, names, buckets
 * and largest values included.  The gateway's have the same grammar and words of
 * its own.  What a program says when it cannot do its work, and all that a
 * client says, is "PROGRAM: TEXT": each part of such a line has to stand in the
 * program itself or be the system's name of an error, so that none of it is
 * anybody's who sent something.
 *
 * system_stop() does so with every log of every system, and keeps count.
 */
#ifndef TESTS_SCENARIOS_JOURNAL_H
#define TESTS_SCENARIOS_JOURNAL_H

#include "tests/system.h"

/* What was held against the grammars. */
struct journal_tally {
	uint64_t logs;
	uint64_t lines;
	uint64_t bytes;
	uint64_t texts; /* of the lines, those that a program has ready */
	uint64_t strays;
};

/* The first line that is no event, as static text, or NULL. */
const char *journal_stray_line(enum system_part part, const char *log);

/*
 * The same for a file, with what its program may say as well; `program` is its
 * file.  Adds to the tally.
 */
const char *journal_stray_in(enum system_part part, const char *path,
			     struct bytes program, struct journal_tally *tally);

/*
 * From here on lines of nodes may begin so: what the loader says before there
 * is a program, or what a program says of a file that a test named.  NULL at the
 * end; each test that provokes such lines names its own.
 */
void journal_expect(const char *const *beginnings);

/*
 * Keep a tally beside the figures ($FIGURES), and tell what all tests of this
 * run, or where there are no figures of this program, have kept.
 */
void journal_keep(const struct journal_tally *tally);
struct journal_tally journal_kept(void);

/* How many lines begin with this text. */
size_t journal_count(const char *log, const char *beginning);

#endif
