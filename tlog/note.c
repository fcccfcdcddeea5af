/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "wire/base64.h"
#include "wire/hex.h"
#include "wire/utf8.h"

#define DASH BYTES_LITERAL("\xe2\x80\x94 ") /* U+2014 and a space */
#define ID_BYTES 4
#define RAW_MAX 8192 /* of a signature of whatever kind, decoded */
#define TIME_BYTES 8
#define COSIGNED_HEAD_MAX 64
#define COSIGNED_MAX (NOTE_BYTES_MAX + COSIGNED_HEAD_MAX)

/* Spaces of Unicode beyond ASCII (its property White_Space). */
static bool is_wide_space(struct bytes letter)
{
	static const char *const spaces[] = {
		"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
		"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"
	};

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (bytes_equal(letter, bytes_of_string(spaces[i])))
			return true;
	return false;
}

static bool name_is_valid(struct bytes name)
{
	if (name.len == 0 || name.len > NOTE_NAME_MAX)
		return false;
	while (name.len > 0) {
		struct utf8_step step = utf8_front(name);
		struct bytes letter;

		if (step.shape != UTF8_WHOLE ||
		    bytes_take(&name, step.len, &letter) != ERR_OK ||
		    letter.data[0] <= ' ' || letter.data[0] == '+' ||
		    letter.data[0] == 0x7f || is_wide_space(letter))
			return false;
	}
	return true;
}

static bool text_is_valid(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < ' ' && text.data[i] != '\n')
			return false;
	return utf8_is_valid(text);
}

/* Take up to `end`, which is consumed and no part of *out. */
static enum err take_until(struct bytes *in, uint8_t end, struct bytes *out)
{
	const uint8_t *at =
		in->len == 0 ? NULL : memchr(in->data, end, in->len);
	struct bytes rest = *in;
	uint8_t mark;

	if (at == NULL)
		return ERR_MALFORMED;
	TRY(bytes_take(&rest, (size_t)(at - in->data), out));
	TRY(bytes_take_u8(&rest, &mark));
	*in = rest;
	return ERR_OK;
}

/* One line without its newline.  Signatures of other kinds may be long. */
static enum err parse_line(struct bytes line, struct note_signature *out)
{
	uint8_t memory[RAW_MAX];
	struct writer raw = WRITER_OVER(memory);
	struct bytes dash, head, rest;

	TRY(bytes_take(&line, DASH.len, &dash));
	if (!bytes_equal(dash, DASH))
		return ERR_MALFORMED;
	TRY(take_until(&line, ' ', &out->name));
	if (!name_is_valid(out->name))
		return ERR_MALFORMED;
	TRY(base64_decode_standard(line, &raw));
	rest = bytes_written(&raw);
	TRY(bytes_take(&rest, ID_BYTES, &head));
	if (rest.len == 0)
		return ERR_MALFORMED;
	out->id = (uint32_t)head.data[0] << 24 | (uint32_t)head.data[1] << 16 |
		  (uint32_t)head.data[2] << 8 | head.data[3];
	out->len = rest.len;
	if (rest.len > sizeof(out->bytes))
		out->len = sizeof(out->bytes) + 1;
	else
		memcpy(out->bytes, rest.data, rest.len);
	return ERR_OK;
}

/* The text ends before the last empty line, which is the last "\n\n". */
static enum err split(struct bytes in, struct bytes *text, struct bytes *lines)
{
	for (size_t i = in.len; i >= 2; i--) {
		if (in.data[i - 1] != '\n' || in.data[i - 2] != '\n')
			continue;
		*text = (struct bytes){ in.data, i - 1 };
		*lines = (struct bytes){ in.data + i, in.len - i };
		return ERR_OK;
	}
	return ERR_MALFORMED;
}

enum err note_parse(struct bytes in, struct note *out)
{
	struct note found = { .count = 0 };
	struct bytes lines, line;

	if (in.len > NOTE_BYTES_MAX)
		return ERR_TOO_LARGE;
	if (!text_is_valid(in))
		return ERR_MALFORMED;
	TRY(split(in, &found.text, &lines));
	if (lines.len == 0)
		return ERR_MALFORMED;
	while (lines.len > 0) {
		if (found.count == NOTE_SIGNATURES_MAX)
			return ERR_TOO_LARGE;
		TRY(take_until(&lines, '\n', &line));
		if (parse_line(line, &found.signatures[found.count++]) !=
		    ERR_OK)
			return ERR_MALFORMED;
	}
	*out = found;
	return ERR_OK;
}

static void free_message(struct writer *message)
{
	free(message->data);
}

/*
 * What a cosignature is made over, which the caller frees: too large for the
 * stack of just any thread.
 */
static enum err cosigned_message(struct bytes text, uint64_t time,
				 struct writer *out)
{
	char head[COSIGNED_HEAD_MAX];

