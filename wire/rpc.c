/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rpc.h"

#include <string.h>

#include "node.pb-c.h"
#include "wire/proto.h"

/*
 * Switches are over int: protoc-c adds a value to every enum, only to set its
 * size.
 */

static enum err read_node_id(ProtobufCBinaryData field,
			     uint8_t out[static RPC_NODE_ID_BYTES])
{
	if (field.len != RPC_NODE_ID_BYTES)
		return ERR_MALFORMED;
	memcpy(out, field.data, RPC_NODE_ID_BYTES);
	return ERR_OK;
}

/* proto3 lets any number stand in an enum; a later version may mean it. */
static enum err read_form(Pcc__Node__V1__Form field, enum rpc_form *out)
{
	switch ((int)field) {
	case PCC__NODE__V1__FORM__FORM_CHUNKED:
		*out = RPC_FORM_CHUNKED;
		return ERR_OK;
	case PCC__NODE__V1__FORM__FORM_UNCHUNKED:
		*out = RPC_FORM_UNCHUNKED;
		return ERR_OK;
	case PCC__NODE__V1__FORM__FORM_UNSPECIFIED:
		return ERR_MALFORMED;
	default:
		return ERR_UNSUPPORTED;
	}
}

static struct rpc_chunk read_chunk(const Pcc__Node__V1__Chunk *chunk)
{
	return (struct rpc_chunk){
		.data = proto_view(chunk->data),
		.position = chunk->last ? RPC_POSITION_LAST : RPC_POSITION_MORE,
	};
}

/* Borrows the data of the chunk. */
static Pcc__Node__V1__Chunk chunk_message(const struct rpc_chunk *chunk)
{
	Pcc__Node__V1__Chunk message = PCC__NODE__V1__CHUNK__INIT;

	message.data = proto_binary(chunk->data);
	message.last = chunk->position == RPC_POSITION_LAST;
	return message;
}

static enum err read_setup(const Pcc__Node__V1__Setup *setup,
			   struct rpc_setup *out)
{
	TRY(read_node_id(setup->node_id, out->node_id));
	return read_form(setup->form, &out->form);
}

/*
 * A step that a later version adds is an unknown field here, and so looks as
 * if no step had been given.
 */
static enum err refuse_step(const ProtobufCMessage *message)
{
	return message->n_unknown_fields > 0 ? ERR_UNSUPPORTED : ERR_MALFORMED;
}

enum err rpc_serve_request_parse(struct bytes in, struct arena *arena,
				 struct rpc_serve_request *out)
{
	struct rpc_serve_request request = { .step = RPC_REQUEST_CANCEL };
	ProtobufCMessage *decoded;
	const Pcc__Node__V1__ServeRequest *message;

	TRY(proto_decode(in, &pcc__node__v1__serve_request__descriptor, arena,
			 &decoded));
	message = (const Pcc__Node__V1__ServeRequest *)decoded;
	switch ((int)message->step_case) {
	case PCC__NODE__V1__SERVE_REQUEST__STEP_SETUP:
		request.step = RPC_REQUEST_SETUP;
		TRY(read_setup(message->setup, &request.setup));
		break;
	case PCC__NODE__V1__SERVE_REQUEST__STEP_CHUNK:
		request.step = RPC_REQUEST_CHUNK;
		request.chunk = read_chunk(message->chunk);
		break;
	case PCC__NODE__V1__SERVE_REQUEST__STEP_CANCEL:
		break;
	case PCC__NODE__V1__SERVE_REQUEST__STEP__NOT_SET:
	default:
		return refuse_step(decoded);
	}
	*out = request;
	return ERR_OK;
}

/*
 * Messages to encode are put together on the stack and borrow their bytes from
 * the caller, so that encoding allocates nothing.
 */
static enum err encode_setup(const struct rpc_setup *setup, struct writer *out)
{
	Pcc__Node__V1__ServeRequest message =
		PCC__NODE__V1__SERVE_REQUEST__INIT;
	Pcc__Node__V1__Setup step = PCC__NODE__V1__SETUP__INIT;

