/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stub_node: a node's outside, for tests of what stands before a node.
 *
 * It has a key and a bundle like a real one, opens what it is sent, and then
 * behaves as a test asks: well, or badly in one chosen way.  One process, one
 * thread a call; what it learns it tells over a pipe, a letter each:
 *
 *     q  a request was opened and was as it should be
 *     x  a request did not open, or was not as it should be
 *     c  a call was cancelled
 *
 * All is static because only the tests that need gRPC are to link it.
 */
#ifndef TESTS_SCENARIOS_STUB_NODE_H
#define TESTS_SCENARIOS_STUB_NODE_H

#include <criterion/criterion.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attest/evidence.h"
#include "crypto/ohttp.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "crypto/random.h"
#include "tests/scenarios/program.h"
#include "wire/bhttp.h"
#include "wire/bhttp_write.h"
#include "wire/rpc.h"
#include "wire/statement.h"

enum stub_manner {
	STUB_STREAM,	   /* an SSE answer with padding, well ended */
	STUB_WHOLE,	   /* a JSON answer */
	STUB_ECHO_SIZE,	   /* a JSON answer: the inner request's size */
	STUB_SILENT,	   /* reads all, answers nothing, reports a cancel */
	STUB_SLOW,	   /* one frame each 25 ms for ever, reports a cancel */
	STUB_CUT,	   /* half an answer, then UNAVAILABLE */
	STUB_CUT_OK,	   /* half an answer, then status OK */
	STUB_UNSEALED_END, /* the frames of an answer without the last */
	STUB_FLIPPED,	   /* one bit of the second frame is another's */
	STUB_DIES,	   /* half an answer, then the process is killed */
	STUB_BUSY,	   /* RESOURCE_EXHAUSTED at once */
	STUB_WRONG_NODE,   /* acknowledges under another id */
	STUB_FORGETFUL,	   /* knows only the key after the first refusal */
	STUB_KEYLESS,	   /* UNAUTHENTICATED: knows no key, ever */
};

struct stub_plan {
	enum stub_manner manner;
	const char *address; /* "unix:/path" */
	uint64_t expires_in; /* seconds from now; may be past as a negative */
	enum statement_mode mode;
	enum {
		STUB_HONEST,
		STUB_FORGED
	} bundle;
};

struct stub {
	pid_t pid;
	int news; /* read end of the pipe */
};

/* The state of the stub's own process. */
static struct {
	struct stub_plan plan;
	struct hpke_private_key private_key;
	struct ohttp_key_config config;
	uint8_t node_id[STATEMENT_DIGEST_BYTES];
	int news;
	int refusals;
	pthread_mutex_t lock;
} stub_self = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct stub_call {
	grpc_call *call;
	grpc_completion_queue *queue;
	grpc_call_details details;
	grpc_metadata_array metadata;
	int cancelled;
	char close_tag;
	enum {
		STUB_METADATA_UNSENT,
		STUB_METADATA_SENT
	} metadata_state;
};

static inline void stub_tell(char letter)
{
	invariant(write(stub_self.news, &letter, 1) == 1);
}

static inline void stub_make_key(void)
{
	pthread_mutex_lock(&stub_self.lock);
	stub_self.config.key_id++;
	stub_self.config.symmetric[0] = (struct hpke_symmetric){ 1, 1 };
	stub_self.config.symmetric_count = 1;
	invariant(hpke_key_generate(HPKE_KEM_X25519, &stub_self.private_key,
				    &stub_self.config.public_key) == ERR_OK);
	pthread_mutex_unlock(&stub_self.lock);
}

