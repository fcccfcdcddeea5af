/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/observer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define PRIORITY 20 /* above whatever is observed */
#define PAIRS_MAX 8
#define PIECE_MAX (64u << 10)

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

/* A connection and what it is joined with; -1: there is none. */
struct pair {
	int caller, other;
};

struct observer {
	pthread_t thread;
	int listener;
	int stop; /* readable: it is to end */
	union address to;
	socklen_t to_len;
	char url[OBSERVER_URL_MAX];
	bool is_prompt;
	struct pair pairs[PAIRS_MAX];
	uint8_t piece[PIECE_MAX];

	pthread_mutex_t lock;
	struct observer_notes notes;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void forget(struct observer *observer)
{
	pthread_mutex_lock(&observer->lock);
	observer->notes.asked_ns = 0;
	observer->notes.count = 0;
	pthread_mutex_unlock(&observer->lock);
}

static void note(struct observer *observer, bool is_answer, size_t len)
{
	struct observer_notes *notes = &observer->notes;
	uint64_t now = now_ns();

	pthread_mutex_lock(&observer->lock);
	if (!is_answer)
		notes->asked_ns = now;
	else if (notes->count < OBSERVER_SEGMENTS_MAX)
		notes->segments[notes->count++] =
			(struct observer_segment){ now, len };
	pthread_mutex_unlock(&observer->lock);
}

static void part(struct pair *pair)
{
	fd_close(&pair->caller);
	fd_close(&pair->other);
}

static int dial(const struct observer *observer)
{
	SCOPED_FD fd = socket(observer->to.any.sa_family,
			      SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, &observer->to.any, observer->to_len) != 0)
		return -1;
	return fd_release(&fd);
}