	step.node_id = proto_binary(BYTES_ARRAY(setup->node_id));
	step.form = (Pcc__Node__V1__Form)setup->form;
	message.step_case = PCC__NODE__V1__SERVE_REQUEST__STEP_SETUP;
	message.setup = &step;
	return proto_encode(&message.base, out);
}

static enum err encode_request_chunk(const struct rpc_chunk *chunk,
				     struct writer *out)
{
	Pcc__Node__V1__ServeRequest message =
		PCC__NODE__V1__SERVE_REQUEST__INIT;
	Pcc__Node__V1__Chunk step = chunk_message(chunk);

	message.step_case = PCC__NODE__V1__SERVE_REQUEST__STEP_CHUNK;
	message.chunk = &step;
	return proto_encode(&message.base, out);
}

static enum err encode_cancel(struct writer *out)
{
	Pcc__Node__V1__ServeRequest message =
		PCC__NODE__V1__SERVE_REQUEST__INIT;
	Pcc__Node__V1__Cancel step = PCC__NODE__V1__CANCEL__INIT;

	message.step_case = PCC__NODE__V1__SERVE_REQUEST__STEP_CANCEL;
	message.cancel = &step;
	return proto_encode(&message.base, out);
}

enum err rpc_serve_request_encode(const struct rpc_serve_request *request,
				  struct writer *out)
{
	switch (request->step) {
	case RPC_REQUEST_SETUP:
		return encode_setup(&request->setup, out);
	case RPC_REQUEST_CHUNK:
		return encode_request_chunk(&request->chunk, out);
	case RPC_REQUEST_CANCEL:
	default:
		return encode_cancel(out);
	}
}

/* A key id is one byte of the OHTTP header (RFC 9458, section 3). */
static enum err read_setup_ack(const Pcc__Node__V1__SetupAck *ack,
			       struct rpc_setup_ack *out)
{
	if (ack->key_id > UINT8_MAX)
		return ERR_MALFORMED;
	out->key_id = (uint8_t)ack->key_id;
	return read_node_id(ack->node_id, out->node_id);
}

enum err rpc_serve_response_parse(struct bytes in, struct arena *arena,
				  struct rpc_serve_response *out)
{
	struct rpc_serve_response response = { .step = RPC_RESPONSE_CHUNK };
	ProtobufCMessage *decoded;
	const Pcc__Node__V1__ServeResponse *message;

	TRY(proto_decode(in, &pcc__node__v1__serve_response__descriptor, arena,
			 &decoded));
	message = (const Pcc__Node__V1__ServeResponse *)decoded;
	switch ((int)message->step_case) {
	case PCC__NODE__V1__SERVE_RESPONSE__STEP_SETUP_ACK:
		response.step = RPC_RESPONSE_SETUP_ACK;
		TRY(read_setup_ack(message->setup_ack, &response.setup_ack));
		break;
	case PCC__NODE__V1__SERVE_RESPONSE__STEP_CHUNK:
		response.chunk = read_chunk(message->chunk);
		break;
	case PCC__NODE__V1__SERVE_RESPONSE__STEP__NOT_SET:
	default:
		return refuse_step(decoded);
	}
	*out = response;
	return ERR_OK;
}

static enum err encode_setup_ack(const struct rpc_setup_ack *ack,
				 struct writer *out)
{
	Pcc__Node__V1__ServeResponse message =
		PCC__NODE__V1__SERVE_RESPONSE__INIT;
	Pcc__Node__V1__SetupAck step = PCC__NODE__V1__SETUP_ACK__INIT;

	step.node_id = proto_binary(BYTES_ARRAY(ack->node_id));
	step.key_id = ack->key_id;
	message.step_case = PCC__NODE__V1__SERVE_RESPONSE__STEP_SETUP_ACK;
	message.setup_ack = &step;
	return proto_encode(&message.base, out);
}

