/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An accepted message writes to bytes that read as the same message.
 *
 *     which message | its bytes
 */
#include <string.h>

#include "wire/rpc.h"

#define INPUT_MAX 4096

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[RPC_ARENA_FOR(INPUT_MAX)];
static _Alignas(ARENA_ALIGNMENT) uint8_t again[RPC_ARENA_FOR(INPUT_MAX)];
static struct arena arena = { memory, sizeof(memory), 0 };
static struct arena second = { again, sizeof(again), 0 };
static uint8_t buffer[INPUT_MAX];

static bool same_chunk(const struct rpc_chunk *a, const struct rpc_chunk *b)
{
	return bytes_equal(a->data, b->data) && a->position == b->position;
}

static void check_request(struct bytes in, struct writer *out)
{
	struct rpc_serve_request a;
	struct rpc_serve_request b;

	if (rpc_serve_request_parse(in, &arena, &a) != ERR_OK)
		return;
	invariant(rpc_serve_request_encode(&a, out) == ERR_OK);
	invariant(rpc_serve_request_parse(bytes_written(out), &second, &b) ==
		  ERR_OK);
	invariant(a.step == b.step);
	invariant(memcmp(&a.setup, &b.setup, sizeof(a.setup)) == 0);
	invariant(same_chunk(&a.chunk, &b.chunk));
}

static void check_response(struct bytes in, struct writer *out)
{
	struct rpc_serve_response a;
	struct rpc_serve_response b;

	if (rpc_serve_response_parse(in, &arena, &a) != ERR_OK)
		return;
	invariant(rpc_serve_response_encode(&a, out) == ERR_OK);
	invariant(rpc_serve_response_parse(bytes_written(out), &second, &b) ==
		  ERR_OK);
	invariant(a.step == b.step);
	invariant(memcmp(&a.setup_ack, &b.setup_ack, sizeof(a.setup_ack)) == 0);
	invariant(same_chunk(&a.chunk, &b.chunk));
}

static void check_attestation_request(struct bytes in, struct writer *out)
{
	struct rpc_attestation_request a;
	struct rpc_attestation_request b;

	if (rpc_attestation_request_parse(in, &arena, &a) != ERR_OK)
		return;
	invariant(a.nonce.len == 0 || a.nonce.len == RPC_NONCE_BYTES);
	invariant(rpc_attestation_request_encode(&a, out) == ERR_OK);
	invariant(rpc_attestation_request_parse(bytes_written(out), &second,
						&b) == ERR_OK);
	invariant(bytes_equal(a.nonce, b.nonce));
}

static void check_attestation_response(struct bytes in, struct writer *out)
{
	struct rpc_attestation_response a;
	struct rpc_attestation_response b;

	if (rpc_attestation_response_parse(in, &arena, &a) != ERR_OK)
		return;
	invariant(rpc_attestation_response_encode(&a, out) == ERR_OK);
	invariant(rpc_attestation_response_parse(bytes_written(out), &second,
						 &b) == ERR_OK);
	invariant(bytes_equal(a.bundle, b.bundle));
	invariant(a.next_refresh == b.next_refresh);
}

static void check_load(struct bytes in, struct writer *out)
{
	struct rpc_load a;
	struct rpc_load b;

	if (rpc_load_parse(in, &arena, &a) != ERR_OK)
		return;
	invariant(rpc_load_encode(&a, out) == ERR_OK);
	invariant(rpc_load_parse(bytes_written(out), &second, &b) == ERR_OK);
	invariant(a.capacity == b.capacity && a.running == b.running);
	invariant(a.queued == b.queued && a.draining == b.draining);
}

static void check_watch(struct bytes in, struct writer *out)
{
	(void)out;
	if (rpc_watch_request_parse(in, &arena) == ERR_OK)
		invariant(in.len == 0);
}

static void (*const checks[])(struct bytes in, struct writer *out) = {
	check_request,
	check_response,
	check_attestation_request,
	check_attestation_response,
	check_load,
	check_watch,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct writer out = WRITER_OVER(buffer);
	struct bytes in = { data + 1, len - 1 };

	if (len < 1 || len > INPUT_MAX)
		return 0;
	checks[data[0] % (sizeof(checks) / sizeof(checks[0]))](in, &out);
	invariant(arena.used <= arena.size);
	arena_wipe(&arena);
	arena_wipe(&second);
	return 0;
}