/* A segment is passed on as it came; unix sockets have no such option. */
static void do_not_gather(int fd)
{
	int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static void join(struct observer *observer)
{
	struct pair pair = { accept4(observer->listener, NULL, NULL,
				     SOCK_CLOEXEC),
			     dial(observer) };

	for (size_t i = 0; i < PAIRS_MAX && pair.other >= 0; i++) {
		if (observer->pairs[i].caller >= 0)
			continue;
		do_not_gather(pair.caller);
		do_not_gather(pair.other);
		forget(observer);
		observer->pairs[i] = pair;
		return;
	}
	part(&pair);
}

/* To one who may have left, which is no reason to die. */
static bool send_all(int to, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(to, data, len, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* One piece from one side to the other; false: that side has ended. */
static bool pass(struct observer *observer, int from, int to, bool is_answer)
{
	ssize_t len = read(from, observer->piece, PIECE_MAX);

	if (len <= 0)
		return false;
	note(observer, is_answer, (size_t)len);
	return send_all(to, observer->piece, (size_t)len);
}

static void watch_all(const struct observer *observer, struct pollfd *peers)
{
	peers[0] = (struct pollfd){ observer->stop, POLLIN, 0 };
	peers[1] = (struct pollfd){ observer->listener, POLLIN, 0 };
	for (size_t i = 0; i < PAIRS_MAX; i++) {
		const struct pair *pair = &observer->pairs[i];

		peers[2 + 2 * i] = (struct pollfd){ pair->caller, POLLIN, 0 };
		peers[3 + 2 * i] = (struct pollfd){ pair->other, POLLIN, 0 };
	}
}

static void *observe(void *argument)
{
	struct observer *observer = argument;
	struct pollfd peers[2 + 2 * PAIRS_MAX];

	for (;;) {
		watch_all(observer, peers);
		if (poll(peers, sizeof(peers) / sizeof(peers[0]), -1) < 0)
			continue;
		if (peers[0].revents != 0)
			return NULL;
		for (size_t i = 0; i < PAIRS_MAX; i++) {
			struct pair *pair = &observer->pairs[i];

			if (peers[3 + 2 * i].revents != 0 &&
			    !pass(observer, pair->other, pair->caller, true))
				part(pair);
			else if (peers[2 + 2 * i].revents != 0 &&
				 !pass(observer, pair->caller, pair->other,
				       false))
				part(pair);
		}
		if (peers[1].revents != 0)
			join(observer);
	}
}

static bool start(struct observer *observer)
{
	const struct sched_param priority = { .sched_priority = PRIORITY };

	observer->stop = eventfd(0, EFD_CLOEXEC);
	if (observer->listener < 0 || observer->stop < 0 ||
	    listen(observer->listener, 64) != 0 ||
	    pthread_create(&observer->thread, NULL, observe, observer) != 0)
		return false;
	observer->is_prompt = pthread_setschedparam(observer->thread,
						    SCHED_FIFO, &priority) == 0;
	return true;
}

static struct observer *make(int family)
{
	struct observer *observer = calloc(1, sizeof(*observer));

	if (observer == NULL)
		return NULL;
	pthread_mutex_init(&observer->lock, NULL);
	for (size_t i = 0; i < PAIRS_MAX; i++)
		observer->pairs[i] = (struct pair){ -1, -1 };
	observer->stop = -1;
	observer->to.any.sa_family = (sa_family_t)family;
	observer->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return observer;
}

/* It never began to run. */
static struct observer *give_up(struct observer *observer)
{
	if (observer == NULL)
		return NULL;
	fd_close(&observer->listener);
	fd_close(&observer->stop);
	free(observer);
	return NULL;
}

struct observer *observer_of_url(const char *url)
{
	struct sockaddr_in self = { .sin_family = AF_INET };
	socklen_t self_len = sizeof(self);
	struct observer *observer = make(AF_INET);
	unsigned port;

	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (observer == NULL || sscanf(url, "http://127.0.0.1:%u", &port) != 1)
		return give_up(observer);
	observer->to.in = self;
	observer->to.in.sin_port = htons((uint16_t)port);
	observer->to_len = sizeof(observer->to.in);
	if (bind(observer->listener, (struct sockaddr *)&self, self_len) != 0 ||
	    getsockname(observer->listener, (struct sockaddr *)&self,
			&self_len) != 0 ||
	    !start(observer))
		return give_up(observer);
	snprintf(observer->url, sizeof(observer->url), "http://127.0.0.1:%u",
		 ntohs(self.sin_port));
	return observer;
}

static void name(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(out->sun_path, sizeof(out->sun_path), "%s", path);
}

struct observer *observer_of_socket(const char *socket, const char *path)
{
	struct observer *observer = make(AF_UNIX);
	struct sockaddr_un self;

	if (observer == NULL)
		return NULL;
	name(path, &self);
	name(socket, &observer->to.un);
	observer->to_len = sizeof(observer->to.un);
	if (bind(observer->listener, (struct sockaddr *)&self, sizeof(self)) !=
		    0 ||
	    !start(observer))
		return give_up(observer);
	return observer;
}

const char *observer_url(const struct observer *observer)
{
	return observer->url;
}

bool observer_is_prompt(const struct observer *observer)
{
	return observer->is_prompt;
}

void observer_take(struct observer *observer, struct observer_notes *out)
{
	pthread_mutex_lock(&observer->lock);
	out->asked_ns = observer->notes.asked_ns;
	out->count = observer->notes.count;
	memcpy(out->segments, observer->notes.segments,
	       out->count * sizeof(out->segments[0]));
	pthread_mutex_unlock(&observer->lock);
	forget(observer);
}

void observer_close(struct observer *observer)
{
	(void)eventfd_write(observer->stop, 1);
	pthread_join(observer->thread, NULL);
	for (size_t i = 0; i < PAIRS_MAX; i++)
		part(&observer->pairs[i]);
	fd_close(&observer->listener);
	fd_close(&observer->stop);
	pthread_mutex_destroy(&observer->lock);
	free(observer);
}
