/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A config.json of any bytes, beside the weights of a small model, is refused,
 * or describes a checkpoint; and where the weights are those that it tells of,
 * a model file comes of them that has the shape which was told.
 */
#include "inference/config.h"
#include "model/convert.h"
#include "tests/fuzz/fuzz_folder.h"

#define FILE_MAX (8u << 10)
#define CONVERTED_MAX 256 /* rows and layers; more is only time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A layer of any of the architectures: H = 8, two heads of 4, one for keys and
 * values, F = 12, V = 8. */
static const struct {
	const char *name;
	size_t rows; /* 0: a vector */
	size_t columns;
} tensors[] = {
	{ "model.embed_tokens.weight", 8, 8 },
	{ "model.norm.weight", 0, 8 },
	{ "lm_head.weight", 8, 8 },
	{ "model.layers.0.input_layernorm.weight", 0, 8 },
	{ "model.layers.0.self_attn.q_proj.weight", 8, 8 },
	{ "model.layers.0.self_attn.k_proj.weight", 4, 8 },
	{ "model.layers.0.self_attn.v_proj.weight", 4, 8 },
	{ "model.layers.0.self_attn.q_proj.bias", 0, 8 },
	{ "model.layers.0.self_attn.k_proj.bias", 0, 4 },
	{ "model.layers.0.self_attn.v_proj.bias", 0, 4 },
	{ "model.layers.0.self_attn.o_proj.weight", 8, 8 },
	{ "model.layers.0.self_attn.q_norm.weight", 0, 4 },
	{ "model.layers.0.self_attn.k_norm.weight", 0, 4 },
	{ "model.layers.0.post_attention_layernorm.weight", 0, 8 },
	{ "model.layers.0.mlp.gate_proj.weight", 12, 8 },
	{ "model.layers.0.mlp.up_proj.weight", 12, 8 },
	{ "model.layers.0.mlp.down_proj.weight", 8, 12 },
};

/* All of them zero: "shape" and places, then the bytes. */
static void write_weights(void)
{
	static char text[8192];
	size_t at = 8, bytes = 0;
	uint64_t len;

	for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++) {
		size_t rows = tensors[i].rows, columns = tensors[i].columns;
		size_t end = bytes + 4 * columns * (rows == 0 ? 1 : rows);
		int put = snprintf(text + at, sizeof(text) - at,
				   "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[",
				   i == 0 ? '{' : ',', tensors[i].name);

		at += (size_t)put;
		if (rows != 0)
			at += (size_t)sprintf(text + at, "%zu,", rows);
		at += (size_t)sprintf(text + at,
				      "%zu],\"data_offsets\":[%zu,%zu]}",
				      columns, bytes, end);
		bytes = end;
	}
	text[at++] = '}';
	len = at - 8;
	memcpy(text, &len, sizeof(len));
	invariant(at + bytes <= sizeof(text));
	fuzz_folder_write("m.safetensors",
			  (struct bytes){ (uint8_t *)text, at + bytes });
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_folder_make();
	write_weights();
	fuzz_folder_write(
		"tokenizer.json",
		BYTES_LITERAL("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,"
			      "\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}"));
	return 0;
}

/* What config.json said, the engine reads from the file, or not at all. */
static void check_file(const char *path, const struct shape *shape)
{
	static const struct config_limits limits = {
		.layers = CONVERTED_MAX,
		.width = 1024,
		.vocabulary = CONVERTED_MAX,
		.context = CONFIG_CONTEXT_MAX,
	};
	SCOPED_SOURCE made = { 0 };
	struct config config;
	enum err err = source_open(path, &made);

	invariant(err == ERR_OK);
	if (config_read(&made.gguf, &limits, &config) != ERR_OK)
		return;
	invariant(config.layers == shape->layers &&
		  config.hidden == shape->hidden &&
		  config.heads == shape->heads &&
		  config.kv_heads == shape->kv_heads &&
		  config.head_width == shape->head_width &&
		  config.vocabulary == shape->vocabulary &&
		  config.context == shape->context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct checkpoint checkpoint;
	struct fuzz_path path = fuzz_path("made");

	if (size > FILE_MAX)
		return -1;
	fuzz_folder_write("config.json", (struct bytes){ data, size });
	if (checkpoint_open(fuzz_folder, &checkpoint) != ERR_OK)
		return 0;
	if (checkpoint.shape.vocabulary <= CONVERTED_MAX &&
	    checkpoint.shape.layers <= CONVERTED_MAX &&
	    convert_checkpoint(&checkpoint, MATRIX_F16, path.text) == ERR_OK) {
		check_file(path.text, &checkpoint.shape);
		fuzz_folder_drop("made");
	}
	checkpoint_close(&checkpoint);
	return 0;
}
