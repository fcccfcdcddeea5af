/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: one sealed request to one node, and its answer as it is opened.
 *
 *     inner request ── BHTTP, padded ── chunked OHTTP ── POST ──▶ gateway
 *     events        ◀─ BHTTP ◀─ opener ◀─ message/ohttp-chunked-res ◀─
 *
 * There is no other form to fall back to.  Content is given out as soon as its
 * chunk is authentic, and the end only when the message has ended as the node
 * sealed it; every other end is a trouble.  The end tells what the answer's
 * receipt is worth (client/proof.h).  All plaintext is wiped by
 * exchange_close().
 */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include "client/proof.h"
#include "client/trouble.h"
#include "crypto/ohttp.h"
#include "net/http.h"
#include "wire/statement.h"

#define EXCHANGE_MEDIA_TYPE_MAX 64

struct exchange;

/* Where to, as verified: the node and the key that its evidence names. */
struct exchange_target {
	const struct http_server *gateway;
	uint8_t node_id[STATEMENT_DIGEST_BYTES];
	struct ohttp_key_config key;
	struct proof_node node;
};

/* The inner request, in the API of OpenAI.  Views of the caller's secrets. */
struct exchange_request {
	const char *method;
	const char *path;
	struct bytes content; /* application/json, or empty */
	int client;	      /* socket of our own client, or -1 */
};

enum exchange_kind {
	EXCHANGE_HEAD, /* first, and once */
	EXCHANGE_CONTENT,
	EXCHANGE_END,	 /* whole and authentic */
	EXCHANGE_FAILED, /* trouble says why; nothing follows */
};

/* Only what the kind names is set; views live until the next call. */
struct exchange_event {
	enum exchange_kind kind;
	uint16_t status;
	const char *media_type; /* without parameters, lower case; "" if none */
	struct bytes content;
	enum trouble trouble;
	enum proof_verdict receipt; /* of EXCHANGE_END */
};

/* Seal and begin to send.  TROUBLE_TOO_LARGE or TROUBLE_INTERNAL. */
enum trouble exchange_open(const struct exchange_target *target,
			   const struct exchange_request *request,
			   struct exchange **out);

/* Wait for the next event. */
void exchange_next(struct exchange *exchange, struct exchange_event *event);

/* Wipe and free; a request under way is left.  NULL is allowed. */
void exchange_close(struct exchange *exchange);

#endif
