/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine says what kind of error a file has, and no more: its messages
 * could reach somebody who should not see them.  Here the stages are called
 * one by one, and where one fails its subject is looked for.
 */
#include "model/check.h"

#include <stdio.h>
#include <string.h>

#include "inference/generate.h"
#include "inference/tokenizer.h"
#include "inference/weights.h"
#include "model/report.h"
#include "policy/limits.h"

#define COMPARED_MAX 8192

/* What a node is bound by. */
static const struct config_limits config_limits = LIMITS_MODEL_SHAPE;

static const struct tokenizer_limits tokenizer_limits = {
	.tokens = LIMIT_MODEL_VOCABULARY,
	.merges = 1u << 22,
};

static const struct model_limits model_limits = LIMITS_MODEL_SHAPE;

static void find(struct check_finding *out, const char *where, const char *what)
{
	(void)snprintf(out->text, sizeof(out->text), "%s: %s", where, what);
}

static void explain_config(const struct gguf *gguf, enum err err,
			   struct check_finding *out)
{
	struct bytes name;

	if (gguf_string(gguf, "general.architecture", &name) != ERR_OK)
		find(out, "general.architecture", "it is missing");
	else if (gguf_find_tensor(gguf, "token_embd.weight") == NULL)
		find(out, "token_embd.weight", "it is missing");
	else if (err == ERR_UNSUPPORTED) {
		find(out, source_name_of(name).text,
		     "no architecture, or a variant, that is computed here");
	} else {
		find(out, source_name_of(name).text,
		     "its keys are incomplete or do not fit each other");
	}
}

/* The first tensor that holds what is no number, or NULL. */
static const struct gguf_tensor *find_broken(const struct gguf *gguf)
{
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		struct matrix matrix = source_matrix(&gguf->tensors[i]);

		if (!matrix_is_sound(&matrix))
			return &gguf->tensors[i];
	}
	return NULL;
}

/* The part of a name after "blk.N.": what every layer should have. */
static struct bytes suffix_of(struct bytes name)
{
	struct bytes rest = name, taken;
	uint8_t byte;

	if (bytes_take(&rest, 4, &taken) != ERR_OK ||
	    !bytes_equal(taken, BYTES_LITERAL("blk.")))
		return name;
	while (bytes_take_u8(&rest, &byte) == ERR_OK)
		if (byte == '.')
			return rest;
	return name;
}

/* The first tensor that is alone in its kind or shaped like no other of it:
 * a hint, where several layers are to look alike. */
static const struct gguf_tensor *find_odd(const struct gguf *gguf)
{
	/* Each is compared with each: a file of more is not looked at. */
	for (size_t i = 0;
	     i < gguf->tensor_count && gguf->tensor_count <= COMPARED_MAX;
	     i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];
		struct bytes suffix = suffix_of(tensor->name);
		size_t same = 0, kind = 0;

		if (suffix.len == tensor->name.len)
			continue;
		for (size_t j = 0; j < gguf->tensor_count; j++) {
			const struct gguf_tensor *other = &gguf->tensors[j];

			if (!bytes_equal(suffix_of(other->name), suffix))
				continue;
			kind++;
			same += memcmp(other->dimensions, tensor->dimensions,
				       sizeof(tensor->dimensions)) == 0;
		}
		if (same * 2 < kind + 1 && kind > 1)
			return tensor;
	}
	return NULL;
}

static void explain_weights(const struct gguf *gguf, enum err err,
			    struct check_finding *out)
{
	const struct gguf_tensor *broken = find_broken(gguf);
	const struct gguf_tensor *odd = find_odd(gguf);

	if (broken != NULL) {
		find(out, source_name_of(broken->name).text,
		     "it holds an infinity or NaN");
	} else if (odd != NULL) {
		find(out, source_name_of(odd->name).text,
		     "its shape is not that of other layers");
	} else if (err == ERR_UNSUPPORTED) {
		find(out, "tensors",
		     "one has no use in the model, or is a norm but not F32");
	} else {
		find(out, "tensors",
		     "one is missing, or not shaped as the keys say");
	}
}

static enum err check_weights(const struct gguf *gguf,
			      const struct config *config,
			      struct check_finding *out)
{
	struct weights weights;
	/* Where they lie does not matter here. */
	enum err err = weights_open(gguf, config, NULL, &weights);

	if (err == ERR_OK)
		weights_close(&weights);
	else
		explain_weights(gguf, err, out);
	return err;
}

static enum err check_tokenizer(const struct gguf *gguf,
				const struct config *config,
				struct check_finding *out)
{
	struct tokenizer tokenizer;
	enum err err = tokenizer_open(gguf, &tokenizer_limits, &tokenizer);
	size_t count;

	if (err != ERR_OK) {
		find(out, "tokenizer.ggml",
		     err == ERR_UNSUPPORTED
			     ? "its keys tell of a kind unknown here"
			     : "its keys are incomplete or contradictory");
		return err;
	}
	count = tokenizer.vocabulary.count;
	tokenizer_close(&tokenizer);
	if (count == config->vocabulary)
		return ERR_OK;
	find(out, "tokenizer.ggml.tokens",
	     "they are not as many as token_embd.weight has rows");
	return ERR_MALFORMED;
}

/* Whatever else opening a model asks for. */
static enum err check_model(const struct source *source,
			    struct check_finding *out)
{
	struct model *model;
	enum err err = model_open(source->file, &model_limits, NULL, &model);

	if (err == ERR_OK)
		model_close(model);
	else
		find(out, "model", "as a whole it is refused");
	return err;
}

enum err check_source(struct source *source, struct check_finding *out)
{
	struct config config;
	enum err err;

	if (source->file.len > LIMIT_MODEL_BYTES) {
		find(out, "file", "it is longer than a node maps");
		return ERR_TOO_LARGE;
	}
	err = source_index(source);
	if (err != ERR_OK) {
		find(out, "index",
		     err == ERR_UNSUPPORTED
			     ? "another version, byte order or weight format"
			     : "this is no whole GGUF file");
		return err;
	}
	err = config_read(&source->gguf, &config_limits, &config);
	if (err != ERR_OK) {
		explain_config(&source->gguf, err, out);
		return err;
	}
	TRY(check_weights(&source->gguf, &config, out));
	TRY(check_tokenizer(&source->gguf, &config, out));
	return check_model(source, out);
}

int check_run(const struct options *options)
{
	const char *path = options->files[0];
	SCOPED_SOURCE source = { 0 };
	struct check_finding finding;
	enum err err = source_map(path, &source);

	if (err != ERR_OK)
		return report_file(path, "cannot be read", err);
	err = check_source(&source, &finding);
	if (err != ERR_OK)
		return report_failure(path, finding.text, err);
	printf("%s: good\n", path);
	return REPORT_GOOD;
}
