/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/system.h"

/* One request under way. */
struct state {
	const struct fetch_request *request;
	struct fetch_response *response;
	struct bytes left; /* of the body to send */
	uint64_t began_us;
	bool has_left;
};

struct fetch_response *fetch_response_new(void)
{
	struct fetch_response *response = calloc(1, sizeof(*response));

	invariant(response != NULL);
	return response;
}

static void keep(struct fetch_response *response, struct bytes data)
{
	if (response->len < FETCH_BODY_MAX) {
		size_t room = FETCH_BODY_MAX - response->len;
		size_t len = data.len < room ? data.len : room;

		memcpy(response->body + response->len, data.data, len);
	}
	response->len += data.len;
}

/* A CURLOPT_WRITEFUNCTION. */
static size_t on_data(char *data, size_t size, size_t count, void *user)
{
	struct state *state = user;
	struct fetch_response *response = state->response;
	struct bytes piece = { (const uint8_t *)data, size * count };

	keep(response, piece);
	if (response->piece_count < FETCH_PIECES_MAX) {
		response->pieces[response->piece_count++] =
			(struct fetch_piece){ system_now_us() - state->began_us,
					      response->len };
	}
	if (state->request->on_piece == NULL ||
	    state->request->on_piece(state->request->user, response))
		return piece.len;
	state->has_left = true;
	return 0;
}

static void take_value(struct bytes line, const char *name,
		       char value[static FETCH_TEXT_MAX])
{
	size_t skip = strlen(name);
	size_t len = 0;

	if (line.len < skip ||
	    strncasecmp((const char *)line.data, name, skip) != 0)
		return;
	while (skip < line.len && line.data[skip] == ' ')
		skip++;
	while (skip + len < line.len && len < FETCH_TEXT_MAX - 1 &&
	       line.data[skip + len] >= ' ')
		len++;
	memcpy(value, line.data + skip, len);
	value[len] = '\0';
}

/* A CURLOPT_HEADERFUNCTION. */
static size_t on_header(char *data, size_t size, size_t count, void *user)
{
	struct state *state = user;
	struct bytes line = { (const uint8_t *)data, size * count };

	take_value(line, "content-type:", state->response->type);
	take_value(line, "retry-after:", state->response->retry_after);
	return line.len;
}

/* A CURLOPT_READFUNCTION. */
static size_t on_upload(char *out, size_t size, size_t count, void *user)
{
	struct state *state = user;
	size_t room = size * count;
	struct bytes piece;

	if (room > state->left.len)
		room = state->left.len;
	invariant(bytes_take(&state->left, room, &piece) == ERR_OK);
	memcpy(out, piece.data, piece.len);
	return piece.len;
}

static struct curl_slist *list_headers(const struct fetch_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0;
	     request->headers != NULL && request->headers[i] != NULL; i++)
		list = curl_slist_append(list, request->headers[i]);
	if (request->is_chunked)
		list = curl_slist_append(list, "Transfer-Encoding: chunked");
	return list;
}

static void set_body(CURL *curl, struct state *state)
{
	const struct fetch_request *request = state->request;

	if (request->body.len > 0 || request->is_chunked)
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(curl, CURLOPT_READDATA, state);
	if (!request->is_chunked)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body.len);
	if (request->method != NULL)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_all(CURL *curl, struct state *state)
{
	unsigned timeout_ms = state->request->timeout_ms;

	curl_easy_setopt(curl, CURLOPT_URL, state->request->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(
		curl, CURLOPT_TIMEOUT_MS,
		(long)(timeout_ms != 0 ? timeout_ms : FETCH_TIMEOUT_MS));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, state);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, state);
	set_body(curl, state);
}

static enum fetch_end end_of(const struct state *state, CURLcode code)
{
	if (state->has_left)
		return FETCH_LEFT;
	if (code == CURLE_OK)
		return FETCH_WHOLE;
	return state->response->status != 0 && code != CURLE_OPERATION_TIMEDOUT
		       ? FETCH_CUT
		       : FETCH_FAILED;
}

void fetch(const struct fetch_request *request, struct fetch_response *out)
{
	struct state state = { .request = request,
			       .response = out,
			       .left = request->body,
			       .began_us = system_now_us() };
	struct curl_slist *headers = list_headers(request);
	CURL *curl = curl_easy_init();
	CURLcode code;

	invariant(curl != NULL);
	set_all(curl, &state);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
	out->end = end_of(&state, code);
	out->us = system_now_us() - state.began_us;
	out->body[out->len < FETCH_BODY_MAX ? out->len : FETCH_BODY_MAX] = '\0';
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
}

long fetch_status(const char *url)
{
	struct fetch_request request = { .url = url };
	struct fetch_response *response = fetch_response_new();
	long status;

	fetch(&request, response);
	status = response->status;
	free(response);
	return status;
}
