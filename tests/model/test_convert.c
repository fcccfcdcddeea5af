/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random model is told as a checkpoint, by a writer of the test's own, and
 * converted: out has to come what went in.
 */
#include "model/convert.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "model/check.h"
#include "model/make_random.h"
#include "model/measure.h"
#include "tests/model/scratch.h"

#define CONFIG(type, rest)                                         \
	"{\"model_type\":\"" type "\",\"hidden_size\":256,"        \
	"\"num_hidden_layers\":2,\"intermediate_size\":512,"       \
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,"     \
	"\"head_dim\":64,\"vocab_size\":512,"                      \
	"\"max_position_embeddings\":512,\"rope_theta\":10000.0,"  \
	"\"rms_norm_eps\":1e-5,\"tie_word_embeddings\":true," rest \
	"\"bos_token_id\":1,\"eos_token_id\":[2,0]}"

static const char *const tokenizer =
	"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,"
	"\"ab\":3,\"abc\":4},\"merges\":[\"a b\",[\"ab\",\"c\"]]},"
	"\"added_tokens\":[{\"id\":5,\"content\":\"<|end|>\","
	"\"special\":true},{\"id\":6,\"content\":\"<x>\","
	"\"special\":false}]}";

/* By hand, and only what this model has. */
static void rename_tensor(const char *ours, char *out, size_t max)
{
	static const char *const names[][2] = {
		{ "attn_norm.", "input_layernorm." },
		{ "attn_q.", "self_attn.q_proj." },
		{ "attn_k.", "self_attn.k_proj." },
		{ "attn_v.", "self_attn.v_proj." },
		{ "attn_output.", "self_attn.o_proj." },
		{ "attn_q_norm.", "self_attn.q_norm." },
		{ "attn_k_norm.", "self_attn.k_norm." },
		{ "ffn_norm.", "post_attention_layernorm." },
		{ "ffn_gate.", "mlp.gate_proj." },
		{ "ffn_up.", "mlp.up_proj." },
		{ "ffn_down.", "mlp.down_proj." },
	};

	if (strncmp(ours, "token_embd.", 11) == 0)
		(void)snprintf(out, max, "model.embed_tokens.weight");
	else if (strncmp(ours, "output_norm.", 12) == 0)
		(void)snprintf(out, max, "model.norm.weight");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(ours + 6, names[i][0], strlen(names[i][0])) == 0)
			(void)snprintf(out, max, "model.layers.%c.%s%s",
				       ours[4], names[i][1],
				       ours + 6 + strlen(names[i][0]));
}

/* The even rows of each head first, then the odd ones. */
static void write_turned(FILE *to, const struct gguf_tensor *tensor)
{
	struct matrix matrix = source_matrix(tensor);

	for (size_t head = 0; head < matrix.rows; head += 64)
		for (size_t odd = 0; odd < 2; odd++)
			for (size_t i = odd; i < 64; i += 2)
				(void)fwrite(matrix.data +
						     (head + i) * matrix.stride,
					     1, matrix.stride, to);
}

static void write_header(FILE *to, const struct gguf *gguf)
{
	size_t at = 0;

	fputs("{", to);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];
		char name[96] = "";

		rename_tensor(source_name_of(tensor->name).text, name,
			      sizeof(name));
		fprintf(to, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
			i == 0 ? "" : ",", name);
		if (tensor->dimension_count > 1)
			fprintf(to, "%d,", (int)tensor->dimensions[1]);
		fprintf(to, "%d],\"data_offsets\":[%zu,%zu]}",
			(int)tensor->dimensions[0], at, at + tensor->data.len);
		at += tensor->data.len;
	}
	fputs("}", to);
}

static void write_weights(const struct scratch *scratch,
			  const struct gguf *gguf, bool turned)
{
	struct scratch_path path = scratch_path(scratch, "m.safetensors");
	FILE *to = fopen(path.text, "wb");
	uint64_t len = 0;

	cr_assert_not_null(to);
	(void)fwrite(&len, sizeof(len), 1, to);
	write_header(to, gguf);
	len = (uint64_t)ftell(to) - 8;
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];
		struct source_name name = source_name_of(tensor->name);

		if (turned && (strstr(name.text, "attn_q.") != NULL ||
			       strstr(name.text, "attn_k.") != NULL))
			write_turned(to, tensor);
		else
			(void)fwrite(tensor->data.data, 1, tensor->data.len,
				     to);
	}
	rewind(to);
	(void)fwrite(&len, sizeof(len), 1, to);
	cr_assert_eq(fclose(to), 0);
}

