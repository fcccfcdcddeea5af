/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/log_entry.h"

#include <string.h>
#include <time.h>

#include "base/sort.h"
#include "wire/cbor.h"
#include "wire/hex.h"

enum key {
	KEY_VERSION = 1,
	KEY_KIND = 2,
	KEY_NAME = 3,
	KEY_RELEASE = 4,
	KEY_DIGESTS = 5, /* the first of nine */
	KEY_MEASUREMENTS = 14,
	KEY_KEY = 15,
	KEY_NOT_BEFORE = 16,
	KEY_NOT_AFTER = 17,
};

#define BIT(key) (1u << (key))
#define DIGEST(digest) BIT(KEY_DIGESTS + (digest))
#define ALWAYS (BIT(KEY_VERSION) | BIT(KEY_KIND))
#define TIMES (BIT(KEY_NOT_BEFORE) | BIT(KEY_NOT_AFTER))
#define TIME_MAX ((uint64_t)253402300799) /* the end of the year 9999 */
#define PAIR 2

/* The table of the header, once more. */
static const struct {
	const char *name;
	uint32_t keys;
} kinds[LOG_ENTRY_KINDS] = {
	[LOG_ENTRY_RELEASE] = { "release",
				ALWAYS | BIT(KEY_NAME) | BIT(KEY_RELEASE) |
					DIGEST(LOG_ENTRY_PROGRAM) |
					DIGEST(LOG_ENTRY_MODEL_ROOT) |
					DIGEST(LOG_ENTRY_TOKENIZER) |
					DIGEST(LOG_ENTRY_POLICY_DIGEST) |
					DIGEST(LOG_ENTRY_JAIL) |
					DIGEST(LOG_ENTRY_GRAMMAR) |
					DIGEST(LOG_ENTRY_MANIFEST) |
					BIT(KEY_MEASUREMENTS) | TIMES },
	[LOG_ENTRY_MODEL] = { "model", ALWAYS | BIT(KEY_NAME) |
					       DIGEST(LOG_ENTRY_MODEL_ROOT) |
					       DIGEST(LOG_ENTRY_TOKENIZER) },
	[LOG_ENTRY_GATEWAY_KEY] = { "gateway-key", ALWAYS | BIT(KEY_NAME) |
							   BIT(KEY_KEY) |
							   TIMES },
	[LOG_ENTRY_ISSUER_KEY] = { "issuer-key", ALWAYS | BIT(KEY_NAME) |
							 BIT(KEY_KEY) | TIMES },
	[LOG_ENTRY_NODE_KEY] = { "node-key", ALWAYS |
						     DIGEST(LOG_ENTRY_NODE_ID) |
						     BIT(KEY_KEY) | TIMES },
	[LOG_ENTRY_POLICY] = { "policy",
			       ALWAYS | BIT(KEY_NAME) |
				       DIGEST(LOG_ENTRY_POLICY_DIGEST) },
	[LOG_ENTRY_REVOCATION] = { "revocation",
				   ALWAYS | DIGEST(LOG_ENTRY_REVOKED) },
};

static const char *const digest_names[LOG_ENTRY_DIGESTS] = {
	[LOG_ENTRY_PROGRAM] = "program",
	[LOG_ENTRY_MODEL_ROOT] = "model",
	[LOG_ENTRY_TOKENIZER] = "tokenizer",
	[LOG_ENTRY_POLICY_DIGEST] = "policy",
	[LOG_ENTRY_JAIL] = "jail",
	[LOG_ENTRY_GRAMMAR] = "grammar",
	[LOG_ENTRY_MANIFEST] = "manifest",
	[LOG_ENTRY_NODE_ID] = "node",
	[LOG_ENTRY_REVOKED] = "entry",
};

static bool has(enum log_entry_kind kind, unsigned key)
{
	return kind < LOG_ENTRY_KINDS && (kinds[kind].keys & BIT(key)) != 0;
}

const char *log_entry_kind_name(enum log_entry_kind kind)
{
	return kind < LOG_ENTRY_KINDS ? kinds[kind].name : "unknown";
}

const char *log_entry_digest_name(enum log_entry_digest digest)
{
	return digest < LOG_ENTRY_DIGESTS ? digest_names[digest] : "unknown";
}

bool log_entry_has_digest(enum log_entry_kind kind,
			  enum log_entry_digest digest)
{
	return has(kind, KEY_DIGESTS + (unsigned)digest);
}

bool log_entry_has_name(enum log_entry_kind kind)
{
	return has(kind, KEY_NAME);
}

bool log_entry_has_key(enum log_entry_kind kind)
{
	return has(kind, KEY_KEY);
}

