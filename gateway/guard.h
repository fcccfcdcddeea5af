/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: watches the connections of clients for what the HTTP library does not.
 *
 * A suspended connection is not polled, so the library learns of a client that
 * left only when the next byte is due; and its timeout counts from the last
 * byte, so one byte at a time can hold a connection for ever.  One thread looks
 * at every connection each GUARD_TICK_MS: it tells a relay whose client has
 * closed, and shuts down what is past its deadline.
 *
 * There is room for so many.  When one more comes, the one whose client has
 * been waited for longest makes room: so who holds connections and says nothing
 * holds them only while nobody else wants one.
 *
 * A client that closes its sending side after the request counts as gone.
 */
#ifndef GATEWAY_GUARD_H
#define GATEWAY_GUARD_H

#include <stddef.h>
#include <stdint.h>

#define GUARD_TICK_MS 50

struct guard;
struct guard_entry;

/* Start the thread; NULL when there is no memory or thread to be had. */
struct guard *guard_open(size_t room);

/* Stop it; every entry has to be gone. */
void guard_close(struct guard *guard);

/* A connection, from now to guard_remove(), before its socket is closed. */
struct guard_entry *guard_add(struct guard *guard, int socket);
void guard_remove(struct guard *guard, struct guard_entry *entry);

/*
 * From now on its client is waited for, and it is shut down in so many
 * milliseconds; 0: it is the client that waits, and nothing shuts it down.
 */
void guard_set_deadline(struct guard *guard, struct guard_entry *entry,
			uint64_t in_ms);

/*
 * Call gone(context), from the guard's thread and perhaps several times, once
 * the client has closed; NULL ends this, and no call is under way after it.
 */
void guard_set_listener(struct guard *guard, struct guard_entry *entry,
			void (*gone)(void *context), void *context);

/* From now on every client counts as gone, those to come included. */
void guard_alarm(struct guard *guard);

#endif
