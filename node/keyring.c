/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keyring.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/random.h"
#include "node/replay.h"
#include "policy/limits.h"
#include "sandbox/memory.h"

/* What clients may choose from; the first is what ours choose. */
static const struct hpke_symmetric offered[] = {
	{ HPKE_HKDF_SHA256, HPKE_AES_128_GCM },
	{ HPKE_HKDF_SHA256, HPKE_AES_256_GCM },
	{ HPKE_HKDF_SHA256, HPKE_CHACHA20_POLY1305 },
};

/* Invariant: live keys are made in the order of their places, newest last. */
struct node_key {
	struct hpke_private_key *private_key; /* on a secret page */
	struct hpke_public_key public_key;
	struct replay seen;
	uint64_t made_s;
	uint8_t id;
};

struct keyring {
	struct keyring_times times;
	size_t count;
	struct node_key keys[KEYS_LIVE_MAX];
};

static struct node_key *newest(struct keyring *ring)
{
	return &ring->keys[ring->count - 1];
}

static const struct node_key *current(const struct keyring *ring)
{
	return &ring->keys[ring->count - 1];
}

static void key_wipe(struct node_key *key)
{
	if (key->private_key != NULL)
		memory_secret_close(key->private_key,
				    sizeof(*key->private_key));
	replay_close(&key->seen);
	secret_wipe(key, sizeof(*key));
}

static enum err key_make(struct node_key *key, uint8_t id, uint64_t now)
{
	SCOPED_WIPE(key_wipe)
	struct node_key made = { .id = id, .made_s = now };
	void *page;

	TRY(memory_secret_open(sizeof(*made.private_key), &page));
	made.private_key = page;
	TRY(hpke_key_generate(HPKE_KEM_X25519, made.private_key,
			      &made.public_key));
	TRY(replay_open(KEY_REQUESTS_MAX, &made.seen));

	*key = made;
	secret_wipe(&made, sizeof(made)); /* it is the caller's now */
	return ERR_OK;
}

enum err keyring_open(const struct keyring_times *times, uint64_t now,
		      struct keyring **out)
{
	struct keyring *ring;
	uint8_t id;
	void *page;

	TRY(memory_secret_open(sizeof(*ring), &page));
	ring = page;
	ring->times = *times;
	/* Eight bits of randomness: a client of a node that restarted is then
	   told "unknown key" rather than "does not open", mostly. */
	random_bytes(&id, sizeof(id));
	if (key_make(&ring->keys[0], id, now) != ERR_OK) {
		memory_secret_close(ring, sizeof(*ring));
		return ERR_UNAVAILABLE;
	}
	ring->count = 1;
	*out = ring;
	return ERR_OK;
}

void keyring_close(struct keyring *ring)
{
	if (ring == NULL)
		return;
	for (size_t i = 0; i < ring->count; i++)
		key_wipe(&ring->keys[i]);
	memory_secret_close(ring, sizeof(*ring));
}

static uint64_t end_of(const struct keyring *ring, const struct node_key *key)
{
	return key->made_s + ring->times.lifetime_s + ring->times.grace_s;
}

static void drop_oldest(struct keyring *ring)
{
	key_wipe(&ring->keys[0]);
	memmove(&ring->keys[0], &ring->keys[1],
		(ring->count - 1) * sizeof(ring->keys[0]));
	ring->count--;
	memset(&ring->keys[ring->count], 0, sizeof(ring->keys[0]));
}

/*
 * A new key is due by time; or when a flood of requests, sound or not, has
 * nearly filled the replay set, so that those who come later are not refused;
 * or when the clock went back, and nobody can say how long the key has lived.
 */
static bool needs_successor(const struct keyring *ring, uint64_t now)
{
	const struct node_key *key = current(ring);

	if (now < key->made_s)
		return true;
	if (now >= key->made_s + ring->times.rotation_s)
		return true;
	return replay_is_filling(&key->seen) &&
	       now >= key->made_s + KEY_ROTATION_LEAST_S;
}

enum err keyring_tick(struct keyring *ring, uint64_t now, bool *changed)
{
	bool news = false;

	if (needs_successor(ring, now)) {
		struct node_key made;

		TRY(key_make(&made, (uint8_t)(newest(ring)->id + 1), now));
		if (ring->count == KEYS_LIVE_MAX)
			drop_oldest(ring);
		ring->keys[ring->count++] = made;
		secret_wipe(&made, sizeof(made)); /* the ring's now */
		news = true;
	}
	while (ring->count > 1 && now >= end_of(ring, &ring->keys[0]))
		drop_oldest(ring);
	*changed = news;
	return ERR_OK;
}

uint64_t keyring_next_change(const struct keyring *ring)
{
	uint64_t next = current(ring)->made_s + ring->times.rotation_s;

	if (ring->count > 1 && end_of(ring, &ring->keys[0]) < next)
		next = end_of(ring, &ring->keys[0]);
	return next;
}

uint64_t keyring_expiry(const struct keyring *ring)
{
	return current(ring)->made_s + ring->times.lifetime_s;
}

size_t keyring_live(const struct keyring *ring)
{
	return ring->count;
}

uint8_t keyring_current_id(const struct keyring *ring)
{
	return current(ring)->id;
}

enum err keyring_configs(const struct keyring *ring, struct writer *out)
{
	struct ohttp_key_config config = {
		.key_id = current(ring)->id,
		.public_key = current(ring)->public_key,
		.symmetric_count = sizeof(offered) / sizeof(offered[0]),
	};

	memcpy(config.symmetric, offered, sizeof(offered));
	return ohttp_keys_write(&config, 1, out);
}

static bool is_offered(const struct hpke_suite *suite)
{
	for (size_t i = 0; i < sizeof(offered) / sizeof(offered[0]); i++) {
		if (offered[i].kdf == suite->kdf &&
		    offered[i].aead == suite->aead)
			return suite->kem == HPKE_KEM_X25519;
	}
	return false;
}

static struct node_key *find(struct keyring *ring, uint8_t id, uint64_t now)
{
	for (size_t i = 0; i < ring->count; i++) {
		if (ring->keys[i].id == id && now >= ring->keys[i].made_s &&
		    now < end_of(ring, &ring->keys[i]))
			return &ring->keys[i];
	}
	return NULL;
}

enum failure keyring_receive(struct keyring *ring, uint64_t now,
			     enum ohttp_form form,
			     const struct ohttp_header *header,
			     struct hpke_context *context)
{
	struct node_key *key = find(ring, header->key_id, now);
	enum err err;

	if (key == NULL)
		return FAILURE_KEY_UNKNOWN;
	if (!is_offered(&header->suite))
		return FAILURE_UNSUPPORTED;

	err = replay_enter(&key->seen,
			   (struct bytes){ header->enc, header->enc_len });
	if (err == ERR_DENIED)
		return FAILURE_REPLAYED;
	if (err != ERR_OK)
		return FAILURE_FULL;
	if (ohttp_receive(form, header, key->private_key, &key->public_key,
			  context) != ERR_OK)
		return FAILURE_MALFORMED;
	return FAILURE_NONE;
}
