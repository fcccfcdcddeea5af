/* SPDX-License-Identifier: Apache-2.0 */
#include "log/listen.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 256
#define IDLE_S 15

/* One request, as far as it has come. */
struct visit {
	struct writer body; /* from malloc */
	bool too_large;
};

static enum MHD_Result send_off(struct MHD_Connection *connection,
				struct listen_answer *answer)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body.len, answer->body.data,
		answer->body.data == NULL ? MHD_RESPMEM_PERSISTENT
					  : MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (response == NULL) {
		free(answer->body.data);
		return MHD_NO;
	}
	if (answer->type != NULL)
		(void)MHD_add_response_header(response, "Content-Type",
					      answer->type);
	(void)MHD_add_response_header(response, "Cache-Control",
				      answer->cache != NULL ? answer->cache
							    : "no-store");
	(void)MHD_add_response_header(response, "X-Content-Type-Options",
				      "nosniff");
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* The body's memory is as large as what is declared, or grows to the most. */
static void gather(struct visit *visit, struct bytes piece, size_t most)
{
	size_t wanted = visit->body.len + piece.len;
	uint8_t *grown;

	if (visit->too_large || wanted > most) {
		visit->too_large = true;
		return;
	}
	grown = realloc(visit->body.data, wanted);
	if (grown == NULL) {
		visit->too_large = true;
		return;
	}
	visit->body.data = grown;
	visit->body.max = wanted;
	invariant(bytes_put(&visit->body, piece) == ERR_OK);
}

/* An MHD_AccessHandlerCallback, whose parameters are not ours to choose. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *closure,
				  struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **context)
{
	const struct listen_handler *handler = closure;
	struct visit *visit = *context;
	struct listen_answer answer = { .status = MHD_HTTP_CONTENT_TOO_LARGE };
	struct listen_request request = { method, path, { NULL, 0 } };

	(void)version;
	if (visit == NULL) {
		*context = calloc(1, sizeof(*visit));
		return *context != NULL ? MHD_YES : MHD_NO;
	}
	if (*len > 0) {
		gather(visit, (struct bytes){ (const uint8_t *)data, *len },
		       handler->body_max);
		*len = 0;
		return MHD_YES;
	}
	request.body = bytes_written(&visit->body);
	if (!visit->too_large)
		handler->answer(handler->context, &request, &answer);
	return send_off(connection, &answer);
}

static void on_completed(void *closure, struct MHD_Connection *connection,
			 void **context, enum MHD_RequestTerminationCode reason)
{
	struct visit *visit = *context;

	(void)closure;
	(void)connection;
	(void)reason;
	if (visit != NULL)
		free(visit->body.data);
	free(visit);
	*context = NULL;
}

static bool resolve(const char *address, uint16_t port,
		    struct sockaddr_storage *out)
{
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
		return false;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return true;
}

static struct MHD_Daemon *start(const char *address, uint16_t port,
				const struct listen_handler *handler)
{
	struct sockaddr_storage where;
	unsigned six = strchr(address, ':') != NULL ? MHD_USE_IPv6 : 0;

	if (!resolve(address, port, &where))
		return NULL;
	return MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
			six,
		0, NULL, NULL, on_request, (void *)(uintptr_t)handler,
		MHD_OPTION_SOCK_ADDR, &where, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_END);
}

static void announce(const char *address, struct MHD_Daemon *daemon)
{
	bool six = strchr(address, ':') != NULL;

	printf("pcc-log: listening on http://%s%s%s:%u\n", six ? "[" : "",
	       address, six ? "]" : "",
	       MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	(void)fflush(stdout);
}

int listen_run(const struct options *options,
	       const struct listen_handler *handler)
{
	const char *address = options->values[OPTIONS_ADDRESS];
	struct MHD_Daemon *daemon;
	uint64_t port = 0;
	sigset_t signals;
	int signal_number;

	if (!options_number(options, OPTIONS_PORT, UINT16_MAX, &port))
		return OPTIONS_USAGE;
	if (address == NULL)
		address = "127.0.0.1";
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	daemon = start(address, (uint16_t)port, handler);
	if (daemon == NULL)
		return options_complain("cannot listen on", address,
					ERR_UNAVAILABLE);
	announce(address, daemon);
	(void)sigwait(&signals, &signal_number);
	MHD_stop_daemon(daemon);
	return OPTIONS_OK;
}
