/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/ima.h"

#include <string.h>

#include "base/decimal.h"
#include "wire/hex.h"

#define NAME_MAX 16
#define PCR_MAX 23
#define SHA1_BOOT_PCRS 8
#define DATA_MAX \
	(3 * 4 + 16 + HASH_BYTES_MAX + IMA_PATH_MAX + 1 + IMA_SIGNATURE_MAX)

enum template {
	TEMPLATE_NG = 0,
	TEMPLATE_SIG,
};

static const struct bytes templates[] = {
	[TEMPLATE_NG] = BYTES_LITERAL("ima-ng"),
	[TEMPLATE_SIG] = BYTES_LITERAL("ima-sig"),
};

static const struct bytes hashes[HASH_ALGORITHMS] = {
	[HASH_SHA1] = BYTES_LITERAL("sha1"),
	[HASH_SHA256] = BYTES_LITERAL("sha256"),
	[HASH_SHA384] = BYTES_LITERAL("sha384"),
	[HASH_SHA512] = BYTES_LITERAL("sha512"),
};

static enum err find(struct bytes word, const struct bytes *list, int count,
		     int *out)
{
	for (int i = 0; i < count; i++)
		if (bytes_equal(word, list[i])) {
			*out = i;
			return ERR_OK;
		}
	return ERR_UNSUPPORTED;
}

/* What is before the first of these letters, which is taken along. */
static enum err take_until(struct bytes *in, char letter, struct bytes *out)
{
	const uint8_t *found =
		in->len == 0 ? NULL : memchr(in->data, letter, in->len);

	if (found == NULL)
		return ERR_TRUNCATED;
	TRY(bytes_take(in, (size_t)(found - in->data), out));
	in->data++;
	in->len--;
	return ERR_OK;
}

static enum err take_hex(struct bytes digits, size_t max, uint8_t *out,
			 size_t *len)
{
	if (digits.len % 2 != 0 || digits.len / 2 > max)
		return ERR_MALFORMED;
	*len = digits.len / 2;
	return hex_decode(digits, out, *len);
}

/* The template's own hash is told by its length alone. */
static enum err take_template_hash(struct bytes digits, struct ima_entry *out)
{
	size_t len;

	TRY(take_hex(digits, HASH_BYTES_MAX, out->template_digest, &len));
	for (int i = 0; i < HASH_ALGORITHMS; i++)
		if (len == hash_bytes((enum hash_algorithm)i)) {
			out->template_hash = (enum hash_algorithm)i;
			return ERR_OK;
		}
	return ERR_MALFORMED;
}

static enum err take_file_hash(struct bytes word, struct ima_entry *out)
{
	struct bytes name;
	size_t len;
	int hash;

	TRY(take_until(&word, ':', &name));
	TRY(find(name, hashes, HASH_ALGORITHMS, &hash));
	out->file_hash = (enum hash_algorithm)hash;
	TRY(take_hex(word, HASH_BYTES_MAX, out->file_digest, &len));
	return len == hash_bytes(out->file_hash) ? ERR_OK : ERR_MALFORMED;
}

/* A path may hold blanks, so a signature is what is behind the last one. */
static enum err take_tail(struct bytes tail, enum template template,
			  struct ima_entry *out)
{
	struct bytes digits = { NULL, 0 };

	if (template == TEMPLATE_SIG) {
		size_t at = tail.len;

		while (at > 0 && tail.data[at - 1] != ' ')
			at--;
		if (at == 0)
			return ERR_MALFORMED;
		digits = (struct bytes){ tail.data + at, tail.len - at };
		tail.len = at - 1;
	}
	if (tail.len == 0 || tail.len > IMA_PATH_MAX)
		return ERR_MALFORMED;
	out->path = tail;
	return take_hex(digits, IMA_SIGNATURE_MAX, out->signature,
			&out->signature_len);
}

static enum err take_text(struct bytes *in, struct ima_entry *out,
			  enum template *template)
{
	struct bytes line;
	struct bytes word;
	uint64_t pcr;
	int name;

	TRY(take_until(in, '\n', &line));
	TRY(take_until(&line, ' ', &word));
	TRY(decimal_parse(word, 0, PCR_MAX, &pcr));
	out->pcr = (uint32_t)pcr;
	TRY(take_until(&line, ' ', &word));
	TRY(take_template_hash(word, out));
	TRY(take_until(&line, ' ', &word));
	TRY(find(word, templates, 2, &name));
	*template = (enum template)name;
	TRY(take_until(&line, ' ', &word));
	TRY(take_file_hash(word, out));
	return take_tail(line, *template, out);
}

static enum err take_sized(struct bytes *in, size_t max, struct bytes *out)
{
	uint32_t len;

	TRY(bytes_take_u32_le(in, &len));
	if (len > max)
		return ERR_MALFORMED;
	return bytes_take(in, len, out);
}

/* ALG ":" 00 digest */
static enum err take_binary_hash(struct bytes field, struct ima_entry *out)
{
	struct bytes name;
	uint8_t zero;
	int hash;

	TRY(take_until(&field, ':', &name));
	TRY(find(name, hashes, HASH_ALGORITHMS, &hash));
	out->file_hash = (enum hash_algorithm)hash;
	TRY(bytes_take_u8(&field, &zero));
	if (zero != 0 || field.len != hash_bytes(out->file_hash))
		return ERR_MALFORMED;
	return bytes_take_into(&field, out->file_digest, field.len);
}

static enum err take_fields(struct bytes data, enum template template,
			    struct ima_entry *out)
{
	struct bytes field;

