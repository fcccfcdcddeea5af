/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/siege.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system.h"

#define EVENTS_MAX 256
#define LOOK_MS 10
#define SPEECH_MAX 65536 /* bytes of a refrain that are said in one call */

/* One connection.  Invariant: socket is -1 where there is none. */
struct post {
	int socket;
	uint64_t since_ms;
	uint64_t dripped_ms;
	size_t said; /* of the opening; then of the refrain, counted on */
};

struct attack {
	struct siege_plan plan;
	volatile struct siege_count *count;
	int events;
	int stop;
	struct post *posts;
	size_t opening_len, refrain_len, speech_len;
	char *speech; /* the refrain, many times */
};

static void leave(struct attack *attack, struct post *post)
{
	uint64_t age = system_now_ms() - post->since_ms;

	if (age > attack->count->longest_ms)
		attack->count->longest_ms = age;
	if (attack->plan.manner == SIEGE_RESETS) {
		struct linger at_once = { 1, 0 };

		(void)setsockopt(post->socket, SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof(at_once));
	}
	close(post->socket);
	post->socket = -1;
}

static bool may_open(const struct attack *attack)
{
	return attack->plan.total == 0 ||
	       attack->count->opened + attack->count->refused <
		       attack->plan.total;
}

/* From any of many addresses, so that ports do not run out. */
static void take_address(const struct attack *attack, int socket)
{
	uint32_t last = (uint32_t)(attack->count->opened % 250 + 2);
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + last),
	};
	int on = 1;

	(void)setsockopt(socket, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */,
			 &on, sizeof(on));
	(void)bind(socket, (struct sockaddr *)&from, sizeof(from));
}

static void enter(struct attack *attack, struct post *post)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(attack->plan.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
					       EPOLLET,
				     .data.ptr = post };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	take_address(attack, fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno != EINPROGRESS) {
		attack->count->refused++;
		close(fd);
		return;
	}
	*post = (struct post){ .socket = fd, .since_ms = system_now_ms() };
	attack->count->opened++;
	(void)epoll_ctl(attack->events, EPOLL_CTL_ADD, fd, &event);
}

