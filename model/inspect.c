/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts come from the file and may be any bytes: JSON gets them where they are
 * UTF-8, and nothing but printable ASCII reaches a terminal.
 */
#include "model/inspect.h"

#include <stdio.h>
#include <string.h>

#include "model/report.h"

#define KEY_MAX 96

static json_t *text_of(struct bytes text)
{
	json_t *made = json_stringn((const char *)text.data, text.len);

	return made != NULL ? made : json_string("(not UTF-8)");
}

static void add_text(json_t *object, const char *name, const struct gguf *gguf,
		     const char *key)
{
	struct bytes text;

	if (gguf_string(gguf, key, &text) == ERR_OK)
		(void)json_object_set_new(object, name, text_of(text));
}

static void add_number(json_t *object, const char *name,
		       const struct gguf *gguf, const char *key)
{
	uint32_t number;

	if (gguf_u32(gguf, key, &number) == ERR_OK)
		(void)json_object_set_new(object, name, json_integer(number));
}

static void add_count(json_t *object, const char *name, uint64_t count)
{
	(void)json_object_set_new(object, name,
				  json_integer((json_int_t)count));
}

/* An array of words, which is how patterns of layers are told. */
static json_t *words_of(const struct gguf_array *array)
{
	json_t *list = json_array();
	struct bytes rest = array->elements, word;

	for (size_t i = 0; i < array->count && i < 64; i++)
		if (gguf_take_string(&rest, &word) == ERR_OK)
			(void)json_array_append_new(list, text_of(word));
	return list;
}

static json_t *value_of(const struct gguf *gguf, const struct gguf_value *value)
{
	char key[KEY_MAX] = { 0 };
	struct bytes text;
	uint32_t number;
	float real;

	memcpy(key, value->key.data, value->key.len);
	if (value->type == GGUF_ARRAY) {
		return value->array.type == GGUF_STRING
			       ? words_of(&value->array)
			       : NULL;
	}
	if (gguf_string(gguf, key, &text) == ERR_OK)
		return text_of(text);
	if (gguf_f32(gguf, key, &real) == ERR_OK)
		return json_real((double)real);
	if (gguf_u32(gguf, key, &number) == ERR_OK)
		return json_integer(number);
	return NULL;
}

/* The keys that begin with the architecture's name. */
static json_t *shape_of(const struct gguf *gguf)
{
	json_t *shape = json_object();
	struct bytes architecture;

	if (gguf_string(gguf, "general.architecture", &architecture) != ERR_OK)
		return shape;
	for (size_t i = 0; i < gguf->value_count; i++) {
		const struct gguf_value *value = &gguf->values[i];
		size_t len = architecture.len;

		if (value->key.len <= len + 1 || value->key.len >= KEY_MAX ||
		    memcmp(value->key.data, architecture.data, len) != 0 ||
		    value->key.data[len] != '.')
			continue;
		(void)json_object_setn_new(
			shape, (const char *)value->key.data + len + 1,
			value->key.len - len - 1, value_of(gguf, value));
	}
	return shape;
}

static json_t *tokenizer_of(const struct gguf *gguf)
{
	const struct gguf_value *tokens =
		gguf_find(gguf, "tokenizer.ggml.tokens");
	const struct gguf_value *merges =
		gguf_find(gguf, "tokenizer.ggml.merges");
	json_t *made = json_object();

	add_text(made, "model", gguf, "tokenizer.ggml.model");
	add_text(made, "pre", gguf, "tokenizer.ggml.pre");
	if (tokens != NULL)
		add_count(made, "tokens", tokens->array.count);
	if (merges != NULL)
		add_count(made, "merges", merges->array.count);
	add_number(made, "bos", gguf, "tokenizer.ggml.bos_token_id");
	add_number(made, "eos", gguf, "tokenizer.ggml.eos_token_id");
	return made;
}

static double bits(uint64_t bytes, uint64_t weights)
{
	return weights == 0 ? 0 : 8.0 * (double)bytes / (double)weights;
}

/* Tensors of one format, or all where form is NULL. */
static json_t *sum_of(const struct gguf *gguf, const struct matrix_form *form)
{
	uint64_t tensors = 0, weights = 0, bytes = 0;
	json_t *made = json_object();

	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];

		if (form != NULL && tensor->format != form->format)
			continue;
		tensors++;
		weights += source_weights(tensor);
		bytes += tensor->data.len;
	}
	(void)json_object_set_new(
		made, "format", json_string(form == NULL ? "all" : form->name));
	add_count(made, "tensors", tensors);
	add_count(made, "weights", weights);
	add_count(made, "bytes", bytes);
	(void)json_object_set_new(made, "bits_per_weight",
				  json_real(bits(bytes, weights)));
	return made;
}

static json_t *formats_of(const struct gguf *gguf)
{
	json_t *list = json_array();

	for (size_t i = 0; matrix_form_at(i) != NULL; i++) {
		json_t *sum = sum_of(gguf, matrix_form_at(i));

		if (json_integer_value(json_object_get(sum, "tensors")) > 0)
			(void)json_array_append(list, sum);
		json_decref(sum);
	}
	(void)json_array_append_new(list, sum_of(gguf, NULL));
	return list;
}