static inline void stub_write_bundle(struct writer *out)
{
	static uint8_t statement_memory[STATEMENT_BYTES_MAX];
	static uint8_t keys_memory[256];
	static uint8_t evidence_memory[64];
	struct writer statement_bytes = WRITER_OVER(statement_memory);
	struct writer keys = WRITER_OVER(keys_memory);
	struct writer evidence = WRITER_OVER(evidence_memory);
	struct evidence_report_data report_data;
	struct statement statement = {
		.shape = { stub_self.plan.mode, 512, 25 },
		.model_name = BYTES_LITERAL("stub-model"),
		.key_expiry = (uint64_t)time(NULL) + stub_self.plan.expires_in,
	};

	memcpy(statement.node_id, stub_self.node_id, sizeof(statement.node_id));
	invariant(statement_write(&statement, &statement_bytes) == ERR_OK);
	invariant(ohttp_keys_write(&stub_self.config, 1, &keys) == ERR_OK);

	struct bundle bundle = { .keys = bytes_written(&keys),
				 .statement = bytes_written(&statement_bytes),
				 .evidence_count = 1 };
	struct evidence_claims claims = { bundle.statement, bundle.keys, NULL };

	evidence_bind(&claims, &report_data);
	if (stub_self.plan.bundle == STUB_FORGED)
		report_data.bytes[17] ^= 4;
	invariant(evidence_make(BUNDLE_EVIDENCE_SOFTWARE, &report_data,
				&evidence) == ERR_OK);
	bundle.evidence[0] =
		(struct bundle_evidence){ BUNDLE_EVIDENCE_SOFTWARE,
					  bytes_written(&evidence) };
	invariant(bundle_write(&bundle, out) == ERR_OK);
}

/* Run one batch and wait for it; false when the call is over. */
static inline bool stub_batch(struct stub_call *call, const grpc_op *ops,
			      size_t count, void *tag)
{
	invariant(grpc_call_start_batch(call->call, ops, count, tag, NULL) ==
		  GRPC_CALL_OK);
	return grpc_completion_queue_pluck(call->queue, tag,
					   gpr_inf_future(GPR_CLOCK_MONOTONIC),
					   NULL)
		       .success != 0;
}

static inline bool stub_send(struct stub_call *call, struct bytes message)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(
		(const char *)message.data, message.len);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_MESSAGE },
			   { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	size_t count = call->metadata_state == STUB_METADATA_SENT ? 1 : 2;

	ops[0].data.send_message.send_message = buffer;
	call->metadata_state = STUB_METADATA_SENT;

	bool sent = stub_batch(call, ops, count, buffer);

	grpc_byte_buffer_destroy(buffer);
	grpc_slice_unref(slice);
	return sent;
}

static inline void stub_end(struct stub_call *call, grpc_status_code status)
{
	grpc_slice details = grpc_slice_from_static_string("stub");
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_STATUS_FROM_SERVER },
			   { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	size_t count = call->metadata_state == STUB_METADATA_SENT ? 1 : 2;

	ops[0].data.send_status_from_server.status = status;
	ops[0].data.send_status_from_server.status_details = &details;
	call->metadata_state = STUB_METADATA_SENT;
	(void)stub_batch(call, ops, count, &details);
}

/* One message into the writer; false at the end of the stream. */
static inline bool stub_receive(struct stub_call *call, struct writer *out)
{
	grpc_byte_buffer *buffer = NULL;
	grpc_byte_buffer_reader reader;
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &buffer;
	if (!stub_batch(call, &op, 1, &buffer) || buffer == NULL)
		return false;
	invariant(grpc_byte_buffer_reader_init(&reader, buffer) != 0);

	grpc_slice all = grpc_byte_buffer_reader_readall(&reader);

	invariant(bytes_put(out, (struct bytes){ GRPC_SLICE_START_PTR(all),
						 GRPC_SLICE_LENGTH(all) }) ==
		  ERR_OK);
	grpc_slice_unref(all);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(buffer);
	return true;
}

