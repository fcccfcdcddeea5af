/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hash table finds tokens by text, whatever their kind; the kind is asked
 * for at the end, so a token can change it (vocabulary_reserve) in place.
 */
#include "inference/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "inference/unicode.h"

#define SENTENCEPIECE_SPACE 0x2581
#define HASH_START 0xcbf29ce484222325u

/* FNV-1a, a byte at a time so that all prefixes of a text are one pass. */
static uint64_t hash_byte(uint64_t hash, uint8_t byte)
{
	return (hash ^ byte) * 0x100000001b3u;
}

/* FNV leaves its low bits poor for short texts: mix before cutting off. */
static size_t slot_of(const struct vocabulary *vocabulary, uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15u;
	return (size_t)(hash >> 32) & vocabulary->slot_mask;
}

static uint64_t hash_text(struct bytes text)
{
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < text.len; i++)
		hash = hash_byte(hash, text.data[i]);
	return hash;
}

static enum vocabulary_kind kind_of(const struct vocabulary *vocabulary,
				    uint32_t token)
{
	return (enum vocabulary_kind)vocabulary->kinds[token];
}

/* The runs of many homes may lie in a row, so a free slot may be far: but no
 * token is.  The first that was inserted is the lowest. */
static uint32_t find_hashed(const struct vocabulary *vocabulary, uint64_t hash,
			    struct bytes text, enum vocabulary_kind kind)
{
	size_t slot = slot_of(vocabulary, hash);

	for (size_t i = 0; i < VOCABULARY_PROBES_MAX; i++) {
		uint32_t token = vocabulary->slots[slot];

		if (token == VOCABULARY_NONE)
			break;
		if (kind_of(vocabulary, token) == kind &&
		    bytes_equal(vocabulary->texts[token], text))
			return token;
		slot = (slot + 1) & vocabulary->slot_mask;
	}
	return VOCABULARY_NONE;
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct bytes text,
			 enum vocabulary_kind kind)
{
	if (text.len > vocabulary->longest)
		return VOCABULARY_NONE;
	return find_hashed(vocabulary, hash_text(text), text, kind);
}

uint32_t vocabulary_match(const struct vocabulary *vocabulary,
			  struct bytes text)
{
	uint32_t longest = VOCABULARY_NONE;
	uint64_t hash = HASH_START;
	size_t most;

	if (text.len == 0)
		return VOCABULARY_NONE;
	most = vocabulary->longest_user_defined[text.data[0]];
	if (most > text.len)
		most = text.len;
	for (size_t len = 1; len <= most; len++) {
		uint32_t token;

		hash = hash_byte(hash, text.data[len - 1]);
		token = find_hashed(vocabulary, hash,
				    (struct bytes){ text.data, len },
				    VOCABULARY_USER_DEFINED);
		if (token != VOCABULARY_NONE)
			longest = token;
	}
	return longest;
}

/* A text may be several tokens; the one that a template means is the first of
 * these kinds. */
static uint32_t find_any(const struct vocabulary *vocabulary, struct bytes text)
{
	static const enum vocabulary_kind kinds[] = { VOCABULARY_CONTROL,
						      VOCABULARY_USER_DEFINED,
						      VOCABULARY_NORMAL };
	uint32_t token = VOCABULARY_NONE;

	for (size_t i = 0; i < 3 && token == VOCABULARY_NONE; i++)
		token = vocabulary_find(vocabulary, text, kinds[i]);
	return token;
}

uint32_t vocabulary_reserve(struct vocabulary *vocabulary, struct bytes text)
{
	uint32_t token = find_any(vocabulary, text);

	if (token != VOCABULARY_NONE)
		vocabulary->kinds[token] = VOCABULARY_CONTROL;
	return token;
}

/* Tokens of one text take a slot each, in the order of their numbers. */
static enum err insert(struct vocabulary *vocabulary, uint32_t token)
{
	struct bytes text = vocabulary->texts[token];
	size_t slot = slot_of(vocabulary, hash_text(text));

