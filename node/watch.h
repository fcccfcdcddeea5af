/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: whether each role still works, by its pulse.
 *
 *     supervisor ── MESSAGE_PULSE ──▶ a role, once a beat
 *     supervisor ◀─ MESSAGE_PULSE ── its loop, as it comes round
 *
 * A role that died is seen by its pidfd.  One that is stopped, or hangs in a
 * lock, in a loop or in the kernel, is seen here: it leaves more beats in a row
 * unanswered than its role is allowed (policy/limits.h), and is then killed and
 * replaced as one that died.  Before it is ready no pulse is asked for, and the
 * beats that it takes are counted.
 *
 * Counted are beats, not time: a supervisor, or a whole machine, that was itself
 * stopped for an hour has missed one beat, and replaces nobody.
 */
#ifndef NODE_WATCH_H
#define NODE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/profile.h"

enum watch_phase {
	WATCH_STARTING,
	WATCH_READY,
};

struct watch {
	uint64_t model_bytes; /* which the zygote reads as it starts */
	uint64_t next_ms;
	uint64_t silent[JAIL_ROLES]; /* beats since the last sign of life */
};

/* Whether a beat is due; the next is then due PULSE_MS later. */
bool watch_is_due(struct watch *watch, uint64_t now_ms);

/* A sign of life: its pulse, its start, that it is ready. */
void watch_hear(struct watch *watch, enum jail_role role);

/* One beat of a role that runs: whether it was silent for too long. */
bool watch_is_hung(struct watch *watch, enum jail_role role,
		   enum watch_phase phase);

#endif
