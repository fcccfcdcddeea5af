/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define BUFFER_BYTES (64 << 10) /* of the kernel's, each way and client */
#define FULL_MS 10 /* until the next try where descriptors have run out */

struct door {
	struct door_options options;
	int listener;
	int stop; /* an eventfd */
	bool is_shut;
	pthread_t thread;
};

/* Digits alone: a name could lead to an address nobody meant to serve on. */
static enum err resolve(const struct door_options *options,
			struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, options->address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(options->port);
		*len = sizeof(*four);
		return ERR_OK;
	}
	if (inet_pton(AF_INET6, options->address, &six->sin6_addr) != 1)
		return ERR_MALFORMED;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(options->port);
	*len = sizeof(*six);
	return ERR_OK;
}

static enum err listen_on(const struct door_options *options, int *out)
{
	struct sockaddr_storage where;
	SCOPED_FD fd = -1;
	socklen_t len;
	int on = 1, bytes = BUFFER_BYTES;

	TRY(resolve(options, &where, &len));
	fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    /* Else a client that does not read has megabytes of it. */
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) != 0 ||
	    bind(fd, (const struct sockaddr *)&where, len) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		return ERR_UNAVAILABLE;
	*out = fd_release(&fd);
	return ERR_OK;
}

/* Who has left before it was its turn is no reason to rest. */
static void let_in(struct door *door)
{
	struct timespec rest = { 0, FULL_MS * 1000000L };
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int client = accept4(door->listener, (struct sockaddr *)&from, &len,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client >= 0) {
		door->options.enter(door->options.context, client,
				    (const struct sockaddr *)&from, len);
		return;
	}
	if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		nanosleep(&rest, NULL);
}

static void *run(void *argument)
{
	struct door *door = argument;

	for (;;) {
		struct pollfd waiting[2] = {
			{ .fd = door->stop, .events = POLLIN },
			{ .fd = door->listener, .events = POLLIN },
		};

		if (poll(waiting, 2, -1) < 0)
			continue;
		if (waiting[0].revents != 0)
			return NULL;
		let_in(door);
	}
}

enum err door_open(const struct door_options *options, struct door **out)
{
	struct door *door = calloc(1, sizeof(*door));
	enum err err = ERR_UNAVAILABLE;

	if (door == NULL)
		return err;
	door->options = *options;
	door->listener = -1;
	door->stop = eventfd(0, EFD_CLOEXEC);
	if (door->stop >= 0)
		err = listen_on(options, &door->listener);
	if (err == ERR_OK &&
	    pthread_create(&door->thread, NULL, run, door) != 0)
		err = ERR_UNAVAILABLE;
	if (err != ERR_OK) {
		fd_close(&door->listener);
		fd_close(&door->stop);
		free(door);
		return err;
	}
	*out = door;
	return ERR_OK;
}

uint16_t door_port(const struct door *door)
{
	/* The port stands at the same place in both. */
	struct sockaddr_in6 name = { .sin6_port = 0 };
	socklen_t len = sizeof(name);

	if (getsockname(door->listener, (struct sockaddr *)&name, &len) != 0)
		return 0;
	return ntohs(name.sin6_port);
}

void door_shut(struct door *door)
{
	uint64_t one = 1;

	if (door->is_shut)
		return;
	door->is_shut = true;
	invariant(write(door->stop, &one, sizeof(one)) == sizeof(one));
	pthread_join(door->thread, NULL);
	fd_close(&door->listener);
}

void door_close(struct door *door)
{
	door_shut(door);
	fd_close(&door->stop);
	free(door);
}
