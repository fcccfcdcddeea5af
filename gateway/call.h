/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: the gRPC side of one relay: a Serve call, a message at a time.
 *
 * Every function that begins something begins exactly one batch, and one event
 * whose tag is a struct call_tag of this call comes for each, whatever happens
 * to the call.  The owner serialises its own calls here, and frees the call
 * only when every event has come.
 */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include "gateway/dial.h"
#include "wire/rpc.h"

enum call_step {
	CALL_SENT,     /* the last send has left, or never will */
	CALL_RECEIVED, /* call_take() has something to say */
	CALL_ENDED,    /* status is set */
	CALL_STEPS,
};

struct call_tag {
	enum call_step step;
	void *owner;
};

/* Private to call.c but for status. */
struct call {
	grpc_status_code status; /* once CALL_ENDED has come */
	grpc_call *call;
	struct call_tag tags[CALL_STEPS];
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_slice details;
	grpc_byte_buffer *message;
	struct writer encoded; /* owned; one message */
	struct arena arena;    /* owned; what it is decoded in */
};

/* Fill in a call that call_destroy() may follow at once. */
void call_init(struct call *call, void *owner);
void call_destroy(struct call *call);

/* Open it towards a node; it may last as long as any request. */
MUST_CHECK enum err call_open(struct call *call, grpc_channel *channel,
			      grpc_completion_queue *queue);

/* Begin: the events CALL_ENDED, CALL_SENT and CALL_RECEIVED. */
void call_await_end(struct call *call);
void call_send_setup(struct call *call, const struct rpc_setup *setup);
void call_receive_first(struct call *call);

/* Go on, each only after the event of the one before. */
void call_send_chunk(struct call *call, const struct rpc_chunk *chunk);
void call_receive(struct call *call);

/*
 * The message of the last CALL_RECEIVED; views live until the next call_take().
 * ERR_TRUNCATED at the end of the stream, else as rpc_serve_response_parse().
 */
MUST_CHECK enum err call_take(struct call *call,
			      struct rpc_serve_response *out);

/* The node learns of it at once.  Nothing happens to a call that has ended. */
void call_cancel(struct call *call);

#endif
