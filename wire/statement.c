/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/statement.h"

#include "wire/cbor.h"

enum key {
	KEY_VERSION = 1,
	KEY_DIGESTS = 2, /* the first of the seven in struct digests */
	KEY_SHAPE = 9,
	KEY_NAME = 10,
	KEY_EXPIRY = 11,
	KEY_ASSURANCE = 12,
	KEY_LATER = 13, /* the first of the two behind the rest */
};

#define FIELDS 14
#define SHAPE_ITEMS 3
#define DIGESTS ((size_t)9) /* of one type: seven at KEY_DIGESTS, two later */
#define DIGESTS_EARLY ((size_t)(KEY_SHAPE - KEY_DIGESTS))

static const char *const mode_names[] = {
	[STATEMENT_MODE_PACED] = "paced",
	[STATEMENT_MODE_SIZED] = "sized",
	[STATEMENT_MODE_OFF] = "off",
};

static const char *const assurance_names[] = {
	[STATEMENT_SOFTWARE] = "software",
	[STATEMENT_TPM2] = "tpm2",
	[STATEMENT_SEV_SNP] = "sev-snp",
	[STATEMENT_TDX] = "tdx",
};

/* The fields of one type, in the order of their keys. */
static const size_t digest_offsets[DIGESTS] = {
	offsetof(struct statement, node_id),
	offsetof(struct statement, binary_digest),
	offsetof(struct statement, model_root),
	offsetof(struct statement, tokenizer_digest),
	offsetof(struct statement, policy_digest),
	offsetof(struct statement, jail_digest),
	offsetof(struct statement, log_digest),
	offsetof(struct statement, receipt_key),
	offsetof(struct statement, command_digest),
};

static const struct {
	const char *name;
	size_t offset;
} digests[STATEMENT_DIGESTS] = {
	[STATEMENT_PROGRAM] = { "program",
				offsetof(struct statement, binary_digest) },
	[STATEMENT_MODEL] = { "model", offsetof(struct statement, model_root) },
	[STATEMENT_TOKENIZER] = { "tokenizer", offsetof(struct statement,
							tokenizer_digest) },
	[STATEMENT_POLICY] = { "policy",
			       offsetof(struct statement, policy_digest) },
	[STATEMENT_JAIL] = { "jail", offsetof(struct statement, jail_digest) },
	[STATEMENT_LOG] = { "log", offsetof(struct statement, log_digest) },
	[STATEMENT_COMMAND] = { "command",
				offsetof(struct statement, command_digest) },
};

const uint8_t *statement_digest(const struct statement *statement,
				enum statement_digest which)
{
	invariant(which < STATEMENT_DIGESTS);
	return (const uint8_t *)statement + digests[which].offset;
}

const char *statement_digest_name(enum statement_digest which)
{
	invariant(which < STATEMENT_DIGESTS);
	return digests[which].name;
}

const char *statement_mode_name(enum statement_mode mode)
{
	return mode < STATEMENT_MODE_COUNT ? mode_names[mode] : "unknown";
}

const char *statement_assurance_name(enum statement_assurance assurance)
{
	return assurance < STATEMENT_ASSURANCE_COUNT
		       ? assurance_names[assurance]
		       : "unknown";
}