/* Whether the call ends within so long; true reports a cancel. */
static inline bool stub_closes_within(struct stub_call *call, int ms)
{
	gpr_timespec until =
		gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			     gpr_time_from_millis(ms, GPR_TIMESPAN));

	return grpc_completion_queue_pluck(call->queue, &call->close_tag, until,
					   NULL)
		       .type == GRPC_OP_COMPLETE;
}

#define STUB_ARENA RPC_ARENA_FOR(64u << 10)

static inline bool stub_next_request(struct stub_call *call,
				     struct arena *arena,
				     struct rpc_serve_request *out)
{
	static __thread uint8_t memory[70000];
	struct writer message = WRITER_OVER(memory);

	if (!stub_receive(call, &message))
		return false;
	arena_wipe(arena);
	return rpc_serve_request_parse(bytes_written(&message), arena, out) ==
	       ERR_OK;
}

static inline bool stub_send_chunk(struct stub_call *call, struct bytes data,
				   enum rpc_position position)
{
	static __thread uint8_t memory[70000];
	struct writer out = WRITER_OVER(memory);
	struct rpc_serve_response response = { .step = RPC_RESPONSE_CHUNK,
					       .chunk = { data, position } };

	invariant(rpc_serve_response_encode(&response, &out) == ERR_OK);
	return stub_send(call, bytes_written(&out));
}

static inline bool stub_acknowledge(struct stub_call *call)
{
	uint8_t memory[128];
	struct writer out = WRITER_OVER(memory);
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_SETUP_ACK,
		.setup_ack = { .key_id = stub_self.config.key_id },
	};

	memcpy(response.setup_ack.node_id, stub_self.node_id,
	       STATEMENT_DIGEST_BYTES);
	if (stub_self.plan.manner == STUB_WRONG_NODE)
		response.setup_ack.node_id[0] ^= 1;
	invariant(rpc_serve_response_encode(&response, &out) == ERR_OK);
	return stub_send(call, bytes_written(&out));
}

/* Setup and all chunks: the encapsulated request, or false. */
static inline bool stub_read_all(struct stub_call *call, struct writer *out)
{
	struct arena arena = { aligned_alloc(ARENA_ALIGNMENT, STUB_ARENA),
			       STUB_ARENA, 0 };
	struct rpc_serve_request request;
	bool complete = false;

	if (stub_next_request(call, &arena, &request) &&
	    request.step == RPC_REQUEST_SETUP &&
	    memcmp(request.setup.node_id, stub_self.node_id, 32) == 0 &&
	    stub_acknowledge(call))
		while (!complete && stub_next_request(call, &arena, &request) &&
		       request.step == RPC_REQUEST_CHUNK) {
			invariant(bytes_put(out, request.chunk.data) == ERR_OK);
			complete = request.chunk.position == RPC_POSITION_LAST;
		}
	free(arena.base);
	return complete;
}

static inline enum err stub_open(struct bytes sealed,
				 struct ohttp_exchange *exchange,
				 struct writer *inner)
{
	static __thread uint8_t chunk[(16u << 10) + 16];
	struct ohttp_opener opener;

	*exchange = (struct ohttp_exchange){ .form = OHTTP_CHUNKED };
	TRY(ohttp_header_take(&sealed, &exchange->header));
	if (exchange->header.key_id != stub_self.config.key_id)
		return ERR_EXPIRED;
	TRY(ohttp_receive(OHTTP_CHUNKED, &exchange->header,
			  &stub_self.private_key, &stub_self.config.public_key,
			  &exchange->context));
	ohttp_opener_init(&opener, OHTTP_REQUEST, exchange,
			  (struct writer)WRITER_OVER(chunk));
	TRY(ohttp_opener_push(&opener, sealed, inner));
	return ohttp_opener_finish(&opener, inner);
}

/* A canned answer as BHTTP, piece by piece as the frames are to be. */
#define STUB_TEXT "It is 21 degrees."

