/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc: the messages of node/node.proto as plain structs.
 *
 * A parse function decodes one message, already cut to size by the transport,
 * and refuses what the schema cannot say: no step in a oneof, an identity that
 * is not 32 bytes, an unknown value of an enum.  Views point into the arena of
 * the caller, which sizes it RPC_ARENA_FOR() and wipes it when done.  Fields
 * that a later version may add are passed over.
 *
 * For the front and the gateway; a worker never sees a protobuf.
 */
#ifndef WIRE_RPC_H
#define WIRE_RPC_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"

#define RPC_NODE_ID_BYTES 32
#define RPC_NONCE_BYTES 32

/* Memory to decode a message of at most so many bytes in. */
#define RPC_ARENA_FOR(message_max) \
	(((size_t)4 << 10) + 2 * (size_t)(message_max))

/* Numbers as in node.proto. */
enum rpc_form {
	RPC_FORM_CHUNKED = 1,
	RPC_FORM_UNCHUNKED = 2,
};

struct rpc_setup {
	uint8_t node_id[RPC_NODE_ID_BYTES];
	enum rpc_form form;
};

struct rpc_setup_ack {
	uint8_t node_id[RPC_NODE_ID_BYTES];
	uint8_t key_id;
};

enum rpc_position {
	RPC_POSITION_MORE, /* chunks follow */
	RPC_POSITION_LAST,
};

struct rpc_chunk {
	struct bytes data;
	enum rpc_position position;
};

enum rpc_request_step {
	RPC_REQUEST_SETUP,
	RPC_REQUEST_CHUNK,
	RPC_REQUEST_CANCEL,
};

/* Only what the step names is set. */
struct rpc_serve_request {
	enum rpc_request_step step;
	struct rpc_setup setup;
	struct rpc_chunk chunk;
};

enum rpc_response_step {
	RPC_RESPONSE_SETUP_ACK,
	RPC_RESPONSE_CHUNK,
};

struct rpc_serve_response {
	enum rpc_response_step step;
	struct rpc_setup_ack setup_ack;
	struct rpc_chunk chunk;
};

struct rpc_attestation_request {
	struct bytes nonce; /* empty, or RPC_NONCE_BYTES */
};

struct rpc_attestation_response {
	struct bytes bundle;   /* not empty */
	uint64_t next_refresh; /* Unix seconds */
};

struct rpc_load {
	uint32_t capacity;
	uint32_t running;
	uint32_t queued;
	bool draining;
	uint32_t offer; /* another one once another bundle is on offer */
};

/*
 * Parse: ERR_MALFORMED; ERR_UNSUPPORTED for a step or form of a later version;
 * ERR_TOO_LARGE when the arena is full.  Encode appends to the writer.
 */
MUST_CHECK enum err rpc_serve_request_parse(struct bytes in,
					    struct arena *arena,
					    struct rpc_serve_request *out);
MUST_CHECK enum err
rpc_serve_request_encode(const struct rpc_serve_request *request,
			 struct writer *out);

MUST_CHECK enum err rpc_serve_response_parse(struct bytes in,
					     struct arena *arena,
					     struct rpc_serve_response *out);
MUST_CHECK enum err
rpc_serve_response_encode(const struct rpc_serve_response *response,
			  struct writer *out);

MUST_CHECK enum err
rpc_attestation_request_parse(struct bytes in, struct arena *arena,
			      struct rpc_attestation_request *out);
MUST_CHECK enum err
rpc_attestation_request_encode(const struct rpc_attestation_request *request,
			       struct writer *out);

MUST_CHECK enum err
rpc_attestation_response_parse(struct bytes in, struct arena *arena,
			       struct rpc_attestation_response *out);
MUST_CHECK enum err
rpc_attestation_response_encode(const struct rpc_attestation_response *response,
				struct writer *out);

/* WatchLoadRequest has no fields: its encoding is the empty string. */
MUST_CHECK enum err rpc_watch_request_parse(struct bytes in,
					    struct arena *arena);

MUST_CHECK enum err rpc_load_parse(struct bytes in, struct arena *arena,
				   struct rpc_load *out);
MUST_CHECK enum err rpc_load_encode(const struct rpc_load *load,
				    struct writer *out);

#endif
