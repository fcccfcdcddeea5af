/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that answers whatever it likes.  What comes out is bounded by what
 * was sent, an end is told once, and nothing else is ever connected to: no
 * redirect, no other protocol.
 *
 *     u8 GET or POST | response, then the connection ends
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct bytes response;
static unsigned connections;
static int server_end = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	http_init();
	return 0;
}

/*
 * In place of the system's, which libcurl finds here first: a connection is a
 * pair of sockets, at whose other end the answer lies already.
 */
int socket(int domain, int type, int protocol)
{
	int pair[2];

	(void)protocol;
	invariant(domain == AF_INET);
	if (socketpair(AF_UNIX, type, 0, pair) != 0)
		return -1;
	if ((type & 0xf) != SOCK_STREAM) { /* libcurl looks what there is */
		(void)close(pair[1]);
		return pair[0];
	}
	connections++;
	server_end = pair[1];
	invariant(response.len == 0 ||
		  send(server_end, response.data, response.len, 0) ==
			  (ssize_t)response.len);
	invariant(shutdown(server_end, SHUT_WR) == 0);
	return pair[0];
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	const struct sockaddr_in *internet = (const void *)address;

	(void)fd;
	invariant(len == sizeof(*internet));
	invariant(internet->sin_family == AF_INET);
	invariant(internet->sin_port == htons(1));
	invariant(internet->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	return 0;
}

int getaddrinfo(const char *node, const char *service, const void *hints,
		void *result);

/* No name is ever looked up. */
int getaddrinfo(const char *node, const char *service, const void *hints,
		void *result)
{
	(void)service;
	(void)hints;
	(void)result;
	invariant(node == NULL);
	return -1;
}

static void read_all(struct http *http)
{
	enum http_event event = HTTP_DATA;
	enum http_failure failure;
	struct bytes piece;
	size_t total = 0;

	while (event == HTTP_DATA) {
		event = http_next(http, &piece, &failure);
		if (event != HTTP_DATA)
			break;
		invariant(failure == HTTP_FINE && piece.len > 0);
		total += piece.len;
		invariant(total <= response.len);
	}
	invariant((event == HTTP_END) == (failure == HTTP_FINE));
	if (event == HTTP_END) {
		invariant(http_status(http) >= 0 && http_status(http) < 1000);
		invariant(strlen(http_media_type(http)) < response.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lines[] = { "PCC-Node: 00", NULL };
	const struct http_server server = { "http://127.0.0.1:1", NULL };
	struct http_request request = { .path = "/v1/nodes" };
	struct http *http;
	uint8_t kind;

	response = (struct bytes){ data, size };
	if (size > INPUT_MAX || bytes_take_u8(&response, &kind) != ERR_OK)
		return 0;
	if (kind % 2 == 1) {
		request.header = lines;
		request.body = BYTES_LITERAL("sealed");
	}
	connections = 0;
	http = http_open(&server, &request);
	invariant(http != NULL);
	read_all(http);
	invariant(connections <= 2); /* one more, where the first was stale */
	http_close(http);
	if (server_end >= 0)
		(void)close(server_end);
	server_end = -1;
	return 0;
}
