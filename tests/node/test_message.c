/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/channel.h"
#include "tests/figure.h"
#include "wire/message.h"

static const enum message_kind first = MESSAGE_POLICY;
static const enum message_kind last = MESSAGE_FAILED;

/* A message of this kind that the table allows, with a body of len bytes. */
static bool make(enum message_kind kind, size_t len, struct writer *out)
{
	static uint8_t body[MESSAGE_BODY_MAX];

	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)i;
	out->len = 0;
	/* What the table refuses to write, it must refuse to read too. */
	uint8_t head[1 + 8 * MESSAGE_NUMBERS_MAX] = { (uint8_t)kind };
	struct message message;

	for (size_t numbers = 0; numbers <= MESSAGE_NUMBERS_MAX; numbers++) {
		out->len = 0;
		cr_assert_eq(
			bytes_put(out, (struct bytes){ head, 1 + 8 * numbers }),
			ERR_OK);
		cr_assert_eq(bytes_put(out, (struct bytes){ body, len }),
			     ERR_OK);
		if (message_parse(bytes_written(out), &message) == ERR_OK &&
		    message.body.len == len)
			return true;
	}
	return false;
}

Test(message, what_is_written_is_read_back)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);
	struct message sent = { .kind = MESSAGE_BUNDLE,
				.number = { 1, UINT64_MAX, 3 },
				.body = BYTES_LITERAL("bundle") };
	struct message got;

	cr_assert_eq(message_put(&sent, &out), ERR_OK);
	cr_assert_eq(message_parse(bytes_written(&out), &got), ERR_OK);
	cr_assert_eq(got.kind, sent.kind);
	cr_assert_eq(memcmp(got.number, sent.number, sizeof(got.number)), 0);
	cr_assert(bytes_equal(got.body, sent.body));
}

Test(message, every_kind_has_a_length_that_parses)
{
	static uint8_t memory[MESSAGE_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);

	for (enum message_kind kind = first; kind <= last; kind++)
		cr_assert(make(kind, 0, &out) || make(kind, 32, &out) ||
				  make(kind, 64, &out),
			  "kind %d", kind);
}

Test(message, an_unknown_kind_is_refused)
{
	struct message message;

	for (unsigned kind = 0; kind < 256; kind++) {
		uint8_t byte[1 + 8 * MESSAGE_NUMBERS_MAX + 64] = { (
			uint8_t)kind };

		if (kind >= (unsigned)first && kind <= (unsigned)last)
			continue;
		for (size_t len = 1; len <= sizeof(byte); len++)
			cr_assert_eq(message_parse((struct bytes){ byte, len },
						   &message),
				     ERR_MALFORMED);
	}
}

Test(message, a_message_cut_before_its_numbers_end_is_refused)
{
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);
	struct message ready = { .kind = MESSAGE_WORKER_ENDED,
				 .number = { 1, 2, 3 } };
	struct message got;

	cr_assert_eq(message_put(&ready, &out), ERR_OK);
	for (size_t len = 0; len < out.len; len++)
		cr_assert_neq(
			message_parse((struct bytes){ memory, len }, &got),
			ERR_OK);
}

Test(message, a_message_with_one_byte_more_than_its_kind_has_is_refused)
{
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);
	struct message start = { .kind = MESSAGE_START };
	struct message got;

	cr_assert_eq(message_put(&start, &out), ERR_OK);
	cr_assert_eq(message_parse((struct bytes){ memory, out.len + 1 }, &got),
		     ERR_TOO_LARGE);
}

Test(message, a_full_writer_is_left_as_it_was)
{
	uint8_t memory[8];
	struct writer out = WRITER_OVER(memory);
	struct message message = { .kind = MESSAGE_PULL, .number = { 1 } };

	cr_assert_eq(message_put(&message, &out), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
}

/* Of whatever length: read whole or refused, never as a shorter one. */
Test(message, a_packet_that_is_too_long_is_not_read_as_its_beginning)
{
	static const size_t most = 1 + MESSAGE_BODY_MAX; /* of this kind */
	static const size_t lengths[] = { 1,
					  2,
					  most - 1,
					  most,
					  most + 1,
					  MESSAGE_BYTES_MAX,
					  MESSAGE_BYTES_MAX + 1,
					  2 * (size_t)MESSAGE_BYTES_MAX };
	static uint8_t packet[2 * MESSAGE_BYTES_MAX];
	static struct channel_packet room;
	const size_t count = sizeof(lengths) / sizeof(lengths[0]);
	size_t good = 0;
	int pair[2];

	packet[0] = MESSAGE_DATA;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (size_t i = 0; i < count; i++) {
		struct message message;
		bool fits;

		cr_assert_eq(write(pair[0], packet, lengths[i]),
			     (ssize_t)lengths[i]);
		fits = channel_read(pair[1], &room, &message) == ERR_OK &&
		       message.body.len == lengths[i] - 1;
		good += fits == (lengths[i] <= most);
	}
	close(pair[0]);
	close(pair[1]);
	figure_all("C2", "packets of a worker read whole or refused", good,
		   count);
}
