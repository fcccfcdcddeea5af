/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/sealed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/signed_receipt.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "tests/system.h"
#include "wire/base64.h"
#include "wire/bhttp.h"
#include "wire/bhttp_write.h"
#include "wire/bundle.h"
#include "wire/varint.h"

#define URL_BYTES 128
#define KEYS_MAX 4
#define FIELD_BYTES 1024

static void *memory(size_t len)
{
	void *made = malloc(len);

	invariant(made != NULL);
	return made;
}

static enum err read_bundle(const char *letters, struct ohttp_key_config *key)
{
	struct ohttp_key_config keys[KEYS_MAX];
	uint8_t bytes[BUNDLE_BYTES_MAX];
	struct writer out = WRITER_OVER(bytes);
	struct bundle bundle;
	size_t count;

	TRY(base64_decode(bytes_of_string(letters), &out));
	TRY(bundle_parse(bytes_written(&out), &bundle));
	TRY(ohttp_keys_parse(bundle.keys, keys, KEYS_MAX, &count));
	*key = keys[0];
	return ERR_OK;
}

static bool read_list(const char *text, struct sealed_target *out)
{
	json_t *list = json_loads(text, 0, NULL);
	const json_t *node = json_array_get(json_object_get(list, "nodes"), 0);
	const char *id = json_string_value(json_object_get(node, "id"));
	const char *bundle = json_string_value(json_object_get(node, "bundle"));
	bool found = id != NULL && bundle != NULL && strlen(id) == 64 &&
		     read_bundle(bundle, &out->key) == ERR_OK;

	if (found)
		snprintf(out->node_header, sizeof(out->node_header),
			 "PCC-Node: %.64s", id);
	json_decref(list);
	return found;
}

bool sealed_find(const char *gateway, struct sealed_target *out)
{
	struct fetch_response *response = fetch_response_new();
	char url[URL_BYTES];
	bool found;

	snprintf(out->url, sizeof(out->url), "%s", gateway);
	snprintf(url, sizeof(url), "%s/v1/nodes", gateway);
	fetch(&(struct fetch_request){ .url = url }, response);
	found = response->status == 200 && read_list(response->body, out);
	free(response);
	return found;
}

void sealed_inner(const char *method, const char *path, const char *content,
		  struct writer *out)
{
	static const struct bhttp_field lines[] = {
		{ BYTES_LITERAL("content-type"),
		  BYTES_LITERAL("application/json") },
	};
	struct bhttp_control control = {
		.method = bytes_of_string(method),
		.scheme = BYTES_LITERAL("https"),
		.path = bytes_of_string(path),
	};
	struct bhttp_write_fields fields = { lines, 1 };

	invariant(bhttp_write_request(out, &control, fields,
				      bytes_of_string(content)) == ERR_OK);
}

void sealed_inner_question(const char *prompt, unsigned tokens,
			   struct writer *out)
{
	char body[4096];

	snprintf(body, sizeof(body),
		 "{\"model\":\"" SYSTEM_MODEL_NAME
		 "\",\"prompt\":\"%s\",\"max_tokens\":%u}",
		 prompt, tokens);
	sealed_inner("POST", "/v1/completions", body, out);
}

static struct writer room(struct sealed_request *request)
{
	return (struct writer){ request->bytes, request->len, SEALED_MAX };
}

void sealed_begin(const struct sealed_target *target, enum ohttp_form form,
		  struct sealed_request *out)
{
	struct writer wire;

	*out = (struct sealed_request){ .bytes = memory(SEALED_MAX) };
	wire = room(out);
	invariant(ohttp_send(&target->key, target->key.symmetric[0], form,
			     &out->exchange) == ERR_OK);
	invariant(ohttp_header_write(&out->exchange.header, &wire) == ERR_OK);
	out->len = wire.len;
}

void sealed_chunk(struct sealed_request *request, enum ohttp_chunk kind,
		  struct bytes plaintext)
{
	struct writer wire = room(request);
	bool final = kind == OHTTP_CHUNK_FINAL;
	struct bytes aad = final ? BYTES_LITERAL("final") : BYTES_LITERAL("");
	uint64_t len = final ? 0 : plaintext.len + OHTTP_CHUNK_TAG;

	invariant(varint_put(&wire, len) == ERR_OK);
	invariant(hpke_seal(&request->exchange.context, aad, plaintext,
			    &wire) == ERR_OK);
	request->len = wire.len;
}

void sealed_make(const struct sealed_target *target, enum ohttp_form form,
		 struct bytes inner, struct sealed_request *out)
{
	struct ohttp_sealer sealer;
	struct writer wire;

	sealed_begin(target, form, out);
	out->len = 0;
	wire = room(out);
	ohttp_sealer_init_request(&sealer, &out->exchange);
	invariant(ohttp_sealer_begin(&sealer, &wire) == ERR_OK);
	invariant(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL, inner, &wire) ==
		  ERR_OK);
	out->len = wire.len;
}

void sealed_free(struct sealed_request *request)
{
	free(request->bytes);
	request->bytes = NULL;
}

void sealed_send(const struct sealed_target *target, struct bytes bytes,
		 const char *media_type, struct fetch_response *out)
{
	char type[FETCH_TEXT_MAX + 16];
	const char *const headers[] = { type, target->node_header, NULL };
	struct fetch_request post = {
		.url = target->url,
		.headers = headers,
		.body = bytes,
		.is_chunked = bytes.len == 0, /* so that it is a POST still */
	};

	snprintf(type, sizeof(type), "Content-Type: %s", media_type);
	fetch(&post, out);
}

