/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of a hostile peer, with a descriptor or without, as a role receives
 * them and as a worker reads them: both ways agree, no descriptor is left
 * behind, and keys that are read are written again as the same bytes.
 *
 *     u8 with a descriptor? | packet
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "node/channel.h"
#include "node/request_keys.h"

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static int ours, theirs, spare;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int pair[2];

	(void)argc;
	(void)argv;
	invariant(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ==
		  0);
	ours = pair[0];
	theirs = pair[1];
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	invariant(spare >= 0);
	return 0;
}

static int next_descriptor(void)
{
	int fd = dup(spare);

	(void)close(fd);
	return fd;
}

static void check_keys(struct bytes body)
{
	uint8_t memory[REQUEST_KEYS_BYTES];
	struct writer out = WRITER_OVER(memory);
	struct request_keys keys;

	if (request_keys_parse(body, &keys) != ERR_OK)
		return;
	invariant(request_keys_put(&keys, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct channel_packet received, read_packet;
	struct message message, again;
	struct bytes packet = { data + 1, size - 1 };
	int before = next_descriptor();
	int sent, passed = -1;
	enum err err;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	sent = data[0] % 2 == 0 ? -1 : spare;
	invariant(fd_send(theirs, packet, sent) == ERR_OK);
	err = channel_receive(ours, &received, &message, &passed);
	if (err == ERR_OK) {
		invariant((passed >= 0) == (sent >= 0));
		invariant((passed >= 0) ==
			  message_carries_descriptor(message.kind));
		fd_close(&passed);
		check_keys(message.body);
	}
	invariant(next_descriptor() == before);

	invariant(fd_send(theirs, packet, -1) == ERR_OK);
	if (channel_read(ours, &read_packet, &again) == ERR_OK) {
		invariant(err == ERR_MALFORMED ||
			  bytes_equal(message.body, again.body));
		return 0;
	}
	invariant(err != ERR_OK);
	return 0;
}
