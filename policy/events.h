/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: everything the node can ever write into its log.
 *
 * A line is an event of this enum and bounded integers (base/log.h), so
 * nothing a user sent can be in it.  A field is one of
 *
 *     code     one of a few named values, below
 *     bucket   a time or an amount, rounded up to 0 1 2 5 10 20 50 100 ...
 *     count    a number of the node's own, which no single request sets
 *
 * and a line is of the node or of one request; a line of a request has no
 * counts.  events_grammar_write() prints the whole table in a canonical text:
 * policy/log.grammar holds it, its digest stands in the node statement, and
 * tools/log_check.py reads a log against it.
 */
#ifndef POLICY_EVENTS_H
#define POLICY_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/log.h"

enum event {
	EVENT_NODE_READY,      /* workers, ms */
	EVENT_NODE_STOPPED,    /* cause */
	EVENT_ROLE_STARTED,    /* role, landlock (ABI), optional (measures) */
	EVENT_ROLE_ENDED,      /* role, how, signal */
	EVENT_WORKER_ENDED,    /* how, signal, arena */
	EVENT_REQUEST_DONE,    /* outcome, ms, frames */
	EVENT_REQUEST_REFUSED, /* reason */
	EVENT_KEYS_HELD,       /* pages: who could read a private key */
	EVENT_KEY_ROTATED,     /* live (keys) */
	EVENT_KEY_RETIRED,     /* cause */
	EVENT_REPLAYS_REFUSED, /* count since the last such line */
	EVENT_LOAD,	       /* running, queued */
	EVENT_DRAIN_STARTED,   /* running */
	EVENT_DRAIN_DONE,      /* ms */
	EVENT_SHAPE,	       /* shape, frame_bytes, tick_ms */
	EVENT_TICKS_MISSED,    /* count since the last such line */
	EVENT_PACING,	       /* priority */
	EVENT_COUNT,
};

enum event_how {
	EVENT_HOW_DONE,	  /* it ended by itself and in order */
	EVENT_HOW_FAILED, /* it ended by itself with an error */
	EVENT_HOW_KILLED, /* it was ended: cancel, deadline, stop */
	EVENT_HOW_SIGNAL, /* the kernel ended it; SIGSYS is the filter */
	EVENT_HOW_COUNT,
};

enum event_arena {
	EVENT_ARENA_ZERO,     /* wiped and read back as zero */
	EVENT_ARENA_NOT_ZERO, /* it was not, and is never handed out again */
	EVENT_ARENA_COUNT,
};

enum event_outcome {
	EVENT_OUTCOME_ANSWERED,	 /* the final frame was sent */
	EVENT_OUTCOME_CANCELLED, /* the caller left */
	EVENT_OUTCOME_DEADLINE,	 /* the time allowed ran out */
	EVENT_OUTCOME_REFUSED,	 /* the worker said no, sealed or not */
	EVENT_OUTCOME_LOST,	 /* the worker died */
	EVENT_OUTCOME_COUNT,
};

enum event_reason {
	EVENT_REASON_OVERLOAD,	/* no worker and no room in the queue */
	EVENT_REASON_DRAINING,	/* the node is going */
	EVENT_REASON_NOT_READY, /* a role is being replaced */
	EVENT_REASON_STATE,	/* a message out of order */
	EVENT_REASON_MALFORMED, /* a message that does not parse */
	EVENT_REASON_TOO_LARGE, /* beyond a limit */
	EVENT_REASON_IDLE,	/* an upload that stopped coming */
	EVENT_REASON_KEY,	/* unknown or expired key, or a replay */
	EVENT_REASON_COUNT,
};

enum event_pages {
	EVENT_PAGES_KERNEL, /* nobody, root included (memfd_secret) */
	EVENT_PAGES_LOCKED, /* root: this kernel has no secret pages */
	EVENT_PAGES_COUNT,
};

enum event_priority {
	EVENT_PRIORITY_REAL_TIME, /* ticks are on time on a busy machine */
	EVENT_PRIORITY_USUAL,	  /* others may make them late */
	EVENT_PRIORITY_COUNT,
};

enum event_cause {
	EVENT_CAUSE_ASKED,  /* a signal or a caller asked for it */
	EVENT_CAUSE_AGE,    /* its time was over */
	EVENT_CAUSE_FULL,   /* its replay set was full */
	EVENT_CAUSE_FAILED, /* a measure failed, so it must not go on */
	EVENT_CAUSE_COUNT,
};

/*
 * Write one line to the log.  The number of values must be that of the event's
 * fields; a code beyond its last value is a bug.  Buckets are rounded here.
 */
void events_log(enum event event, const uint64_t *values, size_t count);

/* events_log() with the values as arguments: EVENTS_LOG(EVENT_LOAD, 3, 0). */
#define EVENTS_LOG(event, ...)                                 \
	events_log((event), (const uint64_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint64_t[]){ __VA_ARGS__ }) / \
			   sizeof(uint64_t))

/* The smallest of 0, 1, 2, 5, 10, 20, 50, ... 10^6 that is not less. */
uint64_t events_bucket(uint64_t value);

/* The form of an event's line, for base/log.h.  Never NULL. */
const struct log_form *events_form(enum event event);

/*
 * The grammar of the log as canonical text, one line an event, at most
 * EVENTS_GRAMMAR_MAX bytes.  ERR_TOO_LARGE when the writer has no room.
 */
#define EVENTS_GRAMMAR_MAX 4096
MUST_CHECK enum err events_grammar_write(struct writer *out);

#endif
