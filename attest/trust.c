/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/fd.h"
#include "base/secret.h"
#include "wire/hex.h"

/* The first word of a value, which is consumed with the space behind it. */
static struct bytes take_word(struct bytes *value)
{
	const uint8_t *space =
		value->len == 0 ? NULL : memchr(value->data, ' ', value->len);
	struct bytes word = *value;
	size_t used = value->len;

	if (space != NULL) {
		word.len = (size_t)(space - value->data);
		used = word.len + 1;
	}
	value->data += used;
	value->len -= used;
	return word;
}

static bool is(struct bytes word, const char *text)
{
	return bytes_equal(word, bytes_of_string(text));
}

/* Whatever evidence there is has a name that no other has. */
static enum err take_type(struct bytes *value, enum bundle_evidence_type *out)
{
	struct bytes word = take_word(value);

	for (int i = 0; i < BUNDLE_EVIDENCE_COUNT; i++) {
		if (is(word,
		       bundle_evidence_name((enum bundle_evidence_type)i))) {
			*out = (enum bundle_evidence_type)i;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err take_number(struct bytes value, uint64_t most, uint64_t *out)
{
	return decimal_parse(value, 0, most, out) == ERR_OK ? ERR_OK
							    : ERR_MALFORMED;
}

static enum err take_evidence(struct trust *trust, struct bytes value)
{
	enum bundle_evidence_type type;

	TRY(take_type(&value, &type));
	if (value.len > 0)
		return ERR_MALFORMED;
	trust->policy.evidence |= UINT32_C(1) << type;
	return ERR_OK;
}

static enum err take_root(struct trust *trust, struct bytes value)
{
	enum bundle_evidence_type type;
	struct appraisal_policy *policy;

	TRY(take_type(&value, &type));
	policy = &trust->policy.appraisal[type];
	if (policy->root_count == TRUST_LIST_MAX)
		return ERR_TOO_LARGE;
	TRY(hex_decode(value, trust->roots[type][policy->root_count].digest,
		       CERTIFICATE_DIGEST_BYTES));
	policy->roots = trust->roots[type];
	policy->root_count++;
	return ERR_OK;
}

static enum err take_chip(struct trust *trust, struct bytes value)
{
	enum bundle_evidence_type type;
	struct appraisal_policy *policy;
	struct appraisal_chip *chip;

	TRY(take_type(&value, &type));
	policy = &trust->policy.appraisal[type];
	if (policy->chip_count == TRUST_LIST_MAX)
		return ERR_TOO_LARGE;
	chip = &trust->chips[type][policy->chip_count];
	if (value.len == 0 || value.len > 2 * sizeof(chip->id))
		return ERR_MALFORMED;
	TRY(hex_decode(value, chip->id, value.len / 2));
	chip->len = value.len / 2;
	policy->chips = trust->chips[type];
	policy->chip_count++;
	return ERR_OK;
}

/* Which evidence signs this register. */
static enum bundle_evidence_type type_of(enum appraisal_register which)
{
	if ((int)which < APPRAISAL_PCR0 + APPRAISAL_PCRS)
		return BUNDLE_EVIDENCE_TPM2;
	return which == APPRAISAL_LAUNCH ? BUNDLE_EVIDENCE_SEV_SNP
					 : BUNDLE_EVIDENCE_TDX;
}

static size_t bytes_of(enum appraisal_register which)
{
	return type_of(which) == BUNDLE_EVIDENCE_TPM2 ? 32
						      : APPRAISAL_VALUE_MAX;
}

static enum err take_measurement(struct trust *trust, struct bytes value)
{
	struct bytes name = take_word(&value);
	enum appraisal_register which;
	struct appraisal_policy *policy;
	struct appraisal_reference *reference;

	if (is(name, "any") && value.len == 0) {
		trust->policy.registers = VERIFY_REGISTERS_ANY;
		return ERR_OK;
	}
	if (appraisal_register_named(name, &which) != ERR_OK)
		return ERR_MALFORMED;
	policy = &trust->policy.appraisal[type_of(which)];
	if (policy->reference_count == 2 * TRUST_LIST_MAX)
		return ERR_TOO_LARGE;
	reference = &trust->references[type_of(which)][policy->reference_count];
	TRY(hex_decode(value, reference->value.digest, bytes_of(which)));
	reference->which = which;
	reference->value.len = bytes_of(which);
	policy->references = trust->references[type_of(which)];
	policy->reference_count++;
	return ERR_OK;
}

static enum err take_snp_tcb(struct trust *trust, struct bytes value)
{
	struct appraisal_tcb *floor =
		&trust->policy.appraisal[BUNDLE_EVIDENCE_SEV_SNP].snp_floor;
	const struct {
		const char *name;
		uint8_t *part;
	} parts[] = {
		{ "fmc", &floor->fmc },
		{ "bootloader", &floor->bootloader },
		{ "tee", &floor->tee },
		{ "snp", &floor->snp },
		{ "microcode", &floor->microcode },
	};
	struct bytes name = take_word(&value);
	uint64_t number;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!is(name, parts[i].name))
			continue;
		TRY(take_number(value, UINT8_MAX, &number));
		if (*parts[i].part != 0)
			return ERR_DENIED;
		*parts[i].part = (uint8_t)number;
		return ERR_OK;
	}
	return ERR_MALFORMED;
}

static enum err take_snp_vmpl(struct trust *trust, struct bytes value)
{
	uint64_t number;