static inline void stub_answer_pieces(struct writer *out, size_t *ends,
				      size_t *count, size_t request_size)
{
	static const char *const events[] = {
		"data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\","
		"\"created\":1,\"model\":\"stub-model\",\"choices\":[{"
		"\"index\":"
		"0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
		"\"finish_reason\":null}]}\n\n",
		": padding padding padding padding\n\n",
		"data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\","
		"\"created\":1,\"model\":\"stub-model\",\"choices\":[{"
		"\"index\":"
		"0,\"delta\":{\"content\":\"" STUB_TEXT
		"\"},\"finish_reason\":null}]}\n\n",
		": padding\n\ndata: {\"id\":\"x\",\"object\":"
		"\"chat.completion.chunk\",\"created\":1,\"model\":"
		"\"stub-model\",\"choices\":[{\"index\":0,\"delta\":{},"
		"\"finish_reason\":\"stop\"}]}\n\n",
		"data: [DONE]\n\n",
	};
	bool whole = stub_self.plan.manner == STUB_WHOLE ||
		     stub_self.plan.manner == STUB_ECHO_SIZE;
	struct bhttp_field type = {
		BYTES_LITERAL("content-type"),
		whole ? BYTES_LITERAL("application/json")
		      : BYTES_LITERAL("text/event-stream; charset=utf-8"),
	};
	char json[256];

	*count = 0;
	invariant(bhttp_write_response_head(
			  out, 200, (struct bhttp_write_fields){ &type, 1 }) ==
		  ERR_OK);
	ends[(*count)++] = out->len;
	if (whole) {
		snprintf(json, sizeof(json),
			 "{\"id\":\"x\",\"object\":\"chat.completion\","
			 "\"size\":%zu,\"choices\":[{\"index\":0,\"message\":"
			 "{\"role\":\"assistant\",\"content\":\"%s\"}}]}",
			 request_size, STUB_TEXT);
		invariant(bhttp_write_content(out, bytes_of_string(json)) ==
			  ERR_OK);
		ends[(*count)++] = out->len;
	}
	for (size_t i = 0; !whole && i < sizeof(events) / sizeof(*events);
	     i++) {
		invariant(bhttp_write_content(
				  out, bytes_of_string(events[i])) == ERR_OK);
		ends[(*count)++] = out->len;
	}
	invariant(bhttp_write_end(out) == ERR_OK);
	ends[(*count)++] = out->len;
}

