/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/specials.h"

#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

static bool is_between(struct bytes text, const char *left, const char *right)
{
	size_t before = strlen(left), after = strlen(right);

	return text.len > before + after &&
	       memcmp(text.data, left, before) == 0 &&
	       memcmp(text.data + text.len - after, right, after) == 0;
}

bool specials_is_marked(struct bytes text)
{
	return is_between(text, "<|", "|>");
}

static bool is_special(const struct tokenizer *tokenizer, uint32_t token)
{
	const struct vocabulary *vocabulary = &tokenizer->vocabulary;
	struct bytes text = vocabulary->texts[token];

	if (text.len == 0 || vocabulary->kinds[token] == VOCABULARY_BYTE)
		return false;
	if (vocabulary->kinds[token] == VOCABULARY_CONTROL ||
	    token == tokenizer->bos || token == tokenizer->eos)
		return true;
	if (vocabulary->kinds[token] == VOCABULARY_USER_DEFINED)
		return is_between(text, "<", ">") || is_between(text, "[", "]");
	return specials_is_marked(text);
}

static int compare_texts(struct bytes a, struct bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.data, b.data, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

struct sorted {
	struct bytes text;
	uint8_t kind;
	uint32_t token;
};

/* Of one text the token comes first that vocabulary_reserve() means. */
static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;
	bool left_control = left->kind == VOCABULARY_CONTROL;
	bool right_control = right->kind == VOCABULARY_CONTROL;
	int order = compare_texts(left->text, right->text);

	if (order == 0)
		order = right_control - left_control;
	if (order == 0)
		order = (right->kind == VOCABULARY_USER_DEFINED) -
			(left->kind == VOCABULARY_USER_DEFINED);
	return order != 0 ? order
			  : (left->token > right->token) -
				    (left->token < right->token);
}

static void note(struct specials *specials, const struct sorted *one)
{
	specials->tokens[specials->count++] = one->token;
	specials->starts[one->text.data[0]] = true;
	if (one->text.len > specials->longest)
		specials->longest = one->text.len;
}

/* Sorted, and one token a text. */
static void collect(const struct tokenizer *tokenizer, struct sorted *sorted,
		    struct specials *specials)
{
	const struct vocabulary *vocabulary = &tokenizer->vocabulary;
	size_t count = 0;

	for (uint32_t i = 0; i < vocabulary->count; i++) {
		if (is_special(tokenizer, i)) {
			sorted[count++] =
				(struct sorted){ vocabulary->texts[i],
						 vocabulary->kinds[i], i };
		}
	}
	sort_by(sorted, count, sizeof(*sorted), compare_sorted);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 ||
		    compare_texts(sorted[i - 1].text, sorted[i].text) != 0)
			note(specials, &sorted[i]);
	}
}

enum err specials_open(const struct tokenizer *tokenizer, struct specials *out)
{
	size_t count = tokenizer->vocabulary.count;
	struct sorted *sorted = calloc(count, sizeof(*sorted));
	struct specials made = {
		.vocabulary = &tokenizer->vocabulary,
		.tokens = calloc(count, sizeof(*made.tokens)),
	};

	if (sorted == NULL || made.tokens == NULL) {
		free(sorted);
		specials_close(&made);
		return ERR_UNAVAILABLE;
	}
	collect(tokenizer, sorted, &made);
	free(sorted);
	if (made.longest > VOCABULARY_WHOLE_MAX) {
		specials_close(&made);
		return ERR_UNSUPPORTED;
	}
	*out = made;
	return ERR_OK;
}

void specials_settle(struct specials *specials)
{
	const uint8_t *kinds = specials->vocabulary->kinds;
	size_t kept = 0;

	for (size_t i = 0; i < specials->count; i++)
		if (kinds[specials->tokens[i]] == VOCABULARY_CONTROL)
			specials->tokens[kept++] = specials->tokens[i];
	specials->count = kept;
}

void specials_close(struct specials *specials)
{
	free(specials->tokens);
	*specials = (struct specials){ 0 };
}

static uint32_t find(const struct specials *specials, struct bytes text)
{
	size_t low = 0, high = specials->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t token = specials->tokens[middle];
		int order =
			compare_texts(specials->vocabulary->texts[token], text);

		if (order == 0)
			return token;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return VOCABULARY_NONE;
}

uint32_t specials_match(const struct specials *specials, struct bytes text)
{
	uint32_t token = VOCABULARY_NONE;

	if (text.len == 0 || !specials->starts[text.data[0]])
		return VOCABULARY_NONE;
	if (text.len > specials->longest)
		text.len = specials->longest;
	for (; text.len > 0 && token == VOCABULARY_NONE; text.len--)
		token = find(specials, text);
	return token;
}