bool log_entry_has_times(enum log_entry_kind kind)
{
	return has(kind, KEY_NOT_BEFORE);
}

static bool text_is_valid(struct bytes text)
{
	if (text.len == 0 || text.len > LOG_ENTRY_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

static bool register_is_valid(struct bytes name)
{
	if (name.len == 0 || name.len > LOG_ENTRY_REGISTER_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static int compare_bytes(struct bytes a, struct bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
	const struct log_entry_measurement *one = a;
	const struct log_entry_measurement *other = b;
	int order = compare_bytes(one->name, other->name);

	return order != 0 ? order : compare_bytes(one->value, other->value);
}

void log_entry_sort(struct log_entry *entry)
{
	sort_by(entry->measurements, entry->measurement_count,
		sizeof(entry->measurements[0]), compare);
}

static bool measurements_are_valid(const struct log_entry *entry)
{
	const struct log_entry_measurement *all = entry->measurements;

	if (entry->measurement_count > LOG_ENTRY_MEASUREMENTS_MAX)
		return false;
	for (size_t i = 0; i < entry->measurement_count; i++) {
		if (!register_is_valid(all[i].name) ||
		    (all[i].value.len != 32 && all[i].value.len != 48))
			return false;
		if (i > 0 && compare(&all[i - 1], &all[i]) >= 0)
			return false;
	}
	return true;
}

/* One rule for what is written and what was read. */
static enum err check(const struct log_entry *entry)
{
	enum log_entry_kind kind = entry->kind;

	if (kind >= LOG_ENTRY_KINDS)
		return ERR_UNSUPPORTED;
	if ((has(kind, KEY_NAME) && !text_is_valid(entry->name)) ||
	    (has(kind, KEY_RELEASE) && !text_is_valid(entry->version)) ||
	    (has(kind, KEY_MEASUREMENTS) && !measurements_are_valid(entry)))
		return ERR_MALFORMED;
	if (has(kind, KEY_KEY) &&
	    (entry->key.len == 0 || entry->key.len > LOG_ENTRY_KEY_MAX))
		return ERR_MALFORMED;
	if (has(kind, KEY_NOT_BEFORE) &&
	    (entry->not_before > entry->not_after ||
	     entry->not_after > TIME_MAX))
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err put_measurements(const struct log_entry *entry,
				 struct writer *out)
{
	TRY(cbor_put_array(out, entry->measurement_count));
	for (size_t i = 0; i < entry->measurement_count; i++) {
		TRY(cbor_put_array(out, PAIR));
		TRY(cbor_put_text(out, entry->measurements[i].name));
		TRY(cbor_put_bytes(out, entry->measurements[i].value));
	}
	return ERR_OK;
}

static enum err put_value(const struct log_entry *entry, unsigned key,
			  struct writer *out)
{
	switch (key) {
	case KEY_VERSION:
		return cbor_put_unsigned(out, LOG_ENTRY_VERSION);
	case KEY_KIND:
		return cbor_put_unsigned(out, (uint64_t)entry->kind);
	case KEY_NAME:
		return cbor_put_text(out, entry->name);
	case KEY_RELEASE:
		return cbor_put_text(out, entry->version);
	case KEY_MEASUREMENTS:
		return put_measurements(entry, out);
	case KEY_KEY:
		return cbor_put_bytes(out, entry->key);
	case KEY_NOT_BEFORE:
		return cbor_put_unsigned(out, entry->not_before);
	case KEY_NOT_AFTER:
		return cbor_put_unsigned(out, entry->not_after);
	default:
		return cbor_put_bytes(
			out, BYTES_ARRAY(entry->digests[key - KEY_DIGESTS]));
	}
}

enum err log_entry_write(const struct log_entry *entry, struct writer *out)
{
	struct writer whole = *out;

	TRY(check(entry));
	TRY(cbor_put_map(&whole,
			 (size_t)__builtin_popcount(kinds[entry->kind].keys)));
	for (unsigned key = KEY_VERSION; key <= KEY_NOT_AFTER; key++) {
		if (!has(entry->kind, key))
			continue;
		TRY(cbor_put_unsigned(&whole, key));
		TRY(put_value(entry, key, &whole));
	}
	if (whole.len - out->len > LOG_ENTRY_BYTES_MAX)
		return ERR_TOO_LARGE;
	*out = whole;
	return ERR_OK;
}

static enum err take_measurements(struct bytes *in, struct log_entry *out)
{
	size_t items;

	TRY(cbor_take_array(in, LOG_ENTRY_MEASUREMENTS_MAX,
			    &out->measurement_count));
	for (size_t i = 0; i < out->measurement_count; i++) {
		TRY(cbor_take_array(in, PAIR, &items));
		if (items != PAIR)
			return ERR_MALFORMED;
		TRY(cbor_take_text(in, &out->measurements[i].name));
		TRY(cbor_take_bytes(in, &out->measurements[i].value));
	}
	return ERR_OK;
}

static enum err take_value(struct bytes *in, unsigned key,
			   struct log_entry *out)
{
	switch (key) {
	case KEY_NAME:
		return cbor_take_text(in, &out->name);
	case KEY_RELEASE:
		return cbor_take_text(in, &out->version);
	case KEY_MEASUREMENTS:
		return take_measurements(in, out);
	case KEY_KEY:
		return cbor_take_bytes(in, &out->key);
	case KEY_NOT_BEFORE:
		return cbor_take_unsigned(in, &out->not_before);
	case KEY_NOT_AFTER:
		return cbor_take_unsigned(in, &out->not_after);
	default:
		return cbor_take_bytes_into(in, out->digests[key - KEY_DIGESTS],
					    LOG_ENTRY_DIGEST_BYTES);
	}
}

/* Version and kind say how to read the rest. */
static enum err take_front(struct bytes *in, struct log_entry *out)
{
	uint64_t version, kind;
	size_t pairs;

	TRY(cbor_take_map(in, KEY_NOT_AFTER, &pairs));
	TRY(cbor_expect_unsigned(in, KEY_VERSION));
	TRY(cbor_take_unsigned(in, &version));
	TRY(cbor_expect_unsigned(in, KEY_KIND));
	TRY(cbor_take_unsigned(in, &kind));
	if (version != LOG_ENTRY_VERSION || kind >= LOG_ENTRY_KINDS)
		return ERR_UNSUPPORTED;
	out->kind = (enum log_entry_kind)kind;
	return pairs == (size_t)__builtin_popcount(kinds[kind].keys)
		       ? ERR_OK
		       : ERR_MALFORMED;
}

enum err log_entry_parse(struct bytes in, struct log_entry *out)
{
	struct log_entry found = { .kind = LOG_ENTRY_KINDS };

	if (in.len > LOG_ENTRY_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(take_front(&in, &found));
	for (unsigned key = KEY_NAME; key <= KEY_NOT_AFTER; key++) {
		if (!has(found.kind, key))
			continue;
		TRY(cbor_expect_unsigned(&in, key));
		TRY(take_value(&in, key, &found));
	}
	TRY(bytes_expect_end(&in));
	TRY(check(&found));
	*out = found;
	return ERR_OK;
}

static void print_hex(const char *name, struct bytes data, FILE *out)
{
	uint8_t digits[2 * LOG_ENTRY_KEY_MAX];
	struct writer text = WRITER_OVER(digits);

	invariant(hex_put(&text, data) == ERR_OK);
	fprintf(out, "%s: %.*s\n", name, (int)text.len, (const char *)digits);
}

static void print_text(const char *name, struct bytes text, FILE *out)
{
	fprintf(out, "%s: %.*s\n", name, (int)text.len,
		(const char *)text.data);
}

static void print_time(const char *name, uint64_t seconds, FILE *out)
{
	time_t moment = (time_t)seconds;
	struct tm parts;
	char text[64];

	invariant(gmtime_r(&moment, &parts) != NULL);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	fprintf(out, "%s: %s\n", name, text);
}

static void print_measurements(const struct log_entry *entry, FILE *out)
{
	for (size_t i = 0; i < entry->measurement_count; i++) {
		const struct log_entry_measurement *one =
			&entry->measurements[i];
		char name[32];

		snprintf(name, sizeof(name), "measurement %.*s",
			 (int)one->name.len, (const char *)one->name.data);
		print_hex(name, one->value, out);
	}
}

void log_entry_print(const struct log_entry *entry, FILE *out)
{
	enum log_entry_kind kind = entry->kind;

	fprintf(out, "kind: %s\n", log_entry_kind_name(kind));
	if (has(kind, KEY_NAME))
		print_text("name", entry->name, out);
	if (has(kind, KEY_RELEASE))
		print_text("version", entry->version, out);
	for (enum log_entry_digest i = 0; i < LOG_ENTRY_DIGESTS; i++)
		if (log_entry_has_digest(kind, i))
			print_hex(digest_names[i],
				  BYTES_ARRAY(entry->digests[i]), out);
	if (has(kind, KEY_MEASUREMENTS))
		print_measurements(entry, out);
	if (has(kind, KEY_KEY))
		print_hex("key", entry->key, out);
	if (!has(kind, KEY_NOT_BEFORE))
		return;
	print_time("not before", entry->not_before, out);
	print_time("not after", entry->not_after, out);
}
