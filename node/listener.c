/* SPDX-License-Identifier: Apache-2.0 */
#include "node/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/fd.h"

#define BACKLOG 128
#define LOOK_MS 50   /* whether a path is in use yet */
#define LOOKS_MAX 40 /* two seconds */
#define UNIX_PREFIX "unix:"

static const char *path_of(const char *address)
{
	size_t len = strlen(UNIX_PREFIX);

	return strncmp(address, UNIX_PREFIX, len) == 0 ? address + len : NULL;
}

static enum err unix_name(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) == 0 || strlen(path) >= sizeof(out->sun_path))
		return ERR_MALFORMED;
	memcpy(out->sun_path, path, strlen(path) + 1);
	return ERR_OK;
}

/*
 * Whether nobody listens there any more, be it that the path is gone as well.
 * One that is stopped accepts nobody, and is in use all the same.
 */
static bool is_left(const struct sockaddr_un *name)
{
	SCOPED_FD probe =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return connect(probe, (const struct sockaddr *)name, sizeof(*name)) !=
		       0 &&
	       (errno == ECONNREFUSED || errno == ENOENT);
}

/*
 * A path left behind is removed; one that is in use, or no socket, is not.  Of
 * a node that was killed the front may live a moment longer than who starts the
 * next one needs to do so: that is waited for.  One that ends in good order
 * removes it itself.
 */
static enum err clear_path(const struct sockaddr_un *name)
{
	struct timespec pause = { 0, LOOK_MS * 1000000L };
	struct stat status;

	if (lstat(name->sun_path, &status) != 0)
		return errno == ENOENT ? ERR_OK : ERR_UNAVAILABLE;
	if (!S_ISSOCK(status.st_mode)) {
		errno = ENOTSOCK;
		return ERR_DENIED;
	}
	for (int looks = 0; !is_left(name); looks++) {
		if (looks == LOOKS_MAX) {
			errno = EADDRINUSE;
			return ERR_DENIED;
		}
		nanosleep(&pause, NULL);
	}
	if (unlink(name->sun_path) != 0 && errno != ENOENT)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

static enum err bind_and_listen(int fd, const void *name, socklen_t len)
{
	if (bind(fd, name, len) != 0 || listen(fd, BACKLOG) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

static enum err listen_unix(const char *path, int *out)
{
	SCOPED_FD fd = -1;
	struct sockaddr_un name;
	mode_t mask;
	enum err err;

	TRY(unix_name(path, &name));
	TRY(clear_path(&name));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_UNAVAILABLE;
	/* Who may connect is who may talk to the node: the path's group. */
	mask = umask(0117);
	err = bind_and_listen(fd, &name, sizeof(name));
	umask(mask);
	TRY(err);
	*out = fd_release(&fd);
	return ERR_OK;
}

static enum err loopback_name(const char *address, struct sockaddr_in *out)
{
	const char *colon = strrchr(address, ':');
	char host[INET_ADDRSTRLEN];
	uint64_t port;

	if (colon == NULL || (size_t)(colon - address) >= sizeof(host))
		return ERR_MALFORMED;
	memcpy(host, address, (size_t)(colon - address));
	host[colon - address] = '\0';
	TRY(decimal_parse(bytes_of_string(colon + 1), 0, UINT16_MAX, &port));
	*out = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, host, &out->sin_addr) != 1)
		return ERR_MALFORMED;
	return ntohl(out->sin_addr.s_addr) >> 24 == 127 ? ERR_OK : ERR_DENIED;
}

static enum err listen_loopback(const char *address, int *out, uint16_t *port)
{
	SCOPED_FD fd = -1;
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	int on = 1;

	TRY(loopback_name(address, &name));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return ERR_UNAVAILABLE;
	TRY(bind_and_listen(fd, &name, sizeof(name)));
	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
		return ERR_UNAVAILABLE;
	*port = ntohs(name.sin_port);
	*out = fd_release(&fd);
	return ERR_OK;
}

enum err listener_open(const char *address, int *out, uint16_t *port)
{
	const char *path = path_of(address);

	if (path == NULL)
		return listen_loopback(address, out, port);
	*port = 0;
	return listen_unix(path, out);
}

uint16_t listener_port(const char *address)
{
	const char *colon = strrchr(address, ':');
	uint64_t port;

	if (colon == NULL || decimal_parse(bytes_of_string(colon + 1), 1,
					   UINT16_MAX, &port) != ERR_OK)
		return 0;
	return (uint16_t)port;
}

void listener_remove(const char *address)
{
	const char *path = path_of(address);

	if (path != NULL)
		(void)unlink(path);
}