	for (size_t i = 0; i < VOCABULARY_PROBES_MAX; i++) {
		if (vocabulary->slots[slot] == VOCABULARY_NONE) {
			vocabulary->slots[slot] = token;
			return ERR_OK;
		}
		slot = (slot + 1) & vocabulary->slot_mask;
	}
	return ERR_MALFORMED;
}

/* "<0x41>", with capital or small digits and nothing else, is 0x41.  A sign, a
 * third digit or a space has been another engine's way out of its array. */
static enum err parse_byte(struct bytes text, uint8_t *out)
{
	unsigned int value = 0;

	if (text.len != 6 || memcmp(text.data, "<0x", 3) != 0 ||
	    text.data[5] != '>')
		return ERR_MALFORMED;
	for (size_t i = 3; i < 5; i++) {
		uint8_t c = text.data[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10u);
		else
			return ERR_MALFORMED;
	}
	*out = (uint8_t)value;
	return ERR_OK;
}

/*
 * GPT-2's spelling of bytes: those that print, in Latin-1, stand for
 * themselves; the others follow, in order, from U+0100 on.
 */
static bool prints(uint32_t byte)
{
	return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) ||
	       (byte >= 0xae && byte <= 0xff);
}

static enum err byte_of_character(uint32_t code, uint8_t *out)
{
	uint32_t hidden = 0x100;

	if (code < 0x100) {
		if (!prints(code))
			return ERR_MALFORMED;
		*out = (uint8_t)code;
		return ERR_OK;
	}
	for (uint32_t byte = 0; byte < 0x100; byte++) {
		if (prints(byte) || hidden++ != code)
			continue;
		*out = (uint8_t)byte;
		return ERR_OK;
	}
	return ERR_MALFORMED;
}

enum err vocabulary_respell(struct bytes text, struct writer *out)
{
	while (text.len > 0) {
		uint32_t code;
		uint8_t byte;

		if (unicode_take(&text, &code) != ERR_OK)
			return ERR_MALFORMED;
		TRY(byte_of_character(code, &byte));
		TRY(bytes_put_u8(out, byte));
	}
	return ERR_OK;
}

/* U+2581 becomes the space that it stands for. */
static enum err respell_sentencepiece(struct bytes text, struct writer *out)
{
	static const uint8_t space[] = { 0xe2, 0x96, 0x81 };

	while (text.len > 0) {
		size_t taken = 1;
		uint8_t byte = text.data[0];

		if (text.len >= sizeof(space) &&
		    memcmp(text.data, space, sizeof(space)) == 0) {
			taken = sizeof(space);
			byte = ' ';
		}
		TRY(bytes_put_u8(out, byte));
		text.data += taken;
		text.len -= taken;
	}
	return ERR_OK;
}

/* The bytes that a token stands for; never more than the file spells. */
static enum err respell(enum vocabulary_kind kind,
			enum vocabulary_spelling spelling, struct bytes text,
			struct writer *out)
{
	uint8_t byte;

	if (kind == VOCABULARY_BYTE) {
		TRY(parse_byte(text, &byte));
		return bytes_put_u8(out, byte);
	}
	if (spelling == VOCABULARY_SENTENCEPIECE)
		return respell_sentencepiece(text, out);
	if (kind == VOCABULARY_NORMAL)
		return vocabulary_respell(text, out);
	return bytes_put(out, text);
}

/* What depends on kind and text together. */
static void note_token(struct vocabulary *vocabulary, uint32_t token,
		       enum vocabulary_spelling spelling)
{
	struct bytes text = vocabulary->texts[token];
	enum vocabulary_kind kind = kind_of(vocabulary, token);
	bool is_byte = kind == VOCABULARY_BYTE ||
		       (kind == VOCABULARY_NORMAL && text.len == 1 &&
			spelling == VOCABULARY_BYTE_LEVEL);