/* A random model, and its checkpoint, in a folder of their own. */
struct fixture {
	struct scratch scratch;
	struct source original;
};

static struct fixture start(const char *shape, const char *config)
{
	struct fixture made = { .scratch = scratch_open() };
	struct scratch_path path = scratch_path(&made.scratch, "original");
	const struct make_random make = { shape_named(shape), MATRIX_F32, 3 };

	cr_assert_eq(make_random_file(&make, path.text), ERR_OK);
	cr_assert_eq(source_open(path.text, &made.original), ERR_OK);
	write_weights(&made.scratch, &made.original.gguf,
		      strcmp(shape, "tiny-llama") == 0);
	scratch_write(&made.scratch, "config.json", bytes_of_string(config));
	scratch_write(&made.scratch, "tokenizer.json",
		      bytes_of_string(tokenizer));
	return made;
}

static void end(struct fixture *fixture)
{
	source_close(&fixture->original);
	scratch_close(&fixture->scratch);
}

static enum err convert(const struct fixture *fixture)
{
	static struct checkpoint checkpoint;
	struct scratch_path out = scratch_path(&fixture->scratch, "converted");
	enum err err;

	TRY(checkpoint_open(fixture->scratch.folder, &checkpoint));
	err = convert_checkpoint(&checkpoint, MATRIX_F32, out.text);
	checkpoint_close(&checkpoint);
	return err;
}

static void compare(const struct fixture *fixture)
{
	struct scratch_path out = scratch_path(&fixture->scratch, "converted");
	const struct gguf *original = &fixture->original.gguf;
	SCOPED_SOURCE made = { 0 };

	cr_assert_eq(source_open(out.text, &made), ERR_OK);
	cr_assert_eq(made.gguf.tensor_count, original->tensor_count);
	for (size_t i = 0; i < original->tensor_count; i++) {
		struct measure_noise noise = { 0 };

		cr_assert(bytes_equal(made.gguf.tensors[i].name,
				      original->tensors[i].name));
		cr_assert_eq(measure_tensors(&original->tensors[i],
					     &made.gguf.tensors[i], &noise),
			     ERR_OK);
		cr_assert_eq(noise.noise, 0, "%s",
			     source_name_of(made.gguf.tensors[i].name).text);
	}
}

Test(convert, weights_come_out_as_they_went_in_and_turned_for_llama)
{
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));

	cr_assert_eq(convert(&fixture), ERR_OK);
	compare(&fixture);
	end(&fixture);
	fixture = start("tiny-qwen3", CONFIG("qwen3", ""));
	cr_assert_eq(convert(&fixture), ERR_OK);
	compare(&fixture);
	end(&fixture);
	fixture = start("tiny-qwen2", CONFIG("qwen2", ""));
	cr_assert_eq(convert(&fixture), ERR_OK);
	compare(&fixture);
	end(&fixture);
}

Test(convert, tokens_merges_and_ids_are_the_tokenizers)
{
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));
	struct scratch_path out = scratch_path(&fixture.scratch, "converted");
	SCOPED_SOURCE made = { 0 };
	struct gguf_array array;
	struct bytes rest, text;
	uint32_t id;

	cr_assert_eq(convert(&fixture), ERR_OK);
	cr_assert_eq(source_open(out.text, &made), ERR_OK);
	cr_assert_eq(gguf_u32(&made.gguf, "tokenizer.ggml.eos_token_id", &id),
		     ERR_OK);
	cr_assert_eq(id, 2);
	cr_assert_eq(gguf_array(&made.gguf, "tokenizer.ggml.merges",
				GGUF_STRING, &array),
		     ERR_OK);
	cr_assert_eq(array.count, 2);
	rest = array.elements;
	cr_assert_eq(gguf_take_string(&rest, &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("a b")));
	cr_assert_eq(gguf_take_string(&rest, &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("ab c")));
	cr_assert_eq(gguf_array(&made.gguf, "tokenizer.ggml.token_type",
				GGUF_I32, &array),
		     ERR_OK);
	cr_assert_eq(array.count, 512);
	cr_assert_eq(array.elements.data[4 * 4], 1);
	cr_assert_eq(array.elements.data[5 * 4], 3, "special");
	cr_assert_eq(array.elements.data[6 * 4], 4, "added");
	cr_assert_eq(array.elements.data[7 * 4], 5, "a filler");
	end(&fixture);
}

