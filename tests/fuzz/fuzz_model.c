/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model file of any bytes is refused, or it answers: opened as a node opens
 * it, and asked for three tokens.  What its index may hold is the question of
 * fuzz_gguf, which is asked a hundred times as often.
 */
#include "inference/generate.h"
#include "tests/fuzz/fuzz_file.h"

#define FILE_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct model *model)
{
	const struct generate_options options = { .top_p = 1,
						  .tokens_max = 3,
						  .context_max = 8 };
	size_t bytes = generate_memory(
		model,
		&(struct generate_room){ .context_max = 8, .threads = 1 });
	struct arena arena = { aligned_alloc(64, bytes / 64 * 64 + 64), bytes,
			       0 };
	enum generate_state state = GENERATE_RUNNING;
	struct generation *generation;
	struct bytes text;

	invariant(arena.base != NULL);
	memset(arena.base, 0, bytes);
	if (generate_start_text(model, &arena, BYTES_LITERAL("a b"), &options,
				&generation) == ERR_OK)
		for (int i = 0; i < 8 && state == GENERATE_RUNNING; i++)
			if (generate_step(generation, &text, &state) != ERR_OK)
				break;
	free(arena.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct model_limits limits = {
		.layers = 16, .width = 256, .vocabulary = 1024, .context = 64
	};
	struct model *model;
	struct bytes file;

	if (size > FILE_MAX)
		return -1;
	file = fuzz_file(data, size);
	if (model_open(file, &limits, NULL, &model) == ERR_OK) {
		answer(model);
		model_close(model);
	}
	fuzz_file_free(file);
	return 0;
}