	*out = (struct writer){ malloc(COSIGNED_MAX), 0, COSIGNED_MAX };
	if (out->data == NULL)
		return ERR_UNAVAILABLE;
	snprintf(head, sizeof(head), "cosignature/v1\ntime %llu\n",
		 (unsigned long long)time);
	TRY(bytes_put(out, bytes_of_string(head)));
	return bytes_put(out, text);
}

static enum err check_cosignature(const struct note_key *key,
				  const struct note *note,
				  const struct note_signature *signature,
				  uint64_t *time)
{
	SCOPED_WIPE(free_message) struct writer message = { 0 };
	struct bytes raw = { signature->bytes, signature->len };
	uint64_t said;

	if (raw.len != TIME_BYTES + SIGN_SIGNATURE_BYTES)
		return ERR_UNAUTHENTIC;
	TRY(bytes_take_u64(&raw, &said));
	if (said > INT64_MAX)
		return ERR_UNAUTHENTIC;
	TRY(cosigned_message(note->text, said, &message));
	TRY(sign_verify(&key->public_key, bytes_written(&message), raw.data));
	*time = said;
	return ERR_OK;
}

static enum err check(const struct note_key *key, const struct note *note,
		      const struct note_signature *signature, uint64_t *time)
{
	*time = 0;
	if (key->type == NOTE_COSIGNATURE)
		return check_cosignature(key, note, signature, time);
	if (signature->len != SIGN_SIGNATURE_BYTES)
		return ERR_UNAUTHENTIC;
	return sign_verify(&key->public_key, note->text, signature->bytes);
}

static enum err find(const struct note *note, const struct note_key *key,
		     struct note_finding *out)
{
	for (size_t i = 0; i < note->count; i++) {
		const struct note_signature *signature = &note->signatures[i];
		uint64_t time;

		if (signature->id != key->id ||
		    !bytes_equal(signature->name, bytes_of_string(key->name)))
			continue;
		TRY(check(key, note, signature, &time));
		out->mark = NOTE_SIGNED;
		if (time > out->time)
			out->time = time;
	}
	return ERR_OK;
}

enum err note_verify(const struct note *note, const struct note_key *keys,
		     size_t count, struct note_finding *findings)
{
	for (size_t i = 0; i < count; i++) {
		struct note_finding finding = { NOTE_ABSENT, 0 };

		TRY(find(note, &keys[i], &finding));
		findings[i] = finding;
	}
	return ERR_OK;
}

enum err note_put_signature(struct writer *out,
			    const struct note_signature *signature)
{
	uint8_t memory[ID_BYTES + sizeof(signature->bytes)];
	struct writer raw = WRITER_OVER(memory);
	struct writer whole = *out;

	if (signature->len > sizeof(signature->bytes))
		return ERR_UNSUPPORTED;
	TRY(bytes_put_u32(&raw, signature->id));
	TRY(bytes_put(&raw,
		      (struct bytes){ signature->bytes, signature->len }));
	TRY(bytes_put(&whole, DASH));
	TRY(bytes_put(&whole, signature->name));
	TRY(bytes_put_u8(&whole, ' '));
	TRY(base64_put_standard(&whole, bytes_written(&raw)));
	TRY(bytes_put_u8(&whole, '\n'));
	*out = whole;
	return ERR_OK;
}

enum err note_sign(const struct note_signer *signer, struct bytes text,
		   uint64_t time, struct writer *out)
{
	SCOPED_WIPE(free_message) struct writer message = { 0 };
	struct note_signature line = {
		bytes_of_string(signer->key.name), signer->key.id, 0, { 0 }
	};
	struct writer raw = WRITER_OVER(line.bytes);
	uint8_t signature[SIGN_SIGNATURE_BYTES];

	invariant(text.len > 0 && text.data[text.len - 1] == '\n');
	if (signer->key.type == NOTE_COSIGNATURE) {
		TRY(bytes_put_u64(&raw, time));
		TRY(cosigned_message(text, time, &message));
		text = bytes_written(&message);
	}
	sign_message(&signer->private_key, text, signature);
	TRY(bytes_put(&raw, BYTES_ARRAY(signature)));
	line.len = raw.len;
	return note_put_signature(out, &line);
}

/* SHA-256(name | "\n" | type | public key), the first four bytes. */
static uint32_t id_of(const struct note_key *key)
{
	uint8_t memory[NOTE_NAME_MAX + 2 + SIGN_PUBLIC_BYTES];
	struct writer named = WRITER_OVER(memory);
	uint8_t digest[HASH_SHA256_BYTES];

	invariant(bytes_put(&named, bytes_of_string(key->name)) == ERR_OK &&
		  bytes_put_u8(&named, '\n') == ERR_OK &&
		  bytes_put_u8(&named, (uint8_t)key->type) == ERR_OK &&
		  bytes_put(&named, BYTES_ARRAY(key->public_key.bytes)) ==
			  ERR_OK);
	hash_sha256(bytes_written(&named), digest);
	return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
	       (uint32_t)digest[2] << 8 | digest[3];
}

