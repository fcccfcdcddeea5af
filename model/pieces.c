/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/vocabulary.h"
#include "model/protobuf.h"

#define FILLER_BYTES 32

/* The columns of the vocabulary, all of the model's count. */
struct pieces {
	struct bytes *texts; /* borrowed */
	float *scores;
	int32_t *kinds;
	char (*fillers)[FILLER_BYTES]; /* rows that no token has */
	size_t count;
};

static void close_pieces(struct pieces *pieces)
{
	free(pieces->texts);
	free(pieces->scores);
	free(pieces->kinds);
	free(pieces->fillers);
}

static enum err open_pieces(size_t count, struct pieces *out)
{
	struct pieces made = {
		.texts = calloc(count, sizeof(*made.texts)),
		.scores = calloc(count, sizeof(*made.scores)),
		.kinds = calloc(count, sizeof(*made.kinds)),
		.fillers = calloc(count, sizeof(*made.fillers)),
		.count = count,
	};

	if (made.texts == NULL || made.scores == NULL || made.kinds == NULL ||
	    made.fillers == NULL) {
		close_pieces(&made);
		return ERR_UNAVAILABLE;
	}
	*out = made;
	return ERR_OK;
}

static enum err set(struct pieces *pieces, uint64_t id, struct bytes text,
		    enum vocabulary_kind kind)
{
	if (id >= pieces->count)
		return ERR_TOO_LARGE;
	pieces->texts[id] = text;
	pieces->kinds[id] = (int32_t)kind;
	return ERR_OK;
}

/* Models have more rows than tokens, to be a round number of them. */
static void fill(struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++) {
		if (pieces->kinds[i] != 0)
			continue;
		(void)snprintf(pieces->fillers[i], FILLER_BYTES, "[PAD%zu]", i);
		pieces->texts[i] = bytes_of_string(pieces->fillers[i]);
		pieces->kinds[i] = VOCABULARY_UNUSED;
	}
}

static void write_pieces(struct pieces *pieces, struct gguf_write *out)
{
	fill(pieces);
	gguf_write_strings(out, "tokenizer.ggml.tokens", pieces->texts,
			   pieces->count);
	gguf_write_array(out, "tokenizer.ggml.token_type", GGUF_I32,
			 pieces->kinds, pieces->count);
}

/* A piece's message into row `id`. */
static enum err take_piece(struct bytes message, struct pieces *pieces,
			   uint64_t id)
{
	struct protobuf_field field;
	struct bytes text = { 0 };
	uint64_t kind = VOCABULARY_NORMAL;
	float score = 0;

	while (message.len > 0) {
		TRY(protobuf_take(&message, &field));
		if (field.number == 1)
			text = field.bytes;
		else if (field.number == 2 && field.bytes.len == sizeof(score))
			memcpy(&score, field.bytes.data, sizeof(score));
		else if (field.number == 3)
			kind = field.value;
	}
	if (kind < VOCABULARY_NORMAL || kind > VOCABULARY_BYTE)
		return ERR_UNSUPPORTED;
	TRY(set(pieces, id, text, (enum vocabulary_kind)kind));
	pieces->scores[id] = score;
	return ERR_OK;
}

static enum err take_pieces(struct bytes file, struct pieces *pieces)
{
	struct protobuf_field field;
	uint64_t next = 0;

	while (file.len > 0) {
		TRY(protobuf_take(&file, &field));
		if (field.number == 1)
			TRY(take_piece(field.bytes, pieces, next++));
	}
	return ERR_OK;
}

static enum err write_sentencepiece(struct bytes file, size_t count,
				    struct gguf_write *out)
{
	struct pieces pieces;
	enum err err;

	TRY(open_pieces(count, &pieces));
	err = take_pieces(file, &pieces);
	if (err == ERR_OK) {
		gguf_write_string(out, "tokenizer.ggml.model",
				  BYTES_LITERAL("llama"));
		gguf_write_string(out, "tokenizer.ggml.pre",
				  BYTES_LITERAL("default"));
		write_pieces(&pieces, out);
		gguf_write_array(out, "tokenizer.ggml.scores", GGUF_F32,
				 pieces.scores, count);
	}
	close_pieces(&pieces);
	return err;
}

static struct bytes string_bytes(const json_t *string)
{
	return (struct bytes){ (const uint8_t *)json_string_value(string),
			       json_string_length(string) };
}

static enum err take_vocabulary(json_t *vocabulary, struct pieces *pieces)
{
	const char *text;
	json_t *id;

	if (!json_is_object(vocabulary))
		return ERR_MALFORMED;
	json_object_foreach(vocabulary, text, id)
	{
		if (!json_is_integer(id) || json_integer_value(id) < 0)
			return ERR_MALFORMED;
		TRY(set(pieces, (uint64_t)json_integer_value(id),
			bytes_of_string(text), VOCABULARY_NORMAL));
	}
	return ERR_OK;
}

static enum err take_added(const json_t *list, struct pieces *pieces)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *added = json_array_get(list, i);
		const json_t *id = json_object_get(added, "id");
		const json_t *text = json_object_get(added, "content");
		bool special = json_is_true(json_object_get(added, "special"));

		if (!json_is_integer(id) || json_integer_value(id) < 0 ||
		    !json_is_string(text))
			return ERR_MALFORMED;
		TRY(set(pieces, (uint64_t)json_integer_value(id),
			string_bytes(text),
			special ? VOCABULARY_CONTROL
				: VOCABULARY_USER_DEFINED));
	}
	return ERR_OK;
}

/* Parts side by side, in memory to be freed; a JSON string may hold zeros. */
static enum err join(const struct bytes *parts, size_t count, struct bytes *out)
{
	struct writer text = { 0 };
	enum err err = ERR_OK;

