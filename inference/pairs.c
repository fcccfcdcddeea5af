/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/pairs.h"

#include <stdlib.h>
#include <string.h>

/* Free where key is NO_PAIR, which is no pair of tokens. */
struct pairs_slot {
	uint64_t key; /* left token << 32 | right token */
	uint32_t rank;
	uint32_t token;
};

#define NO_PAIR UINT64_MAX

static uint64_t key_of(uint32_t left, uint32_t right)
{
	return (uint64_t)left << 32 | right;
}

static size_t slot_of(const struct pairs *pairs, uint64_t key)
{
	key ^= key >> 29;
	key *= 0x9e3779b97f4a7c15u;
	return (size_t)(key >> 32) & pairs->slot_mask;
}

static enum err insert(struct pairs *pairs, const struct pairs_slot *merge)
{
	size_t slot = slot_of(pairs, merge->key);

	for (size_t i = 0; i < VOCABULARY_PROBES_MAX; i++) {
		struct pairs_slot *at = &pairs->slots[slot];

		if (at->key == merge->key)
			return ERR_OK; /* said before, at a lower rank */
		if (at->key == NO_PAIR) {
			*at = *merge;
			return ERR_OK;
		}
		slot = (slot + 1) & pairs->slot_mask;
	}
	return ERR_MALFORMED;
}

/* "left right" is cut at its space, which the spelling never uses itself. */
static enum err cut(struct bytes text, struct bytes *left, struct bytes *right)
{
	const uint8_t *space =
		text.len == 0 ? NULL : memchr(text.data, ' ', text.len);

	if (space == NULL)
		return ERR_MALFORMED;
	*left = (struct bytes){ text.data, (size_t)(space - text.data) };
	*right = (struct bytes){ space + 1, text.len - left->len - 1 };
	return ERR_OK;
}

/* The token of a spelling, whose bytes are appended to *text. */
static enum err find_spelt(const struct vocabulary *vocabulary,
			   struct bytes spelt, struct writer *text,
			   uint32_t *token)
{
	size_t start = text->len;

	TRY(vocabulary_respell(spelt, text));
	*token = vocabulary_find(
		vocabulary,
		(struct bytes){ text->data + start, text->len - start },
		VOCABULARY_NORMAL);
	return *token == VOCABULARY_NONE ? ERR_MALFORMED : ERR_OK;
}

/* One line of the list, as the two tokens and the one that they become. */
static enum err read_merge(const struct vocabulary *vocabulary,
			   struct bytes spelt, struct writer *text,
			   struct pairs_slot *out)
{
	struct bytes left_spelt, right_spelt;
	uint32_t left, right;

	text->len = 0;
	TRY(cut(spelt, &left_spelt, &right_spelt));
	TRY(find_spelt(vocabulary, left_spelt, text, &left));
	TRY(find_spelt(vocabulary, right_spelt, text, &right));
	out->key = key_of(left, right);
	out->token = vocabulary_find(vocabulary, bytes_written(text),
				     VOCABULARY_NORMAL);
	return out->token == VOCABULARY_NONE ? ERR_MALFORMED : ERR_OK;
}

static enum err read_merges(const struct gguf_array *merges,
			    const struct vocabulary *vocabulary,
			    struct writer *text, struct pairs *pairs)
{
	struct bytes rest = merges->elements;

	for (uint32_t i = 0; i < merges->count; i++) {
		struct pairs_slot merge = { .rank = i };
		struct bytes spelt;

		TRY(gguf_take_string(&rest, &spelt));
		TRY(read_merge(vocabulary, spelt, text, &merge));
		TRY(insert(pairs, &merge));
	}
	return ERR_OK;
}

enum err pairs_open(const struct gguf *gguf,
		    const struct vocabulary *vocabulary, size_t count_max,
		    struct pairs *out)
{
	/* A merge's two texts are at most as long as a token each. */
	size_t room = 2 * vocabulary->longest + 1;
	struct gguf_array merges;
	struct writer text;
	struct pairs made;
	enum err err = ERR_UNAVAILABLE;

	TRY(gguf_array(gguf, "tokenizer.ggml.merges", GGUF_STRING, &merges));
	if (merges.count > count_max)
		return ERR_TOO_LARGE;
	text = (struct writer){ calloc(1, room), 0, room };
	made = (struct pairs){
		.slots = calloc(vocabulary_slots(merges.count),
				sizeof(*made.slots)),
		.slot_mask = vocabulary_slots(merges.count) - 1,
	};
	if (text.data != NULL && made.slots != NULL) {
		memset(made.slots, 0xff,
		       (made.slot_mask + 1) * sizeof(*made.slots));
		err = read_merges(&merges, vocabulary, &text, &made);
	}
	free(text.data);
	if (err != ERR_OK) {
		pairs_close(&made);
		/* A text beyond the longest token is no token. */
		return err == ERR_TOO_LARGE ? ERR_MALFORMED : err;
	}
	*out = made;
	return ERR_OK;
}

void pairs_close(struct pairs *pairs)
{
	free(pairs->slots);
	*pairs = (struct pairs){ 0 };
}

struct pairs_result pairs_find(const struct pairs *pairs, uint32_t left,
			       uint32_t right)
{
	uint64_t key = key_of(left, right);
	size_t slot = slot_of(pairs, key);

	for (size_t i = 0; i < VOCABULARY_PROBES_MAX; i++) {
		const struct pairs_slot *at = &pairs->slots[slot];

		if (at->key == NO_PAIR)
			break;
		if (at->key == key)
			return (struct pairs_result){ at->rank, at->token };
		slot = (slot + 1) & pairs->slot_mask;
	}
	return (struct pairs_result){ 0, VOCABULARY_NONE };
}
