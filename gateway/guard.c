/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/guard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct guard_entry {
	struct guard_entry *next;
	struct guard_entry **link; /* what points to this one */
	int socket;		   /* the HTTP library's */
	uint64_t deadline_ms;	   /* of the monotonic clock; 0: none */
	uint64_t since_ms;	   /* with a deadline: when its time began */
	bool is_shut;
	void (*gone)(void *context);
	void *context;
};

struct guard {
	pthread_t thread;
	pthread_mutex_t lock; /* all below, and every entry */
	pthread_cond_t stopped;
	bool stop;
	bool alarm;
	size_t room;
	size_t count; /* of entries that are not shut */
	struct guard_entry *first;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* POLLRDHUP tells the end even behind bytes that nobody has read. */
static bool has_closed(int socket)
{
	struct pollfd poller = { .fd = socket, .events = POLLRDHUP };

	return poll(&poller, 1, 0) > 0 &&
	       (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* The socket stays the library's: it sees the end and closes it itself. */
static void shut_locked(struct guard *guard, struct guard_entry *entry)
{
	if (entry->is_shut)
		return;
	entry->is_shut = true;
	guard->count--;
	(void)shutdown(entry->socket, SHUT_RDWR);
}

/* Who has asked and waits for an answer is never the one. */
static void make_room_locked(struct guard *guard)
{
	struct guard_entry *longest = NULL;

	for (struct guard_entry *entry = guard->first; entry != NULL;
	     entry = entry->next) {
		if (entry->is_shut || entry->deadline_ms == 0)
			continue;
		/* New ones come first: of two of one moment, the older. */
		if (longest == NULL || entry->since_ms <= longest->since_ms)
			longest = entry;
	}
	if (longest != NULL)
		shut_locked(guard, longest);
}

static void look_at(struct guard *guard, struct guard_entry *entry,
		    uint64_t now)
{
	if (entry->deadline_ms != 0 && now >= entry->deadline_ms)
		shut_locked(guard, entry);
	if (entry->gone != NULL && (guard->alarm || has_closed(entry->socket)))
		entry->gone(entry->context);
}

static void wait_tick(struct guard *guard)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GUARD_TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (!guard->stop &&
	       pthread_cond_timedwait(&guard->stopped, &guard->lock, &until) !=
		       ETIMEDOUT)
		continue;
}

/* The lock is held while it looks, so no entry can go from under it. */
static void *run(void *argument)
{
	struct guard *guard = argument;

	pthread_mutex_lock(&guard->lock);
	while (!guard->stop) {
		uint64_t now = now_ms();

		for (struct guard_entry *entry = guard->first; entry != NULL;
		     entry = entry->next)
			look_at(guard, entry, now);
		wait_tick(guard);
	}
	pthread_mutex_unlock(&guard->lock);
	return NULL;
}

struct guard *guard_open(size_t room)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	pthread_condattr_t monotonic;

	if (guard == NULL)
		return NULL;
	guard->room = room;
	pthread_mutex_init(&guard->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&guard->stopped, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&guard->thread, NULL, run, guard) != 0) {
		free(guard);
		return NULL;
	}
	return guard;
}

void guard_close(struct guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	guard->stop = true;
	pthread_cond_signal(&guard->stopped);
	pthread_mutex_unlock(&guard->lock);
	pthread_join(guard->thread, NULL);
	pthread_cond_destroy(&guard->stopped);
	pthread_mutex_destroy(&guard->lock);
	free(guard);
}

struct guard_entry *guard_add(struct guard *guard, int socket)
{
	struct guard_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->socket = socket;
	pthread_mutex_lock(&guard->lock);
	entry->next = guard->first;
	entry->link = &guard->first;
	if (entry->next != NULL)
		entry->next->link = &entry->next;
	guard->first = entry;
	if (++guard->count > guard->room)
		make_room_locked(guard);
	pthread_mutex_unlock(&guard->lock);
	return entry;
}

void guard_remove(struct guard *guard, struct guard_entry *entry)
{
	if (entry == NULL)
		return;
	pthread_mutex_lock(&guard->lock);
	guard->count -= !entry->is_shut;
	*entry->link = entry->next;
	if (entry->next != NULL)
		entry->next->link = entry->link;
	pthread_mutex_unlock(&guard->lock);
	free(entry);
}

void guard_set_deadline(struct guard *guard, struct guard_entry *entry,
			uint64_t in_ms)
{
	if (entry == NULL)
		return;
	pthread_mutex_lock(&guard->lock);
	entry->since_ms = now_ms();
	entry->deadline_ms = in_ms == 0 ? 0 : entry->since_ms + in_ms;
	pthread_mutex_unlock(&guard->lock);
}

void guard_set_listener(struct guard *guard, struct guard_entry *entry,
			void (*gone)(void *context), void *context)
{
	if (entry == NULL)
		return;
	pthread_mutex_lock(&guard->lock);
	entry->gone = gone;
	entry->context = context;
	pthread_mutex_unlock(&guard->lock);
}

void guard_alarm(struct guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	guard->alarm = true;
	pthread_mutex_unlock(&guard->lock);
}
