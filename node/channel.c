/* SPDX-License-Identifier: Apache-2.0 */
#include "node/channel.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"

/* A packet may hold a request's keys: what was written does not stay. */
static void written_wipe(struct writer *written)
{
	secret_wipe(written->data, written->len);
}

enum err channel_send(int socket, const struct message *message, int passed)
{
	struct channel_packet packet;
	SCOPED_WIPE(written_wipe) struct writer out = WRITER_OVER(packet.bytes);

	invariant((passed >= 0) == message_carries_descriptor(message->kind));
	TRY(message_put(message, &out));
	return fd_send(socket, bytes_written(&out), passed);
}

enum err channel_receive(int socket, struct channel_packet *packet,
			 struct message *out, int *passed)
{
	struct writer in = WRITER_OVER(packet->bytes);
	SCOPED_FD fd = -1;
	struct message message;

	TRY(fd_receive(socket, &in, &fd));
	TRY(message_parse(bytes_written(&in), &message));
	if ((fd >= 0) != message_carries_descriptor(message.kind))
		return ERR_MALFORMED;

	*out = message;
	*passed = fd_release(&fd);
	return ERR_OK;
}

enum err channel_write(int socket, const struct message *message)
{
	struct channel_packet packet;
	SCOPED_WIPE(written_wipe) struct writer out = WRITER_OVER(packet.bytes);
	ssize_t written;

	TRY(message_put(message, &out));
	written = write(socket, out.data, out.len);
	return written == (ssize_t)out.len ? ERR_OK : ERR_UNAVAILABLE;
}

enum err channel_read(int socket, struct channel_packet *packet,
		      struct message *out)
{
	ssize_t got = read(socket, packet->bytes, sizeof(packet->bytes));

	if (got < 0)
		return ERR_UNAVAILABLE;
	if (got == 0)
		return ERR_TRUNCATED;
	return message_parse((struct bytes){ packet->bytes, (size_t)got }, out);
}

enum err channel_tell(int socket, enum message_kind kind)
{
	return channel_send(socket, &(struct message){ .kind = kind }, -1);
}
