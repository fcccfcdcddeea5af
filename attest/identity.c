/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/identity.h"

#include <string.h>

#define LABEL BYTES_LITERAL("pcc-node/v1 event\0")
#define NAME_MAX_BYTES 10
#define EVENT_BYTES_MAX (18 + NAME_MAX_BYTES + STATEMENT_DIGEST_BYTES)

static const struct {
	const char *name;
	size_t offset; /* of its digest in struct statement */
} things[IDENTITY_EVENTS] = {
	{ "program", offsetof(struct statement, binary_digest) },
	{ "model", offsetof(struct statement, model_root) },
	{ "tokenizer", offsetof(struct statement, tokenizer_digest) },
	{ "policy", offsetof(struct statement, policy_digest) },
	{ "jail", offsetof(struct statement, jail_digest) },
	{ "log", offsetof(struct statement, log_digest) },
	{ "command", offsetof(struct statement, command_digest) },
};

const char *identity_event_name(size_t index)
{
	invariant(index < IDENTITY_EVENTS);
	return things[index].name;
}

void identity_event(const struct statement *statement, size_t index,
		    enum hash_algorithm bank, uint8_t *digest)
{
	uint8_t memory[EVENT_BYTES_MAX];
	struct writer event = WRITER_OVER(memory);
	struct bytes measured = {
		(const uint8_t *)statement + things[index].offset,
		STATEMENT_DIGEST_BYTES,
	};

	invariant(index < IDENTITY_EVENTS);
	invariant(bytes_put(&event, LABEL) == ERR_OK &&
		  bytes_put(&event, bytes_of_string(things[index].name)) ==
			  ERR_OK &&
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