	for (size_t i = 0; i < count; i++)
		text.max += parts[i].len;
	text.data = malloc(text.max + 1);
	if (text.data == NULL)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = bytes_put(&text, parts[i]);
	invariant(err == ERR_OK);
	*out = bytes_written(&text);
	return ERR_OK;
}

/* "a b", or ["a", "b"]: written as the former, into memory to be freed. */
static enum err take_merge(const json_t *merge, struct bytes *out)
{
	const json_t *left = json_array_get(merge, 0);
	const json_t *right = json_array_get(merge, 1);
	const struct bytes whole = string_bytes(merge);
	const struct bytes parts[] = { string_bytes(left), BYTES_LITERAL(" "),
				       string_bytes(right) };

	if (json_is_string(merge))
		return join(&whole, 1, out);
	if (!json_is_string(left) || !json_is_string(right))
		return ERR_MALFORMED;
	return join(parts, 3, out);
}

static enum err write_merges(const json_t *list, struct gguf_write *out)
{
	size_t count = json_array_size(list);
	struct bytes *merges = calloc(count + 1, sizeof(*merges));
	enum err err = merges == NULL ? ERR_UNAVAILABLE : ERR_OK;

	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = take_merge(json_array_get(list, i), &merges[i]);
	if (err == ERR_OK)
		gguf_write_strings(out, "tokenizer.ggml.merges", merges, count);
	for (size_t i = 0; merges != NULL && i < count; i++)
		free((void *)(uintptr_t)merges[i].data);
	free(merges);
	return err;
}

/* Words are split as the model's family does it: the file says so by a
 * regular expression, which is not compared. */
static const char *splitting_of(const struct shape *shape)
{
	return strcmp(shape->architecture, "llama") == 0 ? "llama-bpe"
							 : "qwen2";
}

static enum err take_json(const json_t *file, struct pieces *pieces)
{
	TRY(take_vocabulary(
		json_object_get(json_object_get(file, "model"), "vocab"),
		pieces));
	return take_added(json_object_get(file, "added_tokens"), pieces);
}

static enum err write_byte_level(const json_t *file, const struct shape *shape,
				 struct gguf_write *out)
{
	const json_t *model = json_object_get(file, "model");
	const char *type = json_string_value(json_object_get(model, "type"));
	struct pieces pieces;
	enum err err;

	/* Byte fallback is SentencePiece in another dress. */
	if (type == NULL || strcmp(type, "BPE") != 0 ||
	    json_is_true(json_object_get(model, "byte_fallback")))
		return ERR_UNSUPPORTED;
	TRY(open_pieces(shape->vocabulary, &pieces));
	err = take_json(file, &pieces);
	if (err == ERR_OK)
		write_pieces(&pieces, out);
	close_pieces(&pieces);
	TRY(err);
	gguf_write_string(out, "tokenizer.ggml.model", BYTES_LITERAL("gpt2"));
	gguf_write_string(out, "tokenizer.ggml.pre",
			  bytes_of_string(splitting_of(shape)));
	return write_merges(json_object_get(model, "merges"), out);
}

/* config.json has a number, or a list whose first is the usual one. */
static void write_id(const json_t *config, const char *from,
		     struct gguf_write *out, const char *to)
{
	const json_t *value = json_object_get(config, from);

	if (json_is_array(value))
		value = json_array_get(value, 0);
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    json_integer_value(value) <= UINT32_MAX)
		gguf_write_u32(out, to, (uint32_t)json_integer_value(value));
}

/* Newer checkpoints keep the template in a file of its own. */
static void write_template_file(const struct checkpoint *checkpoint,
				struct gguf_write *out)
{
	char *path = checkpoint_path(checkpoint->folder, "chat_template.jinja");
	SCOPED_SOURCE text = { 0 };

	if (path != NULL && source_map(path, &text) == ERR_OK)
		gguf_write_string(out, "tokenizer.chat_template", text.file);
	free(path);
}

static void write_settings(const struct checkpoint *checkpoint,
			   struct gguf_write *out)
{
	json_t *settings =
		checkpoint_json(checkpoint->folder, "tokenizer_config.json");
	const json_t *bos = json_object_get(settings, "add_bos_token");
	const json_t *template = json_object_get(settings, "chat_template");

	write_id(checkpoint->config, "bos_token_id", out,
		 "tokenizer.ggml.bos_token_id");
	write_id(checkpoint->config, "eos_token_id", out,
		 "tokenizer.ggml.eos_token_id");
	if (json_is_boolean(bos))
		gguf_write_bool(out, "tokenizer.ggml.add_bos_token",
				json_is_true(bos) ? 1 : 0);
	if (json_is_string(template)) {
		gguf_write_string(out, "tokenizer.chat_template",
				  string_bytes(template));
	} else {
		write_template_file(checkpoint, out);
	}
	json_decref(settings);
}

enum err pieces_write(const struct checkpoint *checkpoint,
		      struct gguf_write *out)
{
	SCOPED_SOURCE model = { 0 };
	char *path = checkpoint_path(checkpoint->folder, "tokenizer.model");
	enum err err = ERR_UNAVAILABLE;
	json_t *file;

	if (path != NULL)
		err = source_map(path, &model);
	free(path);
	write_settings(checkpoint, out);
	if (err == ERR_OK)
		return write_sentencepiece(model.file,
					   checkpoint->shape.vocabulary, out);
	file = checkpoint_json(checkpoint->folder, "tokenizer.json");
	if (file == NULL)
		return ERR_MALFORMED;
	err = write_byte_level(file, &checkpoint->shape, out);
	json_decref(file);
	return err;
}