	TRY(take_number(value, 3, &number));
	trust->policy.appraisal[BUNDLE_EVIDENCE_SEV_SNP].snp_vmpl_most =
		(uint32_t)number;
	return ERR_OK;
}

static enum err take_tdx_status(struct trust *trust, struct bytes value)
{
	static const char *const names[] = {
		[APPRAISAL_TDX_UP_TO_DATE] = "up-to-date",
		[APPRAISAL_TDX_SW_HARDENING_NEEDED] = "sw-hardening-needed",
		[APPRAISAL_TDX_CONFIGURATION_NEEDED] = "configuration-needed",
		[APPRAISAL_TDX_CONFIGURATION_AND_SW_HARDENING_NEEDED] =
			"configuration-and-sw-hardening-needed",
		[APPRAISAL_TDX_OUT_OF_DATE] = "out-of-date",
		[APPRAISAL_TDX_OUT_OF_DATE_CONFIGURATION_NEEDED] =
			"out-of-date-configuration-needed",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is(value, names[i])) {
			trust->policy.appraisal[BUNDLE_EVIDENCE_TDX].tdx_worst =
				(enum appraisal_tdx_status)i;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err take_shape(struct trust *trust, struct bytes value)
{
	for (int i = 0; i < STATEMENT_MODE_COUNT; i++) {
		if (is(value, statement_mode_name((enum statement_mode)i))) {
			trust->policy.mode_worst = (enum statement_mode)i;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err take_node(struct trust *trust, struct bytes value)
{
	TRY(hex_decode(value, trust->node_id, sizeof(trust->node_id)));
	trust->policy.node_id = trust->node_id;
	return ERR_OK;
}

static bool was_said(const struct trust *trust, const char *key);

static enum err take_release_log(struct trust *trust, struct bytes value)
{
	TRY(note_key_parse(value, &trust->release_log));
	if (trust->release_log.type != NOTE_ED25519)
		return ERR_MALFORMED;
	trust->policy.releases.log = &trust->release_log;
	return ERR_OK;
}

/* Whoever names witnesses and no number means all of them. */
static enum err take_release_witness(struct trust *trust, struct bytes value)
{
	struct tlog_policy *releases = &trust->policy.releases;
	struct note_key *key = &trust->witnesses[releases->witness_count];

	if (releases->witness_count == TRUST_LIST_MAX)
		return ERR_TOO_LARGE;
	TRY(note_key_parse(value, key));
	if (key->type != NOTE_COSIGNATURE)
		return ERR_MALFORMED;
	releases->witnesses = trust->witnesses;
	releases->witness_count++;
	if (!was_said(trust, "release-quorum"))
		releases->quorum = releases->witness_count;
	return ERR_OK;
}

static enum err take_release_quorum(struct trust *trust, struct bytes value)
{
	uint64_t number;

	TRY(take_number(value, TRUST_LIST_MAX, &number));
	trust->policy.releases.quorum = (size_t)number;
	return ERR_OK;
}

static enum err take_release_age(struct trust *trust, struct bytes value)
{
	uint64_t number;

	TRY(take_number(value, INT32_MAX, &number));
	if (number == 0)
		return ERR_MALFORMED; /* it would mean: of any age */
	trust->policy.releases.age_max_s = number;
	return ERR_OK;
}

static enum err take_release_revoked(struct trust *trust, struct bytes value)
{
	struct verify_digests *list = &trust->policy.revoked;

	if (list->count == TRUST_LIST_MAX)
		return ERR_TOO_LARGE;
	TRY(hex_decode(value, trust->revoked[list->count],
		       STATEMENT_DIGEST_BYTES));
	list->list = (const uint8_t(*)[STATEMENT_DIGEST_BYTES])trust->revoked;
	list->count++;
	return ERR_OK;
}

/* ERR_UNSUPPORTED: the key is no digest's. */
static enum err take_digest(struct trust *trust, struct bytes key,
			    struct bytes value)
{
	for (size_t i = 0; i < VERIFY_DIGESTS; i++) {
		struct verify_digests *list = &trust->policy.digests[i];

		if (!is(key, statement_digest_name((enum statement_digest)i)))
			continue;
		if (list->count == TRUST_LIST_MAX)
			return ERR_TOO_LARGE;
		TRY(hex_decode(value, trust->digests[i][list->count],
			       STATEMENT_DIGEST_BYTES));
		list->list = (const uint8_t(*)[STATEMENT_DIGEST_BYTES])
				     trust->digests[i];
		list->count++;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

enum often {
	ONCE,
	REPEATED,
};

static const struct {
	const char *key;
	enum err (*take)(struct trust *trust, struct bytes value);
	enum often often;
} keys[] = {
	{ "evidence", take_evidence, REPEATED },
	{ "root", take_root, REPEATED },
	{ "chip", take_chip, REPEATED },
	{ "measurement", take_measurement, REPEATED },
	{ "snp-tcb", take_snp_tcb, REPEATED },
	{ "snp-vmpl", take_snp_vmpl, ONCE },
	{ "tdx-status", take_tdx_status, ONCE },
	{ "shape", take_shape, ONCE },
	{ "node", take_node, ONCE },
	{ "release-log", take_release_log, ONCE },
	{ "release-witness", take_release_witness, REPEATED },
	{ "release-quorum", take_release_quorum, ONCE },
	{ "release-age-s", take_release_age, ONCE },
	{ "release-revoked", take_release_revoked, REPEATED },
};

static bool was_said(const struct trust *trust, const char *key)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i].key) == 0)
			return (trust->said >> i & 1) != 0;
	return false;
}

void trust_begin(struct trust *out)
{
	memset(out, 0, sizeof(*out));
}

enum err trust_take(struct trust *trust, struct bytes key, struct bytes value)
{
	if (value.len > 0 && value.data[value.len - 1] == ' ')
		return ERR_MALFORMED;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (!is(key, keys[i].key))
			continue;
		if (keys[i].often == ONCE && (trust->said & bit) != 0)
			return ERR_DENIED;
		TRY(keys[i].take(trust, value));
		trust->said |= bit;
		return ERR_OK;
	}
	return take_digest(trust, key, value);
}

static bool is_printable(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

static enum err take_line(struct trust *trust, struct bytes line)
{
	struct bytes key;

	if (!is_printable(line))
		return ERR_MALFORMED;
	if (line.len == 0 || line.data[0] == '#')
		return ERR_OK;
	key = take_word(&line);
	return trust_take(trust, key, line);
}

enum err trust_parse(struct bytes text, struct trust *trust, size_t *line)
{
	for (*line = 1; text.len > 0; ++*line) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		struct bytes one = text;

		if (end == NULL)
			return ERR_TRUNCATED;
		one.len = (size_t)(end - text.data);
		TRY(take_line(trust, one));
		text.data += one.len + 1;
		text.len -= one.len + 1;
	}
	return ERR_OK;
}

enum err trust_load(const char *program, const char *path, struct trust *trust)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *memory = malloc(TRUST_TEXT_MAX);
	struct writer text = { memory, 0, TRUST_TEXT_MAX };
	enum err err = ERR_UNAVAILABLE;
	size_t line = 0;

	if (fd >= 0 && memory != NULL)
		err = fd_read_all(fd, &text);
	if (err != ERR_OK) {
		fprintf(stderr, "%s: %s: %s\n", program, path,
			err == ERR_TOO_LARGE ? "too long" : strerror(errno));
	} else {
		err = trust_parse(bytes_written(&text), trust, &line);
		if (err != ERR_OK)
			fprintf(stderr, "%s: %s: line %zu: %s\n", program, path,
				line, err_name(err));
	}
	free(memory);
	return err;
}

enum err trust_load_collateral(const char *program, const char *path,
			       struct trust *trust)
{
	if (trust->has_collateral)
		return ERR_DENIED;
	TRY(collateral_load(program, path, &trust->collateral));
	trust->has_collateral = true;
	for (int type = 0; type < BUNDLE_EVIDENCE_COUNT; type++)
		collateral_lend(&trust->collateral,
				&trust->policy.appraisal[type]);
	return ERR_OK;
}

void trust_close(struct trust *trust)
{
	collateral_close(&trust->collateral);
	trust_begin(trust);
}