/* Bytes that were taken, or -1: it is over. */
static ssize_t say(struct attack *attack, const struct post *post,
		   const char *text, size_t len)
{
	ssize_t sent = send(post->socket, text, len, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN ? 0 : -1;
	attack->count->said += (uint64_t)sent;
	return sent;
}

/* Say what is due; false: the connection is no more. */
static bool speak(struct attack *attack, struct post *post, uint64_t now)
{
	ssize_t sent = 1;

	while (sent > 0 && post->said < attack->opening_len) {
		sent = say(attack, post, attack->plan.opening + post->said,
			   attack->opening_len - post->said);
		post->said += sent > 0 ? (size_t)sent : 0;
	}
	if (post->said < attack->opening_len || attack->refrain_len == 0)
		return sent >= 0;

	size_t at = (post->said - attack->opening_len) % attack->refrain_len;

	if (attack->plan.drip_ms == 0) {
		sent = say(attack, post, attack->speech + at,
			   attack->speech_len - at);
	} else if (now - post->dripped_ms >= attack->plan.drip_ms) {
		post->dripped_ms = now;
		sent = say(attack, post, attack->speech + at, 1);
	}
	post->said += sent > 0 ? (size_t)sent : 0;
	return sent >= 0;
}

/* Read what there is; false: the other side has closed. */
static bool listen_to(struct attack *attack, const struct post *post)
{
	static char waste[65536];

	for (;;) {
		ssize_t got = recv(post->socket, waste, sizeof(waste), 0);

		if (got < 0)
			return errno == EAGAIN;
		if (got == 0)
			return false;
		attack->count->heard += (uint64_t)got;
	}
}

static void act(struct attack *attack, struct post *post, uint32_t events)
{
	bool goes_on = (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) == 0;
	bool stays = attack->plan.manner == SIEGE_READS ||
		     attack->plan.manner == SIEGE_DEAF;

	if (attack->plan.manner == SIEGE_READS && (events & EPOLLIN) != 0)
		goes_on = listen_to(attack, post) && goes_on;
	if (goes_on)
		goes_on = speak(attack, post, system_now_ms());
	if (!goes_on) {
		attack->count->closed++;
		leave(attack, post);
	} else if (!stays && (events & EPOLLOUT) != 0 &&
		   post->said >= attack->opening_len) {
		leave(attack, post);
	}
}

static void look_around(struct attack *attack)
{
	uint64_t now = system_now_ms();
	size_t open = 0;

	for (size_t i = 0; i < attack->plan.connections; i++) {
		struct post *post = &attack->posts[i];

		open += post->socket >= 0;
		if (post->socket < 0 && may_open(attack))
			enter(attack, post);
		else if (post->socket >= 0 && attack->refrain_len > 0 &&
			 post->said > 0 && !speak(attack, post, now))
			act(attack, post, EPOLLHUP);
	}
	attack->count->is_over = open == 0 && !may_open(attack);
}

static bool is_to_end(const struct attack *attack)
{
	char byte;

	return read(attack->stop, &byte, 1) == 0;
}

static _Noreturn void run(struct attack *attack)
{
	struct sched_param none = { 0 };
	uint64_t looked = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	attack->events = epoll_create1(EPOLL_CLOEXEC);
	while (!is_to_end(attack)) {
		struct epoll_event events[EVENTS_MAX];
		int count;

		if (system_now_ms() - looked >= LOOK_MS ||
		    attack->plan.total != 0) {
			look_around(attack);
			looked = system_now_ms();
		}
		count = epoll_wait(attack->events, events, EVENTS_MAX, LOOK_MS);
		for (int i = 0; i < count; i++) {
			struct post *post = events[i].data.ptr;

			if (post->socket >= 0)
				act(attack, post, events[i].events);
		}
	}
	for (size_t i = 0; i < attack->plan.connections; i++)
		if (attack->posts[i].socket >= 0)
			leave(attack, &attack->posts[i]);
	_exit(0);
}

static void prepare(struct attack *attack)
{
	const struct siege_plan *plan = &attack->plan;

	attack->opening_len = plan->opening == NULL ? 0 : strlen(plan->opening);
	attack->refrain_len = plan->refrain == NULL ? 0 : strlen(plan->refrain);
	attack->posts = calloc(plan->connections, sizeof(*attack->posts));
	attack->speech = malloc(SPEECH_MAX + attack->refrain_len);
	invariant(attack->posts != NULL && attack->speech != NULL);
	for (size_t i = 0; i < plan->connections; i++)
		attack->posts[i].socket = -1;
	while (attack->refrain_len > 0 && attack->speech_len < SPEECH_MAX) {
		memcpy(attack->speech + attack->speech_len, plan->refrain,
		       attack->refrain_len);
		attack->speech_len += attack->refrain_len;
	}
}

void siege_begin(const struct siege_plan *plan, struct siege *out)
{
	struct attack attack = { .plan = *plan };
	int pipes[2];

	out->count = mmap(NULL, sizeof(*out->count), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	invariant(out->count != MAP_FAILED);
	invariant(pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
	out->pid = fork();
	invariant(out->pid >= 0);
	if (out->pid == 0) {
		close(pipes[1]);
		attack.stop = pipes[0];
		attack.count = out->count;
		prepare(&attack);
		run(&attack);
	}
	close(pipes[0]);
	out->stop = pipes[1];
}

bool siege_await(const struct siege *siege, unsigned timeout_ms)
{
	uint64_t end = system_now_ms() + timeout_ms;

	while (siege->count->is_over == 0 && system_now_ms() < end)
		system_sleep_ms(LOOK_MS);
	return siege->count->is_over != 0;
}

struct siege_count siege_end(struct siege *siege)
{
	struct siege_count count;

	close(siege->stop);
	invariant(waitpid(siege->pid, NULL, 0) == siege->pid);
	count = *siege->count;
	(void)munmap((void *)(uintptr_t)siege->count, sizeof(*siege->count));
	return count;
}
