/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rpc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/vector.h"

#define MESSAGE_MAX 4096

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[RPC_ARENA_FOR(MESSAGE_MAX)];
static struct arena arena = { memory, sizeof(memory), 0 };
static uint8_t buffer[MESSAGE_MAX];

#define ID "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static enum err parse_request(const char *hex, struct rpc_serve_request *out)
{
	arena_wipe(&arena);
	return rpc_serve_request_parse(vector_hex(hex), &arena, out);
}

static enum err parse_response(const char *hex, struct rpc_serve_response *out)
{
	arena_wipe(&arena);
	return rpc_serve_response_parse(vector_hex(hex), &arena, out);
}

/* The bytes are what protoc --encode=pcc.node.v1.ServeRequest writes. */
Test(rpc, each_step_of_a_request_reads_as_written)
{
	struct rpc_serve_request read;
	struct rpc_serve_request setup = {
		.step = RPC_REQUEST_SETUP,
		.setup.form = RPC_FORM_CHUNKED,
	};
	struct rpc_serve_request chunk = {
		.step = RPC_REQUEST_CHUNK,
		.chunk = { BYTES_LITERAL("abc"), RPC_POSITION_LAST },
	};
	struct rpc_serve_request cancel = { .step = RPC_REQUEST_CANCEL };
	struct writer out = WRITER_OVER(buffer);

	for (size_t i = 0; i < RPC_NODE_ID_BYTES; i++)
		setup.setup.node_id[i] = (uint8_t)i;
	cr_assert_eq(rpc_serve_request_encode(&setup, &out), ERR_OK);
	vector_expect(bytes_written(&out), "0a240a20" ID "1001");
	cr_assert_eq(parse_request("0a240a20" ID "1001", &read), ERR_OK);
	cr_assert_eq(read.step, RPC_REQUEST_SETUP);
	cr_assert_eq(read.setup.form, RPC_FORM_CHUNKED);
	cr_assert_arr_eq(read.setup.node_id, setup.setup.node_id,
			 RPC_NODE_ID_BYTES);

	out.len = 0;
	cr_assert_eq(rpc_serve_request_encode(&chunk, &out), ERR_OK);
	vector_expect(bytes_written(&out), "12070a036162631001");
	cr_assert_eq(parse_request("12070a036162631001", &read), ERR_OK);
	cr_assert_eq(read.step, RPC_REQUEST_CHUNK);
	cr_assert_eq(read.chunk.position, RPC_POSITION_LAST);
	cr_assert(bytes_equal(read.chunk.data, BYTES_LITERAL("abc")));

	out.len = 0;
	cr_assert_eq(rpc_serve_request_encode(&cancel, &out), ERR_OK);
	vector_expect(bytes_written(&out), "1a00");
	cr_assert_eq(parse_request("1a00", &read), ERR_OK);
	cr_assert_eq(read.step, RPC_REQUEST_CANCEL);
}

Test(rpc, each_step_of_a_response_reads_as_written)
{
	struct rpc_serve_response read;
	struct rpc_serve_response ack = {
		.step = RPC_RESPONSE_SETUP_ACK,
		.setup_ack.key_id = 255,
	};
	struct rpc_serve_response chunk = {
		.step = RPC_RESPONSE_CHUNK,
		.chunk = { BYTES_LITERAL("x"), RPC_POSITION_MORE },
	};
	struct writer out = WRITER_OVER(buffer);

	for (size_t i = 0; i < RPC_NODE_ID_BYTES; i++)
		ack.setup_ack.node_id[i] = (uint8_t)i;
	cr_assert_eq(rpc_serve_response_encode(&ack, &out), ERR_OK);
	vector_expect(bytes_written(&out), "0a250a20" ID "10ff01");
	cr_assert_eq(parse_response("0a250a20" ID "10ff01", &read), ERR_OK);
	cr_assert_eq(read.step, RPC_RESPONSE_SETUP_ACK);
	cr_assert_eq(read.setup_ack.key_id, 255);
	cr_assert_arr_eq(read.setup_ack.node_id, ack.setup_ack.node_id,
			 RPC_NODE_ID_BYTES);

	out.len = 0;
	cr_assert_eq(rpc_serve_response_encode(&chunk, &out), ERR_OK);
	vector_expect(bytes_written(&out), "12030a0178");
	cr_assert_eq(parse_response("12030a0178", &read), ERR_OK);
	cr_assert_eq(read.step, RPC_RESPONSE_CHUNK);
	cr_assert_eq(read.chunk.position, RPC_POSITION_MORE);
}

