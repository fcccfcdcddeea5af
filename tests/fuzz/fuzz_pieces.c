/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tokenizer of any bytes is refused, or becomes the metadata of a model file
 * that parses; and what is read from that has as many tokens as were asked for.
 *
 *     kind | rows | u16 bytes of the tokenizer | tokenizer | its settings
 */
#include "inference/tokenizer.h"
#include "model/pieces.h"
#include "tests/fuzz/fuzz_folder.h"

#define FILE_MAX (16u << 10)
#define IDS "{\"bos_token_id\":1,\"eos_token_id\":[2,0]}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct checkpoint checkpoint;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_folder_make();
	checkpoint.folder = fuzz_folder;
	checkpoint.config = json_loads(IDS, 0, NULL);
	invariant(checkpoint.config != NULL);
	return 0;
}

static void check_file(const char *path)
{
	static const struct tokenizer_limits limits = { .tokens = 1024,
							.merges = FILE_MAX };
	SCOPED_SOURCE made = { 0 };
	struct tokenizer tokenizer;
	enum err err = source_open(path, &made);

	invariant(err == ERR_OK);
	if (tokenizer_open(&made.gguf, &limits, &tokenizer) != ERR_OK)
		return;
	invariant(tokenizer.vocabulary.count == checkpoint.shape.vocabulary);
	tokenizer_close(&tokenizer);
}

static void convert(void)
{
	struct fuzz_path path = fuzz_path("made");
	SCOPED_GGUF_WRITE *out = NULL;
	enum err err = gguf_write_open(path.text, &out);

	invariant(err == ERR_OK);
	if (pieces_write(&checkpoint, out) != ERR_OK)
		return;
	err = gguf_write_commit(&out);
	invariant(err == ERR_OK);
	check_file(path.text);
	fuzz_folder_drop("made");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	uint8_t kind, rows, low, high;
	const char *name;
	struct bytes file;

	if (size > FILE_MAX || bytes_take_u8(&in, &kind) != ERR_OK ||
	    bytes_take_u8(&in, &rows) != ERR_OK ||
	    bytes_take_u8(&in, &low) != ERR_OK ||
	    bytes_take_u8(&in, &high) != ERR_OK ||
	    bytes_take(&in, low | (size_t)high << 8, &file) != ERR_OK)
		return -1;
	checkpoint.shape.vocabulary = rows + 1u;
	checkpoint.shape.architecture = (kind & 2) != 0 ? "llama" : "qwen2";
	name = (kind & 1) != 0 ? "tokenizer.json" : "tokenizer.model";
	fuzz_folder_write(name, file);
	fuzz_folder_write((kind & 4) != 0 ? "chat_template.jinja"
					  : "tokenizer_config.json",
			  in);
	convert();
	fuzz_folder_drop(name);
	fuzz_folder_drop("chat_template.jinja");
	fuzz_folder_drop("tokenizer_config.json");
	return 0;
}
