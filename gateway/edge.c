/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/edge.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/door.h"
#include "gateway/guard.h"
#include "gateway/journal.h"
#include "gateway/relay.h"
#include "gateway/reply.h"
#include "policy/limits.h"

#define HTTP_THREADS 2
#define CONNECTION_MEMORY (8u << 10) /* headers, and a part of the upload */
#define IDLE_S (LIMIT_UPLOAD_IDLE_MS / 1000) /* no byte either way */
#define HEAD_MS 10000	/* from connecting to the end of the headers */
#define UPLOAD_MS 60000 /* from there to the end of the body */
#define REPLY_MS 10000	/* to take an answer of our own making */
#define REST_MS 30000	/* from one request's end to the next one's headers */
#define SILENT_MS 10000 /* without a sign of the client's machine */
#define ENTER_MS 1000	/* from the door to the library's beginning it */
#define CLOSING_TICKS 4 /* for every suspended connection to be resumed */

struct edge {
	struct MHD_Daemon *daemon;
	struct door *door;
	struct relay_pool pool;
	struct guard *guard;
	const struct nodes *nodes;
	unsigned inside_max;
	atomic_uint inside;   /* connections, those that are ending included */
	atomic_uint entering; /* that the library has not begun yet */
	atomic_uint running;
	atomic_bool closing;
};

/* One request that may have a body; the state of its connection. */
struct visit {
	struct relay *relay;
	struct guard_entry *entry;
	enum rpc_form form;
	unsigned status; /* answered with this; 0: not yet */
	uint64_t began_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result get_nodes(struct edge *edge,
				 struct MHD_Connection *connection)
{
	return reply_text(connection, nodes_bundles(edge->nodes),
			  "application/json");
}

static enum MHD_Result get_keys(struct edge *edge,
				struct MHD_Connection *connection)
{
	return reply_text(connection, nodes_keys(edge->nodes),
			  "application/ohttp-keys");
}

/* Healthy means that a request would be taken now. */
static enum MHD_Result get_health(struct edge *edge,
				  struct MHD_Connection *connection)
{
	if (nodes_ready(edge->nodes) == 0)
		return reply_problem(connection, PROBLEM_NODE_UNAVAILABLE);
	return reply_fixed(connection, "{\"status\":\"ok\"}\n",
			   "application/json");
}

static enum MHD_Result count_framing(void *counted, enum MHD_ValueKind kind,
				     const char *name, const char *value)
{
	unsigned *count = counted;

	(void)kind;
	(void)value;
	*count += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
		  strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
	return MHD_YES;
}

/*
 * Two words on where a body ends may be read otherwise by the server before us,
 * which would then take our next request for a part of this one.
 */
static bool has_one_end(struct MHD_Connection *connection)
{
	unsigned count = 0;

	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND,
					count_framing, &count);
	return count <= 1;
}

/* The media type says how the request is encapsulated; parameters may follow.
 */
static enum problem form_of(struct MHD_Connection *connection,
			    enum rpc_form *out)
{
	const char *type = header(connection, "Content-Type");
	size_t len = type == NULL ? 0 : strcspn(type, "; \t");

	if (len == strlen("message/ohttp-chunked-req") &&
	    strncasecmp(type, "message/ohttp-chunked-req", len) == 0)
		*out = RPC_FORM_CHUNKED;
	else if (len == strlen("message/ohttp-req") &&
		 strncasecmp(type, "message/ohttp-req", len) == 0)
		*out = RPC_FORM_UNCHUNKED;
	else
		return PROBLEM_MEDIA_TYPE;
	return PROBLEM_NONE;
}

/* A length that is a lie is met again as the body comes. */
static bool declares_too_much(struct MHD_Connection *connection)
{
	const char *length = header(connection, "Content-Length");

	return length != NULL &&
	       strtoull(length, NULL, 10) > LIMIT_REQUEST_BYTES;
}

/* Everything that can be refused by looking at the headers alone. */
static enum problem admit(struct edge *edge, struct MHD_Connection *connection,
			  struct visit *visit, struct node **node)
{
	enum problem problem = form_of(connection, &visit->form);

	if (problem == PROBLEM_NONE && declares_too_much(connection))
		problem = PROBLEM_TOO_LARGE;
	if (problem == PROBLEM_NONE)
		problem = nodes_pick(edge->nodes,
				     header(connection, "PCC-Node"), node);
	if (problem == PROBLEM_NONE && atomic_load(&edge->closing))
		problem = PROBLEM_NODE_UNAVAILABLE;
	return problem;
}

static struct guard_entry *entry_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

static struct relay *open_relay(struct edge *edge,
				struct MHD_Connection *connection,
				const struct visit *visit, struct node *node,
				enum problem problem)
{
	if (problem != PROBLEM_NONE)
		return relay_refuse(problem, connection);
	return relay_open(&edge->pool, node, visit->form, connection);
}

/*
 * The first look at a POST, when its headers are there and nothing else.  A
 * client that waits to be told to go on is refused at once; another is sending
 * already, and would lose the answer with the connection.
 */
