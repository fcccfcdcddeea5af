/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: every number that bounds what a peer can make the node do.
 *
 * One home, so that an auditor can read them on a page.  Those that an operator
 * may lower stand in struct policy (policy/policy.h) with these as the most.
 */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

/* Request, on the wire and opened. */
#define LIMIT_MESSAGE_BYTES (64u << 10)	  /* one gRPC message */
#define LIMIT_REQUEST_BYTES (4u << 20)	  /* one encapsulated request */
#define LIMIT_METADATA_BYTES (8u << 10)	  /* gRPC metadata of a call */
#define LIMIT_CHUNK_PLAINTEXT (16u << 10) /* one OHTTP chunk, opened */
#define LIMIT_FIELD_BYTES (8u << 10)	  /* all BHTTP field lines */
#define LIMIT_FIELDS 64			  /* BHTTP field lines */
#define LIMIT_JSON_DEPTH 32		  /* nested arrays and objects */
#define LIMIT_CHAT_MESSAGES 256		  /* messages of one conversation */
#define LIMIT_STOPS 4			  /* stop strings */
#define LIMIT_STOP_BYTES 64		  /* one stop string */
#define LIMIT_OUTPUT_TOKENS 4096	  /* tokens of one answer */

/* Response shape: the defaults of the policy file. */
#define SHAPE_FRAME_BYTES 512 /* every response frame, sealed, on the wire */
#define SHAPE_TICK_MS 25      /* one frame leaves at each tick */

/* Keys (RFC 9180 keys of this node). */
#define KEY_LIFETIME_S (24u * 3600) /* then no client is told of it */
#define KEY_ROTATION_S (12u * 3600) /* then a new one is offered */
#define KEY_GRACE_S 300u	    /* and then, after this, it opens nothing */
#define KEY_ROTATION_LEAST_S 60 /* between two, however many requests come */
#define KEY_REQUESTS_MAX (1u << 20) /* replay set of one key; then full */
#define KEYS_LIVE_MAX 3 /* offered, the one before, one in its grace */

/* Evidence, which one gRPC message has to hold beside keys and statement. */
#define LIMIT_EVIDENCE_BYTES (60u << 10)
#define LIMIT_PROOFS 20 /* bundles whose evidence is being made */

/* Work. */
#define LIMIT_WORKERS 64	 /* workers at once, whatever the policy says */
#define LIMIT_THREADS 64	 /* of the engine, in one worker */
#define LIMIT_ENGINE_THREADS 512 /* of the engine, in all workers together */
#define LIMIT_QUEUE 64		 /* requests that wait for a worker */
#define LIMIT_QUEUE_WAIT_MS 2000 /* then RESOURCE_EXHAUSTED */
#define LIMIT_REQUEST_MS 900000u /* longest request, drain included */
#define LIMIT_UPLOAD_START_MS 1000	 /* with a worker; then */
#define LIMIT_UPLOAD_BYTES_S (16u << 10) /* a second, at least */
#define LIMIT_UPLOAD_IDLE_MS 10000	 /* no byte of an unfinished request */
#define LIMIT_UNREAD_MS 5000 /* that an answer waits to be read, in all; and */
#define LIMIT_READ_BYTES_S (16u << 10) /* a second more for so much of it */
#define RETRY_DELAY_MS 1000	       /* the advice given with an overload */
#define RESTART_BACKOFF_MS 50 /* between restarts of a role that dies */
#define PULSE_MS 1000  /* between two questions whether a role still works */
#define LIMIT_PULSES 5 /* unanswered in a row, then it is replaced */
#define LIMIT_PULSES_ATTESTER 15   /* a TPM, or firmware, may take its time */
#define LIMIT_PULSES_START 25	   /* until it is ready */
#define LIMIT_PULSES_START_SLOW 60 /* with a TPM; with a model, of which */
#define LIMIT_PULSE_MODEL_BYTES (16u << 20) /* so much is one more */
#define LIMIT_STACK_BYTES (8u << 20)	    /* of a worker's first thread */

/* gRPC transport. */
#define KEEPALIVE_MS 15000
#define LIMIT_STREAMS 256 /* concurrent calls of one connection */
#define LIMIT_GRPC_MEMORY (64u << 20)

/* Model file. */
#define LIMIT_MODEL_BYTES (1ull << 40)
#define LIMIT_MODEL_PIECE (1u << 20) /* leaf of the measured Merkle tree */
#define LIMIT_CONTEXT_TOKENS (128u << 10)
#define LIMIT_MODEL_LAYERS 4096	     /* of all tracks together */
#define LIMIT_MODEL_WIDTH (1u << 17) /* of the widest layer */
#define LIMIT_MODEL_VOCABULARY (1u << 20)

/* A struct model_limits of inference/generate.h, or its like. */
#define LIMITS_MODEL_SHAPE                                                \
	{                                                                 \
		.layers = LIMIT_MODEL_LAYERS, .width = LIMIT_MODEL_WIDTH, \
		.vocabulary = LIMIT_MODEL_VOCABULARY,                     \
		.context = LIMIT_CONTEXT_TOKENS,                          \
	}

#endif
