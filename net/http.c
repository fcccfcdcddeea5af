/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "policy/limits.h"

#define CONNECT_MS 10000L
#define GET_MS 10000L
#define POLL_MS 1000	   /* only a bound: data wakes the poll */
#define CLIENT_MS 100	   /* how soon we learn that our own client left */
#define BUFFER (64u << 10) /* more than libcurl gives at once */
#define URL_MAX_BYTES 2048

struct http {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *header;
	struct bytes body; /* what is still to be sent */
	int client;	   /* socket of our own client, or -1 */
	bool paused;	   /* the buffer had no room */
	bool ended;
	CURLcode result;
	size_t len;
	uint8_t buffer[BUFFER];
};

void http_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("cannot start the HTTP library");
}

static size_t on_read(char *out, size_t size, size_t count, void *context)
{
	struct http *http = context;
	size_t room = size * count;
	struct bytes piece;

	if (room > http->body.len)
		room = http->body.len;
	invariant(bytes_take(&http->body, room, &piece) == ERR_OK);
	if (room > 0)
		memcpy(out, piece.data, room);
	return room;
}

/* Without room it takes nothing, and the library asks again once unpaused. */
static size_t on_write(char *data, size_t size, size_t count, void *context)
{
	struct http *http = context;
	size_t len = size * count;

	if (len > sizeof(http->buffer) - http->len) {
		http->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	memcpy(http->buffer + http->len, data, len);
	http->len += len;
	return len;
}

/* A URL that does not fit is as good as one that leads nowhere. */
static void set_url(struct http *http, const struct http_server *server,
		    const char *path)
{
	char url[URL_MAX_BYTES];
	struct writer out = { (uint8_t *)url, 0, sizeof(url) - 1 };

	if (bytes_put(&out, bytes_of_string(server->url)) != ERR_OK ||
	    bytes_put(&out, bytes_of_string(path)) != ERR_OK)
		out.len = 0;
	url[out.len] = '\0';
	(void)curl_easy_setopt(http->easy, CURLOPT_URL, url);
}

/*
 * A proxy or a redirect could send the ciphertext elsewhere than the user said;
 * signals would be for a program of one thread.
 */
static void set_common(struct http *http, const struct http_server *server)
{
	CURL *easy = http->easy;

	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	if (server->ca_file != NULL)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, server->ca_file);
}

/* Without a length, so that HTTP/1.1 sends chunks, as incremental bodies are.
 */
static void set_post(struct http *http, const struct http_request *request)
{
	CURL *easy = http->easy;

	for (const char *const *line = request->header; *line != NULL; line++)
		http->header = curl_slist_append(http->header, *line);
	http->header =
		curl_slist_append(http->header, "Transfer-Encoding: chunked");
	http->header = curl_slist_append(http->header, "Expect:");
	http->body = request->body;
	(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->header);
	(void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	(void)curl_easy_setopt(easy, CURLOPT_READDATA, http);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
			       request->timeout_ms != 0
				       ? (long)request->timeout_ms
				       : (long)LIMIT_REQUEST_MS);
}

struct http *http_open(const struct http_server *server,
		       const struct http_request *request)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return NULL;
	http->client = -1;
	http->easy = curl_easy_init();
	http->multi = curl_multi_init();
	if (http->easy == NULL || http->multi == NULL) {
		http_close(http);
		return NULL;
	}
	set_url(http, server, request->path);
	set_common(http, server);
	if (request->header != NULL)
		set_post(http, request);
	else
		(void)curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, GET_MS);
	(void)curl_multi_add_handle(http->multi, http->easy);
	return http;
}

/* Removing a transfer that runs closes its connection, which tells the peer. */
void http_close(struct http *http)
{
	if (http == NULL)
		return;
	if (http->multi != NULL && http->easy != NULL)
		(void)curl_multi_remove_handle(http->multi, http->easy);
	curl_easy_cleanup(http->easy);
	if (http->multi != NULL)
		(void)curl_multi_cleanup(http->multi);
	curl_slist_free_all(http->header);
	free(http);
}

void http_watch(struct http *http, int socket)
{
	http->client = socket;
}

/* Take note of the end of the transfer, if it has come. */
static void look_for_end(struct http *http)
{
	int left;
	const CURLMsg *message;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		if (message->msg == CURLMSG_DONE) {
			http->ended = true;
			http->result = message->data.result;
		}
	}
}

static bool client_left(const struct http *http)
{
	struct pollfd poller = { .fd = http->client, .events = POLLRDHUP };

	return http->client >= 0 && poll(&poller, 1, 0) > 0 &&
	       (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/*
 * Wait for the server.  libcurl's poll cannot ask for the end of another
 * socket alone, so that of our own client is looked at between short waits.
 */
static enum http_failure wait_on(struct http *http)
{
	int bound_ms = http->client >= 0 ? CLIENT_MS : POLL_MS;

	if (curl_multi_poll(http->multi, NULL, 0, bound_ms, NULL) != CURLM_OK)
		return HTTP_INTERNAL;
	return client_left(http) ? HTTP_LEFT : HTTP_FINE;
}

/* Once a status came, what ends is an answer; before, a connection. */
static enum http_failure failure_of_end(const struct http *http)
{
	if (http_status(http) != 0)
		return HTTP_CUT;
	return http->result == CURLE_OPERATION_TIMEDOUT ? HTTP_TIMED_OUT
							: HTTP_UNREACHABLE;
}

/* Let the library work; what it hands over lies in the buffer then. */
static enum http_failure work(struct http *http)
{
	int running;

	if (http->paused) {
		http->paused = false;
		(void)curl_easy_pause(http->easy, CURLPAUSE_CONT);
	}
	if (curl_multi_perform(http->multi, &running) != CURLM_OK)
		return HTTP_INTERNAL;
	look_for_end(http);
	return HTTP_FINE;
}

enum http_event http_next(struct http *http, struct bytes *piece,
			  enum http_failure *failure)
{
	http->len = 0;
	for (;;) {
		*failure = work(http);
		if (*failure != HTTP_FINE)
			return HTTP_FAILED;
		if (http->len > 0) {
			*piece = (struct bytes){ http->buffer, http->len };
			return HTTP_DATA;
		}
		if (http->ended && http->result == CURLE_OK)
			return HTTP_END;
		*failure = http->ended ? failure_of_end(http) : wait_on(http);
		if (*failure != HTTP_FINE)
			return HTTP_FAILED;
	}
}

long http_status(const struct http *http)
{
	long status = 0;

	(void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

const char *http_media_type(const struct http *http)
{
	char *type = NULL;

	(void)curl_easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &type);
	return type != NULL ? type : "";
}

static enum http_failure collect(struct http *http, struct writer *out)
{
	struct bytes piece;
	enum http_failure failure;
	enum http_event event;

	while ((event = http_next(http, &piece, &failure)) == HTTP_DATA)
		if (bytes_put(out, piece) != ERR_OK)
			return HTTP_TOO_LARGE;
	return event == HTTP_FAILED ? failure : HTTP_FINE;
}

enum http_failure http_exchange(const struct http_server *server,
				const struct http_request *request,
				struct writer *out, long *status)
{
	struct http *http = http_open(server, request);
	enum http_failure failure;

	if (http == NULL)
		return HTTP_INTERNAL;
	failure = collect(http, out);
	*status = http_status(http);
	http_close(http);
	return failure;
}

enum http_failure http_get(const struct http_server *server, const char *path,
			   struct writer *out, long *status)
{
	struct http_request request = { .path = path };

	return http_exchange(server, &request, out, status);
}