static json_t *tensors_of(const struct gguf *gguf)
{
	json_t *list = json_array();

	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];
		json_t *made = json_object(), *dimensions = json_array();

		(void)json_object_set_new(made, "name", text_of(tensor->name));
		(void)json_object_set_new(
			made, "format",
			json_string(matrix_form_of(tensor->format)->name));
		for (size_t d = 0; d < tensor->dimension_count; d++) {
			(void)json_array_append_new(
				dimensions,
				json_integer(
					(json_int_t)tensor->dimensions[d]));
		}
		(void)json_object_set_new(made, "dimensions", dimensions);
		add_count(made, "bytes", tensor->data.len);
		(void)json_array_append_new(list, made);
	}
	return list;
}

json_t *inspect_source(const struct source *source, enum inspect_detail detail)
{
	const struct gguf *gguf = &source->gguf;
	json_t *made = json_object();

	if (made == NULL)
		return NULL;
	add_text(made, "name", gguf, "general.name");
	add_text(made, "architecture", gguf, "general.architecture");
	add_count(made, "bytes", source->file.len);
	(void)json_object_set_new(made, "shape", shape_of(gguf));
	(void)json_object_set_new(made, "formats", formats_of(gguf));
	(void)json_object_set_new(made, "tokenizer", tokenizer_of(gguf));
	add_text(made, "template", gguf, "tokenizer.chat_template");
	if (detail == INSPECT_TENSORS)
		(void)json_object_set_new(made, "tensors", tensors_of(gguf));
	return made;
}

/* One line: numbers as they are, texts cut and cleaned, lists with blanks. */
static void print_value(const json_t *value)
{
	if (json_is_integer(value))
		printf(" %" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		printf(" %g", json_real_value(value));
	else if (json_is_string(value)) {
		printf(" %s",
		       source_name_of(bytes_of_string(json_string_value(value)))
			       .text);
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		print_value(json_array_get(value, i));
}

static void print_object(const char *title, json_t *object)
{
	const char *key;
	json_t *value;

	printf("%s\n", title);
	json_object_foreach(object, key, value)
	{
		printf("  %-32s", source_name_of(bytes_of_string(key)).text);
		print_value(value);
		putchar('\n');
	}
}

static void print_formats(const json_t *formats)
{
	printf("%-10s %8s %16s %16s %8s\n", "format", "tensors", "weights",
	       "bytes", "bits");
	for (size_t i = 0; i < json_array_size(formats); i++) {
		const json_t *sum = json_array_get(formats, i);
		const char *name =
			json_string_value(json_object_get(sum, "format"));

		printf("  %-8s %8" JSON_INTEGER_FORMAT
		       " %16" JSON_INTEGER_FORMAT " %16" JSON_INTEGER_FORMAT
		       " %8.3f\n",
		       name,
		       json_integer_value(json_object_get(sum, "tensors")),
		       json_integer_value(json_object_get(sum, "weights")),
		       json_integer_value(json_object_get(sum, "bytes")),
		       json_real_value(
			       json_object_get(sum, "bits_per_weight")));
	}
}

static void print_tensors(const json_t *tensors)
{
	for (size_t i = 0; i < json_array_size(tensors); i++) {
		const json_t *tensor = json_array_get(tensors, i);
		const char *name =
			json_string_value(json_object_get(tensor, "name"));

		printf("%-40s %-6s", source_name_of(bytes_of_string(name)).text,
		       json_string_value(json_object_get(tensor, "format")));
		print_value(json_object_get(tensor, "dimensions"));
		putchar('\n');
	}
}

static void print_text(json_t *made)
{
	static const char *const plain[] = { "name", "architecture", "bytes" };
	json_t *template = json_object_get(made, "template");

	for (size_t i = 0; i < 3; i++) {
		printf("%-34s", plain[i]);
		print_value(json_object_get(made, plain[i]));
		putchar('\n');
	}
	print_object("shape", json_object_get(made, "shape"));
	print_formats(json_object_get(made, "formats"));
	print_object("tokenizer", json_object_get(made, "tokenizer"));
	printf("%-34s", "template");
	if (template == NULL)
		printf(" none\n");
	else
		printf(" %zu bytes\n", json_string_length(template));
	print_tensors(json_object_get(made, "tensors"));
}

int inspect_run(const struct options *options)
{
	SCOPED_SOURCE source = { 0 };
	enum err err = source_open(options->files[0], &source);
	json_t *made;

	if (err != ERR_OK)
		return report_file(options->files[0],
				   "is no model file that can be read", err);
	made = inspect_source(&source, options->tensors ? INSPECT_TENSORS
							: INSPECT_SUMMARY);
	if (made == NULL)
		return report_failure(options->files[0], "cannot be told",
				      ERR_UNAVAILABLE);
	if (options->json) {
		(void)json_dumpf(made, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_text(made);
	}
	json_decref(made);
	return REPORT_GOOD;
}
