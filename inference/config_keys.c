/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/config_keys.h"

#include <stdio.h>

struct key {
	char text[96];
};

/* By value: keys are short, and nothing has to be freed. */
static struct key key_of(const struct config_keys *keys, const char *name)
{
	struct key key;
	int len = snprintf(key.text, sizeof(key.text), "%s.%s",
			   keys->architecture, name);

	invariant(len > 0 && (size_t)len < sizeof(key.text));
	return key;
}

bool config_keys_has(const struct config_keys *keys, const char *name)
{
	return gguf_find(keys->gguf, key_of(keys, name).text) != NULL;
}

enum err config_keys_u32(const struct config_keys *keys, const char *name,
			 uint32_t *out)
{
	return gguf_u32(keys->gguf, key_of(keys, name).text, out);
}

enum err config_keys_u32_or(const struct config_keys *keys, const char *name,
			    uint32_t *out)
{
	if (!config_keys_has(keys, name))
		return ERR_OK;
	return config_keys_u32(keys, name, out);
}

enum err config_keys_f32_or(const struct config_keys *keys, const char *name,
			    float *out)
{
	if (!config_keys_has(keys, name))
		return ERR_OK;
	return gguf_f32(keys->gguf, key_of(keys, name).text, out);
}

/* A word that is none of the list asks for what this engine lacks. */
static enum err find_word(const struct config_keys_choice *choice,
			  struct bytes word, uint8_t *out)
{
	for (uint8_t i = 0; choice->words[i] != NULL; i++) {
		if (bytes_equal(word, bytes_of_string(choice->words[i]))) {
			*out = i;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

enum err config_keys_word_or(const struct config_keys *keys,
			     const struct config_keys_choice *choice,
			     uint8_t *out)
{
	struct bytes word;

	if (!config_keys_has(keys, choice->name))
		return ERR_OK;
	TRY(gguf_string(keys->gguf, key_of(keys, choice->name).text, &word));
	return find_word(choice, word, out);
}

enum err config_keys_pattern(const struct config_keys *keys,
			     const struct config_keys_choice *choice,
			     struct config_pattern *out)
{
	struct config_pattern made = { 0 };
	struct gguf_array array;
	struct bytes rest, word;

	TRY(gguf_array(keys->gguf, key_of(keys, choice->name).text, GGUF_STRING,
		       &array));
	if (array.count == 0)
		return ERR_MALFORMED;
	if (array.count > CONFIG_PATTERN_MAX)
		return ERR_TOO_LARGE;
	rest = array.elements;
	for (size_t i = 0; i < array.count; i++) {
		TRY(gguf_take_string(&rest, &word));
		TRY(find_word(choice, word, &made.choices[i]));
	}
	made.length = array.count;
	*out = made;
	return ERR_OK;
}
