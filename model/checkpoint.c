/* SPDX-License-Identifier: Apache-2.0 */
#include "model/checkpoint.h"

#include <dirent.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/config.h"
#include "model/report.h"

#define SUFFIX ".safetensors"

static enum err told(const char *subject, const char *what, enum err err)
{
	(void)report_failure(subject, what, err);
	return err;
}

char *checkpoint_path(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

json_t *checkpoint_json(const char *folder, const char *name)
{
	char *path = checkpoint_path(folder, name);
	json_t *made = NULL;

	if (path != NULL)
		made = json_load_file(path, JSON_ALLOW_NUL, NULL);
	free(path);
	return made;
}

/* A number of config.json that is there, positive and of sane size. */
static enum err take(const json_t *config, const char *key, uint32_t *out)
{
	const json_t *value = json_object_get(config, key);

	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > CONFIG_VOCABULARY_MAX)
		return ERR_MALFORMED;
	*out = (uint32_t)json_integer_value(value);
	return ERR_OK;
}

/* The same, keeping *out where the key is not there. */
static enum err take_or(const json_t *config, const char *key, uint32_t *out)
{
	const json_t *value = json_object_get(config, key);

	return value == NULL || json_is_null(value) ? ERR_OK
						    : take(config, key, out);
}

/* A number that a model file can say; what is no number keeps *out. */
static enum err take_real_or(const json_t *config, const char *key, float *out)
{
	const json_t *value = json_object_get(config, key);
	double number = json_number_value(value);

	if (!json_is_number(value))
		return ERR_OK;
	if (number < 0 || number > (double)FLT_MAX)
		return ERR_MALFORMED;
	*out = (float)number;
	return ERR_OK;
}

static const struct architecture {
	const char *type; /* config.json's word, and GGUF's */
	enum shape_head_norm head_norm;
	enum shape_bias bias;
} architectures[] = {
	{ "llama", SHAPE_HEADS_PLAIN, SHAPE_NO_BIAS },
	{ "qwen2", SHAPE_HEADS_PLAIN, SHAPE_BIAS },
	{ "qwen3", SHAPE_HEADS_EACH, SHAPE_NO_BIAS },
};

#define ARCHITECTURES (sizeof(architectures) / sizeof(architectures[0]))

static enum err take_architecture(const json_t *config, struct shape *out)
{
	const char *type =
		json_string_value(json_object_get(config, "model_type"));

