/* SPDX-License-Identifier: Apache-2.0 */
#include "client/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "client/seal.h"
#include "crypto/ohttp_opener.h"
#include "policy/limits.h"
#include "wire/bhttp.h"
#include "wire/hex.h"

#define PIECE_MAX (16u << 10)	 /* ciphertext opened at once */
#define CHUNK_MAX (64u << 10)	 /* plaintext of one chunk of a node */
#define ANSWER_MAX (64ull << 20) /* content of one answer */
#define METHOD_MAX 16
#define NODE_HEADER "PCC-Node: "
#define NODE_HEADER_MAX \
	(sizeof(NODE_HEADER) + (size_t)2 * STATEMENT_DIGEST_BYTES)
#define ANSWER_TYPE "message/ohttp-chunked-res"

struct exchange {
	struct http *http; /* owned */
	char method[METHOD_MAX];
	struct proof proof;
	uint8_t *sealed; /* owned; ciphertext */
	char node_header[NODE_HEADER_MAX];

	struct ohttp_opener opener;
	struct bhttp parser;
	struct bytes ciphertext; /* not yet opened; a view into http */
	struct bytes plaintext;	 /* not yet parsed; a view into opened */
	bool opened_all;	 /* the final chunk is in plaintext */
	bool admitted; /* status and type of the outer answer are right */
	bool head_given;
	bool over;
	uint16_t status;
	char media_type[EXCHANGE_MEDIA_TYPE_MAX];

	uint8_t chunk[CHUNK_MAX + OHTTP_CHUNK_TAG];
	uint8_t opened[PIECE_MAX + CHUNK_MAX + OHTTP_CHUNK_TAG];
	uint8_t fields[LIMIT_FIELD_BYTES];
};

static void write_node_header(struct exchange *exchange,
			      const struct exchange_target *target)
{
	struct writer out = { (uint8_t *)exchange->node_header, 0,
			      NODE_HEADER_MAX - 1 };

	invariant(bytes_put(&out, BYTES_LITERAL(NODE_HEADER)) == ERR_OK &&
		  hex_put(&out, BYTES_ARRAY(target->node_id)) == ERR_OK);
}

static enum trouble send_sealed(struct exchange *exchange,
				const struct exchange_target *target,
				size_t len, int client)
{
	const char *const header[] = {
		"Content-Type: message/ohttp-chunked-req",
		"Accept: message/ohttp-chunked-res",
		"Incremental: ?1",
		exchange->node_header,
		NULL,
	};
	struct http_request post = {
		.path = "/",
		.body = { exchange->sealed, len },
		.header = header,
	};

	write_node_header(exchange, target);
	exchange->http = http_open(target->gateway, &post);
	if (exchange->http == NULL)
		return TROUBLE_INTERNAL;
	http_watch(exchange->http, client);
	return TROUBLE_NONE;
}

/* The opener's scratch bounds a chunk, the parser's all header lines. */
static void prepare_opening(struct exchange *exchange,
			    const struct ohttp_exchange *keys)
{
	struct bhttp_limits limits = {
		.field_bytes = LIMIT_FIELD_BYTES,
		.fields = LIMIT_FIELDS,
		.content = ANSWER_MAX,
	};

	ohttp_opener_init(&exchange->opener, OHTTP_RESPONSE, keys,
			  (struct writer)WRITER_OVER(exchange->chunk));
	bhttp_init(&exchange->parser, BHTTP_MESSAGE_RESPONSE, &limits,
		   (struct writer)WRITER_OVER(exchange->fields));
}

/* The keys go into the opener; the copy here is wiped in any case. */
enum trouble exchange_open(const struct exchange_target *target,
			   const struct exchange_request *request,
			   struct exchange **out)
{
	SCOPED_WIPE(ohttp_exchange_wipe) struct ohttp_exchange keys = { 0 };
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	struct seal_sealed sealed = { 0 };
	enum trouble trouble = TROUBLE_INTERNAL;

