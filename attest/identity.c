/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/identity.h"

#include <string.h>

#define LABEL BYTES_LITERAL("pcc-node/v1 event\0")
#define NAME_MAX_BYTES 10
#define EVENT_BYTES_MAX (18 + NAME_MAX_BYTES + STATEMENT_DIGEST_BYTES)

_Static_assert(IDENTITY_EVENTS == STATEMENT_DIGESTS,
	       "every digest of a statement is an event");

const char *identity_event_name(size_t index)
{
	return statement_digest_name((enum statement_digest)index);
}

void identity_event(const struct statement *statement, size_t index,
		    enum hash_algorithm bank, uint8_t *digest)
{
	uint8_t memory[EVENT_BYTES_MAX];
	struct writer event = WRITER_OVER(memory);
	enum statement_digest which = (enum statement_digest)index;
	struct bytes measured = { statement_digest(statement, which),
				  STATEMENT_DIGEST_BYTES };

	invariant(bytes_put(&event, LABEL) == ERR_OK &&
		  bytes_put(&event, bytes_of_string(statement_digest_name(
					    which))) == ERR_OK &&
		  bytes_put_u8(&event, 0) == ERR_OK &&
		  bytes_put(&event, measured) == ERR_OK);
	hash_digest(bank, bytes_written(&event), digest);
}

void identity_extend(enum hash_algorithm bank, uint8_t *value,
		     const uint8_t *digest)
{
	uint8_t both[2 * HASH_BYTES_MAX];
	size_t len = hash_bytes(bank);

	memcpy(both, value, len);
	memcpy(both + len, digest, len);
	hash_digest(bank, (struct bytes){ both, 2 * len }, value);
}

static void extend_by(const struct statement *statement, size_t index,
		      enum hash_algorithm bank, uint8_t *value)
{
	uint8_t digest[HASH_BYTES_MAX];

	identity_event(statement, index, bank, digest);
	identity_extend(bank, value, digest);
}

static void end_value(const struct statement *statement,
		      enum hash_algorithm bank, uint8_t *value)
{
	memset(value, 0, hash_bytes(bank));
	for (size_t i = 0; i < IDENTITY_EVENTS; i++)
		extend_by(statement, i, bank, value);
}

void identity_pcr(const struct statement *statement,
		  uint8_t value[static IDENTITY_PCR_BYTES])
{
	end_value(statement, HASH_SHA256, value);
}

void identity_rtmr(const struct statement *statement,
		   uint8_t value[static IDENTITY_RTMR_BYTES])
{
	end_value(statement, HASH_SHA384, value);
}

enum err identity_progress(const struct statement *statement,
			   enum hash_algorithm bank, const uint8_t *value,
			   size_t *done)
{
	uint8_t expected[HASH_BYTES_MAX] = { 0 };

	for (size_t i = 0;; i++) {
		if (memcmp(value, expected, hash_bytes(bank)) == 0) {
			*done = i;
			return ERR_OK;
		}
		if (i == IDENTITY_EVENTS)
			return ERR_DENIED;
		extend_by(statement, i, bank, expected);
	}
}
