/* SPDX-License-Identifier: Apache-2.0 */
#include "node/replay.h"

#include <string.h>
#include <sys/mman.h>

#include "crypto/hash.h"
#include "crypto/random.h"

static size_t power_of_two_above(size_t value)
{
	size_t power = 1;

	while (power <= value)
		power *= 2;
	return power;
}

enum err replay_open(size_t max, struct replay *out)
{
	/* At most half full, so that a search ends after a step or two. */
	size_t places = power_of_two_above(2 * max - 1);
	void *table = mmap(NULL, places * sizeof(struct replay_digest),
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	invariant(max > 0);
	if (table == MAP_FAILED)
		return ERR_UNAVAILABLE;

	*out = (struct replay){ .table = table, .places = places, .max = max };
	random_bytes(out->key.bytes, sizeof(out->key.bytes));
	return ERR_OK;
}

void replay_close(struct replay *set)
{
	if (set->table != NULL)
		munmap(set->table, set->places * sizeof(*set->table));
	secret_wipe(set, sizeof(*set));
}

static struct replay_digest digest_of(const struct replay *set,
				      struct bytes seen)
{
	uint8_t mac[32];
	struct replay_digest digest;

	hash_hmac_sha256((struct bytes){ set->key.bytes, 32 }, seen, mac);
	memcpy(&digest, mac, sizeof(digest));
	/* The one value that means "empty" is given to its neighbour. */
	if (digest.half[0] == 0 && digest.half[1] == 0)
		digest.half[1] = 1;
	return digest;
}

enum err replay_enter(struct replay *set, struct bytes seen)
{
	struct replay_digest digest = digest_of(set, seen);
	size_t place = digest.half[0] & (set->places - 1);

	for (;; place = (place + 1) & (set->places - 1)) {
		const struct replay_digest *entry = &set->table[place];

		if (entry->half[0] == digest.half[0] &&
		    entry->half[1] == digest.half[1])
			return ERR_DENIED;
		if (entry->half[0] == 0 && entry->half[1] == 0)
			break;
	}
	if (set->used == set->max)
		return ERR_TOO_LARGE;
	set->table[place] = digest;
	set->used++;
	return ERR_OK;
}

bool replay_is_filling(const struct replay *set)
{
	return set->used >= set->max - set->max / 4;
}
