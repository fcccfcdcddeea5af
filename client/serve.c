/* SPDX-License-Identifier: Apache-2.0 */
#include "client/serve.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/secret.h"
#include "client/body.h"
#include "client/stream.h"
#include "policy/limits.h"
#include "wire/completion.h"
#include "wire/field.h"

#define CONNECTIONS_MAX 256
#define IDLE_S 60
#define ANSWER_MAX (16u << 20) /* a whole answer, held back until its end */
#define ERROR_MAX 1024	       /* an error is texts of ours alone */
#define STREAM_BLOCK 8192

struct serve {
	struct MHD_Daemon *daemon;
	struct session *session; /* borrowed */
};

/* One request of our own client.  The state of its connection. */
struct visit {
	struct body prompt; /* the body of the request */
	struct stream *stream;
	bool too_large;
};

static enum MHD_Result send_off(struct MHD_Connection *connection,
				unsigned status, struct MHD_Response *response,
				const char *type)
{
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(response, "Content-Type", type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* OpenAI's libraries take Retry-After of these two statuses to heart. */
static enum MHD_Result refuse(struct MHD_Connection *connection,
			      const struct chat_refusal *refusal)
{
	uint8_t memory[ERROR_MAX];
	struct writer out = WRITER_OVER(memory);
	struct MHD_Response *response;

	invariant(completion_put_error(&out, refusal) == ERR_OK);
	response = MHD_create_response_from_buffer(out.len, memory,
						   MHD_RESPMEM_MUST_COPY);
	if (response != NULL &&
	    (refusal->status == 429 || refusal->status == 503))
		(void)MHD_add_response_header(response, "Retry-After", "1");
	return send_off(connection, refusal->status, response,
			"application/json");
}

static enum MHD_Result refuse_trouble(struct MHD_Connection *connection,
				      enum trouble trouble)
{
	struct chat_refusal refusal = trouble_refusal(trouble);

	/* Nobody is there to read it. */
	if (trouble == TROUBLE_LEFT)
		return MHD_NO;
	return refuse(connection, &refusal);
}

/*
 * An OpenAI client knows nothing of receipts, and gets the answer that the node
 * sealed; who runs this program is told.
 */
static void tell_receipt(enum proof_verdict verdict)
{
	if (verdict == PROOF_ABSENT || verdict == PROOF_DOES_NOT_FIT)
		fprintf(stderr, "pcc-client: %s\n", proof_text(verdict));
}

/* Collect the whole of an answer; only its authentic end makes it one. */
static enum trouble collect(struct exchange *exchange, struct body *answer)
{
	for (;;) {
		struct exchange_event event;

		exchange_next(exchange, &event);
		if (event.kind == EXCHANGE_END) {
			tell_receipt(event.receipt);
			return TROUBLE_NONE;
		}
		if (event.kind == EXCHANGE_FAILED)
			return event.trouble;
		if (body_put(answer, event.content, ANSWER_MAX) != ERR_OK)
			return TROUBLE_INTERNAL;
	}
}

/* An MHD_ContentReaderFreeCallback. */
static void free_answer(void *context)
{
	struct body *answer = context;

	body_wipe(answer);
	free(answer);
}

/* MHD_ContentReaderCallback over a body that lives as long as the response. */
static ssize_t read_answer(void *context, uint64_t position, char *out,
			   size_t max)
{
	const struct body *answer = context;
	size_t left = answer->len - (size_t)position;
	size_t len = left < max ? left : max;

	memcpy(out, answer->data + position, len);
	return (ssize_t)len;
}

/*
 * Held back until the end is authentic: a half answer under status 200 and a
 * right length would look whole to every client there is.
 */
static enum MHD_Result answer_whole(struct MHD_Connection *connection,
				    struct exchange *exchange,
				    const struct exchange_event *head)
{
	struct body *answer = calloc(1, sizeof(*answer));
	char type[EXCHANGE_MEDIA_TYPE_MAX];
	enum trouble trouble = TROUBLE_INTERNAL;
	unsigned status = head->status;
	struct MHD_Response *response;

	memcpy(type, head->media_type, strlen(head->media_type) + 1);
	if (answer != NULL)
		trouble = collect(exchange, answer);
	exchange_close(exchange);
	if (trouble != TROUBLE_NONE) {
		if (answer != NULL)
			free_answer(answer);
		return refuse_trouble(connection, trouble);
	}
	/* The node pads JSON with white space, which has done its work. */
	if (strcmp(type, "application/json") == 0)
		body_trim(answer);
	response = MHD_create_response_from_callback(
		answer->len, STREAM_BLOCK, read_answer, answer, free_answer);
	if (response == NULL)
		free_answer(answer);
	return send_off(connection, status, response, type);
}

/* An MHD_ContentReaderCallback.  It may wait: each connection has a thread. */
static ssize_t read_stream(void *context, uint64_t position, char *out,
			   size_t max)
{
	ptrdiff_t len = stream_read(context, (uint8_t *)out, max);

	(void)position;
	if (len == 0) {
		tell_receipt(stream_receipt(context));
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	return len > 0 ? len : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The stream lives with the request, and its end is on_completed(). */
static enum MHD_Result answer_stream(struct MHD_Connection *connection,
				     struct exchange *exchange,
				     struct visit *visit, unsigned status)
{
	visit->stream = stream_open(exchange);
	if (visit->stream == NULL)
		return refuse_trouble(connection, TROUBLE_INTERNAL);
	return send_off(connection, status,
			MHD_create_response_from_callback(
				MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream,
				visit->stream, NULL),
			"text/event-stream");
}

/* To see our own client leave while nothing is written to it. */
static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info == NULL ? -1 : info->connect_fd;
}

/* What our own client asked for, sealed to a node, and its answer. */
static enum MHD_Result answer(struct serve *serve,
			      struct MHD_Connection *connection,
			      const struct exchange_request *request,
			      struct visit *visit)
{
	struct exchange *exchange;
	struct exchange_event head;
	enum trouble trouble =
		session_request(serve->session, request, &exchange, &head);

	body_wipe(&visit->prompt);
	if (trouble != TROUBLE_NONE)
		return refuse_trouble(connection, trouble);
	if (strcmp(head.media_type, "text/event-stream") == 0)
		return answer_stream(connection, exchange, visit, head.status);
	return answer_whole(connection, exchange, &head);
}

static const struct {
	const char *method;
	const char *path;
	enum {
		EXACT,
		BELOW
	} match;
} routes[] = {
	{ "POST", "/v1/chat/completions", EXACT },
	{ "POST", "/v1/completions", EXACT },
	{ "GET", "/v1/models", EXACT },
	{ "GET", "/v1/models/", BELOW },
};

static bool matches(size_t route, const char *path)
{
	const char *known = routes[route].path;

	if (routes[route].match == EXACT)
		return strcmp(path, known) == 0;
	return strncmp(path, known, strlen(known)) == 0 &&
	       field_path_is_valid(bytes_of_string(path));
}

/* ERR_OK, or what the API says of this method and path. */
static enum err find_route(const char *method, const char *path,
			   struct chat_refusal *refusal)
{
	enum chat_refusal_reason reason = CHAT_REFUSAL_NOT_FOUND;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(i, path))
			continue;
		if (strcmp(method, routes[i].method) == 0)
			return ERR_OK;
		reason = CHAT_REFUSAL_METHOD;
	}
	*refusal = chat_refusal_for(reason, NULL);
	return ERR_UNSUPPORTED;
}

/* Whether HOST or HOST:PORT is this machine, by any of its names. */
static bool is_this_machine(const char *host)
{
	static const char *const local[] = { "localhost", "127.0.0.1",
					     "[::1]" };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		size_t len = strlen(local[i]);

		if (strncasecmp(host, local[i], len) == 0 &&
		    (host[len] == '\0' || host[len] == ':'))
			return true;
	}
	return false;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/*
 * A web page can make a browser call this server: under a name that the page's
 * owner points at loopback, which the Host header then holds, or blindly, which
 * the Origin header tells.
 */
static bool is_local(struct MHD_Connection *connection)
{
	const char *host = header(connection, "Host");
	const char *origin = header(connection, "Origin");
	const char *origin_host = origin == NULL ? NULL : strstr(origin, "://");

	if (host == NULL || !is_this_machine(host))
		return false;
	return origin == NULL ||
	       (origin_host != NULL && is_this_machine(origin_host + 3));
}

static const struct chat_refusal not_local = {
	.status = 403,
	.type = "invalid_request_error",
	.code = "host_not_local",
	.message = "The request has to be made to this machine by its name.",
};

static enum MHD_Result finish(struct serve *serve,
			      struct MHD_Connection *connection,
			      const char *method, const char *path,
			      struct visit *visit)
{
	struct exchange_request request = {
		.method = method,
		.path = path,
		.content = body_bytes(&visit->prompt),
		.client = socket_of(connection),
	};
	struct chat_refusal refusal;

	if (!is_local(connection))
		return refuse(connection, &not_local);
	if (find_route(method, path, &refusal) != ERR_OK)
		return refuse(connection, &refusal);
	if (visit->too_large)
		return refuse_trouble(connection, TROUBLE_TOO_LARGE);
	return answer(serve, connection, &request, visit);
}

/* An MHD_AccessHandlerCallback, whose parameters are not ours to choose. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *closure,
				  struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **context)
{
	struct visit *visit = *context;
	struct bytes piece = { (const uint8_t *)data, *len };

	(void)version;
	if (visit == NULL) {
		*context = calloc(1, sizeof(*visit));
		return *context != NULL ? MHD_YES : MHD_NO;
	}
	if (*len == 0)
		return finish(closure, connection, method, path, visit);
	if (body_put(&visit->prompt, piece, LIMIT_REQUEST_BYTES) != ERR_OK)
		visit->too_large = true;
	*len = 0;
	return MHD_YES;
}

/* Closing a stream under way is what aborts it upstream. */
static void on_completed(void *closure, struct MHD_Connection *connection,
			 void **context, enum MHD_RequestTerminationCode reason)
{
	struct visit *visit = *context;

	(void)closure;
	(void)connection;
	(void)reason;
	if (visit == NULL)
		return;
	body_wipe(&visit->prompt);
	if (visit->stream != NULL)
		stream_close(visit->stream);
	free(visit);
	*context = NULL;
}

/* Plaintext of the user goes over this socket: it stays on this machine. */
static enum err resolve(const char *address, uint16_t port,
			struct sockaddr_storage *out)
{
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
			       ? ERR_OK
			       : ERR_DENIED;
	}
	if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
		return ERR_MALFORMED;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ? ERR_OK : ERR_DENIED;
}

enum err serve_open(struct session *session, const char *address, uint16_t port,
		    struct serve **out)
{
	struct sockaddr_storage where;
	unsigned six = strchr(address, ':') != NULL ? MHD_USE_IPv6 : 0;
	struct serve *serve;

	TRY(resolve(address, port, &where));
	serve = calloc(1, sizeof(*serve));
	if (serve == NULL)
		return ERR_UNAVAILABLE;
	serve->session = session;
	serve->daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION |
			MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_ITC | six,
		0, NULL, NULL, on_request, serve, MHD_OPTION_SOCK_ADDR, &where,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, serve,
		MHD_OPTION_END);
	if (serve->daemon == NULL) {
		free(serve);
		return ERR_UNAVAILABLE;
	}
	*out = serve;
	return ERR_OK;
}

uint16_t serve_port(const struct serve *serve)
{
	return MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_BIND_PORT)
		->port;
}

/* The library shuts every socket down, and exchanges see their client leave. */
void serve_close(struct serve *serve)
{
	MHD_stop_daemon(serve->daemon);
	free(serve);
}
