/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: a streamed answer as an OpenAI client is to see it.
 *
 * Takes an exchange whose head said text/event-stream, and gives its events
 * anew: comments, which the node pads with, are gone, and so is what they told
 * about sizes.  Where the answer is cut, one event with an error takes the
 * place of the rest.
 */
#ifndef CLIENT_STREAM_H
#define CLIENT_STREAM_H

#include "client/exchange.h"

struct stream;

/* The stream owns the exchange from now on, also where it gives NULL. */
struct stream *stream_open(struct exchange *exchange);

/* Wipe and free. */
void stream_close(struct stream *stream);

enum stream_kind {
	STREAM_EVENT, /* data of one event; a secret */
	STREAM_END,   /* whole and authentic */
	STREAM_FAILED,
};

/* Wait for the next event; *data lives until the next call. */
enum stream_kind stream_next(struct stream *stream, struct bytes *data,
			     enum trouble *trouble);

/* What the receipt of a stream that ended is worth. */
enum proof_verdict stream_receipt(const struct stream *stream);

/*
 * The same as bytes to send: fill out[max], and return how many; 0 at the
 * authentic end, -1 for a cut, whose error event went before.
 */
ptrdiff_t stream_read(struct stream *stream, uint8_t *out, size_t max);

#endif
