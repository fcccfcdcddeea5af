/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: gRPC calls as this node sees them.
 *
 * The one file that speaks to the gRPC core.  It accepts calls, hands their
 * messages to the service that the method names, and sends what the service
 * gives back.  Everything runs under one lock: the handlers below are called
 * with it held, and other threads take it before they touch a call.
 *
 * A call lives from opened to closed; after closed nothing may use it.  Between
 * them a service asks for each message (server_receive), so that a peer is read
 * no faster than its worker takes it.
 */
#ifndef NODE_SERVER_H
#define NODE_SERVER_H

#include <grpc/status.h>
#include <stdint.h>

#include "base/bytes.h"

struct server_call;

enum server_end {
	SERVER_END_DONE,      /* the status was sent */
	SERVER_END_CANCELLED, /* the caller left */
	SERVER_END_DEADLINE,  /* the caller's time ran out */
};

/* A method's handlers; those that are NULL do nothing. */
struct server_service {
	const char *method; /* such as "/pcc.node.v1.Node/Serve" */
	void (*opened)(struct server_call *call);
	void (*received)(struct server_call *call, struct bytes message);
	void (*half_closed)(struct server_call *call); /* no more messages */
	void (*closed)(struct server_call *call, enum server_end end);
};

struct server_options {
	const struct server_service *services;
	size_t service_count;
	const char *tls_address; /* NULL or empty: none */
	const char *pem_roots;	 /* with tls_address: mutual TLS */
	const char *pem_certificate;
	const char *pem_key;
};

/*
 * Start the core and its threads.  *port is that of tls_address, else 0.
 * ERR_UNAVAILABLE when the address cannot be had.
 */
MUST_CHECK enum err server_start(const struct server_options *options,
				 uint16_t *port);

/* Let the completion threads run; from here on handlers are called. */
MUST_CHECK enum err server_run(void);

/* Take over a connected local socket; the core closes it. */
void server_adopt(int connection);

void server_lock(void);
void server_unlock(void);

/* All below with the lock held. */

/* A service's own state of a call; NULL until it is set. */
void server_set_state(struct server_call *call, void *state);
void *server_state(struct server_call *call);

/* Milliseconds until the caller's deadline; UINT64_MAX for none. */
uint64_t server_time_left_ms(const struct server_call *call);

/* Ask for the next message.  No more than one may be asked for. */
void server_receive(struct server_call *call);

/* Queue a message.  ERR_UNAVAILABLE when the caller reads too slowly. */
MUST_CHECK enum err server_send(struct server_call *call, struct bytes message);

/* Messages queued and not yet taken by the transport. */
size_t server_backlog(const struct server_call *call);

/*
 * End the call once what is queued has been sent.  text is a fixed text of
 * ours; retry_ms, where not 0, is advice sent along (google.rpc.RetryInfo).
 * A second call changes nothing.
 */
void server_finish(struct server_call *call, grpc_status_code status,
		   const char *text, uint32_t retry_ms);

/* The same, but what is queued is dropped. */
void server_abort(struct server_call *call, grpc_status_code status,
		  const char *text);

/*
 * End the call now, without a status.  For a caller that does not read: behind
 * a message that it does not take, no status ever leaves.
 */
void server_cut(struct server_call *call);

#endif