Test(convert, configurations_that_would_be_computed_wrongly_are_refused)
{
	static const char *const bad[] = {
		CONFIG("mamba", ""),
		CONFIG("llama", "\"rope_scaling\":{\"factor\":8},"),
		CONFIG("llama", "\"rope_scaling\":{\"rope_type\":\"yarn\"},"),
		CONFIG("llama", "\"rope_scaling\":{\"rope_type\":\"llama3\","
				"\"factor\":8},"),
		CONFIG("llama", "\"attention_bias\":true,"),
		CONFIG("qwen2", "\"use_sliding_window\":true,"),
		CONFIG("llama", "\"rope_theta\":1e39,"),
		CONFIG("llama", "\"rms_norm_eps\":-1,"),
		"{\"model_type\":\"llama\"}",
		"{\"model_type\":\"llama\",\"hidden_size\":-1}",
		"[]",
		"",
	};
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		scratch_write(&fixture.scratch, "config.json",
			      bytes_of_string(bad[i]));
		cr_expect_neq(convert(&fixture), ERR_OK, "%s", bad[i]);
	}
	end(&fixture);
}

/* A folder is somebody's: its names must not move a terminal's cursor. */
Test(convert, a_file_s_name_is_told_without_its_control_characters)
{
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));
	char said[256] = "";
	FILE *errors;

	scratch_write(&fixture.scratch, "\x1b[2J.safetensors",
		      BYTES_LITERAL("none"));
	cr_redirect_stderr();
	cr_assert_eq(convert(&fixture), ERR_TRUNCATED);
	(void)fflush(stderr);
	errors = cr_get_redirected_stderr();
	cr_assert_not_null(fgets(said, sizeof(said), errors));
	cr_assert_not_null(strstr(said, "?[2J.safetensors"), "%s", said);
	cr_assert_null(strchr(said, '\x1b'));
	end(&fixture);
}

Test(convert, a_folder_without_a_configuration_is_told_as_such)
{
	struct scratch scratch = scratch_open();
	struct checkpoint checkpoint;
	char said[1024] = "";
	FILE *errors;

	cr_redirect_stderr();
	errors = cr_get_redirected_stderr();
	cr_expect_neq(checkpoint_open(scratch.folder, &checkpoint), ERR_OK);
	scratch_write(&scratch, "config.json", BYTES_LITERAL("{"));
	cr_expect_neq(checkpoint_open(scratch.folder, &checkpoint), ERR_OK);
	(void)fflush(stderr);
	cr_assert_not_null(fgets(said, sizeof(said), errors));
	cr_expect_not_null(strstr(said, "config.json: is not there"), "%s",
			   said);
	cr_assert_not_null(fgets(said, sizeof(said), errors));
	cr_expect_not_null(strstr(said, "config.json: does not parse"), "%s",
			   said);
	scratch_close(&scratch);
}

/* Before a row of it is reserved. */
Test(convert, a_shape_wider_than_any_engine_takes_is_too_large)
{
	static const char *const wide[] = {
		CONFIG("llama", "\"head_dim\":4194304,"),
		CONFIG("llama", "\"num_key_value_heads\":4194304,"),
		CONFIG("llama", "\"intermediate_size\":262145,"),
		CONFIG("llama", "\"hidden_size\":262148,"),
		CONFIG("llama", "\"num_hidden_layers\":8193,"),
	};
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		scratch_write(&fixture.scratch, "config.json",
			      bytes_of_string(wide[i]));
		cr_expect_eq(convert(&fixture), ERR_TOO_LARGE, "%s", wide[i]);
	}
	end(&fixture);
}

