/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split: the words that byte-level BPE merges within.
 *
 * Each rule is one of the regular expressions that the makers of a vocabulary
 * trained it with, written out as code: linear in the text, with no engine to
 * run away on a hostile one.
 *
 *   SPLIT_GPT2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+
 *                 | ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *   SPLIT_DIGITS  the same, after each \p{N} has been cut out on its own
 *   SPLIT_LLAMA3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+
 *                 |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
 *                 |\s+(?!\S)|\s+
 *   SPLIT_QWEN2   as SPLIT_LLAMA3, with \p{N} for \p{N}{1,3}
 *   SPLIT_TEKKEN  P?[Cc]*[Sc]+|P?[Cc]+[Sc]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*
 *                 |\s*[\r\n]+|\s+(?!\S)|\s+   where P is [^\r\n\p{L}\p{N}],
 *                 C is \p{Lu}\p{Lt}, S is \p{Ll}, c is \p{Lm}\p{Lo}\p{M}
 */
#ifndef INFERENCE_SPLIT_H
#define INFERENCE_SPLIT_H

#include "base/bytes.h"

enum split_rule {
	SPLIT_GPT2,
	SPLIT_DIGITS,
	SPLIT_LLAMA3,
	SPLIT_QWEN2,
	SPLIT_TEKKEN,
};

/* Take the next word, at least one character of a text that is not empty. */
struct bytes split_take(enum split_rule rule, struct bytes *text);

#endif
