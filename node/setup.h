/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup: what a role is told before it begins.
 *
 * A role is executed with one channel to the supervisor, no argument but its
 * name and no environment.  Everything else comes over that channel, each thing
 * once, and MESSAGE_START ends it.  What a role does not need it is not sent.
 */
#ifndef NODE_SETUP_H
#define NODE_SETUP_H

#include "node/channel.h"
#include "policy/policy.h"
#include "policy/profile.h"
#include "wire/release.h"
#include "wire/statement.h"

#define SETUP_CONTROL_FD JAIL_FD_FIRST /* every role's channel */
#define SETUP_PEM_MAX (16u << 10)
#define SETUP_DIGEST_BYTES 32
#define SETUP_EVENT_LOG_MAX (48u << 10)
#define SETUP_REPORTS_MAX 256 /* of a path */

/* SHA-256 or Merkle root of what the node statement names. */
struct setup_digests {
	uint8_t binary[SETUP_DIGEST_BYTES];
	uint8_t model_root[SETUP_DIGEST_BYTES];
	uint8_t tokenizer[SETUP_DIGEST_BYTES];
	uint8_t policy[SETUP_DIGEST_BYTES];
	uint8_t jail[SETUP_DIGEST_BYTES];
	uint8_t grammar[SETUP_DIGEST_BYTES];
	uint8_t command[SETUP_DIGEST_BYTES]; /* the supervisor's arguments */
};

/* Event logs, which evidence of two kinds comes with. */
enum setup_log {
	SETUP_LOG_TPM,
	SETUP_LOG_CCEL, /* TDX */
	SETUP_LOGS,
};

struct setup_event_log {
	size_t len;
	uint8_t bytes[SETUP_EVENT_LOG_MAX];
};

enum setup_pem {
	SETUP_PEM_CLIENT_ROOTS, /* who may call */
	SETUP_PEM_CERTIFICATE,
	SETUP_PEM_KEY, /* a secret */
	SETUP_PEMS,
};

/* What was not sent is zero, an empty text, or -1. */
struct setup {
	struct policy policy;
	struct setup_digests digests;
	int model;	       /* zygote: the model file */
	int listener;	       /* front: a listening local socket */
	char tls_address[128]; /* front: where to listen for mutual TLS */
	char pem[SETUP_PEMS][SETUP_PEM_MAX];	/* ended by zero */
	uint8_t checkpoint[SETUP_DIGEST_BYTES]; /* keeper: of the release's */
	uint8_t release[RELEASE_BYTES_MAX];	/* keeper; wire/release.h */
	size_t release_len;
	uint32_t evidence; /* keeper, attester: bits of bundle_evidence_type */
	int tpm;	   /* attester: a TPM 2.0 */
	int rtmr;	   /* attester: TDX's register for measurements */
	char reports[SETUP_REPORTS_MAX]; /* attester: a report's directory */
	char ak_certificate[SETUP_PEM_MAX];
	struct setup_event_log event_logs[SETUP_LOGS]; /* attester */
};

/*
 * Receive everything up to MESSAGE_START.  Anything out of form, twice, or
 * unknown is an error, and then the role must exit; the end of the supervisor
 * is the process's.
 */
MUST_CHECK enum err setup_receive(struct setup *out);

/* Send a policy in its canonical form; digests; the file of a PEM. */
MUST_CHECK enum err setup_send_policy(int role, const struct policy *policy);
MUST_CHECK enum err setup_send_digests(int role,
				       const struct setup_digests *digests);
MUST_CHECK enum err setup_send_pem(int role, enum setup_pem which, int file);

/* What the digests say in a statement, whose other fields are zero. */
void setup_state(const struct setup_digests *digests, struct statement *out);

/* Tell the supervisor that this role can work; port is 0 but for TCP. */
MUST_CHECK enum err setup_tell_ready(uint16_t port);

/*
 * Receive what the supervisor says later, as channel_receive() does.  A pulse is
 * answered here; it is told all the same, for a role that does more at each.
 */
MUST_CHECK enum err setup_hear(struct channel_packet *packet,
			       struct message *out, int *passed);

/* Tell the supervisor, unasked, that this role works; nothing where it does not
 * read, since a role works on without it. */
void setup_tell_alive(void);

/*
 * Tell the supervisor that the channel to this peer was dropped, for whatever
 * reason: it makes a new one if the peer lives.
 */
MUST_CHECK enum err setup_tell_unlinked(enum jail_role peer);

/* Forget the key of TLS once its only user has it. */
void setup_forget_key(struct setup *setup);

#endif
