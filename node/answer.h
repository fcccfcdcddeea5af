/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer: what a worker has to say, between the thread that computes it and
 * the thread that seals it.
 *
 * The computing thread begins an answer with a status and a kind of body, adds
 * whole pieces of the body, and ends it, with a receipt or without.  The sealing thread takes as many
 * bytes as its next frame has room for; when it has taken all there is, it is
 * at a border between pieces, where padding may stand.  The bytes lie in a ring
 * in the request's arena.
 */
#ifndef NODE_ANSWER_H
#define NODE_ANSWER_H

#include <pthread.h>

#include "base/arena.h"
#include "base/bytes.h"

enum answer_body {
	ANSWER_JSON,  /* one JSON text: white space may stand around it */
	ANSWER_EVENTS /* server-sent events: comments may stand between them */
};

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t changed;

	/* All below under the lock.  Invariant: taken <= added <= taken + size.
	 */
	uint8_t *ring; /* size bytes, in the arena */
	size_t size;
	size_t added; /* bytes ever added */
	size_t taken; /* bytes ever taken */
	uint16_t status;
	enum answer_body body;
	struct bytes receipt; /* borrowed: text of the trailer, or empty */
	bool begun;
	bool ended;
};

/* How far the answer is, for one frame. */
struct answer_view {
	size_t waiting; /* bytes that can be taken now */
	uint16_t status;
	enum answer_body body;
	bool ended;	      /* nothing will be added to what is waiting */
	struct bytes receipt; /* where it ended; empty: there is none */
};

/* A ring of ring_bytes from the arena.  ERR_TOO_LARGE: the arena is full. */
MUST_CHECK enum err answer_init(struct answer *answer, struct arena *arena,
				size_t ring_bytes);

/* The computing thread's side. */
void answer_begin(struct answer *answer, uint16_t status,
		  enum answer_body body);
/* Waits while the ring has no room; a piece larger than the ring is a bug. */
void answer_add(struct answer *answer, struct bytes piece);
/* All of an answer that has no receipt, at once: so no frame comes between its
 * status and its body, and one body is always as many frames. */
void answer_give(struct answer *answer, uint16_t status, enum answer_body body,
		 struct bytes whole);
/* The receipt's text is borrowed for as long as the answer is. */
void answer_end(struct answer *answer, struct bytes receipt);
/* Bytes added and not yet taken. */
size_t answer_backlog(struct answer *answer);

/* The sealing thread's side. */
enum answer_wait {
	ANSWER_WAIT_BEGUN, /* until there is a status */
	ANSWER_WAIT_BYTES  /* until there are bytes to take, or the end */
};
void answer_wait(struct answer *answer, enum answer_wait until,
		 struct answer_view *out);
/* Exactly len bytes, no more than were waiting, into the writer. */
MUST_CHECK enum err answer_take(struct answer *answer, size_t len,
				struct writer *out);

#endif
