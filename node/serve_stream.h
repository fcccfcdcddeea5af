/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_stream: one request as the front sees it, and the ways in which it
 * ends (serve.h).
 */
#ifndef NODE_SERVE_STREAM_H
#define NODE_SERVE_STREAM_H

#include "crypto/ohttp.h"
#include "node/frames.h"
#include "node/mailbox.h"
#include "node/serve.h"
#include "policy/events.h"
#include "wire/rpc.h"

enum serve_stream_state {
	SERVE_STREAM_SETUP,
	SERVE_STREAM_UPLOAD,
	SERVE_STREAM_ANSWER,
	SERVE_STREAM_OVER
};

/*
 * Invariant: a stream is in the list from opened to closed; worker is set in
 * UPLOAD and ANSWER alone, and is_waiting only while it is not.
 */
struct serve_stream {
	struct serve_stream *next; /* an older one */
	struct server_call *call;
	enum serve_stream_state state;
	enum ohttp_form form;
	struct pool_worker *worker;
	bool is_waiting; /* for a worker */
	struct mailbox box;
	uint64_t opened_ms;
	uint64_t heard_ms;	  /* when the caller last sent something */
	uint64_t waiting_ms;	  /* since when it waits for a worker */
	uint64_t taken_ms;	  /* since when it has one */
	uint64_t over_ms;	  /* since when it is over */
	uint64_t tail;		  /* bytes at most that were queued then */
	uint64_t unread_ms;	  /* that it stood still for its reader */
	uint64_t answered;	  /* bytes of its answer, and */
	uint64_t frame_most;	  /* of its longest frame */
	uint64_t uploaded;	  /* bytes in all, and */
	uint64_t uploaded_before; /* of them before it had a worker */
	uint64_t frames;	  /* sent */
	bool is_pulling;	  /* a pull has not been answered yet */
	bool has_frame; /* "paced": one that leaves at the next tick */
	bool frame_is_last;
	struct writer frame; /* its bytes */
	uint8_t frame_bytes[FRAMES_BYTES_MAX];
};

/* Whose worker the ends below give up. */
void serve_stream_init(struct pool *pool);

/* The newest first; NULL: none. */
struct serve_stream *serve_stream_first(void);

/* Begin one for this call, which it then belongs to; NULL: no memory. */
struct serve_stream *serve_stream_open(struct server_call *call);

/* The call is gone, and the stream with it: like this, if it was not over. */
void serve_stream_close(struct serve_stream *stream,
			enum event_outcome outcome);

MUST_CHECK enum err
serve_stream_send(struct serve_stream *stream,
		  const struct rpc_serve_response *response);

/* Its worker has said its last word, and ends by itself. */
void serve_stream_leave_worker(struct serve_stream *stream);

/* Each of these leaves it OVER and without a worker. */

/* The caller's fault. */
void serve_stream_refuse(struct serve_stream *stream, enum event_reason reason,
			 grpc_status_code status, const char *text);

/* Not now: the caller is told when to come again. */
void serve_stream_put_off(struct serve_stream *stream, enum event_reason reason,
			  grpc_status_code status, const char *text);
void serve_stream_overload(struct serve_stream *stream);

/* It began, and ends like this before its answer is whole. */
void serve_stream_break(struct serve_stream *stream, enum event_outcome outcome,
			grpc_status_code status, const char *text);

/* Its worker ended early, or said what it may not say. */
void serve_stream_lose(struct serve_stream *stream);

/* Its worker said why it could not open the request: an enum failure. */
void serve_stream_fail(struct serve_stream *stream, uint64_t number);

/* The last frame was sent. */
void serve_stream_finish(struct serve_stream *stream);

#endif