Test(rpc, a_step_is_there_and_known)
{
	struct rpc_serve_request request;
	struct rpc_serve_response response;

	cr_assert_eq(parse_request("", &request), ERR_MALFORMED);
	cr_assert_eq(parse_response("", &response), ERR_MALFORMED);
	/* field 9, of a later version */
	cr_assert_eq(parse_request("4a00", &request), ERR_UNSUPPORTED);
	cr_assert_eq(parse_response("4a00", &response), ERR_UNSUPPORTED);
	/* a known step with a later version's field beside it */
	cr_assert_eq(parse_request("1a004a00", &request), ERR_OK);
}

Test(rpc, a_node_id_has_32_bytes)
{
	struct rpc_serve_request request;
	struct rpc_serve_response response;

	cr_assert_eq(parse_request("0a021001", &request), ERR_MALFORMED);
	cr_assert_eq(parse_request("0a050a01001001", &request), ERR_MALFORMED);
	cr_assert_eq(parse_request("0a250a21" ID "001001", &request),
		     ERR_MALFORMED);
	cr_assert_eq(parse_response("0a030a0100", &response), ERR_MALFORMED);
	cr_assert_eq(parse_response("0a00", &response), ERR_MALFORMED);
}

Test(rpc, a_form_is_given_and_known)
{
	struct rpc_serve_request request;

	cr_assert_eq(parse_request("0a240a20" ID "1002", &request), ERR_OK);
	cr_assert_eq(request.setup.form, RPC_FORM_UNCHUNKED);
	cr_assert_eq(parse_request("0a220a20" ID, &request), ERR_MALFORMED);
	cr_assert_eq(parse_request("0a240a20" ID "1000", &request),
		     ERR_MALFORMED);
	cr_assert_eq(parse_request("0a240a20" ID "1003", &request),
		     ERR_UNSUPPORTED);
	cr_assert_eq(parse_request("0a290a20" ID "10ffffffff0f", &request),
		     ERR_MALFORMED, "cut short");
	cr_assert_eq(parse_request("0a280a20" ID "10ffffffff0f", &request),
		     ERR_UNSUPPORTED);
}

Test(rpc, a_key_id_is_one_byte)
{
	struct rpc_serve_response response;

	cr_assert_eq(parse_response("0a250a20" ID "108002", &response),
		     ERR_MALFORMED);
}

Test(rpc, a_cut_message_is_refused)
{
	struct bytes whole = vector_hex("0a240a20" ID "1001");
	struct rpc_serve_request request = { .step = RPC_REQUEST_CANCEL };

	for (size_t len = 0; len < whole.len; len++) {
		arena_wipe(&arena);
		cr_assert_eq(rpc_serve_request_parse(
				     (struct bytes){ whole.data, len }, &arena,
				     &request),
			     ERR_MALFORMED);
		cr_assert_eq(request.step, RPC_REQUEST_CANCEL);
	}
}