static enum MHD_Result
begin_post(struct edge *edge, struct MHD_Connection *connection, void **context)
{
	struct visit *visit = calloc(1, sizeof(*visit));
	struct node *node = NULL;
	enum problem problem;

	if (visit == NULL)
		return MHD_NO;
	visit->entry = entry_of(connection);
	visit->began_ms = now_ms();
	problem = admit(edge, connection, visit, &node);
	if (problem != PROBLEM_NONE && header(connection, "Expect") != NULL) {
		free(visit);
		journal_request(problem_status(problem), 0);
		return reply_problem(connection, problem);
	}
	if (visit->entry != NULL)
		visit->relay =
			open_relay(edge, connection, visit, node, problem);
	if (visit->relay == NULL) {
		free(visit);
		return MHD_NO;
	}
	atomic_fetch_add(&edge->running, 1);
	guard_set_deadline(edge->guard, visit->entry, UPLOAD_MS);
	guard_set_listener(edge->guard, visit->entry, relay_gone, visit->relay);
	*context = visit;
	return MHD_YES;
}

static enum MHD_Result answer_post(struct edge *edge, struct visit *visit,
				   struct MHD_Connection *connection)
{
	enum problem problem = relay_problem(visit->relay);
	struct MHD_Response *response;

	visit->status = problem_status(problem);
	if (problem != PROBLEM_NONE) {
		guard_set_deadline(edge->guard, visit->entry, REPLY_MS);
		return reply_problem(connection, problem);
	}
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, CONNECTION_MEMORY / 2, relay_read,
		visit->relay, NULL);
	if (response != NULL)
		(void)MHD_add_response_header(response, "Incremental", "?1");
	return reply_send(connection, MHD_HTTP_OK, response,
			  visit->form == RPC_FORM_CHUNKED
				  ? "message/ohttp-chunked-res"
				  : "message/ohttp-res");
}

static enum MHD_Result continue_post(struct edge *edge,
				     struct MHD_Connection *connection,
				     struct visit *visit, struct bytes *upload)
{
	enum relay_step step;

	if (upload->len > 0) {
		step = relay_upload(visit->relay, upload->data, &upload->len);
		return step == RELAY_ABORT ? MHD_NO : MHD_YES;
	}
	guard_set_deadline(edge->guard, visit->entry, 0);
	step = relay_upload_end(visit->relay);
	if (step == RELAY_ANSWER)
		return answer_post(edge, visit, connection);
	return step == RELAY_ABORT ? MHD_NO : MHD_YES;
}

#define DISCOVERY "/.well-known/ohttp-gateway"

static const struct {
	const char *path;
	/* NULL where the path takes no GET */
	enum MHD_Result (*get)(struct edge *edge,
			       struct MHD_Connection *connection);
	bool takes_post;
} routes[] = {
	{ "/", NULL, true },
	{ DISCOVERY, get_keys, true },
	{ "/v1/nodes", get_nodes, false },
	{ "/healthz", get_health, false },
};

static enum MHD_Result begin(struct edge *edge,
			     struct MHD_Connection *connection,
			     const char *path, const char *method,
			     void **context)
{
	enum problem problem = PROBLEM_PATH;

	guard_set_deadline(edge->guard, entry_of(connection), REPLY_MS);
	if (!has_one_end(connection))
		return reply_problem(connection, PROBLEM_MALFORMED);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(path, routes[i].path) != 0)
			continue;
		if (strcmp(method, "GET") == 0 && routes[i].get != NULL)
			return routes[i].get(edge, connection);
		if (strcmp(method, "POST") == 0 && routes[i].takes_post)
			return begin_post(edge, connection, context);
		problem = PROBLEM_METHOD;
	}
	return reply_problem(connection, problem);
}

