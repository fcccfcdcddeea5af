/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel: one struct message over one socket.
 *
 * The node's processes call the first pair; a worker, whose jail knows no
 * sendmsg, calls the second.  Both ends of every channel are SOCK_SEQPACKET.
 */
#ifndef NODE_CHANNEL_H
#define NODE_CHANNEL_H

#include "wire/message.h"

/* Room for one packet; a received message's body is borrowed from it. */
struct channel_packet {
	uint8_t bytes[MESSAGE_BYTES_MAX];
};

/* Send a message, with a descriptor where its kind carries one, else -1. */
MUST_CHECK enum err channel_send(int socket, const struct message *message,
				 int passed);

/*
 * Receive a message, and the descriptor that its kind carries (else -1), which
 * becomes the caller's.  A descriptor that is missing or should not be there is
 * ERR_MALFORMED.  ERR_TRUNCATED: the peer closed.
 */
MUST_CHECK enum err channel_receive(int socket, struct channel_packet *packet,
				    struct message *out, int *passed);

/* The same by read and write alone, for messages without a descriptor. */
MUST_CHECK enum err channel_write(int socket, const struct message *message);
MUST_CHECK enum err channel_read(int socket, struct channel_packet *packet,
				 struct message *out);

/* Send a message that is only a kind. */
MUST_CHECK enum err channel_tell(int socket, enum message_kind kind);

#endif