	if (exchange == NULL)
		return trouble;
	(void)snprintf(exchange->method, sizeof(exchange->method), "%s",
		       request->method);
	trouble =
		seal_request(request, target, &keys, &exchange->proof, &sealed);
	exchange->sealed = sealed.data;
	if (trouble == TROUBLE_NONE) {
		prepare_opening(exchange, &keys);
		trouble = send_sealed(exchange, target, sealed.len,
				      request->client);
	}
	if (trouble != TROUBLE_NONE) {
		exchange_close(exchange);
		return trouble;
	}
	*out = exchange;
	return TROUBLE_NONE;
}

void exchange_close(struct exchange *exchange)
{
	if (exchange == NULL)
		return;
	http_close(exchange->http);
	free(exchange->sealed);
	proof_close(&exchange->proof);
	secret_wipe(exchange, sizeof(*exchange));
	free(exchange);
}

/* Cut the parameters off, and lower the case. */
static void note_media_type(struct exchange *exchange, struct bytes value)
{
	size_t len = 0;

	while (len < value.len && len + 1 < EXCHANGE_MEDIA_TYPE_MAX &&
	       value.data[len] != ';' && value.data[len] != ' ') {
		uint8_t byte = value.data[len];
		bool upper = byte >= 'A' && byte <= 'Z';

		exchange->media_type[len++] =
			(char)(upper ? byte - 'A' + 'a' : byte);
	}
	exchange->media_type[len] = '\0';
}

static bool give_head(struct exchange *exchange, struct exchange_event *event)
{
	exchange->head_given = true;
	proof_head(&exchange->proof, exchange->method, exchange->status,
		   exchange->media_type);
	*event = (struct exchange_event){ .kind = EXCHANGE_HEAD,
					  .status = exchange->status,
					  .media_type = exchange->media_type };
	return true;
}

/* Whether what was parsed is something to give out. */
static bool on_parsed(struct exchange *exchange,
		      const struct bhttp_event *parsed,
		      struct exchange_event *event)
{
	switch (parsed->kind) {
	case BHTTP_EVENT_RESPONSE:
		exchange->status = parsed->status;
		return false;
	case BHTTP_EVENT_FIELD:
		if (bytes_equal(parsed->field.name,
				BYTES_LITERAL("content-type")))
			note_media_type(exchange, parsed->field.value);
		return false;
	case BHTTP_EVENT_HEAD_END:
		return give_head(exchange, event);
	case BHTTP_EVENT_CONTENT:
		*event = (struct exchange_event){ .kind = EXCHANGE_CONTENT,
						  .content = parsed->content };
		return true;
	case BHTTP_EVENT_TRAILER:
		if (bytes_equal(parsed->field.name,
				BYTES_LITERAL(RECEIPT_FIELD)))
			proof_trailer(&exchange->proof, parsed->field.value);
		return false;
	case BHTTP_EVENT_MORE:
	case BHTTP_EVENT_REQUEST:
	case BHTTP_EVENT_INFORMATIONAL:
		return false;
	}
	return false;
}

/* A wrong tag is tampering; sound seals around nonsense are the node's fault.
 */
static enum trouble trouble_of(enum err err)
{
	if (err == ERR_TRUNCATED)
		return TROUBLE_CUT;
	return err == ERR_UNAUTHENTIC ? TROUBLE_TAMPERED : TROUBLE_NODE_FAILED;
}

/* Parse what is open; *given tells whether there is an event. */
static enum trouble parse(struct exchange *exchange,
			  struct exchange_event *event, bool *given)
{
	while (exchange->plaintext.len > 0 && !*given) {
		struct bhttp_event parsed;
		enum err err = bhttp_next(&exchange->parser,
					  &exchange->plaintext, &parsed);

		if (err != ERR_OK)
			return trouble_of(err);
		if (parsed.kind == BHTTP_EVENT_CONTENT &&
		    proof_add(&exchange->proof, parsed.content) != ERR_OK)
			return TROUBLE_INTERNAL;
		*given = on_parsed(exchange, &parsed, event);
	}
	return TROUBLE_NONE;
}

