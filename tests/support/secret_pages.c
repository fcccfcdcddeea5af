/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/secret_pages.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/x25519.h"

void secret_pages_list(pid_t pid, struct secret_pages *out)
{
	char path[64], line[512];
	FILE *maps;

	out->count = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps != NULL && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (strstr(line, "secretmem") == NULL ||
		    out->count == SECRET_PAGES_MAX ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		out->list[out->count].from = from;
		out->list[out->count++].len = to - from;
	}
	if (maps != NULL)
		fclose(maps);
}

/* Structures that hold it are small, so it begins near a page's beginning. */
#define BEGINNING ((size_t)256)

bool secret_pages_have_key(const uint8_t *memory, size_t len,
			   const uint8_t public_key[static 32], size_t *at)
{
	bool found = false;

	for (size_t i = 0; i + X25519_BYTES <= len && i < BEGINNING && !found;
	     i++) {
		uint8_t made[X25519_BYTES];

		found = x25519_public_key(memory + i, made) == ERR_OK &&
			memcmp(made, public_key, sizeof(made)) == 0;
		*at = i;
	}
	secret_wipe_stack(); /* what libraries computed with */
	return found;
}
