/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's side of one answer, from the gateway's bytes to the events that an
 * OpenAI client sees.  The answer is sealed to the request's own keys, so what
 * the fuzzer writes reaches every layer inside; and it may be cut or changed on
 * the way, as a gateway might.  Without its authentic end no answer is whole.
 *
 *     u8 how | u8 bytes a chunk | u8 bytes a piece | u16 where | inner bytes
 *
 * With HOW_EVENTS the inner bytes are content in a sound response of events.
 */
#include <stdlib.h>
#include <string.h>

#include "client/scratch.h"
#include "client/stream.h"
#include "crypto/ohttp_sealer.h"
#include "wire/bhttp_write.h"

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum how {
	HOW_NO_END = 1,	  /* no final chunk */
	HOW_FLIP = 2,	  /* one bit changed, at `where` */
	HOW_CUT = 4,	  /* the wire ends at `where` */
	HOW_EVENTS = 8,	  /* see above */
	HOW_STATUS = 16,  /* another status of the outer answer */
	HOW_FAIL = 32,	  /* the connection fails at the end */
	HOW_STREAM = 64,  /* read by client/stream.h */
	HOW_TRAILER = 128 /* with a trailer that says it is a receipt */
};

static struct hpke_private_key private_key;
static struct exchange_target target;
static struct proof_book book;

static struct {
	uint8_t how, chunk, piece;
	uint16_t where;
	struct bytes inner;
	uint8_t memory[32 * INPUT_MAX];
	struct bytes wire;
	bool is_changed;
} answer;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct http_server gateway = { "http://127.0.0.1", NULL };

	(void)argc;
	(void)argv;
	invariant(hpke_key_generate(HPKE_KEM_X25519, &private_key,
				    &target.key.public_key) == ERR_OK);
	target.gateway = &gateway;
	target.key.key_id = 7;
	target.key.symmetric[0] =
		(struct hpke_symmetric){ HPKE_HKDF_SHA256, HPKE_AES_128_GCM };
	target.key.symmetric_count = 1;
	target.node.book = &book;
	return 0;
}

static enum err write_inner(struct writer *out)
{
	static const struct bhttp_field lines[] = {
		{ BYTES_LITERAL("content-type"),
		  BYTES_LITERAL("text/event-stream") },
	};
	static const struct bhttp_field trailers[] = {
		{ BYTES_LITERAL(RECEIPT_FIELD), BYTES_LITERAL("AAAA") },
	};

	if ((answer.how & HOW_EVENTS) == 0)
		return bytes_put(out, answer.inner);
	TRY(bhttp_write_response_head(out, 200,
				      (struct bhttp_write_fields){ lines, 1 }));
	TRY(bhttp_write_content(out, answer.inner));
	if ((answer.how & HOW_TRAILER) != 0)
		return bhttp_write_trailers(
			out, (struct bhttp_write_fields){ trailers, 1 });
	return bhttp_write_end(out);
}

static enum err seal_answer(const struct ohttp_exchange *keys,
			    struct writer *out)
{
	static const uint8_t entropy[OHTTP_NONCE_MAX] = { 1 };
	static uint8_t memory[2 * INPUT_MAX];
	struct writer inner = WRITER_OVER(memory);
	struct ohttp_sealer sealer;
	struct bytes rest, piece;

	TRY(write_inner(&inner));
	rest = bytes_written(&inner);
	ohttp_sealer_init_response(&sealer, keys, entropy);
	TRY(ohttp_sealer_begin(&sealer, out));
	while (rest.len > answer.chunk) {
		TRY(bytes_take(&rest, answer.chunk + 1u, &piece));
		TRY(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, piece, out));
	}
	if ((answer.how & HOW_NO_END) != 0)
		return ERR_OK;
	return ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL, rest, out);
}

/* From here on in place of net/http.c. */
struct http {
	struct bytes rest;
};

