/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/model.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/figure.h"
#include "tests/unit/gguf_edit.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tiny_model.h"

static const struct model_limits limits = {
	.layers = 64, .width = 4096, .vocabulary = 1024, .context = 4096
};

static enum err try_file(struct bytes file)
{
	struct model *model = NULL;
	enum err err = model_open(file, &limits, NULL, &model);

	if (err == ERR_OK)
		model_close(model);
	else
		cr_assert_null(model, "an error leaves the output alone");
	model_files_free(file);
	return err;
}

static enum err try_shape(const struct tiny_model_shape *shape)
{
	return try_file(tiny_model_build(shape));
}

Test(model, a_parallel_track_model_is_described)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct model_description made;
	struct bytes file;
	struct model *model;

	shape.chat_template = TINY_MODEL_HOME_TEMPLATE;
	file = tiny_model_build(&shape);
	cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK);
	made = model_describe(model);
	cr_assert(bytes_equal(made.name, BYTES_LITERAL("tiny")));
	cr_assert_str_eq(made.architecture, "ptmoe");
	cr_assert_str_eq(made.chat, "jinja");
	cr_assert_eq(made.context, 128);
	cr_assert_eq(made.vocabulary, TINY_MODEL_VOCABULARY);
	/* embedding, output norm; a track: 4 x (attention and norms),
	 * 2 dense, 2 of 4 experts with a router */
	cr_assert_eq(made.weights,
		     293 * 32 + 32 +
			     2 * (4 * (3072 + 80) + 2 * 3 * 32 * 64 +
				  2 * (3 * 4 * 32 * 32 + 128)));
	model_close(model);
	model_files_free(file);
}

Test(model, an_ordinary_llama_is_one_track)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct bytes file;
	struct model *model;

	shape.tracks = 0;
	shape.experts = 0;
	file = tiny_model_build(&shape);
	cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK);
	cr_assert_str_eq(model_describe(model).architecture, "llama");
	cr_assert_null(model_describe(model).chat);
	cr_assert_eq(model->config.tracks, 1);
	cr_assert_eq(model->config.block_depth, 4);
	cr_assert_eq(config_reach_of(&model->config, 3), CONFIG_GLOBAL);
	cr_assert(config_rotates(&model->config, 3));
	model_close(model);
	model_files_free(file);
}

Test(model, ordinary_files_are_described_by_their_architecture)
{
	static const char *const files[][2] = {
		{ "llama", "llama" },	    { "mixtral", "llama" },
		{ "qwen2", "qwen2" },	    { "qwen3", "qwen3" },
		{ "qwen3moe", "qwen3moe" }, { "olmoe", "olmoe" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];
		struct bytes file;
		struct model *model;

		(void)snprintf(path, sizeof(path),
			       "tests/reference/ordinary/%s.gguf", files[i][0]);
		file = model_files_own(path);
		cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK,
			     "%s", path);
		cr_assert_str_eq(model_describe(model).architecture,
				 files[i][1]);
		cr_assert_eq(model_describe(model).vocabulary, 64);
		model_close(model);
		model_files_free(file);
	}
}

Test(model, layers_follow_their_patterns)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct bytes file = tiny_model_build(&shape);
	struct model *model;

	cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK);
	for (uint32_t l = 0; l < 8; l++) {
		cr_assert_eq(config_reach_of(&model->config, l),
			     l % 4 == 3 ? CONFIG_GLOBAL : CONFIG_LOCAL);
		cr_assert_eq(config_rotates(&model->config, l), l % 4 != 3);
		cr_assert_eq(config_kind_of(&model->config, l),
			     l % 2 == 1 ? CONFIG_SPARSE : CONFIG_DENSE);
	}
	model_close(model);
	model_files_free(file);
}

