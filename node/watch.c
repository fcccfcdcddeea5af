/* SPDX-License-Identifier: Apache-2.0 */
#include "node/watch.h"

#include "policy/limits.h"

bool watch_is_due(struct watch *watch, uint64_t now_ms)
{
	if (now_ms < watch->next_ms)
		return false;
	watch->next_ms = now_ms + PULSE_MS;
	return true;
}

void watch_hear(struct watch *watch, enum jail_role role)
{
	watch->silent[role] = 0;
}

/* How many beats in a row a role may leave unanswered. */
static uint64_t patience(const struct watch *watch, enum jail_role role,
			 enum watch_phase phase)
{
	if (phase == WATCH_READY)
		return role == JAIL_ATTESTER ? LIMIT_PULSES_ATTESTER
					     : LIMIT_PULSES;
	if (role == JAIL_ZYGOTE)
		return LIMIT_PULSES_START_SLOW +
		       watch->model_bytes / LIMIT_PULSE_MODEL_BYTES;
	return role == JAIL_ATTESTER ? LIMIT_PULSES_START_SLOW
				     : LIMIT_PULSES_START;
}

bool watch_is_hung(struct watch *watch, enum jail_role role,
		   enum watch_phase phase)
{
	return ++watch->silent[role] > patience(watch, role, phase);
}