Test(rpc, a_flipped_bit_is_refused_or_seen)
{
	struct bytes whole = vector_hex("0a240a20" ID "1001");
	uint8_t *copy = vector_copy(whole);

	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		struct rpc_serve_request read;
		enum err err;

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		arena_wipe(&arena);
		err = rpc_serve_request_parse((struct bytes){ copy, whole.len },
					      &arena, &read);
		cr_assert(err != ERR_OK || read.step != RPC_REQUEST_SETUP ||
			  memcmp(read.setup.node_id, whole.data + 4,
				 RPC_NODE_ID_BYTES) != 0 ||
			  read.setup.form != RPC_FORM_CHUNKED);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(rpc, a_nonce_has_32_bytes_or_none)
{
	struct rpc_attestation_request read;
	struct rpc_attestation_request request = { .nonce = vector_hex(ID) };
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(rpc_attestation_request_encode(&request, &out), ERR_OK);
	vector_expect(bytes_written(&out), "0a20" ID);
	cr_assert_eq(rpc_attestation_request_parse(bytes_written(&out), &arena,
						   &read),
		     ERR_OK);
	cr_assert(bytes_equal(read.nonce, request.nonce));
	cr_assert_eq(
		rpc_attestation_request_parse(BYTES_LITERAL(""), &arena, &read),
		ERR_OK);
	cr_assert_eq(read.nonce.len, 0);
	cr_assert_eq(rpc_attestation_request_parse(vector_hex("0a0100"), &arena,
						   &read),
		     ERR_MALFORMED);
	cr_assert_eq(rpc_attestation_request_parse(vector_hex("0a21" ID "00"),
						   &arena, &read),
		     ERR_MALFORMED);
}

Test(rpc, a_bundle_comes_with_its_time)
{
	struct rpc_attestation_response read;
	struct rpc_attestation_response response = {
		.bundle = BYTES_LITERAL("cmw"),
		.next_refresh = UINT64_C(1) << 40,
	};
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(rpc_attestation_response_encode(&response, &out), ERR_OK);
	cr_assert_eq(rpc_attestation_response_parse(bytes_written(&out), &arena,
						    &read),
		     ERR_OK);
	cr_assert(bytes_equal(read.bundle, response.bundle));
	cr_assert_eq(read.next_refresh, response.next_refresh);
	cr_assert_eq(rpc_attestation_response_parse(vector_hex("1001"), &arena,
						    &read),
		     ERR_MALFORMED, "without a bundle");
}

Test(rpc, a_load_reads_as_written)
{
	const struct rpc_load load = { 1, 2, UINT32_MAX, true, 5 };
	struct rpc_load read;
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(rpc_load_encode(&load, &out), ERR_OK);
	vector_expect(bytes_written(&out), "0801100218ffffffff0f20012805");
	cr_assert_eq(rpc_load_parse(bytes_written(&out), &arena, &read),
		     ERR_OK);
	cr_assert(read.capacity == 1 && read.running == 2 &&
		  read.queued == UINT32_MAX && read.draining &&
		  read.offer == 5);
	cr_assert_eq(rpc_load_parse(BYTES_LITERAL(""), &arena, &read), ERR_OK);
	cr_assert(read.capacity == 0 && !read.draining);
	cr_assert_eq(rpc_load_parse(vector_hex("0a00"), &arena, &read),
		     ERR_MALFORMED, "a number is not a string");
}

Test(rpc, a_watch_says_nothing)
{
	cr_assert_eq(rpc_watch_request_parse(BYTES_LITERAL(""), &arena),
		     ERR_OK);
	cr_assert_eq(rpc_watch_request_parse(vector_hex("08"), &arena),
		     ERR_MALFORMED);
}

/* Many tiny fields cost protobuf-c more memory than they are long. */
Test(rpc, a_hostile_message_can_only_fill_the_arena)
{
	static uint8_t hostile[MESSAGE_MAX];
	struct rpc_serve_request request;

	for (size_t i = 0; i < sizeof(hostile); i += 2) {
		hostile[i] = 0x48; /* field 9, a number */
		hostile[i + 1] = 1;
	}
	arena_wipe(&arena);
	cr_assert_eq(
		rpc_serve_request_parse(BYTES_ARRAY(hostile), &arena, &request),
		ERR_TOO_LARGE);
	cr_assert_leq(arena.used, arena.size);
}

Test(rpc, the_largest_chunk_fits_the_arena)
{
	static uint8_t data[MESSAGE_MAX - 8];
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_CHUNK,
		.chunk = { BYTES_ARRAY(data), RPC_POSITION_LAST },
	};
	struct rpc_serve_response read;
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(rpc_serve_response_encode(&response, &out), ERR_OK);
	cr_assert_eq(out.len, MESSAGE_MAX);
	arena_wipe(&arena);
	cr_assert_eq(
		rpc_serve_response_parse(bytes_written(&out), &arena, &read),
		ERR_OK);
	cr_assert_eq(read.chunk.data.len, sizeof(data));

	out.len = 0;
	out.max = MESSAGE_MAX - 1;
	cr_assert_eq(rpc_serve_response_encode(&response, &out), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
}
