/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effort: how hard a test tries, and what its dice show.
 *
 * What is drawn, killed, mutated or repeated is done a number of times that
 * suits a run of all tests.  The long form (`make soak`) gives each such test
 * $EFFORT_S seconds: it then goes on until they are over, and its figures say
 * how often it tried.  One seed, $SEED, which a run prints, replays all.
 */
#ifndef TESTS_EFFORT_H
#define TESTS_EFFORT_H

#include <stdbool.h>
#include <stdint.h>

/* `done` is what a figure is of: the rounds that were begun. */
struct effort {
	uint64_t done;
	uint64_t usual;
	uint64_t until_ms; /* of the monotonic clock; 0: the usual rounds */
};

/*
 *	struct effort effort = effort_of(1000);
 *
 *	while (effort_more(&effort))
 *		try_once();
 */
struct effort effort_of(uint64_t usual);
bool effort_more(struct effort *effort);

/* Whether this is the long form, for what is exhaustive there. */
bool effort_is_long(void);

/* $SEED, a decimal number; 1 where a test runs by itself. */
uint64_t effort_seed(void);

#endif
