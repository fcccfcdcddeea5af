/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: holds a log against what may stand in it.
 *
 * The node's lines have to be among the forms of policy/events.h, names and
 * largest values included.  The gateway's have the same grammar and words of
 * its own.
 */
#ifndef TESTS_SCENARIOS_JOURNAL_H
#define TESTS_SCENARIOS_JOURNAL_H

#include "tests/system.h"

/* The first line that is not allowed, as static text, or NULL. */
const char *journal_stray_line(enum system_part part, const char *log);

/* How many lines begin with this text. */
size_t journal_count(const char *log, const char *beginning);

#endif