void sealed_send_request(const struct sealed_target *target,
			 const struct sealed_request *request,
			 struct fetch_response *out)
{
	sealed_send(target, (struct bytes){ request->bytes, request->len },
		    request->exchange.form == OHTTP_CHUNKED ? SEALED_CHUNKED
							    : SEALED_UNCHUNKED,
		    out);
}

static enum err open_all(const struct sealed_request *request,
			 const struct fetch_response *response,
			 struct writer *plaintext)
{
	struct writer scratch = { memory(FETCH_BODY_MAX), 0, FETCH_BODY_MAX };
	struct bytes in = { (const uint8_t *)response->body, response->len };
	struct ohttp_exchange exchange = request->exchange;
	struct ohttp_opener opener;
	enum err err;

	/* What was sealed has moved the sequence on; the keys are of its start.
	 */
	exchange.context.sequence = 0;
	ohttp_opener_init(&opener, OHTTP_RESPONSE, &exchange, scratch);
	err = ohttp_opener_push(&opener, in, plaintext);
	if (err == ERR_OK)
		err = ohttp_opener_finish(&opener, plaintext);
	free(scratch.data);
	return err;
}

static enum err read_http(struct bytes plaintext, struct sealed_answer *out)
{
	uint8_t fields[FIELD_BYTES];
	struct bhttp_limits limits = { FIELD_BYTES, 16, FETCH_BODY_MAX };
	struct writer content = { (uint8_t *)out->content, 0, FETCH_BODY_MAX };
	struct bhttp_event event = { .kind = BHTTP_EVENT_CONTENT };
	struct bhttp parser;

	bhttp_init(&parser, BHTTP_MESSAGE_RESPONSE, &limits,
		   (struct writer)WRITER_OVER(fields));
	while (event.kind != BHTTP_EVENT_MORE) {
		TRY(bhttp_next(&parser, &plaintext, &event));
		if (event.kind == BHTTP_EVENT_RESPONSE)
			out->status = event.status;
		if (event.kind == BHTTP_EVENT_CONTENT)
			TRY(bytes_put(&content, event.content));
	}
	TRY(bhttp_finish(&parser));
	out->content[content.len] = '\0';
	out->len = content.len;
	return ERR_OK;
}

enum err sealed_open(const struct sealed_request *request,
		     const struct fetch_response *response,
		     struct sealed_answer *out)
{
	struct writer plaintext = { memory(2 * FETCH_BODY_MAX), 0,
				    2 * FETCH_BODY_MAX };
	struct sealed_answer answer = { .content = memory(FETCH_BODY_MAX + 1) };
	enum err err = response->status == 200 && response->end == FETCH_WHOLE
			       ? open_all(request, response, &plaintext)
			       : ERR_UNAVAILABLE;

	if (err == ERR_OK)
		err = read_http(bytes_written(&plaintext), &answer);
	free(plaintext.data);
	if (err != ERR_OK) {
		free(answer.content);
		return err;
	}
	*out = answer;
	return ERR_OK;
}

#define RECEIPT_MARK "\x0b" RECEIPT_FIELD /* its length before it */

/* The value of the trailer: a length of two bytes, then letters. */
static enum err find_receipt(struct bytes plaintext, struct bytes *letters)
{
	struct bytes mark = BYTES_LITERAL(RECEIPT_MARK);
	const uint8_t *at =
		memmem(plaintext.data, plaintext.len, mark.data, mark.len);
	struct bytes rest;
	uint64_t len;

	if (at == NULL)
		return ERR_TRUNCATED;
	rest.data = at + mark.len;
	rest.len = plaintext.len - (size_t)(rest.data - plaintext.data);
	TRY(varint_take(&rest, &len));
	return bytes_take(&rest, (size_t)len, letters);
}

enum err sealed_receipt(const struct sealed_request *request,
			const struct fetch_response *response,
			struct receipt *out)
{
	struct writer plaintext = { memory(2 * FETCH_BODY_MAX), 0,
				    2 * FETCH_BODY_MAX };
	uint8_t bytes[RECEIPT_SIGNED_MAX];
	struct writer envelope = WRITER_OVER(bytes);
	static const struct sign_public_key nobody;
	enum err err = open_all(request, response, &plaintext);
	struct bytes letters;

	if (err == ERR_OK)
		err = find_receipt(bytes_written(&plaintext), &letters);
	if (err == ERR_OK)
		err = base64_decode(letters, &envelope);
	if (err == ERR_OK)
		err = signed_receipt_open(bytes_written(&envelope), &nobody,
					  out);
	if (err == ERR_UNAUTHENTIC) /* as of nobody's key it is */
		err = ERR_OK;
	free(plaintext.data);
	return err;
}

bool sealed_is_answered(const struct sealed_target *target)
{
	struct fetch_response *response = fetch_response_new();
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request request;
	struct sealed_answer answer;
	bool answered;

	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(target, &request, response);
	answered = sealed_open(&request, response, &answer) == ERR_OK;
	if (answered) {
		answered = answer.status == 200;
		free(answer.content);
	}
	sealed_free(&request);
	free(response);
	return answered;
}
