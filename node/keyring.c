/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keyring.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hpke.h"
#include "crypto/kem.h"
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
	struct hpke_private_key *private_key; /* on a secret page, or NULL */
	uint8_t seed[KEYRING_SEED_BYTES];     /* where it is elsewhere */
	struct hpke_public_key public_key;
	struct replay seen;
	uint64_t made_s;
	uint8_t id;
};

struct keyring {
	struct keyring_times times;
	bool is_elsewhere;
	size_t count;
	struct node_key keys[KEYS_LIVE_MAX];
};

static struct node_key *newest(struct keyring *ring)
{
	return &ring->keys[ring->count - 1];
}

static const struct node_key *current(const struct keyring *ring)
{
	invariant(ring->count > 0);
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

enum err keyring_open_elsewhere(const struct keyring_times *times,
				struct keyring **out)
{
	void *page;

	TRY(memory_secret_open(sizeof(struct keyring), &page));
	*out = page;
	(*out)->times = *times;
	(*out)->is_elsewhere = true;
	return ERR_OK;
}

bool keyring_is_elsewhere(const struct keyring *ring)
{
	return ring->is_elsewhere;
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

bool keyring_needs_key(const struct keyring *ring, uint64_t now)
{
	return ring->is_elsewhere &&
	       (ring->count == 0 || needs_successor(ring, now));
}

/* The id of a first key is random: see keyring_open(). */
static uint8_t next_id(struct keyring *ring)
{
	uint8_t id;

	if (ring->count > 0)
		return (uint8_t)(newest(ring)->id + 1);
	random_bytes(&id, sizeof(id));
	return id;
}

enum err keyring_add(struct keyring *ring, uint64_t now,
		     const uint8_t seed[static KEYRING_SEED_BYTES],
		     const struct hpke_public_key *public_key)
{
	struct node_key made = { .public_key = *public_key,
				 .made_s = now,
				 .id = next_id(ring) };

	invariant(ring->is_elsewhere);
	TRY(replay_open(KEY_REQUESTS_MAX, &made.seen));
	memcpy(made.seed, seed, sizeof(made.seed));
	if (ring->count == KEYS_LIVE_MAX)
		drop_oldest(ring);
	ring->keys[ring->count++] = made;
	secret_wipe(&made, sizeof(made)); /* the ring's now */
	return ERR_OK;
}

enum err keyring_tick(struct keyring *ring, uint64_t now, bool *changed)
{
	bool news = false;

	if (!ring->is_elsewhere && needs_successor(ring, now)) {
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

static bool is_offered(const struct node_key *key,
		       const struct hpke_suite *suite)
{
	for (size_t i = 0; i < sizeof(offered) / sizeof(offered[0]); i++) {
		if (offered[i].kdf == suite->kdf &&
		    offered[i].aead == suite->aead)
			return suite->kem == key->public_key.kem;
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

/* The key of this request, which was not seen before. */
static enum failure admit(struct keyring *ring, uint64_t now,
			  const struct ohttp_header *header,
			  struct node_key **out)
{
	struct node_key *key = find(ring, header->key_id, now);
	enum err err;

	if (key == NULL)
		return FAILURE_KEY_UNKNOWN;
	if (!is_offered(key, &header->suite))
		return FAILURE_UNSUPPORTED;

	err = replay_enter(&key->seen,
			   (struct bytes){ header->enc, header->enc_len });
	if (err == ERR_DENIED)
		return FAILURE_REPLAYED;
	if (err != ERR_OK)
		return FAILURE_FULL;
	*out = key;
	return FAILURE_NONE;
}

enum failure keyring_receive(struct keyring *ring, uint64_t now,
			     enum ohttp_form form,
			     const struct ohttp_header *header,
			     struct hpke_context *context)
{
	struct node_key *key;
	enum failure failure = admit(ring, now, header, &key);

	if (failure != FAILURE_NONE)
		return failure;
	if (ohttp_receive(form, header, key->private_key, &key->public_key,
			  context) != ERR_OK)
		return FAILURE_MALFORMED;
	return FAILURE_NONE;
}

enum failure keyring_admit(struct keyring *ring, uint64_t now,
			   enum ohttp_form form,
			   const struct ohttp_header *header,
			   struct keyring_received *out)
{
	struct node_key *key;
	enum failure failure = admit(ring, now, header, &key);

	invariant(ring->is_elsewhere);
	if (failure != FAILURE_NONE)
		return failure;
	out->form = form;
	out->header = *header;
	out->public_key = key->public_key;
	memcpy(out->seed, key->seed, sizeof(out->seed));
	return FAILURE_NONE;
}

enum failure keyring_finish(const struct keyring_received *received,
			    const uint8_t dh[static 32],
			    struct hpke_context *context)
{
	const struct ohttp_header *header = &received->header;
	uint8_t memory[OHTTP_INFO_MAX];
	struct writer info = WRITER_OVER(memory);
	SCOPED_SECRET32 shared;

	kem_shared_secret(dh, (struct bytes){ header->enc, header->enc_len },
			  &received->public_key, shared.bytes);
	if (ohttp_info(received->form, header, &info) != ERR_OK ||
	    hpke_schedule(header->suite, shared.bytes, bytes_written(&info),
			  context) != ERR_OK)
		return FAILURE_MALFORMED;
	return FAILURE_NONE;
}