	if (text.len > vocabulary->longest)
		vocabulary->longest = text.len;
	if (text.len == 0)
		return;
	if (is_byte && vocabulary->byte_tokens[text.data[0]] == VOCABULARY_NONE)
		vocabulary->byte_tokens[text.data[0]] = token;
	if (kind == VOCABULARY_USER_DEFINED &&
	    text.len > vocabulary->longest_user_defined[text.data[0]])
		vocabulary->longest_user_defined[text.data[0]] = text.len;
}

static enum err read_kind(struct bytes *types, uint8_t *out)
{
	uint32_t kind;

	TRY(bytes_take_u32_le(types, &kind));
	if (kind < VOCABULARY_NORMAL || kind > VOCABULARY_BYTE)
		return ERR_MALFORMED;
	*out = (uint8_t)kind;
	return ERR_OK;
}

/* Whether how long a token is decides how long the search for it takes. */
static bool is_looked_for(enum vocabulary_kind kind,
			  enum vocabulary_spelling spelling)
{
	return kind == VOCABULARY_USER_DEFINED ||
	       (kind == VOCABULARY_NORMAL &&
		spelling == VOCABULARY_SENTENCEPIECE);
}

static enum err read_tokens(struct vocabulary *vocabulary,
			    enum vocabulary_spelling spelling,
			    struct bytes tokens, struct bytes types)
{
	struct writer pool = { vocabulary->pool, 0, tokens.len };

	for (uint32_t i = 0; i < vocabulary->count; i++) {
		size_t start = pool.len;
		struct bytes text;

		TRY(gguf_take_string(&tokens, &text));
		TRY(read_kind(&types, &vocabulary->kinds[i]));
		TRY(respell(kind_of(vocabulary, i), spelling, text, &pool));
		vocabulary->texts[i] = (struct bytes){ vocabulary->pool + start,
						       pool.len - start };
		if (is_looked_for(kind_of(vocabulary, i), spelling) &&
		    vocabulary->texts[i].len > VOCABULARY_WHOLE_MAX)
			return ERR_UNSUPPORTED;
		note_token(vocabulary, i, spelling);
		TRY(insert(vocabulary, i));
	}
	return ERR_OK;
}

size_t vocabulary_slots(size_t count)
{
	size_t slots = 4;

	while (slots < 2 * count)
		slots *= 2;
	return slots;
}

enum err vocabulary_open(const struct gguf *gguf,
			 enum vocabulary_spelling spelling, size_t count_max,
			 struct vocabulary *out)
{
	struct gguf_array tokens, types;
	struct vocabulary made;
	enum err err = ERR_UNAVAILABLE;

	TRY(gguf_array(gguf, "tokenizer.ggml.tokens", GGUF_STRING, &tokens));
	TRY(gguf_array(gguf, "tokenizer.ggml.token_type", GGUF_I32, &types));
	if (tokens.count != types.count || tokens.count == 0)
		return ERR_MALFORMED;
	if (tokens.count > count_max)
		return ERR_TOO_LARGE;

	made = (struct vocabulary){
		.count = tokens.count,
		.texts = calloc(tokens.count, sizeof(struct bytes)),
		.kinds = calloc(tokens.count, 1),
		.pool = calloc(1, tokens.elements.len),
		.slots = calloc(vocabulary_slots(tokens.count),
				sizeof(uint32_t)),
		.slot_mask = vocabulary_slots(tokens.count) - 1,
	};
	memset(made.byte_tokens, 0xff, sizeof(made.byte_tokens));
	if (made.texts != NULL && made.kinds != NULL && made.pool != NULL &&
	    made.slots != NULL) {
		memset(made.slots, 0xff,
		       (made.slot_mask + 1) * sizeof(uint32_t));
		err = read_tokens(&made, spelling, tokens.elements,
				  types.elements);
	}
	if (err != ERR_OK) {
		vocabulary_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void vocabulary_close(struct vocabulary *vocabulary)
{
	free(vocabulary->texts);
	free(vocabulary->kinds);
	free(vocabulary->pool);
	free(vocabulary->slots);
	*vocabulary = (struct vocabulary){ 0 };
}