Test(model, shapes_that_do_not_fit_are_refused)
{
	const struct tiny_model_shape fine = tiny_model_shape();
	struct tiny_model_shape shape = fine;

	cr_assert_eq(try_shape(&shape), ERR_OK);
	shape.block_depth = 3;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
	shape.block_depth = 0;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
	shape = fine;
	shape.kv_heads = 3;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
	shape = fine;
	shape.head_width = 7;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
	shape = fine;
	shape.experts_used = 5;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
	shape.experts_used = 0;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
	shape = fine;
	shape.combine = "max";
	cr_expect_eq(try_shape(&shape), ERR_UNSUPPORTED);
	shape = fine;
	shape.context = 0;
	cr_expect_eq(try_shape(&shape), ERR_MALFORMED);
}

/* A shape without sparse layers, whose file has those keys all the same. */
static struct bytes with_idle_experts(void)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct gguf_builder builder;
	struct bytes plain, file;

	shape.experts = 0;
	shape.experts_used = UINT32_MAX;
	shape.expert_width = UINT32_MAX;
	plain = tiny_model_build(&shape);
	builder = gguf_edit_without(plain, "ptmoe.expert_count", NULL);
	gguf_builder_u32(&builder, "ptmoe.expert_count", 1u << 30);
	file = gguf_builder_finish(&builder);
	model_files_free(plain);
	return file;
}

Test(model, experts_that_no_layer_has_take_no_memory)
{
	const struct config_limits shape_limits = { .layers = limits.layers,
						    .width = limits.width,
						    .vocabulary =
							    limits.vocabulary,
						    .context = limits.context };
	struct bytes file = with_idle_experts();
	struct config config;
	struct gguf gguf;

	cr_assert_eq(gguf_open(file, &gguf_model_limits, &gguf), ERR_OK);
	cr_assert_eq(config_read(&gguf, &shape_limits, &config), ERR_OK);
	cr_expect_eq(config.experts, 0);
	cr_expect_eq(config.experts_used, 0);
	cr_expect_eq(config.expert_width, 0);
	gguf_close(&gguf);
	model_files_free(file);
}

Test(model, shapes_beyond_the_limits_are_too_large)
{
	struct tiny_model_shape shape = tiny_model_shape();

	shape.layers = 34; /* of two tracks */
	cr_expect_eq(try_shape(&shape), ERR_TOO_LARGE);
	shape = tiny_model_shape();
	shape.context = 1u << 20;
	cr_expect_eq(try_shape(&shape), ERR_OK, "a context is cut instead");
}

Test(model, every_format_of_weights_is_opened)
{
	struct tiny_model_shape shape = tiny_model_shape();

	shape.format = MATRIX_F16;
	cr_assert_eq(try_shape(&shape), ERR_OK);
	shape.format = MATRIX_Q8_0;
	cr_assert_eq(try_shape(&shape), ERR_OK);
}

/* A tiny file to which a value has been added. */
static enum err try_with(const char *key, uint32_t value)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct gguf_builder builder = gguf_builder_start();

	tiny_model_add_shape(&builder, &shape);
	tiny_model_add_vocabulary(&builder);
	tiny_model_add_tensors(&builder, &shape);
	gguf_builder_u32(&builder, key, value);
	return try_file(gguf_builder_finish(&builder));
}

Test(model, what_would_be_computed_wrongly_is_unsupported)
{
	cr_expect_eq(try_with("nothing.special", 1), ERR_OK);
	cr_expect_eq(try_with("ptmoe.vocab_size", 12), ERR_MALFORMED);
}

Test(model, a_tensor_too_many_is_unsupported)
{
	static const struct gguf_builder_tensor bias = {
		"blk.0.attn_q.bias", 1, { 4 }, 0
	};
	static const float zeros[4] = { 0 };
	struct tiny_model_shape shape = tiny_model_shape();
	struct gguf_builder builder = gguf_builder_start();

	tiny_model_add_shape(&builder, &shape);
	tiny_model_add_vocabulary(&builder);
	tiny_model_add_tensors(&builder, &shape);
	gguf_builder_tensor(&builder, &bias, BYTES_ARRAY(zeros));
	cr_assert_eq(try_file(gguf_builder_finish(&builder)), ERR_UNSUPPORTED);
}