struct http *http_open(const struct http_server *server,
		       const struct http_request *request)
{
	static struct http http;
	struct writer out = WRITER_OVER(answer.memory);
	struct bytes body = request->body;
	struct ohttp_exchange keys = { .form = OHTTP_CHUNKED };

	invariant(server == target.gateway);
	invariant(ohttp_header_take(&body, &keys.header) == ERR_OK);
	invariant(ohttp_receive(OHTTP_CHUNKED, &keys.header, &private_key,
				&target.key.public_key,
				&keys.context) == ERR_OK);
	invariant(seal_answer(&keys, &out) == ERR_OK);
	answer.is_changed = (answer.how & (HOW_NO_END | HOW_FAIL)) != 0;
	if ((answer.how & HOW_FLIP) != 0 && answer.where < out.len) {
		out.data[answer.where] ^= (uint8_t)(1u << answer.piece % 8);
		answer.is_changed = true;
	}
	if ((answer.how & HOW_CUT) != 0 && answer.where < out.len) {
		out.len = answer.where;
		answer.is_changed = true;
	}
	http.rest = bytes_written(&out);
	return &http;
}

void http_close(struct http *http)
{
	invariant(http == NULL || http->rest.len <= sizeof(answer.memory));
}

void http_watch(struct http *http, int socket)
{
	invariant(http != NULL && socket == -1);
}

enum http_event http_next(struct http *http, struct bytes *piece,
			  enum http_failure *failure)
{
	size_t len = 1u + answer.piece * 8u;

	*failure = HTTP_CUT;
	if (http->rest.len == 0)
		return (answer.how & HOW_FAIL) != 0 ? HTTP_FAILED : HTTP_END;
	if (len > http->rest.len)
		len = http->rest.len;
	invariant(bytes_take(&http->rest, len, piece) == ERR_OK);
	return HTTP_DATA;
}

long http_status(const struct http *http)
{
	invariant(http != NULL);
	return (answer.how & HOW_STATUS) != 0 ? 400 + answer.chunk : 200;
}

const char *http_media_type(const struct http *http)
{
	invariant(http != NULL);
	return "message/ohttp-chunked-res";
}

static void read_stream(struct exchange *exchange)
{
	struct stream *stream = stream_open(exchange);
	uint8_t out[64];
	ptrdiff_t got;

	invariant(stream != NULL);
	while ((got = stream_read(stream, out, sizeof(out))) > 0)
		invariant((size_t)got <= sizeof(out));
	invariant(got < 0 || !answer.is_changed);
	if (got == 0)
		invariant(stream_receipt(stream) != PROOF_FITS);
	stream_close(stream);
}

static void read_events(struct exchange *exchange)
{
	struct exchange_event event = { .kind = EXCHANGE_CONTENT };
	unsigned heads = 0;
	size_t content = 0;

	while (event.kind != EXCHANGE_END && event.kind != EXCHANGE_FAILED) {
		exchange_next(exchange, &event);
		heads += event.kind == EXCHANGE_HEAD;
		content +=
			event.kind == EXCHANGE_CONTENT ? event.content.len : 0;
		invariant(heads == 1 || event.kind == EXCHANGE_FAILED);
		invariant(content <= answer.inner.len);
	}
	invariant(event.kind == EXCHANGE_FAILED || !answer.is_changed);
	exchange_next(exchange, &event);
	invariant(event.kind == EXCHANGE_FAILED);
	exchange_close(exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct exchange_request request = {
		.method = "POST",
		.path = "/v1/chat/completions",
		.content = BYTES_LITERAL("{}"),
		.client = -1,
	};
	struct exchange *exchange;

	answer.inner = (struct bytes){ data, size };
	if (size > INPUT_MAX ||
	    bytes_take_u8(&answer.inner, &answer.how) != ERR_OK ||
	    bytes_take_u8(&answer.inner, &answer.chunk) != ERR_OK ||
	    bytes_take_u8(&answer.inner, &answer.piece) != ERR_OK ||
	    bytes_take_u16(&answer.inner, &answer.where) != ERR_OK)
		return 0;
	scratch_prepare();
	invariant(exchange_open(&target, &request, &exchange) == TROUBLE_NONE);
	if ((answer.how & HOW_STREAM) != 0)
		read_stream(exchange);
	else
		read_events(exchange);
	return 0;
}