	TRY(take_sized(&data, 16 + HASH_BYTES_MAX, &field));
	TRY(take_binary_hash(field, out));
	TRY(take_sized(&data, IMA_PATH_MAX + 1, &field));
	if (field.len < 2 || field.data[field.len - 1] != 0)
		return ERR_MALFORMED;
	out->path = (struct bytes){ field.data, field.len - 1 };
	if (template == TEMPLATE_SIG) {
		TRY(take_sized(&data, IMA_SIGNATURE_MAX, &field));
		out->signature_len = field.len;
		TRY(bytes_take_into(&field, out->signature, field.len));
	}
	return bytes_expect_end(&data);
}

static enum err take_binary(struct bytes *in, struct ima_entry *out,
			    enum template *template)
{
	struct bytes word;
	int name;

	TRY(bytes_take_u32_le(in, &out->pcr));
	if (out->pcr > PCR_MAX)
		return ERR_MALFORMED;
	out->template_hash = HASH_SHA1;
	TRY(bytes_take_into(in, out->template_digest, hash_bytes(HASH_SHA1)));
	TRY(take_sized(in, NAME_MAX, &word));
	TRY(find(word, templates, 2, &name));
	*template = (enum template)name;
	TRY(take_sized(in, DATA_MAX, &word));
	return take_fields(word, *template, out);
}

static void put(struct writer *out, struct bytes data)
{
	invariant(bytes_put(out, data) == ERR_OK);
}

static void put_length(struct writer *out, size_t len)
{
	const uint8_t bytes[] = { (uint8_t)len, (uint8_t)(len >> 8),
				  (uint8_t)(len >> 16), (uint8_t)(len >> 24) };

	put(out, BYTES_ARRAY(bytes));
}

/* The data that the kernel hashed, as the header says. */
static struct bytes rebuild(const struct ima_entry *entry,
			    enum template template,
			    uint8_t memory[static DATA_MAX])
{
	struct writer out = { memory, 0, DATA_MAX };
	struct bytes name = hashes[entry->file_hash];
	size_t len = hash_bytes(entry->file_hash);

	put_length(&out, name.len + 2 + len);
	put(&out, name);
	put(&out, BYTES_LITERAL(":\0"));
	put(&out, (struct bytes){ entry->file_digest, len });
	put_length(&out, entry->path.len + 1);
	put(&out, entry->path);
	put(&out, BYTES_LITERAL("\0"));
	if (template == TEMPLATE_SIG) {
		put_length(&out, entry->signature_len);
		put(&out,
		    (struct bytes){ entry->signature, entry->signature_len });
	}
	return bytes_written(&out);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Take an entry, and the hash of its data in a bank of the caller's. */
static enum err take(struct bytes *in, enum ima_form form,
		     struct ima_entry *out, enum hash_algorithm bank,
		     uint8_t *digest)
{
	struct bytes rest = *in;
	uint8_t memory[DATA_MAX];
	uint8_t expected[HASH_BYTES_MAX];
	enum template template = TEMPLATE_NG;
	size_t len;
	struct bytes data;

	TRY(form == IMA_TEXT ? take_text(&rest, out, &template)
			     : take_binary(&rest, out, &template));
	data = rebuild(out, template, memory);
	len = hash_bytes(out->template_hash);
	out->is_violation = is_zero(out->template_digest, len);
	hash_digest(out->template_hash, data, expected);
	if (!out->is_violation &&
	    memcmp(expected, out->template_digest, len) != 0)
		return ERR_UNAUTHENTIC;
	hash_digest(bank, data, digest);
	if (out->is_violation)
		memset(digest, 0xff, hash_bytes(bank));
	*in = rest;
	return ERR_OK;
}

enum err ima_take(struct bytes *in, enum ima_form form, struct ima_entry *out)
{
	struct ima_entry found = { 0 };
	uint8_t digest[HASH_BYTES_MAX];

	TRY(take(in, form, &found, HASH_SHA1, digest));
	*out = found;
	return ERR_OK;
}

enum err ima_replay(struct bytes log, enum ima_form form,
		    enum hash_algorithm bank, struct ima_replay *out)
{
	struct ima_replay found = { .bank = bank };
	size_t len = hash_bytes(bank);

	if (log.len > IMA_BYTES_MAX)
		return ERR_TOO_LARGE;
	while (log.len > 0) {
		struct ima_entry entry = { 0 };
		uint8_t both[2 * HASH_BYTES_MAX];

		TRY(take(&log, form, &entry, bank, both + len));
		if (found.entries > 0 && entry.pcr != found.pcr)
			return ERR_MALFORMED;
		found.pcr = entry.pcr;
		memcpy(both, found.value, len);
		hash_digest(bank, (struct bytes){ both, 2 * len }, found.value);
		found.entries++;
		found.violations += entry.is_violation;
	}
	*out = found;
	return ERR_OK;
}

void ima_boot_aggregate(enum hash_algorithm bank, const uint8_t *const *pcrs,
			uint8_t *digest)
{
	uint8_t memory[IMA_BOOT_PCRS * HASH_BYTES_MAX];
	struct writer all = WRITER_OVER(memory);
	size_t count = bank == HASH_SHA1 ? SHA1_BOOT_PCRS : IMA_BOOT_PCRS;

	for (size_t i = 0; i < count; i++)
		put(&all, (struct bytes){ pcrs[i], hash_bytes(bank) });
	hash_digest(bank, bytes_written(&all), digest);
}
