/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: an HTTP/1.1 client of the simplest kind, that can also misbehave.
 */
#ifndef TESTS_SCENARIOS_PEER_H
#define TESTS_SCENARIOS_PEER_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/scenarios/program.h"

#define PEER_ANSWER_MAX (1u << 20)
#define PEER_PATIENCE_MS 15000

enum peer_ending {
	PEER_WHOLE, /* by its length or its last chunk */
	PEER_CUT,   /* the connection ended before that */
};

struct peer_answer {
	int status;
	enum peer_ending ending;
	char head[8192]; /* status line and header lines */
	uint8_t *body;	 /* chunks joined; until the next answer */
	size_t len;
};

static inline int peer_connect(uint16_t port)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr =
					     htonl(INADDR_LOOPBACK) };
	int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(peer, 0);
	cr_assert_eq(connect(peer, (struct sockaddr *)&where, sizeof(where)),
		     0);
	return peer;
}

static inline void peer_send(int peer, struct bytes data)
{
	while (data.len > 0) {
		ssize_t sent = send(peer, data.data, data.len, MSG_NOSIGNAL);

		cr_assert_gt(sent, 0, "the connection is gone");
		data.data += sent;
		data.len -= (size_t)sent;
	}
}

static inline void peer_say(int peer, const char *text)
{
	peer_send(peer, bytes_of_string(text));
}

/* A POST with these further header lines, each ended by CRLF, and a body. */
static inline void peer_post(int peer, const char *path, const char *lines,
			     struct bytes body)
{
	char head[1024];

	snprintf(head, sizeof(head),
		 "POST %s HTTP/1.1\r\nHost: localhost\r\n%s"
		 "Content-Length: %zu\r\n\r\n",
		 path, lines, body.len);
	peer_say(peer, head);
	peer_send(peer, body);
}

/* Whether the other side closes within so long, whatever it says before. */
static inline bool peer_is_closed_within(int peer, int ms)
{
	uint64_t until = program_now_ms() + (uint64_t)ms;
	uint8_t waste[4096];

	for (;;) {
		uint64_t now = program_now_ms();
		struct pollfd poller = { .fd = peer, .events = POLLIN };

		if (now >= until || poll(&poller, 1, (int)(until - now)) != 1)
			return false;
		if (recv(peer, waste, sizeof(waste), 0) <= 0)
			return true;
	}
}

/* Read until `enough` says so or the connection ends; the bytes read. */
static inline size_t peer_read(int peer, uint8_t *out, size_t max,
			       bool (*enough)(const uint8_t *, size_t))
{
	size_t len = 0;

	while (len < max && !enough(out, len)) {
		struct pollfd poller = { .fd = peer, .events = POLLIN };
		ssize_t got;

		cr_assert_eq(poll(&poller, 1, PEER_PATIENCE_MS), 1,
			     "no answer in time");
		got = recv(peer, out + len, max - len, 0);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	return len;
}

static inline const uint8_t *peer_body(const uint8_t *data, size_t len)
{
	const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);

	return end == NULL ? NULL : end + 4;
}

static inline const char *peer_field(const char *head, const char *name)
{
	static char value[256];
	const char *line = strcasestr(head, name);
	size_t len;

	if (line == NULL)
		return "";
	line += strlen(name);
	line += strspn(line, ": ");
	len = strcspn(line, "\r\n");
	snprintf(value, sizeof(value), "%.*s", (int)len, line);
	return value;
}

/* Join chunks in place; PEER_WHOLE only with the last chunk. */
static inline enum peer_ending peer_join(uint8_t *data, size_t *len)
{
	size_t in = 0, out = 0;

	for (;;) {
		const uint8_t *line = memmem(data + in, *len - in, "\r\n", 2);
		size_t size, left;

		if (line == NULL)
			break;
		size = strtoul((const char *)data + in, NULL, 16);
		in = (size_t)(line - data) + 2;
		if (size == 0) {
			*len = out;
			return PEER_WHOLE;
		}
		left = *len - in;
		memmove(data + out, data + in, left < size ? left : size);
		out += left < size ? left : size;
		if (left < size + 2)
			break;
		in += size + 2;
	}
	*len = out;
	return PEER_CUT;
}

static inline bool peer_is_complete(const uint8_t *data, size_t len)
{
	const uint8_t *body = peer_body(data, len);
	char head[8192];
	const char *length;

	if (body == NULL)
		return false;
	snprintf(head, sizeof(head), "%.*s", (int)(body - data), data);
	length = peer_field(head, "Content-Length");
	if (*length != '\0')
		return len - (size_t)(body - data) >= strtoul(length, NULL, 10);
	return len >= 5 && memcmp(data + len - 5, "0\r\n\r\n", 5) == 0;
}

/* Read one answer to its end, good or bad. */
static inline struct peer_answer peer_receive(int peer)
{
	struct peer_answer answer = { .ending = PEER_CUT };
	static uint8_t data[PEER_ANSWER_MAX];
	size_t len =
		peer_read(peer, data, PEER_ANSWER_MAX - 1, peer_is_complete);
	const uint8_t *body = peer_body(data, len);

	answer.body = data;
	if (body == NULL)
		return answer;
	snprintf(answer.head, sizeof(answer.head), "%.*s", (int)(body - data),
		 data);
	answer.status = atoi(answer.head + strlen("HTTP/1.1 "));
	answer.len = len - (size_t)(body - data);
	memmove(data, body, answer.len);
	data[answer.len] = 0;
	if (strcasestr(answer.head, "Transfer-Encoding: chunked") != NULL)
		answer.ending = peer_join(data, &answer.len);
	else if (*peer_field(answer.head, "Content-Length") != '\0')
		answer.ending =
			answer.len >= strtoul(peer_field(answer.head, "Content-"
								      "Length"),
					      NULL, 10)
				? PEER_WHOLE
				: PEER_CUT;
	data[answer.len] = 0;
	return answer;
}

/* GET a path and read the answer. */
static inline struct peer_answer peer_get(uint16_t port, const char *path)
{
	int peer = peer_connect(port);
	struct peer_answer answer;
	char head[512];

	snprintf(head, sizeof(head),
		 "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	peer_say(peer, head);
	answer = peer_receive(peer);
	close(peer);
	return answer;
}

#endif
