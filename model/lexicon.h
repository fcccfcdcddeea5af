/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexicon: a vocabulary for models that have learnt nothing: SentencePiece
 * BPE with byte tokens, whose words are made of two-letter syllables.
 *
 * Every word is two shorter ones put together, so each can be reached; any
 * text can be told, and a chat be held in the form that the template says.
 */
#ifndef MODEL_LEXICON_H
#define MODEL_LEXICON_H

#include "model/gguf_write.h"

#define LEXICON_LEAST 360

/* Write count >= LEXICON_LEAST tokens.  ERR_UNAVAILABLE without memory. */
MUST_CHECK enum err lexicon_write(size_t count, struct gguf_write *out);

#endif