	for (size_t i = 0; type != NULL && i < ARCHITECTURES; i++) {
		if (strcmp(type, architectures[i].type) != 0)
			continue;
		out->architecture = architectures[i].type;
		out->head_norm = architectures[i].head_norm;
		out->bias = architectures[i].bias;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

/* What would be computed otherwise than the file could say. */
static enum err refuse_variants(const json_t *config)
{
	if (json_is_true(json_object_get(config, "attention_bias")) ||
	    json_is_true(json_object_get(config, "mlp_bias")) ||
	    json_is_true(json_object_get(config, "use_sliding_window")))
		return ERR_UNSUPPORTED;
	return ERR_OK;
}

/* No engine takes wider ones, and a tool should not reserve their rows. */
static enum err check_sizes(const struct shape *shape)
{
	uint64_t query = (uint64_t)shape->heads * shape->head_width;
	uint64_t kv = (uint64_t)shape->kv_heads * shape->head_width;

	if (shape->layers > CONFIG_LAYERS_MAX ||
	    shape->hidden > CONFIG_WIDTH_MAX ||
	    shape->feed_forward > CONFIG_WIDTH_MAX ||
	    query > CONFIG_WIDTH_MAX || kv > CONFIG_WIDTH_MAX)
		return ERR_TOO_LARGE;
	if (shape->head_width == 0 || shape->head_width % 2 != 0)
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err take_shape(const json_t *config, struct shape *out)
{
	TRY(take_architecture(config, out));
	TRY(refuse_variants(config));
	TRY(take(config, "hidden_size", &out->hidden));
	TRY(take(config, "num_hidden_layers", &out->layers));
	TRY(take(config, "intermediate_size", &out->feed_forward));
	TRY(take(config, "num_attention_heads", &out->heads));
	out->kv_heads = out->heads;
	TRY(take_or(config, "num_key_value_heads", &out->kv_heads));
	out->head_width = out->hidden / out->heads;
	TRY(take_or(config, "head_dim", &out->head_width));
	TRY(take(config, "vocab_size", &out->vocabulary));
	TRY(take(config, "max_position_embeddings", &out->context));
	out->rope_base = 10000;
	TRY(take_real_or(config, "rope_theta", &out->rope_base));
	out->epsilon = 1e-6f;
	TRY(take_real_or(config, "rms_norm_eps", &out->epsilon));
	if (!json_is_true(json_object_get(config, "tie_word_embeddings")))
		out->output = SHAPE_UNTIED;
	return check_sizes(out);
}

static int is_weights(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return len > suffix &&
	       strcmp(entry->d_name + len - suffix, SUFFIX) == 0;
}

static enum err open_file(struct checkpoint *made, const char *name)
{
	size_t i = made->file_count;
	char *path = checkpoint_path(made->folder, name);
	enum err err = ERR_UNAVAILABLE;

	if (path != NULL)
		err = source_map(path, &made->files[i]);
	if (err == ERR_OK) {
		made->file_count++;
		err = safetensors_open(made->files[i].file, &made->tensors[i]);
	}
	if (err != ERR_OK)
		err = told(source_name_of(bytes_of_string(name)).text,
			   "is no file of tensors", err);
	free(path);
	return err;
}

static enum err open_files(struct checkpoint *made)
{
	struct dirent **names;
	int count = scandir(made->folder, &names, is_weights, alphasort);
	enum err err = ERR_OK;

	if (count < 0)
		return told(made->folder, "cannot be read", ERR_UNAVAILABLE);
	if (count == 0 || count > CHECKPOINT_FILES_MAX)
		err = told(made->folder, "has no, or too many, " SUFFIX,
			   ERR_UNSUPPORTED);
	for (int i = 0; i < count; i++) {
		if (err == ERR_OK)
			err = open_file(made, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return err;
}

static enum err open_config(struct checkpoint *made)
{
	char *path;

	made->config = checkpoint_json(made->folder, "config.json");
	if (made->config != NULL)
		return ERR_OK;
	path = checkpoint_path(made->folder, "config.json");
	if (path != NULL)
		(void)report_file(path, "does not parse", ERR_MALFORMED);
	free(path);
	return ERR_MALFORMED;
}

static enum err open_parts(struct checkpoint *made)
{
	enum err err;

	TRY(open_config(made));
	err = take_shape(made->config, &made->shape);
	if (err == ERR_OK)
		err = rope_read(made->config, &made->shape, &made->rope);
	if (err != ERR_OK) {
		return told(made->folder,
			    "config.json: not a llama, qwen2 or qwen3 that "
			    "can be converted",
			    err);
	}
	return open_files(made);
}

enum err checkpoint_open(const char *folder, struct checkpoint *out)
{
	enum err err;

	*out = (struct checkpoint){ .folder = folder };
	out->shape.name = strrchr(folder, '/');
	out->shape.name =
		out->shape.name == NULL ? folder : out->shape.name + 1;
	err = open_parts(out);
	if (err != ERR_OK)
		checkpoint_close(out);
	return err;
}

void checkpoint_close(struct checkpoint *checkpoint)
{
	json_decref(checkpoint->config);
	for (size_t i = 0; i < checkpoint->file_count; i++) {
		safetensors_close(&checkpoint->tensors[i]);
		source_close(&checkpoint->files[i]);
	}
	*checkpoint = (struct checkpoint){ 0 };
}

const struct safetensors_tensor *
checkpoint_find(const struct checkpoint *checkpoint, const char *name)
{
	const struct safetensors_tensor *found = NULL;

	for (size_t i = 0; found == NULL && i < checkpoint->file_count; i++)
		found = safetensors_find(&checkpoint->tensors[i], name);
	return found;
}