Test(model, tensors_missing_or_misshapen_are_refused)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct tiny_model_shape other = shape;
	struct gguf_builder builder;
	uint32_t *const fields[] = { &other.hidden,	  &other.heads,
				     &other.kv_heads,	  &other.head_width,
				     &other.feed_forward, &other.experts,
				     &other.expert_width, &other.layers,
				     &other.tracks };

	/* Tensors of one shape, metadata of another. */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		enum err err;

		other = shape;
		*fields[i] *= 2;
		builder = gguf_builder_start();
		tiny_model_add_shape(&builder, &other);
		tiny_model_add_vocabulary(&builder);
		tiny_model_add_tensors(&builder, &shape);
		err = try_file(gguf_builder_finish(&builder));
		cr_expect_eq(err, ERR_MALFORMED, "field %zu", i);
	}
}

Test(model, weights_that_are_no_numbers_are_refused)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct bytes file = tiny_model_build(&shape);
	uint8_t *last = (uint8_t *)(uintptr_t)file.data + file.len - 4;
	const float bad[] = { NAN, INFINITY, -INFINITY };

	for (size_t i = 0; i < 3; i++) {
		struct model *model;

		memcpy(last, &bad[i], sizeof(bad[i]));
		cr_assert_eq(model_open(file, &limits, NULL, &model),
			     ERR_MALFORMED);
	}
	model_files_free(file);
}

/* At the beginning, in the middle and at the end of every tensor. */
Test(model, a_value_that_is_none_is_refused_in_any_tensor)
{
	const float bad[] = { NAN, INFINITY, -INFINITY };
	struct tiny_model_shape shape = tiny_model_shape();
	struct bytes file = tiny_model_build(&shape);
	uint64_t tried = 0, opened = 0, control = 0;
	struct gguf index;
	struct model *model;

	cr_assert_eq(gguf_open(file, &gguf_model_limits, &index), ERR_OK);
	for (size_t i = 0; i < index.tensor_count; i++) {
		struct bytes data = index.tensors[i].data;
		size_t count = data.len / sizeof(float);
		const size_t places[] = { 0, count / 2, count - 1 };

		for (size_t j = 0; j < 9; j++) {
			uint8_t *at = (uint8_t *)(uintptr_t)data.data +
				      places[j / 3] * sizeof(float);
			float good;

			memcpy(&good, at, sizeof(good));
			memcpy(at, &bad[j % 3], sizeof(good));
			tried++;
			opened += model_open(file, &limits, NULL, &model) !=
				  ERR_MALFORMED;
			memcpy(at, &good, sizeof(good));
		}
	}
	gguf_close(&index);
	control = model_open(file, &limits, NULL, &model) == ERR_OK;
	model_close(model);
	model_files_free(file);
	figure_none("H4", "NaN or infinite weights that were not refused",
		    opened, tried, control);
}

Test(model, a_vocabulary_of_another_size_is_refused)
{
	static const char *const tokens[] = { "a", "b" };
	static const int32_t kinds[] = { 1, 1 };
	static const float scores[] = { 0, 0 };
	struct tiny_model_shape shape = tiny_model_shape();
	struct gguf_builder builder = gguf_builder_start();

	tiny_model_add_shape(&builder, &shape);
	gguf_builder_string(&builder, "tokenizer.ggml.model", "llama");
	gguf_builder_strings(&builder, "tokenizer.ggml.tokens", tokens, 2);
	gguf_builder_i32s(&builder, "tokenizer.ggml.token_type", kinds, 2);
	gguf_builder_f32s(&builder, "tokenizer.ggml.scores", scores, 2);
	gguf_builder_bool(&builder, "tokenizer.ggml.add_bos_token", 0);
	tiny_model_add_tensors(&builder, &shape);
	cr_assert_eq(try_file(gguf_builder_finish(&builder)), ERR_MALFORMED);
}