/* An MHD_AccessHandlerCallback, whose parameters are not ours to choose. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *closure,
				  struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **context)
{
	struct edge *edge = closure;
	struct bytes upload = { (const uint8_t *)data, *len };
	enum MHD_Result result;

	(void)version;
	if (*context == NULL)
		return begin(edge, connection, path, method, context);
	result = continue_post(edge, connection, *context, &upload);
	*len = upload.len;
	return result;
}

/* In whatever way it ended; the next request has its own time to come. */
static void on_completed(void *closure, struct MHD_Connection *connection,
			 void **context, enum MHD_RequestTerminationCode reason)
{
	struct edge *edge = closure;
	struct visit *visit = *context;

	guard_set_deadline(edge->guard, entry_of(connection), REST_MS);
	if (visit == NULL)
		return;
	guard_set_listener(edge->guard, visit->entry, NULL, NULL);
	relay_finish(visit->relay);
	if (reason == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		journal_request(visit->status, now_ms() - visit->began_ms);
	else
		journal_cut(now_ms() - visit->began_ms);
	free(visit);
	*context = NULL;
	atomic_fetch_sub(&edge->running, 1);
}

/*
 * A machine that is gone without a word acknowledges nothing: the kernel then
 * ends the connection, and the guard sees it.
 */
static void bound_silence(int socket)
{
	unsigned silent_ms = SILENT_MS;
	int on = 1, idle_s = SILENT_MS / 1000 / 2, step_s = 1;

	(void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms,
			 sizeof(silent_ms));
	(void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s,
			 sizeof(idle_s));
	(void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &step_s,
			 sizeof(step_s));
	(void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* Of one that took longer than ENTER_MS nothing is counted any more. */
static void has_entered(struct edge *edge)
{
	unsigned count = atomic_load(&edge->entering);

	while (count > 0 && !atomic_compare_exchange_weak(&edge->entering,
							  &count, count - 1))
		continue;
}

/* From here to the end of its headers a client has HEAD_MS. */
static void on_connection(void *closure, struct MHD_Connection *connection,
			  void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct edge *edge = closure;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		guard_remove(edge->guard, *context);
		atomic_fetch_sub(&edge->inside, 1);
		return;
	}

	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	atomic_fetch_add(&edge->inside, 1);
	has_entered(edge);
	bound_silence(info->connect_fd);
	*context = guard_add(edge->guard, info->connect_fd);
	guard_set_deadline(edge->guard, *context, HEAD_MS);
}

/* What was shut out to make room needs some yet. */
unsigned edge_descriptors(unsigned connections_max)
{
	return connections_max + connections_max / 4 + 8;
}

/*
 * Of a line that does not end the library reads 128 bytes at a time, once it is
 * half as long as its memory, and looks at all of it again each time: with more
 * memory who sends such lines takes the processor from others.  The limit of
 * connections is one that it never meets, as each of its threads has a
 * share of it, and one that has met it takes a lock for good (libmicrohttpd
 * 0.9.75).  on_enter() holds ours.
 */
static struct MHD_Daemon *start(struct edge *edge)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_NO_LISTEN_SOCKET,
		0, NULL, NULL, on_request, edge, MHD_OPTION_THREAD_POOL_SIZE,
		HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT,
		HTTP_THREADS * edge->inside_max, MHD_OPTION_CONNECTION_TIMEOUT,
		IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, edge, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		edge, MHD_OPTION_END);
}

static bool is_full(struct edge *edge)
{
	return atomic_load(&edge->inside) + atomic_load(&edge->entering) >=
	       edge->inside_max;
}

/*
 * Whom the guard has shut out to make room is inside for a moment yet.  The
 * library owns the socket in the end, whatever it makes of it; one that it
 * fails to begin later on it closes without a word, so that after ENTER_MS
 * before a full house none counts as entering.
 */
static void on_enter(void *context, int socket, const struct sockaddr *from,
		     socklen_t len)
{
	static const struct timespec moment = { 0, 1000000 };
	struct edge *edge = context;

	for (unsigned waited_ms = 0; is_full(edge); waited_ms++) {
		if (atomic_load(&edge->closing)) {
			close(socket);
			return;
		}
		if (waited_ms >= ENTER_MS)
			atomic_store(&edge->entering, 0);
		nanosleep(&moment, NULL);
	}
	atomic_fetch_add(&edge->entering, 1);
	if (MHD_add_connection(edge->daemon, socket, from, len) != MHD_YES)
		has_entered(edge);
}

enum err edge_open(const struct edge_options *options, struct edge **out)
{
	struct edge *edge = calloc(1, sizeof(*edge));
	struct door_options door = { .address = options->address,
				     .port = options->port,
				     .enter = on_enter,
				     .context = edge };
	enum err err = ERR_UNAVAILABLE;

	if (edge == NULL)
		return ERR_UNAVAILABLE;
	edge->nodes = options->nodes;
	edge->guard = guard_open(options->connections_max);
	if (edge->guard == NULL) {
		free(edge);
		return ERR_UNAVAILABLE;
	}
	relay_pool_open(&edge->pool);
	edge->inside_max = edge_descriptors(options->connections_max);
	edge->daemon = start(edge);
	if (edge->daemon != NULL)
		err = door_open(&door, &edge->door);
	if (err != ERR_OK) {
		edge_close(edge);
		return err;
	}
	*out = edge;
	return ERR_OK;
}

uint16_t edge_port(const struct edge *edge)
{
	return door_port(edge->door);
}

void edge_quiesce(struct edge *edge)
{
	atomic_store(&edge->closing, true);
	door_shut(edge->door);
}

unsigned edge_running(const struct edge *edge)
{
	return atomic_load(&edge->running);
}

/*
 * The library will not stop with a connection suspended.  A relay that was told
 * that its client is gone resumes its connection and never suspends it again.
 */
static void wake_all(struct edge *edge)
{
	struct timespec tick = { 0, GUARD_TICK_MS * 1000000L };

	guard_alarm(edge->guard);
	for (size_t i = 0; i < CLOSING_TICKS; i++)
		nanosleep(&tick, NULL);
}

void edge_close(struct edge *edge)
{
	atomic_store(&edge->closing, true);
	if (edge->door != NULL)
		door_close(edge->door);
	if (edge->daemon != NULL) {
		wake_all(edge);
		MHD_stop_daemon(edge->daemon);
	}
	guard_close(edge->guard);
	relay_pool_close(&edge->pool);
	free(edge);
}
