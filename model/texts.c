/* SPDX-License-Identifier: Apache-2.0 */
#include "model/texts.h"

static enum err read_array(struct texts *texts)
{
	struct bytes file = texts->source.file;

	texts->kind = TEXTS_MANY;
	texts->array = json_loadb((const char *)file.data, file.len,
				  JSON_ALLOW_NUL, NULL);
	texts->count = json_array_size(texts->array);
	if (texts->count == 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < texts->count; i++)
		if (!json_is_string(json_array_get(texts->array, i)))
			return ERR_MALFORMED;
	return ERR_OK;
}

enum err texts_open(const char *path, struct texts *out)
{
	struct texts texts = { .kind = TEXTS_ONE, .count = 1 };
	enum err err = ERR_OK;

	TRY(source_map(path, &texts.source));
	if (texts.source.file.data[0] == '[')
		err = read_array(&texts);
	if (err != ERR_OK) {
		texts_close(&texts);
		return err;
	}
	*out = texts;
	return ERR_OK;
}

void texts_close(struct texts *texts)
{
	json_decref(texts->array);
	source_close(&texts->source);
	*texts = (struct texts){ 0 };
}

struct bytes texts_at(const struct texts *texts, size_t i)
{
	const json_t *string;

	if (texts->kind == TEXTS_ONE)
		return texts->source.file;
	string = json_array_get(texts->array, i);
	return (struct bytes){ (const uint8_t *)json_string_value(string),
			       json_string_length(string) };
}
