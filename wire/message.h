/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: what the processes of one node say to each other.
 *
 *     u8 kind | u64 number[count of the kind] | body        big-endian
 *
 * One message is one packet of a SOCK_SEQPACKET socket (base/fd.h), perhaps
 * with one descriptor.  The table in message.c says for each kind how many
 * numbers it has, how long its body is and whether a descriptor comes with it;
 * a message that says otherwise is refused whole.  Which kinds a process takes
 * on which socket, and when, is told in its own file in node/.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "base/bytes.h"

#define MESSAGE_NUMBERS_MAX 3
#define MESSAGE_BODY_MAX (64u << 10)
#define MESSAGE_BYTES_MAX (1 + 8 * MESSAGE_NUMBERS_MAX + MESSAGE_BODY_MAX)

enum message_kind {
	/* supervisor -> a role, before MESSAGE_START */
	MESSAGE_POLICY = 1, /* body: the policy file */
	MESSAGE_MODEL,	    /* +fd: the model file, open for reading */
	MESSAGE_DIGESTS,    /* body: struct of digests for the statement */
	MESSAGE_LISTENER,   /* +fd: a local socket that listens already */
	MESSAGE_LISTEN_TLS, /* body: an address to listen on with TLS */
	MESSAGE_PEM,	    /* number: which; +fd: the file that holds it */
	MESSAGE_PROVE,	    /* number: bits 1 << enum bundle_evidence_type */
	MESSAGE_TPM,	    /* +fd: to a TPM 2.0 */
	MESSAGE_REPORTS,   /* body: path of a configfs-tsm report's directory */
	MESSAGE_RTMR,	   /* +fd: of TDX's register for what is measured */
	MESSAGE_EVENT_LOG, /* number: enum setup_log; body: what was measured
			       before us */
	MESSAGE_AK_CERTIFICATE, /* body: of the TPM's key, PEM */
	MESSAGE_RELEASE, /* body: digest of its checkpoint[32] | release */
	MESSAGE_START,	 /* that was all: begin */

	/* supervisor -> a role, at any time */
	MESSAGE_LINK,  /* number: the peer's role; +fd: a channel to it */
	MESSAGE_DRAIN, /* take nothing new, finish what runs */
	MESSAGE_PULSE, /* does its loop turn?  And back: it does */

	/* a role -> supervisor */
	MESSAGE_MEASURED, /* body: model root[32] | tokenizer digest[32] */
	MESSAGE_READY,	  /* number: TCP port or 0; this role can work */
	MESSAGE_DRAINED,  /* nothing runs any more */
	MESSAGE_UNLINKED, /* number: the role whose channel was dropped */

	/* zygote -> front, zygote -> keeper */
	MESSAGE_WORKER_READY, /* number: slot, generation; +fd: its channel */
	MESSAGE_WORKER_ENDED, /* number: slot, generation, how */
	MESSAGE_WORKER_KEYS,  /* +fd: a worker's channel for its questions */

	/* front -> zygote */
	MESSAGE_WORKER_TAKEN, /* number: slot, generation: it has work now */
	MESSAGE_WORKER_KILL,  /* number: slot, generation */

	/* worker -> keeper and back, each once, in this order */
	MESSAGE_OPEN,	 /* number: form; body: header and encapsulated key */
	MESSAGE_KEYS,	 /* body: this request's keys (node/request_keys.h) */
	MESSAGE_REFUSED, /* number: enum failure */
	MESSAGE_RECEIPT, /* body: the worker's part; back: signed, whole */

	/* keeper -> front and back */
	MESSAGE_BUNDLE, /* number: ticket, next refresh, key id;
			   body: node id[32] | bundle */
	MESSAGE_NONCE,	/* number: ticket; body: nonce[32] */

	/* keeper -> attester */
	MESSAGE_QUOTE, /* number: ticket; body: report data[64] */

	/* keeper -> attester and back, where private keys are in the TPM */
	MESSAGE_KEM, /* body: seed[32], and back seed[32] | public key[65] */
	MESSAGE_DH,  /* number: ticket; body: seed[32] | encapsulated key[65],
			and back the shared secret[32], or nothing */

	/* attester -> keeper */
	MESSAGE_EVIDENCE, /* number: ticket; body: one piece for each bit of
			     MESSAGE_PROVE, lowest first: u32 length | value */

	/* attester -> keeper, keeper -> front */
	MESSAGE_UNPROVEN, /* number: ticket: it cannot be had now */

	/* front -> worker */
	MESSAGE_BEGIN, /* number: form, Unix seconds now */
	MESSAGE_DATA,  /* body: bytes of the encapsulated request */
	MESSAGE_END,   /* the request is complete */
	MESSAGE_PULL,  /* number: enum message_pull */

	/* worker -> front */
	MESSAGE_FRAME,	/* body: bytes of the encapsulated response */
	MESSAGE_LAST,	/* the same, and there are no more */
	MESSAGE_FAILED, /* number: enum failure; nothing was opened */
};

enum message_pull {
	MESSAGE_PULL_ONE = 1, /* one frame, now */
	MESSAGE_PULL_ALL = 2, /* every frame, as soon as it is ready */
};

/*
 * Why a request ended before there was a key to say it under.  It crosses to
 * the client as a status and a fixed text; see node/serve.c.
 */
enum failure {
	FAILURE_NONE = 0,
	FAILURE_MALFORMED,   /* no header, or a key that does not open */
	FAILURE_KEY_UNKNOWN, /* no such key id, or it has expired */
	FAILURE_REPLAYED,    /* this encapsulated key was seen before */
	FAILURE_FULL,	     /* the key's replay set is full */
	FAILURE_UNSUPPORTED, /* a suite or form this node does not offer */
	FAILURE_INTERNAL,    /* a process of the node went away */
	FAILURE_MAX,
};

struct message {
	enum message_kind kind;
	uint64_t number[MESSAGE_NUMBERS_MAX]; /* meaning by kind, else 0 */
	struct bytes body;		      /* borrowed */
};

/* Write the message as one packet. */
MUST_CHECK enum err message_put(const struct message *message,
				struct writer *out);

/* Read one packet whole; the body is borrowed from it. */
MUST_CHECK enum err message_parse(struct bytes packet, struct message *out);

/* Whether a descriptor has to come with messages of this kind. */
bool message_carries_descriptor(enum message_kind kind);

#endif