enum err statement_assurance_named(struct bytes name,
				   enum statement_assurance *out)
{
	for (size_t i = 0; i < STATEMENT_ASSURANCE_COUNT; i++) {
		if (bytes_equal(name, bytes_of_string(assurance_names[i]))) {
			*out = (enum statement_assurance)i;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

/* The key of digest number i. */
static uint64_t key_of(size_t i)
{
	return i < DIGESTS_EARLY ? KEY_DIGESTS + i
				 : KEY_LATER + (i - DIGESTS_EARLY);
}

/* The digests of numbers from..end-1. */
static enum err put_digests(const struct statement *statement, size_t from,
			    size_t end, struct writer *out)
{
	for (size_t i = from; i < end; i++) {
		const uint8_t *digest =
			(const uint8_t *)statement + digest_offsets[i];

		TRY(cbor_put_unsigned(out, key_of(i)));
		TRY(cbor_put_bytes(
			out, (struct bytes){ digest, STATEMENT_DIGEST_BYTES }));
	}
	return ERR_OK;
}

static enum err put_shape(const struct statement_shape *shape,
			  struct writer *out)
{
	TRY(cbor_put_unsigned(out, KEY_SHAPE));
	TRY(cbor_put_array(out, SHAPE_ITEMS));
	TRY(cbor_put_unsigned(out, shape->mode));
	TRY(cbor_put_unsigned(out, shape->frame_bytes));
	return cbor_put_unsigned(out, shape->tick_ms);
}

static enum err put_all(const struct statement *statement, struct writer *out)
{
	TRY(cbor_put_map(out, FIELDS));
	TRY(cbor_put_unsigned(out, KEY_VERSION));
	TRY(cbor_put_unsigned(out, STATEMENT_VERSION));
	TRY(put_digests(statement, 0, DIGESTS_EARLY, out));
	TRY(put_shape(&statement->shape, out));
	TRY(cbor_put_unsigned(out, KEY_NAME));
	TRY(cbor_put_text(out, statement->model_name));
	TRY(cbor_put_unsigned(out, KEY_EXPIRY));
	TRY(cbor_put_unsigned(out, statement->key_expiry));
	TRY(cbor_put_unsigned(out, KEY_ASSURANCE));
	TRY(cbor_put_text(out, bytes_of_string(statement_assurance_name(
				       statement->assurance))));
	return put_digests(statement, DIGESTS_EARLY, DIGESTS, out);
}

/* Written bytes are read back: a statement nobody accepts must not be signed.
 */
enum err statement_write(const struct statement *statement, struct writer *out)
{
	struct writer whole = *out;
	struct statement check;

	if (statement->model_name.len > STATEMENT_NAME_MAX)
		return ERR_TOO_LARGE;
	TRY(put_all(statement, &whole));
	TRY(statement_parse(
		(struct bytes){ out->data + out->len, whole.len - out->len },
		&check));
	*out = whole;
	return ERR_OK;
}

static enum err take_digests(struct bytes *in, size_t from, size_t end,
			     struct statement *out)
{
	for (size_t i = from; i < end; i++) {
		uint8_t *digest = (uint8_t *)out + digest_offsets[i];

		TRY(cbor_expect_unsigned(in, key_of(i)));
		TRY(cbor_take_bytes_into(in, digest, STATEMENT_DIGEST_BYTES));
	}
	return ERR_OK;
}

static enum err take_u32(struct bytes *in, uint32_t *out)
{
	uint64_t value;

	TRY(cbor_take_unsigned(in, &value));
	if (value > UINT32_MAX)
		return ERR_MALFORMED;
	*out = (uint32_t)value;
	return ERR_OK;
}

static enum err take_shape(struct bytes *in, struct statement_shape *out)
{
	size_t items;
	uint32_t mode;

	TRY(cbor_expect_unsigned(in, KEY_SHAPE));
	TRY(cbor_take_array(in, SHAPE_ITEMS, &items));
	if (items != SHAPE_ITEMS)
		return ERR_MALFORMED;
	TRY(take_u32(in, &mode));
	if (mode >= STATEMENT_MODE_COUNT)
		return ERR_MALFORMED;
	out->mode = (enum statement_mode)mode;
	TRY(take_u32(in, &out->frame_bytes));
	return take_u32(in, &out->tick_ms);
}

static enum err take_name(struct bytes *in, struct bytes *out)
{
	TRY(cbor_expect_unsigned(in, KEY_NAME));
	TRY(cbor_take_text(in, out));
	if (out->len == 0 || out->len > STATEMENT_NAME_MAX)
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err take_assurance(struct bytes *in, enum statement_assurance *out)
{
	struct bytes name;

	TRY(cbor_expect_unsigned(in, KEY_ASSURANCE));
	TRY(cbor_take_text(in, &name));
	return statement_assurance_named(name, out);
}

enum err statement_parse(struct bytes in, struct statement *out)
{
	struct statement found;

	TRY(cbor_take_versioned_map(&in, KEY_VERSION, STATEMENT_VERSION,
				    FIELDS));
	TRY(take_digests(&in, 0, DIGESTS_EARLY, &found));
	TRY(take_shape(&in, &found.shape));
	TRY(take_name(&in, &found.model_name));
	TRY(cbor_expect_unsigned(&in, KEY_EXPIRY));
	TRY(cbor_take_unsigned(&in, &found.key_expiry));
	TRY(take_assurance(&in, &found.assurance));
	TRY(take_digests(&in, DIGESTS_EARLY, DIGESTS, &found));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}
