/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_keys: the metadata of one architecture, "{architecture}.{name}".
 *
 * A key that is there with another type or a value that does not fit is
 * ERR_MALFORMED; a word that this engine does not know is ERR_UNSUPPORTED.
 */
#ifndef INFERENCE_CONFIG_KEYS_H
#define INFERENCE_CONFIG_KEYS_H

#include "inference/config.h"

struct config_keys {
	const struct gguf *gguf;
	const char *architecture;
};

/* A key whose value is a word, told as the place that it has in a list. */
struct config_keys_choice {
	const char *name;
	const char *const *words; /* NULL comes last */
};

bool config_keys_has(const struct config_keys *keys, const char *name);

/* The key must be there. */
MUST_CHECK enum err config_keys_u32(const struct config_keys *keys,
				    const char *name, uint32_t *out);

/* *out, which holds the default, stays where the file has no such key. */
MUST_CHECK enum err config_keys_u32_or(const struct config_keys *keys,
				       const char *name, uint32_t *out);
MUST_CHECK enum err config_keys_f32_or(const struct config_keys *keys,
				       const char *name, float *out);
MUST_CHECK enum err config_keys_word_or(const struct config_keys *keys,
					const struct config_keys_choice *choice,
					uint8_t *out);

/* An array of words, at least one and at most CONFIG_PATTERN_MAX. */
MUST_CHECK enum err config_keys_pattern(const struct config_keys *keys,
					const struct config_keys_choice *choice,
					struct config_pattern *out);

#endif