/* A string of JSON may hold zeros, and is longer than C says then. */
Test(convert, a_merge_with_a_zero_in_it_is_written_as_it_is)
{
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));
	struct scratch_path out = scratch_path(&fixture.scratch, "converted");
	SCOPED_SOURCE made = { 0 };
	struct gguf_array array;
	struct bytes text;

	scratch_write(&fixture.scratch, "tokenizer.json",
		      BYTES_LITERAL("{\"model\":{\"type\":\"BPE\",\"vocab\":"
				    "{\"a\":0},\"merges\":[\"a\\u0000b\","
				    "[\"\\u0000\",\"a\"]]}}"));
	cr_assert_eq(convert(&fixture), ERR_OK);
	cr_assert_eq(source_open(out.text, &made), ERR_OK);
	cr_assert_eq(gguf_array(&made.gguf, "tokenizer.ggml.merges",
				GGUF_STRING, &array),
		     ERR_OK);
	cr_assert_eq(gguf_take_string(&array.elements, &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("a\0b")));
	cr_assert_eq(gguf_take_string(&array.elements, &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("\0 a")));
	end(&fixture);
}

Test(convert, a_checkpoint_that_lacks_something_leaves_no_file)
{
	struct fixture fixture = start("tiny-llama", CONFIG("llama", ""));
	size_t before = scratch_count(&fixture.scratch);

	/* Norms of heads, which llama has none of. */
	scratch_write(&fixture.scratch, "config.json",
		      bytes_of_string(CONFIG("qwen3", "")));
	cr_assert_eq(convert(&fixture), ERR_MALFORMED);
	scratch_write(&fixture.scratch, "config.json",
		      bytes_of_string(CONFIG("llama", "")));
	scratch_write(&fixture.scratch, "tokenizer.json",
		      BYTES_LITERAL("{\"model\":{\"type\":\"Unigram\"}}"));
	cr_assert_eq(convert(&fixture), ERR_UNSUPPORTED);
	scratch_write(&fixture.scratch, "tokenizer.json",
		      BYTES_LITERAL("{\"model\":{\"type\":\"BPE\",\"vocab\":"
				    "{\"a\":512}}}"));
	cr_assert_eq(convert(&fixture), ERR_TOO_LARGE);
	cr_assert_eq(scratch_count(&fixture.scratch), before);
	end(&fixture);
}

/* Heads of 64 and base 10000: frequency i is 10000^(-i/32). */
Test(convert, texts_longer_than_those_of_training_stretch_the_slow_waves)
{
	struct fixture fixture = start(
		"tiny-llama",
		CONFIG("llama", "\"rope_scaling\":{\"rope_type\":\"llama3\","
				"\"factor\":8.0,\"low_freq_factor\":1.0,"
				"\"high_freq_factor\":4.0,"
				"\"original_max_position_embeddings\":512},"));
	struct scratch_path out = scratch_path(&fixture.scratch, "converted");
	const struct gguf_tensor *tensor;
	SCOPED_SOURCE made = { 0 };
	const float *factors;

	scratch_write(&fixture.scratch, "chat_template.jinja",
		      BYTES_LITERAL("{{ template }}"));
	cr_assert_eq(convert(&fixture), ERR_OK);
	cr_assert_eq(source_open(out.text, &made), ERR_OK);
	cr_assert_not_null(gguf_find(&made.gguf, "tokenizer.chat_template"));
	tensor = gguf_find_tensor(&made.gguf, "rope_freqs.weight");
	cr_assert_not_null(tensor);
	cr_assert_eq(tensor->dimensions[0], 32);
	factors = (const float *)tensor->data.data;
	/* 512 / (2 pi) = 81.487 waves of the fastest, 4.583 of number 10. */
	cr_assert_eq(factors[0], 1);
	cr_assert_eq(factors[10], 1);
	/* Number 12 makes 2.5769: s = 0.52562. */
	cr_assert_float_eq((double)factors[12], 1.70964, 1e-4);
	/* Number 16 makes less than one. */
	cr_assert_eq(factors[16], 8);
	cr_assert_eq(factors[31], 8);
	end(&fixture);
}
