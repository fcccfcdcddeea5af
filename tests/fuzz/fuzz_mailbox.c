/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox between a caller that sends as it likes and a worker that takes as
 * it likes: the worker is told BEGIN, then every byte in its order, then END,
 * and nothing else.
 *
 * Each byte is a step: how much comes, or how many packets are taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/channel.h"
#include "node/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	int socket;
	uint64_t sent, got;
	bool begun, ended;
};

static uint8_t letter(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

static bool take_one(struct peer *peer)
{
	static struct channel_packet packet;
	struct message message;

	if (channel_read(peer->socket, &packet, &message) != ERR_OK)
		return false;
	invariant(!peer->ended);
	invariant(peer->begun == (message.kind != MESSAGE_BEGIN));
	peer->begun = true;
	peer->ended = message.kind == MESSAGE_END;
	if (message.kind != MESSAGE_DATA)
		return true;
	invariant(message.body.len > 0);
	for (size_t i = 0; i < message.body.len; i++, peer->got++)
		invariant(message.body.data[i] == letter(peer->got));
	return true;
}

static void put(struct mailbox *box, struct peer *peer, size_t len)
{
	static uint8_t memory[MAILBOX_BYTES + 1];
	bool room = mailbox_has_room(box) && len <= LIMIT_MESSAGE_BYTES;

	for (size_t i = 0; i < len; i++)
		memory[i] = letter(peer->sent + i);
	if (mailbox_put(box, (struct bytes){ memory, len }) == ERR_OK)
		peer->sent += len;
	else
		invariant(!room);
}

static void step(struct mailbox *box, struct peer *peer, uint8_t byte)
{
	switch (byte >> 6) {
	case 0:
		put(box, peer, byte & 63u);
		break;
	case 1:
		put(box, peer, (size_t)(byte & 63u) << 11);
		break;
	case 2:
		(void)mailbox_flush(box);
		break;
	default:
		for (unsigned i = byte & 63u; i > 0 && take_one(peer); i--)
			continue;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct message begin = { .kind = MESSAGE_BEGIN,
					      .number = { 1, 2 } };
	struct mailbox box;
	struct peer peer = { 0 };
	int pair[2];
	size_t attach = size == 0 ? 0 : data[0] % size;

	if (size > 256)
		return 0;
	invariant(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     pair) == 0);
	invariant(mailbox_open(&box) == ERR_OK);
	peer.socket = pair[1];
	for (size_t i = 0; i < size; i++) {
		if (i == attach)
			mailbox_attach(&box, pair[0], &begin);
		step(&box, &peer, data[i]);
	}
	if (size == 0)
		mailbox_attach(&box, pair[0], &begin);
	mailbox_finish(&box);
	invariant(mailbox_is_worth_a_worker(&box));
	while (mailbox_flush(&box) == MAILBOX_WAITING)
		invariant(take_one(&peer));
	while (take_one(&peer))
		continue;
	invariant(peer.ended && peer.got == peer.sent);
	mailbox_close(&box);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
