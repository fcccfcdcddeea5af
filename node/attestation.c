/* SPDX-License-Identifier: Apache-2.0 */
#include "node/attestation.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "node/channel.h"
#include "node/serve.h"
#include "policy/limits.h"
#include "wire/rpc.h"

#define BUNDLE_MAX MESSAGE_BODY_MAX
#define ID_BYTES 32

/* So many bundles fit in the keeper's channel, whether it is read or not. */
#define ASKING_MAX 16

/* A caller that waits for its nonce. */
struct asking {
	struct asking *next;
	struct server_call *call;
	uint64_t ticket;
};

static struct {
	int keeper; /* the front's channel */
	bool has_keeper;
	uint64_t last_ticket; /* 0 is the bundle that nobody asked for */
	struct asking *asking;
	uint8_t bundle[BUNDLE_MAX];
	size_t bundle_len;
	uint32_t offer; /* how many bundles it was so far */
	uint64_t next_refresh;
	uint8_t encoded[BUNDLE_MAX + 64];
	uint8_t decoded[RPC_ARENA_FOR(LIMIT_MESSAGE_BYTES)]
		__attribute__((aligned(ARENA_ALIGNMENT)));
} state;

static void put_off(struct server_call *call)
{
	server_finish(call, GRPC_STATUS_UNAVAILABLE, "no keys yet",
		      RETRY_DELAY_MS);
}

static void answer(struct server_call *call, struct bytes bundle,
		   uint64_t next_refresh)
{
	struct rpc_attestation_response response = {
		.bundle = bundle,
		.next_refresh = next_refresh,
	};
	struct writer out = WRITER_OVER(state.encoded);

	if (rpc_attestation_response_encode(&response, &out) != ERR_OK ||
	    server_send(call, bytes_written(&out)) != ERR_OK) {
		put_off(call);
		return;
	}
	server_finish(call, GRPC_STATUS_OK, "", 0);
}

static void forget(struct asking *asking)
{
	struct asking **link = &state.asking;

	while (*link != asking)
		link = &(*link)->next;
	*link = asking->next;
	server_set_state(asking->call, NULL);
	free(asking);
}

void attestation_attach(int keeper)
{
	state.keeper = keeper;
	state.has_keeper = keeper >= 0;
	state.bundle_len = 0;
	while (state.asking != NULL) {
		put_off(state.asking->call);
		forget(state.asking);
	}
}

static size_t asking_count(void)
{
	size_t count = 0;

	for (const struct asking *a = state.asking; a != NULL; a = a->next)
		count++;
	return count;
}

static void ask_keeper(struct server_call *call, struct bytes nonce)
{
	struct message message = { .kind = MESSAGE_NONCE, .body = nonce };
	struct asking *asking = NULL;

	if (asking_count() < ASKING_MAX)
		asking = calloc(1, sizeof(*asking));
	if (asking == NULL) {
		put_off(call);
		return;
	}
	asking->call = call;
	asking->ticket = ++state.last_ticket;
	asking->next = state.asking;
	state.asking = asking;
	server_set_state(call, asking);
	message.number[0] = asking->ticket;
	if (channel_send(state.keeper, &message, -1) != ERR_OK) {
		forget(asking);
		put_off(call);
	}
}

static void on_received(struct server_call *call, struct bytes message)
{
	struct arena arena = { .base = state.decoded,
			       .size = sizeof(state.decoded) };
	struct rpc_attestation_request request;

	memset(state.decoded, 0, sizeof(state.decoded));
	if (rpc_attestation_request_parse(message, &arena, &request) !=
	    ERR_OK) {
		server_finish(call, GRPC_STATUS_INVALID_ARGUMENT,
			      "message does not parse", 0);
	} else if (!state.has_keeper || state.bundle_len == 0) {
		put_off(call);
	} else if (request.nonce.len > 0) {
		ask_keeper(call, request.nonce);
	} else {
		answer(call, (struct bytes){ state.bundle, state.bundle_len },
		       state.next_refresh);
	}
}

static void on_half_closed(struct server_call *call)
{
	server_finish(call, GRPC_STATUS_INVALID_ARGUMENT, "no message came", 0);
}

static void on_closed(struct server_call *call, enum server_end how)
{
	struct asking *asking = server_state(call);

	(void)how;
	if (asking != NULL)
		forget(asking);
}

const struct server_service attestation_service = {
	.method = "/pcc.node.v1.Node/GetAttestation",
	.opened = server_receive,
	.received = on_received,
	.half_closed = on_half_closed,
	.closed = on_closed,
};

static struct asking *find_ticket(uint64_t ticket)
{
	struct asking *asking = state.asking;

	while (asking != NULL && asking->ticket != ticket)
		asking = asking->next;
	return asking;
}

enum err attestation_bundle(const struct message *message)
{
	struct bytes bundle = message->body;
	struct bytes id;
	struct asking *asking;

	TRY(bytes_take(&bundle, ID_BYTES, &id));
	if (bundle.len == 0)
		return ERR_MALFORMED;
	if (message->number[0] == 0) {
		memcpy(state.bundle, bundle.data, bundle.len);
		state.bundle_len = bundle.len;
		state.next_refresh = message->number[1];
		state.offer++;
		serve_identify(id.data, (uint8_t)message->number[2]);
		return ERR_OK;
	}
	/* The caller may have left meanwhile. */
	asking = find_ticket(message->number[0]);
	if (asking != NULL) {
		struct server_call *call = asking->call;

		forget(asking);
		answer(call, bundle, message->number[1]);
	}
	return ERR_OK;
}

uint32_t attestation_offer(void)
{
	return state.offer;
}

void attestation_unproven(uint64_t ticket)
{
	struct asking *asking = find_ticket(ticket);
	struct server_call *call;

	if (asking == NULL)
		return;
	call = asking->call;
	forget(asking);
	put_off(call);
}
