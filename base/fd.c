/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor, and for a second so that it can be refused. */
#define CONTROL_BYTES CMSG_SPACE(2 * sizeof(int))

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_release(int *fd)
{
	int released = *fd;

	*fd = -1;
	return released;
}

enum err fd_pair(int pair[static 2])
{
	int made[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, made) != 0)
		return ERR_UNAVAILABLE;
	pair[0] = made[0];
	pair[1] = made[1];
	return ERR_OK;
}

static void attach_descriptor(struct msghdr *header, int fd)
{
	struct cmsghdr *control;

	header->msg_controllen = CMSG_SPACE(sizeof(int));
	control = CMSG_FIRSTHDR(header);
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &fd, sizeof(int));
}

enum err fd_send(int socket, struct bytes message, int passed)
{
	_Alignas(struct cmsghdr) char control[CONTROL_BYTES] = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)message.data,
			      .iov_len = message.len };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (passed >= 0) {
		header.msg_control = control;
		attach_descriptor(&header, passed);
	}
	do
		sent = sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)message.len ? ERR_OK : ERR_UNAVAILABLE;
}

/* The first of all stays in *kept; others are closed and counted. */
static void keep_first(const struct cmsghdr *control, int *kept, size_t *extra)
{
	size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fds[2];

	memcpy(fds, CMSG_DATA(control), count * sizeof(int));
	for (size_t i = 0; i < count; i++) {
		if (*kept < 0) {
			*kept = fds[i];
		} else {
			close(fds[i]);
			++*extra;
		}
	}
}

/* Take the one descriptor out; *extra counts those that should not be there. */
static int detach_descriptors(struct msghdr *header, size_t *extra)
{
	int kept = -1;

	*extra = 0;
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
	     control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level == SOL_SOCKET &&
		    control->cmsg_type == SCM_RIGHTS)
			keep_first(control, &kept, extra);
	}
	return kept;
}

static ssize_t receive_one(int socket, struct msghdr *header)
{
	ssize_t received;

	do
		received = recvmsg(socket, header, MSG_CMSG_CLOEXEC);
	while (received < 0 && errno == EINTR);
	return received;
}

/*
 * A peer that closed with something unread resets the connection, which is told
 * once and before what it had still said: so that is asked for again.
 */
enum err fd_receive(int socket, struct writer *message, int *passed)
{
	_Alignas(struct cmsghdr) char control[CONTROL_BYTES];
	struct iovec part = { .iov_base = message->data,
			      .iov_len = message->max };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	ssize_t received;
	size_t extra;
	int fd;

	received = receive_one(socket, &header);
	if (received < 0 && errno == ECONNRESET)
		received = receive_one(socket, &header);
	if (received < 0)
		return ERR_UNAVAILABLE;
	if (received == 0)
		return ERR_TRUNCATED;
	fd = detach_descriptors(&header, &extra);
	if (extra != 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		fd_close(&fd);
		return ERR_MALFORMED;
	}
	message->len = (size_t)received;
	*passed = fd;
	return ERR_OK;
}

enum err fd_write_all(int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t written = write(fd, data.data, data.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return ERR_UNAVAILABLE;
		data.data += written;
		data.len -= (size_t)written;
	}
	return ERR_OK;
}

enum err fd_read_all(int fd, struct writer *out)
{
	for (;;) {
		uint8_t beyond;
		size_t room = out->max - out->len;
		void *to = room > 0 ? out->data + out->len : &beyond;
		ssize_t got = read(fd, to, room > 0 ? room : 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_UNAVAILABLE;
		if (got == 0)
			return ERR_OK;
		if (room == 0)
			return ERR_TOO_LARGE;
		out->len += (size_t)got;
	}
}
