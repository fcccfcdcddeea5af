/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the node's HPKE keys, and what each of them has opened.
 *
 * A key and its replay set live and die together: a process that lost the one
 * has lost the other, so nothing that was received can be received again.  At
 * most KEYS_LIVE_MAX keys live at once; the newest is offered to clients, the
 * others still open what was sealed to them.
 *
 *     made ── offered ──▶ rotation ── opens only ──▶ lifetime + grace ─▶ wiped
 *
 * Time is Unix seconds and always the caller's, so that a test can move it.
 */
#ifndef NODE_KEYRING_H
#define NODE_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/ohttp.h"
#include "wire/message.h"

struct keyring;

struct keyring_times {
	uint64_t rotation_s; /* a newer key is offered after this */
	uint64_t lifetime_s; /* this key is no longer named as valid */
	uint64_t grace_s;    /* and after this much more it is wiped */
};

/*
 * A ring with one new key.  The ring is mapped memory of its own: the private
 * keys on secret pages (sandbox/memory.h), the replay sets beside them.
 * ERR_UNAVAILABLE when the kernel refuses.
 */
MUST_CHECK enum err keyring_open(const struct keyring_times *times,
				 uint64_t now, struct keyring **out);

/*
 * A ring for keys that a TPM makes and keeps: it is empty until keyring_add(),
 * and what it knows of a key's private half is the seed to make it again from
 * (node/chip_kem.h).
 */
MUST_CHECK enum err keyring_open_elsewhere(const struct keyring_times *times,
					   struct keyring **out);

/* Whether it is such a ring. */
bool keyring_is_elsewhere(const struct keyring *ring);

/* Whether somebody has to make a key for it now. */
bool keyring_needs_key(const struct keyring *ring, uint64_t now);

#define KEYRING_SEED_BYTES 32

/* The new key, offered from now on. */
MUST_CHECK enum err keyring_add(struct keyring *ring, uint64_t now,
				const uint8_t seed[static KEYRING_SEED_BYTES],
				const struct hpke_public_key *public_key);

/* Wipe all keys and replay sets.  NULL is allowed. */
void keyring_close(struct keyring *ring);

/*
 * Make a new key and wipe ended ones, where it is time.  *changed tells
 * whether clients have to be shown new configs.
 */
MUST_CHECK enum err keyring_tick(struct keyring *ring, uint64_t now,
				 bool *changed);

/* When keyring_tick has something to do next.  Of a ring that is not empty, as
 * are the three that follow keyring_live(). */
uint64_t keyring_next_change(const struct keyring *ring);

/* When the offered key ends, grace not counted. */
uint64_t keyring_expiry(const struct keyring *ring);

/* How many keys live now. */
size_t keyring_live(const struct keyring *ring);

/* The offered key's id, which is never that of another live key. */
uint8_t keyring_current_id(const struct keyring *ring);

/* The offered configuration as application/ohttp-keys (RFC 9458, 3.2). */
MUST_CHECK enum err keyring_configs(const struct keyring *ring,
				    struct writer *out);

/*
 * Decapsulate one request, once.  The encapsulated key is entered in the replay
 * set before anything is derived, so that no second call can race with it.
 * Fills *context and returns FAILURE_NONE, or says why not.
 */
MUST_CHECK enum failure keyring_receive(struct keyring *ring, uint64_t now,
					enum ohttp_form form,
					const struct ohttp_header *header,
					struct hpke_context *context);

/* A request that was admitted and waits for its Diffie-Hellman. */
struct keyring_received {
	enum ohttp_form form;
	struct ohttp_header header;
	struct hpke_public_key public_key;
	uint8_t seed[KEYRING_SEED_BYTES];
};

/* The same up to there, in a ring whose keys are elsewhere. */
MUST_CHECK enum failure keyring_admit(struct keyring *ring, uint64_t now,
				      enum ohttp_form form,
				      const struct ohttp_header *header,
				      struct keyring_received *out);

/* And from there on, with the secret that the TPM computed. */
MUST_CHECK enum failure keyring_finish(const struct keyring_received *received,
				       const uint8_t dh[static 32],
				       struct hpke_context *context);

#endif
