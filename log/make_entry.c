/* SPDX-License-Identifier: Apache-2.0 */
#include "log/make_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/fd.h"
#include "crypto/hash.h"
#include "log/options.h"
#include "wire/hex.h"
#include "wire/log_entry.h"
#include "wire/manifest.h"

static const char help[] =
	"usage: pcc-log entry KIND NAME=VALUE... > FILE\n"
	"\n"
	"Writes one entry, to be added by `pcc-log append`.  All of a kind's "
	"names are\n"
	"needed; measurement= may be there any number of times, or not at "
	"all.\n"
	"\n"
	"  release      name version program model tokenizer policy jail "
	"grammar\n"
	"               manifest measurement not-before not-after\n"
	"  model        name model tokenizer\n"
	"  gateway-key  name key not-before not-after\n"
	"  issuer-key   name key not-before not-after\n"
	"  node-key     node key not-before not-after\n"
	"  policy       name policy\n"
	"  revocation   entry\n"
	"\n"
	"  name, version           texts; a release has both\n"
	"  program ... entry       SHA-256 or Merkle root, 64 hexadecimal "
	"digits, as\n"
	"                          `pcc-node --measure` prints them; manifest: "
	"of the\n"
	"                          file; entry: as `pcc-log append` printed "
	"it\n"
	"  manifest=@FILE          the same of a manifest (`make release`), "
	"and with it\n"
	"                          program, model, tokenizer, policy, jail, "
	"grammar and\n"
	"                          every measurement that it has\n"
	"  measurement             REGISTER:HEX, such as pcr4:9f86d0...\n"
	"  key                     @FILE with a public key in DER, or of a "
	"node\n"
	"                          its application/ohttp-keys\n"
	"  not-before, not-after   Unix seconds\n";

/* Texts of the command line live on; what was decoded lies here. */
struct making {
	struct log_entry entry;
	uint8_t values[LOG_ENTRY_MEASUREMENTS_MAX][48];
	uint32_t seen;	       /* fields that were said, one bit each */
	struct bytes manifest; /* owned; names lie in it */
};

enum field {
	FIELD_NAME = LOG_ENTRY_DIGESTS,
	FIELD_VERSION,
	FIELD_KEY,
	FIELD_NOT_BEFORE,
	FIELD_NOT_AFTER,
	FIELDS,
};

static const char *const texts[] = {
	[FIELD_NAME - LOG_ENTRY_DIGESTS] = "name",
	[FIELD_VERSION - LOG_ENTRY_DIGESTS] = "version",
	[FIELD_KEY - LOG_ENTRY_DIGESTS] = "key",
	[FIELD_NOT_BEFORE - LOG_ENTRY_DIGESTS] = "not-before",
	[FIELD_NOT_AFTER - LOG_ENTRY_DIGESTS] = "not-after",
};

static const char *field_name(unsigned field)
{
	return field < LOG_ENTRY_DIGESTS
		       ? log_entry_digest_name((enum log_entry_digest)field)
		       : texts[field - LOG_ENTRY_DIGESTS];
}

static bool kind_has(enum log_entry_kind kind, unsigned field)
{
	switch (field) {
	case FIELD_NAME:
		return log_entry_has_name(kind);
	case FIELD_VERSION:
		return kind == LOG_ENTRY_RELEASE;
	case FIELD_KEY:
		return log_entry_has_key(kind);
	case FIELD_NOT_BEFORE:
	case FIELD_NOT_AFTER:
		return log_entry_has_times(kind);
	default:
		return log_entry_has_digest(kind, (enum log_entry_digest)field);
	}
}

static enum err add_measurement(struct bytes name, struct bytes digits,
				struct making *making)
{
	struct log_entry *entry = &making->entry;
	size_t at = entry->measurement_count;
	struct log_entry_measurement *one = &entry->measurements[at];

	if (entry->kind != LOG_ENTRY_RELEASE ||
	    at == LOG_ENTRY_MEASUREMENTS_MAX ||
	    digits.len / 2 > sizeof(making->values[at]))
		return ERR_MALFORMED;
	TRY(hex_decode(digits, making->values[at], digits.len / 2));
	one->name = name;
	one->value = (struct bytes){ making->values[at], digits.len / 2 };
	entry->measurement_count++;
	return ERR_OK;
}

static enum err take_measurement(const char *value, struct making *making)
{
	const char *colon = strchr(value, ':');
	struct bytes name = bytes_of_string(value);

	if (colon == NULL)
		return ERR_MALFORMED;
	name.len = (size_t)(colon - value);
	return add_measurement(name, bytes_of_string(colon + 1), making);
}

/* What a manifest calls them, in its section "digest". */
static const struct {
	const char *name;
	enum log_entry_digest digest;
} measured[] = {
	{ "program", LOG_ENTRY_PROGRAM },
	{ "model", LOG_ENTRY_MODEL_ROOT },
	{ "tokenizer", LOG_ENTRY_TOKENIZER },
	{ "policy", LOG_ENTRY_POLICY_DIGEST },
	{ "jail", LOG_ENTRY_JAIL },
	{ "log", LOG_ENTRY_GRAMMAR },
};

static enum err read_manifest(struct making *making)
{
	struct log_entry *entry = &making->entry;
	struct manifest_reader reader;
	struct manifest_line line;
	enum err err;