static inline void stub_rest(int ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/* How a bad manner ends an answer after its third frame; true: it is over. */
static inline bool stub_misbehave(struct stub_call *call)
{
	enum stub_manner manner = stub_self.plan.manner;

	if (manner == STUB_DIES) {
		stub_rest(300);
		kill(getpid(), SIGKILL);
	}
	if (manner == STUB_CUT)
		stub_end(call, GRPC_STATUS_UNAVAILABLE);
	if (manner == STUB_CUT_OK)
		stub_end(call, GRPC_STATUS_OK);
	return manner == STUB_CUT || manner == STUB_CUT_OK;
}

static inline void stub_answer(struct stub_call *call,
			       const struct ohttp_exchange *exchange,
			       size_t request_size)
{
	uint8_t plain[4096], frame[4096], entropy[OHTTP_NONCE_MAX];
	size_t ends[16], count, begin = 0;
	struct writer pieces = WRITER_OVER(plain);
	struct ohttp_sealer sealer;

	stub_answer_pieces(&pieces, ends, &count, request_size);
	random_bytes(entropy, sizeof(entropy));
	ohttp_sealer_init_response(&sealer, exchange, entropy);
	for (size_t i = 0; i < count; i++) {
		struct writer out = WRITER_OVER(frame);
		bool last = i + 1 == count;

		if (last && stub_self.plan.manner == STUB_UNSEALED_END) {
			(void)stub_send_chunk(call, (struct bytes){ 0 },
					      RPC_POSITION_LAST);
			break;
		}
		if (i == 0)
			invariant(ohttp_sealer_begin(&sealer, &out) == ERR_OK);
		invariant(ohttp_sealer_put(&sealer,
					   last ? OHTTP_CHUNK_FINAL
						: OHTTP_CHUNK_MORE,
					   (struct bytes){ plain + begin,
							   ends[i] - begin },
					   &out) == ERR_OK);
		begin = ends[i];
		if (i == 1 && stub_self.plan.manner == STUB_FLIPPED)
			frame[out.len - 1] ^= 1;
		if (!stub_send_chunk(call, bytes_written(&out),
				     last ? RPC_POSITION_LAST
					  : RPC_POSITION_MORE))
			return;
		stub_rest(25);
		if (i == 2 && stub_misbehave(call))
			return;
	}
	stub_end(call, GRPC_STATUS_OK);
}

/* Frames without an end, until somebody leaves. */
static inline void stub_trickle(struct stub_call *call,
				const struct ohttp_exchange *exchange)
{
	static const uint8_t comment[] = ": padding\n\n";
	uint8_t plain[256], frame[512], entropy[OHTTP_NONCE_MAX];
	struct writer head = WRITER_OVER(plain);
	struct writer out = WRITER_OVER(frame);
	struct ohttp_sealer sealer;
	struct bhttp_field type = { BYTES_LITERAL("content-type"),
				    BYTES_LITERAL("text/event-stream") };

	random_bytes(entropy, sizeof(entropy));
	ohttp_sealer_init_response(&sealer, exchange, entropy);
	invariant(bhttp_write_response_head(
			  &head, 200,
			  (struct bhttp_write_fields){ &type, 1 }) == ERR_OK);
	invariant(ohttp_sealer_begin(&sealer, &out) == ERR_OK);
	do {
		invariant(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
					   bytes_written(&head),
					   &out) == ERR_OK);
		if (!stub_send_chunk(call, bytes_written(&out),
				     RPC_POSITION_MORE))
			break;
		out.len = head.len = 0;
		invariant(bhttp_write_content(&head,
					      (struct bytes){ comment, 11 }) ==
			  ERR_OK);
	} while (!stub_closes_within(call, 25));
	stub_tell('c');
}

static inline void stub_serve(struct stub_call *call)
{
	struct writer sealed = { malloc(5u << 20), 0, 5u << 20 };
	struct writer inner = { malloc(5u << 20), 0, 5u << 20 };
	struct ohttp_exchange exchange;
	enum stub_manner manner = stub_self.plan.manner;

	if (manner == STUB_BUSY) {
		stub_end(call, GRPC_STATUS_RESOURCE_EXHAUSTED);
		return;
	}
	if (!stub_read_all(call, &sealed)) {
		stub_tell('x');
		return;
	}
	if (manner == STUB_KEYLESS ||
	    (manner == STUB_FORGETFUL && stub_self.refusals++ == 0)) {
		stub_make_key();
		stub_end(call, GRPC_STATUS_UNAUTHENTICATED);
		return;
	}
	enum err err = stub_open(bytes_written(&sealed), &exchange, &inner);

	if (err == ERR_EXPIRED) {
		stub_end(call, GRPC_STATUS_UNAUTHENTICATED);
		return;
	}
	if (err != ERR_OK) {
		stub_tell('x');
		stub_end(call, GRPC_STATUS_INVALID_ARGUMENT);
		return;
	}
	stub_tell('q');
	if (manner == STUB_SILENT) {
		while (!stub_closes_within(call, 1000))
			continue;
		stub_tell('c');
	} else if (manner == STUB_SLOW) {
		stub_trickle(call, &exchange);
	} else {
		stub_answer(call, &exchange, inner.len);
	}
}