static size_t reserved; /* bytes, by the model that was opened last */

static void *count_reserve(size_t bytes)
{
	reserved = bytes;
	return NULL;
}

static void count_release(void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
}

/* A whole model, and beside it that many matrices of one block of a format. */
static enum err try_rows(size_t rows, const struct matrix_form *form)
{
	static const struct model_memory memory = { count_reserve,
						    count_release };
	struct tiny_model_shape shape = tiny_model_shape();
	struct gguf_builder builder = gguf_builder_start();
	const struct gguf_builder_tensor tensor = {
		"rows.weight", 3, { form->weights, 1, rows }, form->format
	};
	uint8_t *data = calloc(rows, form->bytes);
	struct model *model;
	struct bytes file;
	enum err err;

	cr_assert_not_null(data);
	tiny_model_add_shape(&builder, &shape);
	tiny_model_add_vocabulary(&builder);
	tiny_model_add_tensors(&builder, &shape);
	gguf_builder_tensor(&builder, &tensor,
			    (struct bytes){ data, rows * form->bytes });
	file = gguf_builder_finish(&builder);
	reserved = 0;
	err = model_open(file, &limits, &memory, &model);
	free(data);
	model_files_free(file);
	return err;
}

Test(model, a_file_that_asks_for_far_more_than_it_holds_is_too_large)
{
	const struct matrix_form *form = matrix_form_of(MATRIX_Q8_0);
	size_t panel = panel_forms[PANEL_Q8].bytes;
	size_t rows = (64u << 20) / (panel - 4 * form->bytes);

	cr_assert_eq(try_rows(rows + 1000, form), ERR_TOO_LARGE);
	cr_assert_eq(reserved, 0, "and nothing was reserved");
	/* The twin gets as far as asking for memory, which it is denied. */
	cr_assert_eq(try_rows(rows - 1000, form), ERR_UNAVAILABLE);
	cr_assert_gt(reserved, (rows - 1000) * panel);
}

Test(model, an_architecture_that_is_not_known_is_unsupported)
{
	struct gguf_builder builder = gguf_builder_start();

	gguf_builder_string(&builder, "general.architecture", "gemma");
	cr_assert_eq(try_file(gguf_builder_finish(&builder)), ERR_UNSUPPORTED);
	builder = gguf_builder_start();
	cr_assert_eq(try_file(gguf_builder_finish(&builder)), ERR_MALFORMED);
}

Test(model, a_damaged_index_does_no_harm)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct bytes file;
	uint64_t random = 1;

	shape.layers = 2;
	file = tiny_model_build(&shape);
	/* The metadata and the tensor table are the first 10 kB or so. */
	for (size_t i = 0; i < 3000; i++) {
		uint8_t *copy = model_files_copy(file, 0);

		random = random * 6364136223846793005u + 1;
		copy[(random >> 33) % 16384] ^= (uint8_t)(1u << (random >> 61));
		(void)try_file((struct bytes){ copy, file.len });
	}
	model_files_free(file);
}

Test(model, the_stories_model_is_described)
{
	struct bytes file = model_files_load("stories260K/stories260K.gguf");
	struct model_description made;
	struct model *model;

	cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK);
	made = model_describe(model);
	cr_assert(bytes_equal(made.name, BYTES_LITERAL("stories260K")));
	cr_assert_eq(made.vocabulary, 512);
	cr_assert_eq(made.context, 512);
	cr_assert_eq(made.weights, 292800);
	model_close(model);
	model_files_free(file);
}

Test(model, the_path_named_for_tiles_alone_has_some)
{
	for (size_t i = 0; model_kernel(i) != NULL; i++)
		cr_expect_eq(model_kernel_tiles(i) != MODEL_NO_TILES,
			     strcmp(model_kernel(i), "amx") == 0, "%s",
			     model_kernel(i));
	cr_expect_eq(model_kernel_tiles(SIZE_MAX), MODEL_NO_TILES);
}