enum err note_key_make(struct bytes name, enum note_type type,
		       const struct sign_public_key *public_key,
		       struct note_key *out)
{
	struct note_key key = { .type = type, .public_key = *public_key };

	if (!name_is_valid(name))
		return ERR_MALFORMED;
	memcpy(key.name, name.data, name.len);
	key.id = id_of(&key);
	*out = key;
	return ERR_OK;
}

/* NAME+ID+base64(type | 32 bytes), of either kind of key. */
static enum err take_key(struct bytes text, struct bytes *name, uint32_t *id,
			 uint8_t raw[static 1 + SIGN_PUBLIC_BYTES])
{
	struct writer out = { raw, 0, 1 + SIGN_PUBLIC_BYTES };
	struct bytes digits;
	uint8_t bytes[ID_BYTES];

	TRY(take_until(&text, '+', name));
	TRY(take_until(&text, '+', &digits));
	TRY(hex_decode(digits, bytes, sizeof(bytes)));
	if (base64_decode_standard(text, &out) != ERR_OK || out.len != out.max)
		return ERR_MALFORMED;
	if (raw[0] != NOTE_ED25519 && raw[0] != NOTE_COSIGNATURE)
		return ERR_UNSUPPORTED;
	*id = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	      (uint32_t)bytes[2] << 8 | bytes[3];
	return ERR_OK;
}

enum err note_key_parse(struct bytes text, struct note_key *out)
{
	uint8_t raw[1 + SIGN_PUBLIC_BYTES];
	struct sign_public_key public_key;
	struct note_key key;
	struct bytes name;
	uint32_t id;

	TRY(take_key(text, &name, &id, raw));
	memcpy(public_key.bytes, raw + 1, sizeof(public_key.bytes));
	TRY(note_key_make(name, (enum note_type)raw[0], &public_key, &key));
	if (key.id != id)
		return ERR_MALFORMED;
	*out = key;
	return ERR_OK;
}

static enum err put_key(struct writer *out, const struct note_key *key,
			const uint8_t secret_or_public[static 32])
{
	uint8_t raw[1 + 32] = { (uint8_t)key->type };
	char id[16];
	enum err err;

	memcpy(raw + 1, secret_or_public, 32);
	snprintf(id, sizeof(id), "+%08x+", key->id);
	err = bytes_put(out, bytes_of_string(key->name));
	if (err == ERR_OK)
		err = bytes_put(out, bytes_of_string(id));
	if (err == ERR_OK)
		err = base64_put_standard(out, BYTES_ARRAY(raw));
	secret_wipe(raw, sizeof(raw));
	return err;
}

enum err note_key_put(struct writer *out, const struct note_key *key)
{
	struct writer whole = *out;

	TRY(put_key(&whole, key, key->public_key.bytes));
	*out = whole;
	return ERR_OK;
}

#define PRIVATE BYTES_LITERAL("PRIVATE+KEY+")

enum err note_signer_parse(struct bytes text, struct note_signer *out)
{
	SCOPED_WIPE(note_signer_wipe) struct note_signer signer = { 0 };
	uint8_t raw[1 + SIGN_SEED_BYTES];
	struct bytes front, name;
	struct sign_public_key public_key;
	uint32_t id;
	enum err err;

	TRY(bytes_take(&text, PRIVATE.len, &front));
	if (!bytes_equal(front, PRIVATE))
		return ERR_MALFORMED;
	err = take_key(text, &name, &id, raw);
	if (err == ERR_OK) {
		sign_key_from_seed(raw + 1, &signer.private_key, &public_key);
		err = note_key_make(name, (enum note_type)raw[0], &public_key,
				    &signer.key);
	}
	secret_wipe(raw, sizeof(raw));
	TRY(err);
	if (signer.key.id != id)
		return ERR_MALFORMED;
	*out = signer;
	return ERR_OK;
}

enum err note_signer_put(struct writer *out, const struct note_signer *signer)
{
	struct writer whole = *out;

	TRY(bytes_put(&whole, PRIVATE));
	TRY(put_key(&whole, &signer->key, signer->private_key.bytes));
	*out = whole;
	return ERR_OK;
}

enum err note_signer_generate(struct bytes name, enum note_type type,
			      struct note_signer *out)
{
	SCOPED_WIPE(note_signer_wipe) struct note_signer signer;
	struct sign_public_key public_key;

	sign_key_generate(&signer.private_key, &public_key);
	TRY(note_key_make(name, type, &public_key, &signer.key));
	*out = signer;
	return ERR_OK;
}

void note_signer_wipe(struct note_signer *signer)
{
	secret_wipe(signer, sizeof(*signer));
}
