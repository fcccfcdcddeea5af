/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/raw_call.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_HEADER 9
#define FRAME_MAX 16384

enum frame {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RESET = 3,
	FRAME_SETTINGS = 4,
	FRAME_GOAWAY = 7
};

#define FLAG_ACK 1
#define FLAG_END_STREAM 1
#define FLAG_END_HEADERS 4

static bool send_all(int socket, struct bytes data)
{
	while (data.len > 0) {
		ssize_t sent = send(socket, data.data, data.len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data.data += sent;
		data.len -= (size_t)sent;
	}
	return true;
}

static bool send_frame(int socket, enum frame type, uint8_t flags,
		       struct bytes payload)
{
	uint8_t memory[FRAME_HEADER + FRAME_MAX];
	struct writer out = WRITER_OVER(memory);
	uint8_t stream = type == FRAME_SETTINGS ? 0 : 1;
	const uint8_t header[FRAME_HEADER] = { (uint8_t)(payload.len >> 16),
					       (uint8_t)(payload.len >> 8),
					       (uint8_t)payload.len,
					       (uint8_t)type,
					       flags,
					       0,
					       0,
					       0,
					       stream };

	cr_assert_eq(bytes_put(&out, BYTES_ARRAY(header)), ERR_OK);
	cr_assert_eq(bytes_put(&out, payload), ERR_OK);
	return send_all(socket, bytes_written(&out));
}

/* A line as a literal without indexing (RFC 7541, 6.2.2), letters plain. */
static void put_line(struct writer *out, const char *name, const char *value)
{
	cr_assert(strlen(name) < 127 && strlen(value) < 127);
	cr_assert_eq(bytes_put_u8(out, 0), ERR_OK);
	cr_assert_eq(bytes_put_u8(out, (uint8_t)strlen(name)), ERR_OK);
	cr_assert_eq(bytes_put(out, bytes_of_string(name)), ERR_OK);
	cr_assert_eq(bytes_put_u8(out, (uint8_t)strlen(value)), ERR_OK);
	cr_assert_eq(bytes_put(out, bytes_of_string(value)), ERR_OK);
}

static int dial(const struct system *system)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	char path[SYSTEM_PATH_MAX];
	int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	system_socket(system, path);
	memcpy(where.sun_path, path, strlen(path));
	cr_assert_geq(made, 0);
	cr_assert_eq(connect(made, (struct sockaddr *)&where, sizeof(where)),
		     0);
	return made;
}

int raw_call_open(const struct system *system, const char *path,
		  const struct raw_call_line *lines)
{
	uint8_t memory[1024];
	struct writer out = WRITER_OVER(memory);
	int call = dial(system);

	put_line(&out, ":method", "POST");
	put_line(&out, ":scheme", "http");
	put_line(&out, ":path", path);
	put_line(&out, ":authority", "localhost");
	put_line(&out, "content-type", "application/grpc");
	put_line(&out, "te", "trailers");
	for (; lines != NULL && lines->name != NULL; lines++)
		put_line(&out, lines->name, lines->value);
	cr_assert(send_all(call,
			   BYTES_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")));
	cr_assert(
		send_frame(call, FRAME_SETTINGS, 0, (struct bytes){ NULL, 0 }));
	cr_assert(send_frame(call, FRAME_HEADERS, FLAG_END_HEADERS,
			     bytes_written(&out)));
	return call;
}

bool raw_call_say(int call, struct bytes data)
{
	while (data.len > 0) {
		struct bytes piece;

		cr_assert_eq(
			bytes_take(&data,
				   data.len < FRAME_MAX ? data.len : FRAME_MAX,
				   &piece),
			ERR_OK);
		if (!send_frame(call, FRAME_DATA, 0, piece))
			return false;
	}
	return true;
}

bool raw_call_say_prefix(int call, uint32_t len)
{
	uint8_t memory[RAW_CALL_PREFIX];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bytes_put_u8(&out, 0), ERR_OK);
	cr_assert_eq(bytes_put_u32(&out, len), ERR_OK);
	return raw_call_say(call, bytes_written(&out));
}

/* Exactly so many bytes, in time. */
static bool receive(int call, uint8_t *out, size_t len, uint64_t until_ms)
{
	while (len > 0) {
		uint64_t now = system_now_ms();
		struct pollfd poller = { .fd = call, .events = POLLIN };
		ssize_t got;

		if (now >= until_ms ||
		    poll(&poller, 1, (int)(until_ms - now)) != 1)
			return false;
		got = recv(call, out, len, 0);
		if (got <= 0)
			return false;
		out += got;
		len -= (size_t)got;
	}
	return true;
}

static bool is_closed(int call)
{
	uint8_t byte;

	return recv(call, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

bool raw_call_is_ended(int call, unsigned timeout_ms)
{
	uint64_t until = system_now_ms() + timeout_ms;
	uint8_t header[FRAME_HEADER], payload[FRAME_MAX];

	while (receive(call, header, sizeof(header), until)) {
		size_t len = (size_t)header[0] << 16 | (size_t)header[1] << 8 |
			     header[2];
		enum frame type = (enum frame)header[3];

		if (len > sizeof(payload) ||
		    !receive(call, payload, len, until))
			break;
		if (type == FRAME_SETTINGS && (header[4] & FLAG_ACK) == 0)
			(void)send_frame(call, FRAME_SETTINGS, FLAG_ACK,
					 (struct bytes){ NULL, 0 });
		if (type == FRAME_RESET || type == FRAME_GOAWAY ||
		    (type == FRAME_HEADERS &&
		     (header[4] & FLAG_END_STREAM) != 0))
			return true;
	}
	return is_closed(call);
}
