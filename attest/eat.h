/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eat: claims about a device in a signed token (RFC 9711, RFC 8392).
 *
 *     token  = [61] COSE_Sign1 with claims as its payload (crypto/cose.h)
 *     claims = map: 4 exp, 5 nbf, 6 iat, 8 cnf, 10 nonce, 256 ueid, 258 oemid,
 *              259 hwmodel, 263 dbgstat, 265 profile, 266 submods,
 *              273 measurements; others are left to who knows them
 *
 * Each claim that is read has the type and size of RFC 9711, section 4, or the
 * token is malformed.  All views are borrowed; what is absent is empty.
 */
#ifndef ATTEST_EAT_H
#define ATTEST_EAT_H

#include "crypto/cose.h"

#define EAT_NONCES_MAX 4

/* Whether a debugger can be attached (RFC 9711, 4.2.9). */
enum eat_debug {
	EAT_DEBUG_ENABLED = 0,
	EAT_DEBUG_DISABLED, /* now; it was not since the start */
	EAT_DEBUG_DISABLED_SINCE_BOOT,
	EAT_DEBUG_DISABLED_PERMANENTLY,
	EAT_DEBUG_DISABLED_FULLY,
	EAT_DEBUG_UNSAID,
};

struct eat {
	struct cbor_item_map claims; /* all of them */
	struct bytes nonces[EAT_NONCES_MAX];
	size_t nonce_count;
	struct bytes ueid;    /* 7..33 bytes, the first its kind */
	struct bytes oemid;   /* 3 or 16 bytes, or an encoded integer */
	struct bytes hwmodel; /* 1..32 bytes */
	struct bytes profile; /* text of a URI, or an encoded OID */
	enum eat_debug debug;
	struct bytes key;	      /* cnf: the encoded map */
	struct cbor_item_map submods; /* by name; count 0: none */
	struct bytes measurements;    /* encoded [ [type, bytes], ... ] */
	uint64_t issued, not_before, expires; /* Unix seconds; 0: unsaid */
};

/* Read a map of claims that fills `in`.  Nothing is verified. */
MUST_CHECK enum err eat_read(struct bytes in, struct eat *out);

/*
 * Open a token that this key signed.  ERR_UNAUTHENTIC if it did not,
 * ERR_EXPIRED where the token has ended, has not begun or was issued later than
 * `now` (Unix seconds); ERR_UNSUPPORTED for an unsigned one (RFC 9781).
 */
MUST_CHECK enum err eat_open(struct bytes token,
			     const struct signature_key *key, uint64_t now,
			     struct eat *out);

/* Whether one of its nonces is this. */
bool eat_has_nonce(const struct eat *eat, struct bytes nonce);

#endif
