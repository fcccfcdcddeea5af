/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits_list: the numbers of policy/limits.h with their names, for those who
 * compare two releases.
 */
#ifndef POLICY_LIMITS_LIST_H
#define POLICY_LIMITS_LIST_H

#include <stddef.h>
#include <stdint.h>

struct limits_entry {
	const char *name; /* as in limits.h */
	uint64_t value;
};

extern const struct limits_entry limits_list[];
extern const size_t limits_list_count;

#endif
