/* SPDX-License-Identifier: Apache-2.0 */
/*
 * specials: the tokens that a template may spell.
 *
 * Control tokens, for one; but files made carelessly have the tokens that
 * structure a chat as user-defined or ordinary ones, and so those count too
 * that are spelt like <|this|>, or user-defined and like <this> or [THIS].
 * What a template turns out to use is reserved (vocabulary.h): from then on no
 * user's text becomes it.
 */
#ifndef INFERENCE_SPECIALS_H
#define INFERENCE_SPECIALS_H

#include "inference/tokenizer.h"

struct specials {
	const struct vocabulary *vocabulary; /* borrowed */
	uint32_t *tokens;		     /* [count], sorted by text */
	size_t count;
	size_t longest; /* bytes of a text */
	bool starts[256];
};

/* ERR_UNAVAILABLE without memory, ERR_UNSUPPORTED where one is longer than
 * VOCABULARY_WHOLE_MAX.  Close with specials_close(). */
MUST_CHECK enum err specials_open(const struct tokenizer *tokenizer,
				  struct specials *out);

void specials_close(struct specials *specials);

/* The longest that a text starts with, or VOCABULARY_NONE. */
uint32_t specials_match(const struct specials *specials, struct bytes text);

/* Forget those that have not become control tokens. */
void specials_settle(struct specials *specials);

/* Whether a token is spelt like <|this|>. */
bool specials_is_marked(struct bytes text);

#endif
