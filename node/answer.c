/* SPDX-License-Identifier: Apache-2.0 */
#include "node/answer.h"

#include <string.h>

/*
 * Both threads of a worker live and die with the process, and a mutex of this
 * kind fails only when it is misused: either way the invariant says so.
 */
static void lock(struct answer *answer)
{
	invariant(pthread_mutex_lock(&answer->lock) == 0);
}

static void unlock(struct answer *answer)
{
	invariant(pthread_mutex_unlock(&answer->lock) == 0);
}

static void wait_for_change(struct answer *answer)
{
	invariant(pthread_cond_wait(&answer->changed, &answer->lock) == 0);
}

static void tell(struct answer *answer)
{
	invariant(pthread_cond_broadcast(&answer->changed) == 0);
}

enum err answer_init(struct answer *answer, struct arena *arena,
		     size_t ring_bytes)
{
	uint8_t *ring = arena_alloc(arena, ring_bytes, 1);

	if (ring == NULL)
		return ERR_TOO_LARGE;
	*answer = (struct answer){ .ring = ring, .size = ring_bytes };
	invariant(pthread_mutex_init(&answer->lock, NULL) == 0);
	invariant(pthread_cond_init(&answer->changed, NULL) == 0);
	return ERR_OK;
}

void answer_begin(struct answer *answer, uint16_t status, enum answer_body body)
{
	lock(answer);
	invariant(!answer->begun);
	answer->status = status;
	answer->body = body;
	answer->begun = true;
	tell(answer);
	unlock(answer);
}

static size_t waiting(const struct answer *answer)
{
	return answer->added - answer->taken;
}

/* Copy into or out of the ring at a place that may wrap. */
static void ring_put(struct answer *answer, struct bytes piece)
{
	size_t at = answer->added % answer->size;
	size_t first = answer->size - at;

	if (first > piece.len)
		first = piece.len;
	memcpy(answer->ring + at, piece.data, first);
	memcpy(answer->ring, piece.data + first, piece.len - first);
	answer->added += piece.len;
}

void answer_give(struct answer *answer, uint16_t status, enum answer_body body,
		 struct bytes whole)
{
	lock(answer);
	invariant(!answer->begun && whole.len <= answer->size);
	answer->status = status;
	answer->body = body;
	ring_put(answer, whole);
	answer->begun = true;
	answer->ended = true;
	tell(answer);
	unlock(answer);
}

void answer_add(struct answer *answer, struct bytes piece)
{
	if (piece.len == 0)
		return;
	invariant(piece.len <= answer->size);
	lock(answer);
	invariant(answer->begun && !answer->ended);
	while (answer->size - waiting(answer) < piece.len)
		wait_for_change(answer);
	ring_put(answer, piece);
	tell(answer);
	unlock(answer);
}

void answer_end(struct answer *answer, struct bytes receipt)
{
	lock(answer);
	invariant(answer->begun);
	answer->receipt = receipt;
	answer->ended = true;
	tell(answer);
	unlock(answer);
}

size_t answer_backlog(struct answer *answer)
{
	size_t backlog;

	lock(answer);
	backlog = waiting(answer);
	unlock(answer);
	return backlog;
}

static bool is_there(const struct answer *answer, enum answer_wait until)
{
	if (!answer->begun)
		return false;
	return until == ANSWER_WAIT_BEGUN || answer->ended ||
	       waiting(answer) > 0;
}

void answer_wait(struct answer *answer, enum answer_wait until,
		 struct answer_view *out)
{
	lock(answer);
	while (!is_there(answer, until))
		wait_for_change(answer);
	*out = (struct answer_view){ .waiting = waiting(answer),
				     .status = answer->status,
				     .body = answer->body,
				     .ended = answer->ended,
				     .receipt = answer->receipt };
	unlock(answer);
}

enum err answer_take(struct answer *answer, size_t len, struct writer *out)
{
	size_t at, first;

	if (len > out->max - out->len)
		return ERR_TOO_LARGE;
	lock(answer);
	invariant(len <= waiting(answer));
	at = answer->taken % answer->size;
	first = answer->size - at < len ? answer->size - at : len;
	memcpy(out->data + out->len, answer->ring + at, first);
	memcpy(out->data + out->len + first, answer->ring, len - first);
	out->len += len;
	answer->taken += len;
	tell(answer);
	unlock(answer);
	return ERR_OK;
}
