/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: what a node measures of itself into its machine, before it has a
 * key: PCR 14 of a TPM, RTMR 3 of TDX.
 *
 * One event for each of seven things, in this order:
 *
 *     program  model  tokenizer  policy  jail  log  command
 *
 *     event     = H( "pcc-node/v1 event" | 00 | name | 00 | digest[32] )
 *     register' = H( register | event ),  from zeros
 *
 * with the digests of the node statement, and H of the register's bank.  So a
 * verifier computes the register's end value from the statement alone, and a
 * boot in which one release has run can prove no other.
 */
#ifndef ATTEST_IDENTITY_H
#define ATTEST_IDENTITY_H

#include "crypto/hash.h"
#include "wire/statement.h"

#define IDENTITY_PCR 14
#define IDENTITY_RTMR 3
#define IDENTITY_EVENTS 7
#define IDENTITY_PCR_BYTES 32  /* SHA-256 */
#define IDENTITY_RTMR_BYTES 48 /* SHA-384 */

/* The digest of one event; hash_bytes(bank) bytes. */
void identity_event(const struct statement *statement, size_t index,
		    enum hash_algorithm bank, uint8_t *digest);

/* What is measured by it: "program", "model", ... */
const char *identity_event_name(size_t index);

/* Extend a register's value by an event's digest. */
void identity_extend(enum hash_algorithm bank, uint8_t *value,
		     const uint8_t *digest);

/* The end values, after all events. */
void identity_pcr(const struct statement *statement,
		  uint8_t value[static IDENTITY_PCR_BYTES]);
void identity_rtmr(const struct statement *statement,
		   uint8_t value[static IDENTITY_RTMR_BYTES]);

/*
 * How many of the events are in a register with this value, 0 to
 * IDENTITY_EVENTS: a node may have ended between two.  ERR_DENIED where it is
 * the value of something else.
 */
MUST_CHECK enum err identity_progress(const struct statement *statement,
				      enum hash_algorithm bank,
				      const uint8_t *value, size_t *done);

#endif
