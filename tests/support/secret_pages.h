/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_pages: memory of a process that the kernel shows to nobody else.
 */
#ifndef TESTS_SUPPORT_SECRET_PAGES_H
#define TESTS_SUPPORT_SECRET_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SECRET_PAGES_MAX 16

struct secret_pages {
	struct {
		uint64_t from;
		size_t len;
	} list[SECRET_PAGES_MAX];
	size_t count;
};

/* From /proc/PID/maps. */
void secret_pages_list(pid_t pid, struct secret_pages *out);

/* Whether the private half of an X25519 key is anywhere in them, and where. */
bool secret_pages_have_key(const uint8_t *memory, size_t len,
			   const uint8_t public_key[static 32], size_t *at);

#endif