static inline void stub_attest(struct stub_call *call)
{
	uint8_t bundle_memory[4096], memory[8192];
	struct writer bundle = WRITER_OVER(bundle_memory);
	struct writer out = WRITER_OVER(memory);

	stub_write_bundle(&bundle);

	struct rpc_attestation_response response = {
		.bundle = bytes_written(&bundle),
		.next_refresh = (uint64_t)time(NULL) + 3600,
	};

	invariant(rpc_attestation_response_encode(&response, &out) == ERR_OK);
	(void)stub_send(call, bytes_written(&out));
	stub_end(call, GRPC_STATUS_OK);
}

static inline void stub_load(struct stub_call *call)
{
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);
	struct rpc_load load = { .capacity = 4 };

	invariant(rpc_load_encode(&load, &out) == ERR_OK);
	(void)stub_send(call, bytes_written(&out));
	while (!stub_closes_within(call, 1000))
		continue;
}

static inline void *stub_handle(void *argument)
{
	struct stub_call *call = argument;
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };
	grpc_slice method = call->details.method;

	op.data.recv_close_on_server.cancelled = &call->cancelled;
	invariant(grpc_call_start_batch(call->call, &op, 1, &call->close_tag,
					NULL) == GRPC_CALL_OK);
	if (grpc_slice_str_cmp(method, "/pcc.node.v1.Node/Serve") == 0)
		stub_serve(call);
	else if (grpc_slice_str_cmp(method,
				    "/pcc.node.v1.Node/GetAttestation") == 0)
		stub_attest(call);
	else
		stub_load(call);
	return NULL;
}

/* The stub ends by SIGKILL, so nothing here is ever freed. */
_Noreturn static inline void stub_run(void)
{
	grpc_completion_queue *queue;
	grpc_server *server;

	grpc_init();
	queue = grpc_completion_queue_create_for_next(NULL);
	server = grpc_server_create(NULL, NULL);
	grpc_server_register_completion_queue(server, queue, NULL);
	invariant(grpc_server_add_http2_port(
			  server, stub_self.plan.address,
			  grpc_insecure_server_credentials_create()) != 0);
	grpc_server_start(server);
	stub_tell('r');
	for (;;) {
		struct stub_call *call = calloc(1, sizeof(*call));
		pthread_t thread;

		grpc_call_details_init(&call->details);
		grpc_metadata_array_init(&call->metadata);
		call->queue = grpc_completion_queue_create_for_pluck(NULL);
		invariant(grpc_server_request_call(
				  server, &call->call, &call->details,
				  &call->metadata, call->queue, queue,
				  call) == GRPC_CALL_OK);
		(void)grpc_completion_queue_next(
			queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		invariant(pthread_create(&thread, NULL, stub_handle, call) ==
			  0);
		pthread_detach(thread);
	}
}

/* The next letter of news, or 0 when none comes within so long. */
static inline char stub_news(const struct stub *stub, int ms)
{
	struct timeval bound = { ms / 1000, ms % 1000 * 1000 };
	fd_set set;
	char letter = 0;

	FD_ZERO(&set);
	FD_SET(stub->news, &set);
	if (select(stub->news + 1, &set, NULL, NULL, &bound) != 1 ||
	    read(stub->news, &letter, 1) != 1)
		return 0;
	return letter;
}

/* Start a stub; it serves when this returns, and dies with the test. */
static inline struct stub stub_start(const struct stub_plan *plan)
{
	struct stub stub;
	int pipes[2];

	cr_assert_eq(pipe(pipes), 0);
	stub.pid = fork();
	cr_assert_geq(stub.pid, 0);
	if (stub.pid == 0) {
		program_die_with_parent();
		signal(SIGPIPE, SIG_IGN);
		stub_self.plan = *plan;
		stub_self.news = pipes[1];
		random_bytes(stub_self.node_id, sizeof(stub_self.node_id));
		stub_make_key();
		stub_run();
	}
	close(pipes[1]);
	stub.news = pipes[0];
	cr_assert_eq(stub_news(&stub, 5000), 'r');
	return stub;
}

#endif
