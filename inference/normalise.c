/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/normalise.h"

#include <string.h>

#include "inference/unicode.h"
#include "inference/vocabulary.h"

#define SPACE_LEN 3	  /* bytes of U+2581, which a space becomes */
#define REPLACEMENT_LEN 3 /* and of U+FFFD, which any wrong byte becomes */
#define GROWTH_MAX 64	  /* NFKC needs 13, for one Arabic ligature */
#define REPLACEMENT "\xef\xbf\xbd"

static const uint8_t space_symbol[SPACE_LEN] = { 0xe2, 0x96, 0x81 };

/* What the front of a text becomes, and how much of it does. */
struct rewritten {
	struct bytes text;
	size_t taken;
};

/* The longest user-defined token at the front; 0 bytes for none. */
static size_t match_user_defined(const struct normalise *normalise,
				 const uint8_t *kinds, struct bytes text)
{
	const struct trie *trie = &normalise->user_defined;
	uint32_t node = TRIE_ROOT;
	size_t longest = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint32_t token;

		node = trie_step(trie, node, text.data[i]);
		if (node == TRIE_NONE)
			break;
		token = trie_value(trie, node);
		if (token != TRIE_NONE &&
		    kinds[token] == VOCABULARY_USER_DEFINED)
			longest = i + 1;
	}
	return longest;
}

/* The front of a text that is not empty; spaces are not spelt out yet. */
static struct rewritten rewrite(const struct normalise *normalise,
				const uint8_t *kinds, struct bytes text)
{
	size_t whole = match_user_defined(normalise, kinds, text);
	struct charsmap_match match;
	struct bytes rest = text;
	uint32_t code;

	if (whole > 0)
		return (struct rewritten){ { text.data, whole }, whole };
	match = charsmap_find(&normalise->charsmap, text);
	if (match.len > 0)
		return (struct rewritten){ match.replacement, match.len };
	if (unicode_take(&rest, &code) != ERR_OK)
		return (struct rewritten){ BYTES_LITERAL(REPLACEMENT), 1 };
	whole = text.len - rest.len;
	return (struct rewritten){ { text.data, whole }, whole };
}

static enum err put_spelt(struct bytes text, struct writer *out)
{
	for (size_t i = 0; i < text.len; i++) {
		struct bytes one = { &text.data[i], 1 };

		if (text.data[i] == ' ')
			one = BYTES_ARRAY(space_symbol);
		TRY(bytes_put(out, one));
	}
	return ERR_OK;
}

/* Spaces in front, as they are after rewriting. */
static struct bytes skip_leading(const struct normalise *normalise,
				 const uint8_t *kinds, struct bytes text)
{
	while (text.len > 0) {
		struct rewritten front = rewrite(normalise, kinds, text);

		if (!bytes_equal(front.text, BYTES_LITERAL(" ")))
			break;
		text.data += front.taken;
		text.len -= front.taken;
	}
	return text;
}

/* Also a U+2581 that somebody typed: by now it is the same. */
static void drop_trailing(struct writer *out, size_t start)
{
	while (out->len >= start + SPACE_LEN &&
	       memcmp(out->data + out->len - SPACE_LEN, space_symbol,
		      SPACE_LEN) == 0)
		out->len -= SPACE_LEN;
}

static struct bytes strip_spaces(struct bytes text)
{
	while (text.len > 0 && text.data[0] == ' ') {
		text.data++;
		text.len--;
	}
	return text;
}

/* What is rewritten to nothing stands between no spaces. */
static enum err put_rewritten(const struct normalise *normalise,
			      const uint8_t *kinds, struct bytes text,
			      struct writer *out)
{
	bool removes = normalise->spaces == NORMALISE_REMOVE_EXTRA;
	bool after_space = removes;

	while (text.len > 0) {
		struct rewritten front = rewrite(normalise, kinds, text);

		if (after_space)
			front.text = strip_spaces(front.text);
		TRY(put_spelt(front.text, out));
		if (removes && front.text.len > 0)
			after_space =
				front.text.data[front.text.len - 1] == ' ';
		text.data += front.taken;
		text.len -= front.taken;
	}
	return ERR_OK;
}

enum err normalise_text(const struct normalise *normalise, const uint8_t *kinds,
			struct bytes text, struct writer *out)
{
	const size_t start = out->len;

	if (out->max - out->len < normalise_max(normalise, text.len))
		return ERR_TOO_LARGE;
	if (normalise->spaces == NORMALISE_REMOVE_EXTRA)
		text = skip_leading(normalise, kinds, text);
	if (text.len == 0)
		return ERR_OK;
	if (normalise->front == NORMALISE_SPACE_PREFIX)
		TRY(bytes_put(out, BYTES_ARRAY(space_symbol)));
	TRY(put_rewritten(normalise, kinds, text, out));
	if (normalise->spaces == NORMALISE_REMOVE_EXTRA)
		drop_trailing(out, start);
	return ERR_OK;
}

size_t normalise_max(const struct normalise *normalise, size_t text_bytes)
{
	return normalise->growth * text_bytes + SPACE_LEN;
}

/* How far a text of `len` bytes grows by this rewriting. */
static enum err see_growth(void *context, size_t len, struct bytes replacement)
{
	size_t *growth = context;
	size_t spelt = 0;
	size_t factor;

	for (size_t i = 0; i < replacement.len; i++)
		spelt += replacement.data[i] == ' ' ? SPACE_LEN : 1;
	factor = (spelt + len - 1) / len;
	if (factor > GROWTH_MAX)
		return ERR_UNSUPPORTED;
	if (factor > *growth)
		*growth = factor;
	return ERR_OK;
}

static enum err read_charsmap(const struct gguf *gguf,
			      struct normalise *normalise)
{
	static const char key[] = "tokenizer.ggml.precompiled_charsmap";
	const struct gguf_value *value = gguf_find(gguf, key);
	enum gguf_type type = GGUF_U8;
	struct gguf_array file;

	if (value == NULL)
		return ERR_OK;
	/* Converters have written both, of the same bytes. */
	if (value->type == GGUF_ARRAY && value->array.type == GGUF_I8)
		type = GGUF_I8;
	TRY(gguf_array(gguf, key, type, &file));
	TRY(charsmap_open(file.elements, &normalise->charsmap));
	return charsmap_each(&normalise->charsmap, see_growth,
			     &normalise->growth);
}

static enum err read_rules(const struct gguf *gguf, struct normalise *normalise)
{
	uint32_t front, spaces;

	/* Neither has a default that all makers agree on. */
	TRY(gguf_u32(gguf, "tokenizer.ggml.add_space_prefix", &front));
	TRY(gguf_u32(gguf, "tokenizer.ggml.remove_extra_whitespaces", &spaces));
	normalise->front =
		front != 0 ? NORMALISE_SPACE_PREFIX : NORMALISE_NO_PREFIX;
	normalise->spaces =
		spaces != 0 ? NORMALISE_REMOVE_EXTRA : NORMALISE_KEEP_SPACES;
	return read_charsmap(gguf, normalise);
}

enum err normalise_open(const struct gguf *gguf, struct trie_text *user_defined,
			size_t count, struct normalise *out)
{
	struct normalise made = { .growth = REPLACEMENT_LEN };
	enum err err = trie_open(user_defined, count, &made.user_defined);

	if (err == ERR_OK)
		err = read_rules(gguf, &made);
	if (err != ERR_OK) {
		normalise_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void normalise_close(struct normalise *normalise)
{
	charsmap_close(&normalise->charsmap);
	trie_close(&normalise->user_defined);
	*normalise = (struct normalise){ 0 };
}