	TRY(manifest_begin(making->manifest, &reader));
	while ((err = manifest_next(&reader, &line)) == ERR_OK)
		if (bytes_equal(line.section, BYTES_LITERAL("measurement")))
			TRY(add_measurement(line.name, line.value, making));
	if (err != ERR_TRUNCATED)
		return err;
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		struct bytes digits;

		TRY(manifest_find(making->manifest, "digest", measured[i].name,
				  &digits));
		TRY(hex_decode(digits, entry->digests[measured[i].digest],
			       LOG_ENTRY_DIGEST_BYTES));
		making->seen |= OPTIONS_BIT(measured[i].digest);
	}
	hash_sha256(making->manifest, entry->digests[LOG_ENTRY_MANIFEST]);
	return ERR_OK;
}

/* Whatever it says may not be said beside it. */
static enum err take_manifest(const char *path, struct making *making)
{
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++)
		if ((making->seen & OPTIONS_BIT(measured[i].digest)) != 0)
			return ERR_DENIED;
	if (!options_read_file(path, MANIFEST_BYTES_MAX, &making->manifest))
		return ERR_UNAVAILABLE;
	return read_manifest(making);
}

static enum err take_key(const char *value, struct making *making)
{
	if (value[0] != '@')
		return ERR_MALFORMED;
	return options_read_file(value + 1, LOG_ENTRY_KEY_MAX,
				 &making->entry.key)
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

static enum err take_field(unsigned field, const char *value,
			   struct making *making)
{
	struct log_entry *entry = &making->entry;
	struct bytes text = bytes_of_string(value);

	if (!kind_has(entry->kind, field) ||
	    (making->seen & OPTIONS_BIT(field)) != 0)
		return ERR_MALFORMED;
	making->seen |= OPTIONS_BIT(field);
	if (field == LOG_ENTRY_MANIFEST && value[0] == '@')
		return take_manifest(value + 1, making);
	switch (field) {
	case FIELD_NAME:
		entry->name = text;
		return ERR_OK;
	case FIELD_VERSION:
		entry->version = text;
		return ERR_OK;
	case FIELD_KEY:
		return take_key(value, making);
	case FIELD_NOT_BEFORE:
		return decimal_parse(text, 0, UINT64_MAX, &entry->not_before);
	case FIELD_NOT_AFTER:
		return decimal_parse(text, 0, UINT64_MAX, &entry->not_after);
	default:
		return hex_decode(text, entry->digests[field],
				  LOG_ENTRY_DIGEST_BYTES);
	}
}

static enum err take(const char *word, struct making *making)
{
	const char *equals = strchr(word, '=');
	size_t len = equals == NULL ? 0 : (size_t)(equals - word);

	if (len == strlen("measurement") &&
	    strncmp(word, "measurement", len) == 0)
		return take_measurement(equals + 1, making);
	for (unsigned field = 0; equals != NULL && field < FIELDS; field++)
		if (strlen(field_name(field)) == len &&
		    strncmp(word, field_name(field), len) == 0)
			return take_field(field, equals + 1, making);
	return ERR_MALFORMED;
}

static bool take_kind(const char *word, struct making *making)
{
	for (enum log_entry_kind i = 0; i < LOG_ENTRY_KINDS; i++) {
		making->entry.kind = i;
		if (strcmp(word, log_entry_kind_name(i)) == 0)
			return true;
	}
	fprintf(stderr, "pcc-log entry: no such kind: %s\n", word);
	return false;
}

static bool has_all(const struct making *making)
{
	for (unsigned field = 0; field < FIELDS; field++) {
		if (kind_has(making->entry.kind, field) &&
		    (making->seen & OPTIONS_BIT(field)) == 0) {
			fprintf(stderr, "pcc-log entry: %s= is needed\n",
				field_name(field));
			return false;
		}
	}
	return true;
}

static int make(char **words, size_t count, struct making *making)
{
	uint8_t memory[LOG_ENTRY_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	enum err err;

	if (count == 0 || !take_kind(words[0], making))
		return OPTIONS_USAGE;
	for (size_t i = 1; i < count; i++) {
		err = take(words[i], making);
		if (err != ERR_OK)
			return options_complain("not for this entry", words[i],
						err),
			       OPTIONS_USAGE;
	}
	if (!has_all(making))
		return OPTIONS_USAGE;
	log_entry_sort(&making->entry);
	err = log_entry_write(&making->entry, &out);
	if (err == ERR_OK)
		err = fd_write_all(STDOUT_FILENO, bytes_written(&out));
	return err == ERR_OK ? OPTIONS_OK
			     : options_complain("cannot make", words[0], err);
}

int make_entry_run(int argc, char **argv)
{
	const struct options_form form = { 0, 0, help };
	struct making *making = calloc(1, sizeof(*making));
	struct options options;
	int code = OPTIONS_TROUBLE;

	if (making != NULL && options_parse(argc, argv, &form, &options, &code))
		code = make(options.files, options.file_count, making);
	if (making != NULL) {
		free((void *)(uintptr_t)making->entry.key.data);
		free((void *)(uintptr_t)making->manifest.data);
	}
	free(making);
	return code;
}
