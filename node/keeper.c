/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "crypto/random.h"
#include "node/bundles.h"
#include "node/clock.h"
#include "node/keyring.h"
#include "node/question.h"
#include "node/role.h"
#include "node/setup.h"
#include "policy/events.h"
#include "policy/limits.h"
#include "sandbox/memory.h"

enum place {
	CONTROL,
	ZYGOTE,
	FRONT,
	ATTESTER,
	FIRST_WORKER,
	PLACES = FIRST_WORKER + 2 * LIMIT_WORKERS
};

struct keeper {
	struct setup setup;
	struct keyring *ring;
	struct signer signer;
	struct bundles bundles;
	uint64_t replays;  /* refused since the last log line */
	bool is_full;	   /* the offered key took all requests it may */
	bool is_key_asked; /* of the attester, and has not come */
	uint8_t key_seed[KEYRING_SEED_BYTES]; /* that it is to be made from */
	uint64_t last_ticket;		      /* of what workers wait for */
	struct pollfd peers[PLACES];	      /* fd -1: nobody there */
	struct question questions[PLACES];    /* of those that are workers */
	struct channel_packet packet;
};

/* Nor will a key; and workers that wait see their channel end. */
static void lose_attester(struct keeper *keeper)
{
	bundles_give_up(&keeper->bundles);
	keeper->is_key_asked = false;
	for (size_t i = FIRST_WORKER; i < PLACES; i++) {
		if (keeper->questions[i].turn == QUESTION_SHARED)
			fd_close(&keeper->peers[i].fd);
	}
}

/* Where a peer is listened to. */
static enum place place_of(enum jail_role peer)
{
	if (peer == JAIL_ZYGOTE)
		return ZYGOTE;
	return peer == JAIL_ATTESTER ? ATTESTER : FRONT;
}

static enum jail_role peer_at(enum place place)
{
	if (place == ZYGOTE)
		return JAIL_ZYGOTE;
	return place == ATTESTER ? JAIL_ATTESTER : JAIL_FRONT;
}

/* A peer that breaks off or breaks the rules is dropped; a new one will come. */
static void drop(struct keeper *keeper, enum jail_role peer)
{
	fd_close(&keeper->peers[place_of(peer)].fd);
	if (peer == JAIL_ATTESTER)
		lose_attester(keeper);
	if (setup_tell_unlinked(peer) != ERR_OK)
		exit(EXIT_FAILURE);
}

static void announce_key(struct keeper *keeper)
{
	keeper->is_full = false;
	EVENTS_LOG(EVENT_KEY_ROTATED, keyring_live(keeper->ring));
	bundles_publish(&keeper->bundles);
}

static void note_failure(struct keeper *keeper, enum failure failure)
{
	if (failure == FAILURE_REPLAYED)
		keeper->replays++;
	if (failure == FAILURE_FULL && !keeper->is_full) {
		keeper->is_full = true;
		EVENTS_LOG(EVENT_KEY_RETIRED, EVENT_CAUSE_FULL);
	}
}

static enum err ask_for_secret(struct keeper *keeper, size_t place)
{
	struct question *question = &keeper->questions[place];
	const struct keyring_received *received = &question->received;
	uint8_t memory[KEYRING_SEED_BYTES + HPKE_ENC_MAX];
	struct writer body = WRITER_OVER(memory);
	struct message message = { .kind = MESSAGE_DH };

	if (keeper->peers[ATTESTER].fd < 0)
		return ERR_UNAVAILABLE;
	question->ticket = ++keeper->last_ticket;
	TRY(bytes_put(&body, BYTES_ARRAY(received->seed)));
	TRY(bytes_put(&body, (struct bytes){ received->header.enc,
					     received->header.enc_len }));
	message.number[0] = question->ticket;
	message.body = bytes_written(&body);
	return channel_send(keeper->peers[ATTESTER].fd, &message, -1);
}

static enum err answer_worker(struct keeper *keeper, size_t place)
{
	const struct question_desk desk = { keeper->ring, &keeper->signer,
					    clock_now_s() };
	uint8_t memory[QUESTION_REPLY_MAX];
	struct writer out = WRITER_OVER(memory);
	struct message message, reply;
	int passed;
	enum err err = ERR_OK;

	TRY(channel_receive(keeper->peers[place].fd, &keeper->packet, &message,
			    &passed));
	fd_close(&passed);
	note_failure(keeper, question_answer(&keeper->questions[place], &desk,
					     &message, &out, &reply));
	if (reply.kind == MESSAGE_DH)
		err = ask_for_secret(keeper, place);
	else if (reply.kind != 0)
		err = channel_send(keeper->peers[place].fd, &reply, -1);
	/* Keys and receipts are the worker's now: of neither is a copy kept,
	   nor what signing left behind. */
	secret_wipe(memory, sizeof(memory));
	secret_wipe_stack();
	secret_wipe(&keeper->packet, sizeof(keeper->packet));
	return err;
}

static enum err add_worker(struct keeper *keeper, int worker)
{
	for (size_t i = FIRST_WORKER; i < PLACES; i++) {
		if (keeper->peers[i].fd < 0) {
			keeper->peers[i].fd = worker;
			keeper->questions[i] = (struct question){ 0 };
			return ERR_OK;
		}
	}
	return ERR_TOO_LARGE;
}

