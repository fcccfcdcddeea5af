/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siege: many connections to one port of this machine that mean no good.
 *
 * They are held by a process of its own, which runs only while no other wants
 * a processor: an attacker is elsewhere, and costs this machine nothing but
 * what it makes others do.  A connection that ends is replaced by the next.
 */
#ifndef TESTS_SCENARIOS_SIEGE_H
#define TESTS_SCENARIOS_SIEGE_H

#include <sys/types.h>

#include "base/bytes.h"

enum siege_manner {
	SIEGE_READS,  /* what it is answered */
	SIEGE_DEAF,   /* it never reads */
	SIEGE_RESETS, /* leaves once it has said its opening, by RST */
	SIEGE_LEAVES, /* the same by FIN */
};

struct siege_plan {
	uint16_t port;
	size_t connections;  /* at once */
	const char *opening; /* said at once, or NULL */
	const char *refrain; /* then again and again, or NULL */
	unsigned
		drip_ms; /* a byte of it in so long; 0: as fast as it is read */
	uint64_t total;	 /* connections in all; 0: until the end */
	enum siege_manner manner;
};

struct siege_count {
	uint64_t opened;
	uint64_t refused;    /* connections that could not be made */
	uint64_t closed;     /* by the other side */
	uint64_t heard;	     /* bytes */
	uint64_t said;	     /* bytes */
	uint64_t longest_ms; /* that one was open, those at the end included */
	uint64_t is_over;    /* all of `total` came and went */
};

struct siege {
	pid_t pid;
	int stop;			    /* closed to end it */
	volatile struct siege_count *count; /* shared */
};

/* What a plan points to is borrowed. */
void siege_begin(const struct siege_plan *plan, struct siege *out);

/* Wait until all of `total` are over; whether they were in time. */
bool siege_await(const struct siege *siege, unsigned timeout_ms);

/* All its connections are closed when this returns. */
struct siege_count siege_end(struct siege *siege);

#endif
