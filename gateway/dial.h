/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial: gRPC towards a node: channels, messages and one plain call.
 *
 * A node is reached over a unix socket, whose permissions say who may, or over
 * mutual TLS.  There is no third way: a target that is neither is refused.
 */
#ifndef GATEWAY_DIAL_H
#define GATEWAY_DIAL_H

#include <grpc/grpc.h>

#include "base/bytes.h"

#define DIAL_METHOD_SERVE "/pcc.node.v1.Node/Serve"
#define DIAL_METHOD_ATTESTATION "/pcc.node.v1.Node/GetAttestation"
#define DIAL_METHOD_LOAD "/pcc.node.v1.Node/WatchLoad"

/* PEM texts, borrowed until dial_open returns; all NULL when not given. */
struct dial_tls {
	const char *ca;		 /* who signs nodes */
	const char *certificate; /* who we are */
	const char *key;
	const char *name; /* the name a node's certificate holds, or NULL */
};

/* Once, before and after everything else here; silences gRPC's own log. */
void dial_init(void);
void dial_shutdown(void);

/*
 * A channel to "unix:/path" or to "dns:host:port", "ipv4:..." or "ipv6:..." by
 * mutual TLS.  ERR_DENIED for a network target without all of ca, certificate
 * and key; ERR_MALFORMED for PEM that is none.  Connects when first used, and
 * again within a second of the node's return.
 */
MUST_CHECK enum err dial_open(const char *target, const struct dial_tls *tls,
			      grpc_channel **out);

/* One message as a byte buffer, owned by the caller. */
grpc_byte_buffer *dial_message(struct bytes message);

/*
 * Append a received message; frees the buffer and sets it to NULL.
 * ERR_TRUNCATED when it is NULL already, as at the end of a stream.
 */
MUST_CHECK enum err dial_take(grpc_byte_buffer **message, struct writer *out);

/*
 * Call a unary method and wait: append the response.  ERR_UNAVAILABLE when the
 * call ends with any other status than OK.
 */
struct dial_unary {
	grpc_channel *channel;
	const char *method; /* one of the above */
	struct bytes request;
	int timeout_ms;
};
MUST_CHECK enum err dial_call(const struct dial_unary *unary,
			      struct writer *response);

/* The point in time so many milliseconds from now. */
gpr_timespec dial_deadline(int64_t ms);

#endif