static enum err hear_zygote(struct keeper *keeper)
{
	struct message message;
	int passed;

	TRY(channel_receive(keeper->peers[ZYGOTE].fd, &keeper->packet, &message,
			    &passed));
	if (message.kind != MESSAGE_WORKER_KEYS ||
	    add_worker(keeper, passed) != ERR_OK) {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err hear_front(struct keeper *keeper)
{
	struct message message;
	int passed;

	TRY(channel_receive(keeper->peers[FRONT].fd, &keeper->packet, &message,
			    &passed));
	if (message.kind != MESSAGE_NONCE) {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	bundles_begin(&keeper->bundles, message.number[0], message.body.data);
	return ERR_OK;
}

/* Ask for a key where one is due; one at a time. */
static void make_key_elsewhere(struct keeper *keeper)
{
	struct message message = { .kind = MESSAGE_KEM,
				   .body = BYTES_ARRAY(keeper->key_seed) };

	if (keeper->is_key_asked || keeper->peers[ATTESTER].fd < 0 ||
	    !keyring_needs_key(keeper->ring, clock_now_s()))
		return;
	random_bytes(keeper->key_seed, sizeof(keeper->key_seed));
	keeper->is_key_asked = channel_send(keeper->peers[ATTESTER].fd,
					    &message, -1) == ERR_OK;
}

static enum err take_key(struct keeper *keeper, struct bytes body)
{
	struct hpke_public_key key = { .kem = HPKE_KEM_P256,
				       .len = P256_POINT_BYTES };
	struct bytes seed;

	TRY(bytes_take(&body, KEYRING_SEED_BYTES, &seed));
	TRY(bytes_take_into(&body, key.bytes, key.len));
	TRY(bytes_expect_end(&body));
	if (!keeper->is_key_asked ||
	    !bytes_equal(seed, BYTES_ARRAY(keeper->key_seed)))
		return ERR_MALFORMED;
	keeper->is_key_asked = false;
	if (keyring_add(keeper->ring, clock_now_s(), keeper->key_seed, &key) !=
	    ERR_OK)
		exit(EXIT_FAILURE); /* no key, no node */
	announce_key(keeper);
	return ERR_OK;
}

/* The worker that waits for this, if it still does. */
static void take_secret(struct keeper *keeper, const struct message *made)
{
	uint8_t memory[QUESTION_REPLY_MAX];
	struct writer out = WRITER_OVER(memory);
	struct message reply;

	for (size_t i = FIRST_WORKER; i < PLACES; i++) {
		struct question *question = &keeper->questions[i];

		if (keeper->peers[i].fd < 0 ||
		    question->turn != QUESTION_SHARED ||
		    question->ticket != made->number[0])
			continue;
		note_failure(keeper, question_finish(question, made->body, &out,
						     &reply));
		if (channel_send(keeper->peers[i].fd, &reply, -1) != ERR_OK ||
		    question->turn == QUESTION_OVER)
			fd_close(&keeper->peers[i].fd);
		break;
	}
	/* As in answer_worker(). */
	secret_wipe(memory, sizeof(memory));
	secret_wipe_stack();
}

static enum err hear_attester(struct keeper *keeper)
{
	struct message message;
	int passed;

	TRY(channel_receive(keeper->peers[ATTESTER].fd, &keeper->packet,
			    &message, &passed));
	fd_close(&passed);
	if (message.kind == MESSAGE_KEM)
		return take_key(keeper, message.body);
	if (message.kind == MESSAGE_DH) {
		take_secret(keeper, &message);
		secret_wipe(&keeper->packet, sizeof(keeper->packet));
		return ERR_OK;
	}
	if (message.kind != MESSAGE_EVIDENCE &&
	    message.kind != MESSAGE_UNPROVEN)
		return ERR_MALFORMED;
	bundles_take(&keeper->bundles, &message);
	return ERR_OK;
}

/* A new channel to a peer takes the place of the one before. */
static enum err hear_supervisor(struct keeper *keeper)
{
	struct message message;
	enum place place;
	int passed;

	TRY(setup_hear(&keeper->packet, &message, &passed));
	if (message.kind == MESSAGE_PULSE)
		return ERR_OK;
	if (message.kind != MESSAGE_LINK) {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	place = place_of((enum jail_role)message.number[0]);
	fd_close(&keeper->peers[place].fd);
	keeper->peers[place].fd = passed;
	if (place == FRONT)
		bundles_forget(&keeper->bundles);
	if (place == ATTESTER) {
		lose_attester(keeper);
		make_key_elsewhere(keeper);
	}
	if (place == FRONT ||
	    (place == ATTESTER && keeper->bundles.is_unpublished))
		bundles_publish(&keeper->bundles);
	return ERR_OK;
}

static void hear(struct keeper *keeper, size_t place)
{
	struct pollfd *peer = &keeper->peers[place];
	enum err err = ERR_OK;

	if (place == CONTROL) {
		/* Without its supervisor a keeper has no reason to be. */
		if (hear_supervisor(keeper) != ERR_OK)
			exit(EXIT_FAILURE);
	} else if (place == ZYGOTE) {
		err = hear_zygote(keeper);
	} else if (place == FRONT) {
		err = hear_front(keeper);
	} else if (place == ATTESTER) {
		err = hear_attester(keeper);
	} else {
		err = answer_worker(keeper, place);
		if (err != ERR_OK ||
		    keeper->questions[place].turn == QUESTION_OVER)
			fd_close(&peer->fd);
		return;
	}
	if (err != ERR_OK)
		drop(keeper, peer_at((enum place)place));
}

static void tick(struct keeper *keeper)
{
	size_t live = keyring_live(keeper->ring);
	bool changed = false;

	make_key_elsewhere(keeper);
	if (keyring_tick(keeper->ring, clock_now_s(), &changed) != ERR_OK)
		exit(EXIT_FAILURE); /* no key, no node */
	if (keeper->replays > 0) {
		EVENTS_LOG(EVENT_REPLAYS_REFUSED, keeper->replays);
		keeper->replays = 0;
	}
	for (size_t left = keyring_live(keeper->ring); live + changed > left;
	     left++)
		EVENTS_LOG(EVENT_KEY_RETIRED, EVENT_CAUSE_AGE);
	bundles_tick(&keeper->bundles);
	if (changed)
		announce_key(keeper);
}

/* What every receipt says of this node. */
static void open_signer(struct keeper *keeper)
{
	const struct setup_digests *digests = &keeper->setup.digests;
	struct receipt_node *node = &keeper->signer.node;

	if (signer_open(&keeper->signer) != ERR_OK)
		die("no memory for keys that nobody else can read");
	node->shape = bundles_shape(&keeper->setup.policy);
	node->assurance = proofs_assurance(keeper->setup.evidence);
	memcpy(node->model_root, digests->model_root, SETUP_DIGEST_BYTES);
	memcpy(node->tokenizer_digest, digests->tokenizer, SETUP_DIGEST_BYTES);
	memcpy(node->policy_digest, digests->policy, SETUP_DIGEST_BYTES);
	memcpy(node->jail_digest, digests->jail, SETUP_DIGEST_BYTES);
	memcpy(node->node_id, keeper->bundles.node_id,
	       sizeof(keeper->bundles.node_id));
	memcpy(node->checkpoint_digest, keeper->setup.checkpoint,
	       SETUP_DIGEST_BYTES);
}

static void open_keyring(struct keeper *keeper)
{
	struct keyring_times times = {
		.rotation_s = keeper->setup.policy.key_rotation_s,
		.lifetime_s = keeper->setup.policy.key_lifetime_s,
		.grace_s = KEY_GRACE_S,
	};

	enum err err =
		keeper->setup.policy.kem == POLICY_KEM_P256_TPM
			? keyring_open_elsewhere(&times, &keeper->ring)
			: keyring_open(&times, clock_now_s(), &keeper->ring);

	if (err != ERR_OK)
		die("no memory for keys that nobody else can read");
	for (size_t i = 0; i < PLACES; i++)
		keeper->peers[i] =
			(struct pollfd){ .fd = -1, .events = POLLIN };
	keeper->peers[CONTROL].fd = SETUP_CONTROL_FD;
}

static void open_bundles(struct keeper *keeper)
{
	struct bundles *bundles = &keeper->bundles;

	bundles->setup = &keeper->setup;
	bundles->ring = keeper->ring;
	bundles->signer = &keeper->signer;
	bundles->front = &keeper->peers[FRONT].fd;
	bundles->attester = &keeper->peers[ATTESTER].fd;
	random_bytes(bundles->node_id, sizeof(bundles->node_id));
}

_Noreturn void keeper_run(void)
{
	static struct keeper keeper;

	role_isolate(JAIL_KEEPER);
	if (setup_receive(&keeper.setup) != ERR_OK)
		die("set-up is not what it should be");
	/* OpenSSL looks for files at its first use: it may not, later. */
	aead_warm();
	hash_warm();
	open_keyring(&keeper);
	open_bundles(&keeper);
	open_signer(&keeper);
	role_close_jail(JAIL_KEEPER);
	EVENTS_LOG(EVENT_KEYS_HELD,
		   memory_secret_kind() == MEMORY_SECRECY_KERNEL
			   ? EVENT_PAGES_KERNEL
			   : EVENT_PAGES_LOCKED);
	if (setup_tell_ready(0) != ERR_OK)
		exit(EXIT_FAILURE);

	for (;;) {
		/* Once a second is often enough to see that a key has ended. */
		if (poll(keeper.peers, PLACES, 1000) < 0)
			continue;
		/* The supervisor may put a new channel in the place of one that
		   poll has just spoken of: so it is heard alone. */
		if (keeper.peers[CONTROL].revents != 0) {
			hear(&keeper, CONTROL);
			continue;
		}
		for (size_t i = 0; i < PLACES; i++) {
			if (keeper.peers[i].fd >= 0 &&
			    keeper.peers[i].revents != 0)
				hear(&keeper, i);
		}
		tick(&keeper);
	}
}