/* All is open and parsed: the last word, or the head of an empty answer. */
static enum trouble conclude(struct exchange *exchange,
			     struct exchange_event *event)
{
	enum err err = bhttp_finish(&exchange->parser);

	if (err != ERR_OK)
		return trouble_of(err);
	if (!exchange->head_given) {
		(void)give_head(exchange, event);
		return TROUBLE_NONE;
	}
	exchange->over = true;
	*event = (struct exchange_event){
		.kind = EXCHANGE_END,
		.receipt = proof_end(&exchange->proof),
	};
	return TROUBLE_NONE;
}

static enum trouble open_more(struct exchange *exchange, struct bytes piece)
{
	struct writer out = WRITER_OVER(exchange->opened);
	enum err err = ohttp_opener_push(&exchange->opener, piece, &out);

	exchange->plaintext = bytes_written(&out);
	return err == ERR_OK ? TROUBLE_NONE : trouble_of(err);
}

static enum trouble open_last(struct exchange *exchange)
{
	struct writer out = WRITER_OVER(exchange->opened);
	enum err err = ohttp_opener_finish(&exchange->opener, &out);

	exchange->plaintext = bytes_written(&out);
	exchange->opened_all = true;
	/* A cut inside the final chunk cannot be told from a change of it. */
	return err == ERR_OK ? TROUBLE_NONE : TROUBLE_CUT;
}

/* Before the first byte is opened: is it an answer of a node at all? */
static enum trouble admit(struct exchange *exchange)
{
	const char *type = http_media_type(exchange->http);

	exchange->admitted = true;
	if (http_status(exchange->http) != 200)
		return trouble_of_status(http_status(exchange->http));
	return strncasecmp(type, ANSWER_TYPE, strlen(ANSWER_TYPE)) == 0
		       ? TROUBLE_NONE
		       : TROUBLE_REFUSED;
}

/* Ask for more ciphertext; the first of it shows whether there is an answer. */
static enum trouble fetch(struct exchange *exchange)
{
	enum trouble trouble;
	enum http_failure failure;
	enum http_event event =
		http_next(exchange->http, &exchange->ciphertext, &failure);

	if (event == HTTP_FAILED)
		return trouble_of_failure(failure);
	if (!exchange->admitted) {
		trouble = admit(exchange);
		if (trouble != TROUBLE_NONE)
			return trouble;
	}
	return event == HTTP_END ? open_last(exchange) : TROUBLE_NONE;
}

/*
 * One step towards an event: give what is parsed, else parse what is open, else
 * open what was fetched, else fetch.  A chunk is given out before the next one
 * is fetched, so that nothing waits behind the network.
 */
static enum trouble advance(struct exchange *exchange,
			    struct exchange_event *event, bool *given)
{
	struct bytes piece;
	size_t len = exchange->ciphertext.len;

	if (exchange->plaintext.len > 0)
		return parse(exchange, event, given);
	if (exchange->opened_all) {
		*given = true;
		return conclude(exchange, event);
	}
	if (len == 0)
		return fetch(exchange);
	if (len > PIECE_MAX)
		len = PIECE_MAX;
	invariant(bytes_take(&exchange->ciphertext, len, &piece) == ERR_OK);
	return open_more(exchange, piece);
}

void exchange_next(struct exchange *exchange, struct exchange_event *event)
{
	bool given = false;
	enum trouble trouble = exchange->over ? TROUBLE_CUT : TROUBLE_NONE;

	while (trouble == TROUBLE_NONE && !given)
		trouble = advance(exchange, event, &given);
	if (trouble == TROUBLE_NONE)
		return;
	exchange->over = true;
	*event = (struct exchange_event){ .kind = EXCHANGE_FAILED,
					  .trouble = trouble };
}
