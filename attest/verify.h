/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: judges a node by its bundle, and says what exactly was proven.
 *
 * One record a check, in a fixed order, each with a stable code, a mark and a
 * sentence.  Nothing is taken from the machine it runs on: time and nonce are
 * parameters, so that a saved bundle gives the same answer for ever.
 *
 * It fails closed.  The verdict is VERIFY_VERIFIED only where every check that
 * the policy asks for passed; a check that could not be reached never passes.
 */
#ifndef ATTEST_VERIFY_H
#define ATTEST_VERIFY_H

#include "attest/appraisal.h"
#include "crypto/ohttp.h"
#include "tlog/tlog_proof.h"
#include "wire/bundle.h"
#include "wire/log_entry.h"
#include "wire/statement.h"

/* The checks, in the order in which they are made and printed. */
enum verify_code {
	VERIFY_BUNDLE,		  /* the collection parses */
	VERIFY_STATEMENT,	  /* the node statement parses */
	VERIFY_KEYS,		  /* a key this build can encrypt to */
	VERIFY_RELEASE,		  /* a release that is proven to be logged */
	VERIFY_RELEASE_MATCH,	  /* ... and is what the statement says */
	VERIFY_RELEASE_TIME,	  /* ... and may run now */
	VERIFY_EVIDENCE_TYPE,	  /* evidence of a type that is accepted */
	VERIFY_EVIDENCE_SOFTWARE, /* ... by name, when it has no root */
	VERIFY_APPRAISAL,	  /* nine questions to the evidence itself */
	VERIFY_BINDING =	  /* it names statement and keys */
		VERIFY_APPRAISAL + APPRAISAL_CODES,
	VERIFY_FRESHNESS, /* ... and the nonce */
	VERIFY_ASSURANCE, /* the statement claims no more than that */
	VERIFY_IDENTITY,  /* a register holds what the statement says */
	VERIFY_EXPIRY,	  /* the key is valid now */
	VERIFY_LIFETIME,  /* ... and not for longer than a key may be */
	VERIFY_NODE,	  /* it is the node that was asked for */
	VERIFY_SHAPE,
	VERIFY_PROGRAM, /* these seven: one of the digests accepted */
	VERIFY_MODEL,
	VERIFY_TOKENIZER,
	VERIFY_POLICY,
	VERIFY_JAIL,
	VERIFY_LOG,
	VERIFY_COMMAND,
	VERIFY_CODES,
};

#define VERIFY_DIGEST_FIRST VERIFY_PROGRAM
#define VERIFY_DIGESTS (VERIFY_CODES - VERIFY_PROGRAM)

enum verify_verdict {
	VERIFY_MALFORMED = 0,
	VERIFY_NOT_VERIFIED,
	VERIFY_EXPIRED, /* what failed did so for the time alone */
	VERIFY_VERIFIED,
};

/* Digests of which any one will do; none: the check is skipped. */
struct verify_digests {
	const uint8_t (*list)[STATEMENT_DIGEST_BYTES]; /* borrowed */
	size_t count;
};

/* What to do about registers that nobody gave a value for. */
enum verify_registers {
	VERIFY_REGISTERS_ASKED = 0, /* hardware evidence needs at least one */
	VERIFY_REGISTERS_ANY,	    /* whatever was booted: development */
};

/*
 * What a verifier accepts.  All zero accepts no node at all, for want of
 * evidence; and responses that are not paced have to be accepted by name.
 * Where references are given for a type, evidence of that type has to be there.
 */
struct verify_policy {
	uint32_t evidence; /* bit 1 << enum bundle_evidence_type: accepted */
	struct appraisal_policy appraisal[BUNDLE_EVIDENCE_COUNT]; /* by type;
							their `now` is not used */
	enum verify_registers registers;
	const uint8_t *node_id;		/* 32 bytes, or NULL for any node */
	enum statement_mode mode_worst; /* paced unless said otherwise */
	uint32_t frame_bytes;		/* exactly; 0: any */
	uint32_t tick_ms;		/* exactly; 0: any */
	struct verify_digests digests[VERIFY_DIGESTS]; /* from VERIFY_PROGRAM */

	/*
	 * Where releases are logged (its `now` is not used); all zero: no
	 * release is asked for.  Without a log key none is good.  Entries that were taken back are told by
	 * their leaf hashes.
	 */
	struct tlog_policy releases;
	struct verify_digests revoked;
};

/*
 * bundle and statement are views of the bytes that were judged.  key is set
 * when VERIFY_KEYS passed: its first pair is the one to use.
 */
struct verify_result {
	enum verify_verdict verdict;
	struct record records[VERIFY_CODES];
	struct bundle bundle;
	struct statement statement;
	struct ohttp_key_config key;
	struct log_entry release; /* VERIFY_RELEASE passed, or was late */
	struct appraisal appraisals[BUNDLE_EVIDENCE_MAX]; /* of bundle's */
	uint64_t expired;     /* bit 1 << code: failed for the time alone */
	bool booted_anything; /* and that was accepted by name */
};

/*
 * Judge one bundle at the time `now`, Unix seconds.  With a nonce
 * (EVIDENCE_NONCE_BYTES, else NULL) only evidence made for it passes.
 */
void verify_bundle(struct bytes bundle, const struct verify_policy *policy,
		   uint64_t now, const uint8_t *nonce,
		   struct verify_result *result);

/*
 * Until when a bundle that was verified at `now` is one still, Unix seconds:
 * the first end of its key, its release, or what vouches for its evidence.  A
 * head of the log that grows old is told by verifying anew only.
 */
uint64_t verify_good_until(const struct verify_result *result, uint64_t now);

/* Whether the check was made and passed. */
bool verify_passed(const struct verify_result *result, enum verify_code code);

/* The stable name of a check, such as "evidence-software". */
const char *verify_code_name(enum verify_code code);
const char *verify_verdict_name(enum verify_verdict verdict);

/* 0 verified, 10 not verified, 20 expired, 30 malformed. */
int verify_exit_code(enum verify_verdict verdict);

#endif
