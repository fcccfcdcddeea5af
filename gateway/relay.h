/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: one request of a client, carried to a node and back as it comes.
 *
 *     client ══HTTP══▶ upload ──ServeRequest──▶ node
 *            ◀══════── read   ◀─ServeResponse──
 *
 * Neither direction is collected: one piece is under way at a time, of the
 * upload another is gathered, and a side that is not ready suspends the client's
 * connection until it is.  A node is called when there is a piece to send.  The
 * bytes are ciphertext, which is all that this process ever holds.
 *
 * Two threads meet here: the HTTP library's, in the functions below, and one
 * that takes gRPC's events.  A relay lives until relay_finish() was called and
 * the last event has come.
 */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include <microhttpd.h>
#include <pthread.h>
#include <sys/types.h>

#include "gateway/node.h"
#include "gateway/problem.h"
#include "wire/rpc.h"

#define RELAY_THREADS 2

/* What takes the events of every relay. */
struct relay_pool {
	grpc_completion_queue *queue;
	pthread_t threads[RELAY_THREADS];
};

void relay_pool_open(struct relay_pool *pool);

/* Every relay has to have been finished. */
void relay_pool_close(struct relay_pool *pool);

struct relay;

/*
 * Begin to relay what comes on this connection to a node.  NULL when there is
 * no memory.
 */
struct relay *relay_open(struct relay_pool *pool, struct node *node,
			 enum rpc_form form, struct MHD_Connection *connection);

/* A relay that takes the whole upload and then answers with a problem. */
struct relay *relay_refuse(enum problem problem,
			   struct MHD_Connection *connection);

enum relay_step {
	RELAY_AGAIN,  /* call again, perhaps after a suspension */
	RELAY_ANSWER, /* answer now: see relay_problem() */
	RELAY_ABORT,  /* close the connection without an answer */
};

/*
 * Bytes of the upload.  On return *len is how many were not taken; with
 * RELAY_AGAIN they are to be given again.
 */
enum relay_step relay_upload(struct relay *relay, const void *data,
			     size_t *len);

/* The upload is complete: ANSWER once it is known what the answer is. */
enum relay_step relay_upload_end(struct relay *relay);

/* After RELAY_ANSWER: PROBLEM_NONE when relay_read() has the answer. */
enum problem relay_problem(struct relay *relay);

/* Bytes of the node's answer; an MHD_ContentReaderCallback, with the relay. */
ssize_t relay_read(void *context, uint64_t position, char *out, size_t max);

/* The client has left: cancel.  From any thread, before relay_finish(). */
void relay_gone(void *context);

/* The connection is done with this request, in whatever way. */
void relay_finish(struct relay *relay);

#endif