static enum err encode_response_chunk(const struct rpc_chunk *chunk,
				      struct writer *out)
{
	Pcc__Node__V1__ServeResponse message =
		PCC__NODE__V1__SERVE_RESPONSE__INIT;
	Pcc__Node__V1__Chunk step = chunk_message(chunk);

	message.step_case = PCC__NODE__V1__SERVE_RESPONSE__STEP_CHUNK;
	message.chunk = &step;
	return proto_encode(&message.base, out);
}

enum err rpc_serve_response_encode(const struct rpc_serve_response *response,
				   struct writer *out)
{
	if (response->step == RPC_RESPONSE_SETUP_ACK)
		return encode_setup_ack(&response->setup_ack, out);
	return encode_response_chunk(&response->chunk, out);
}

enum err rpc_attestation_request_parse(struct bytes in, struct arena *arena,
				       struct rpc_attestation_request *out)
{
	ProtobufCMessage *decoded;
	const Pcc__Node__V1__GetAttestationRequest *message;

	TRY(proto_decode(in,
			 &pcc__node__v1__get_attestation_request__descriptor,
			 arena, &decoded));
	message = (const Pcc__Node__V1__GetAttestationRequest *)decoded;
	if (message->nonce.len != 0 && message->nonce.len != RPC_NONCE_BYTES)
		return ERR_MALFORMED;
	out->nonce = proto_view(message->nonce);
	return ERR_OK;
}

enum err
rpc_attestation_request_encode(const struct rpc_attestation_request *request,
			       struct writer *out)
{
	Pcc__Node__V1__GetAttestationRequest message =
		PCC__NODE__V1__GET_ATTESTATION_REQUEST__INIT;

	message.nonce = proto_binary(request->nonce);
	return proto_encode(&message.base, out);
}

enum err rpc_attestation_response_parse(struct bytes in, struct arena *arena,
					struct rpc_attestation_response *out)
{
	ProtobufCMessage *decoded;
	const Pcc__Node__V1__GetAttestationResponse *message;

	TRY(proto_decode(in,
			 &pcc__node__v1__get_attestation_response__descriptor,
			 arena, &decoded));
	message = (const Pcc__Node__V1__GetAttestationResponse *)decoded;
	if (message->bundle.len == 0)
		return ERR_MALFORMED;
	out->bundle = proto_view(message->bundle);
	out->next_refresh = message->next_refresh;
	return ERR_OK;
}

enum err
rpc_attestation_response_encode(const struct rpc_attestation_response *response,
				struct writer *out)
{
	Pcc__Node__V1__GetAttestationResponse message =
		PCC__NODE__V1__GET_ATTESTATION_RESPONSE__INIT;

	message.bundle = proto_binary(response->bundle);
	message.next_refresh = response->next_refresh;
	return proto_encode(&message.base, out);
}

enum err rpc_watch_request_parse(struct bytes in, struct arena *arena)
{
	ProtobufCMessage *decoded;

	return proto_decode(in, &pcc__node__v1__watch_load_request__descriptor,
			    arena, &decoded);
}

enum err rpc_load_parse(struct bytes in, struct arena *arena,
			struct rpc_load *out)
{
	ProtobufCMessage *decoded;
	const Pcc__Node__V1__Load *message;

	TRY(proto_decode(in, &pcc__node__v1__load__descriptor, arena,
			 &decoded));
	message = (const Pcc__Node__V1__Load *)decoded;
	*out = (struct rpc_load){
		.capacity = message->capacity,
		.running = message->running,
		.queued = message->queued,
		.draining = message->draining != 0,
		.offer = message->offer,
	};
	return ERR_OK;
}

enum err rpc_load_encode(const struct rpc_load *load, struct writer *out)
{
	Pcc__Node__V1__Load message = PCC__NODE__V1__LOAD__INIT;

	message.capacity = load->capacity;
	message.running = load->running;
	message.queued = load->queued;
	message.draining = load->draining;
	message.offer = load->offer;
	return proto_encode(&message.base, out);
}
