/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: a request on its way from a caller to a worker.
 *
 *     caller ─ chunks ─▶ mailbox ─ BEGIN, DATA ..., END ─▶ worker
 *
 * It takes bytes before there is a worker, so that nobody holds one who has not
 * sent anything yet, and keeps what a worker has no room for.  The front never
 * waits: what cannot be given now is given at a later flush.
 */
#ifndef NODE_MAILBOX_H
#define NODE_MAILBOX_H

#include "policy/limits.h"
#include "wire/message.h"

/* One message of the caller's more than what makes a worker worth taking. */
#define MAILBOX_BYTES ((size_t)2 * LIMIT_MESSAGE_BYTES)

/* Invariant: bytes at `given` to `len` were not given to the worker yet. */
struct mailbox {
	int channel; /* borrowed; -1 before there is a worker */
	struct message begin;
	bool has_begun; /* BEGIN was given */
	bool is_whole;	/* no byte follows what is here */
	bool has_ended; /* END was given */
	size_t given, len;
	uint8_t *bytes; /* MAILBOX_BYTES, from the heap */
};

/* ERR_UNAVAILABLE: no memory. */
MUST_CHECK enum err mailbox_open(struct mailbox *box);
void mailbox_close(struct mailbox *box);

/* Whether another message of the caller's fits. */
bool mailbox_has_room(const struct mailbox *box);

/* Whether there is enough to take a worker for: all, or a message's worth. */
bool mailbox_is_worth_a_worker(const struct mailbox *box);

/* Bytes of the caller's; ERR_TOO_LARGE where mailbox_has_room was not heeded. */
MUST_CHECK enum err mailbox_put(struct mailbox *box, struct bytes data);

/* The last of them has been put. */
void mailbox_finish(struct mailbox *box);

/* There is a worker now: it is told `begin` first. */
void mailbox_attach(struct mailbox *box, int channel,
		    const struct message *begin);

enum mailbox_state {
	MAILBOX_GIVEN,	 /* all that is here has been given, END where due */
	MAILBOX_WAITING, /* the worker, or its lack, holds something up */
	MAILBOX_GONE,	 /* the worker takes nothing more */
};

/* Give what can be given now. */
enum mailbox_state mailbox_flush(struct mailbox *box);

#endif
