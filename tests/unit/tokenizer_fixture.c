/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tokenizer_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/model_files.h"

static const struct gguf_limits file_limits = { .values = 256,
						.tensors = 256,
						.array_count = 1u << 20,
						.string_bytes = 1u << 16 };
static const struct tokenizer_limits limits = { .tokens = 1u << 18,
						.merges = 1u << 19 };

enum err tokenizer_fixture_open(struct tokenizer_fixture *fixture,
				struct bytes file)
{
	enum err err;

	*fixture = (struct tokenizer_fixture){ .file = file };
	cr_assert_eq(gguf_open(file, &file_limits, &fixture->gguf), ERR_OK);
	err = tokenizer_open(&fixture->gguf, &limits, &fixture->tokenizer);
	fixture->list = (struct encode_list){ fixture->tokens, 0,
					      TOKENIZER_FIXTURE_TOKENS };
	return err;
}

void tokenizer_fixture_close(struct tokenizer_fixture *fixture)
{
	tokenizer_close(&fixture->tokenizer);
	gguf_close(&fixture->gguf);
	model_files_free(fixture->file);
	free(fixture->scratch.base);
}

enum err tokenizer_fixture_encode(struct tokenizer_fixture *fixture,
				  struct bytes text)
{
	size_t need = encode_memory(&fixture->tokenizer, text.len);
	enum err err;

	free(fixture->scratch.base);
	fixture->scratch =
		(struct arena){ aligned_alloc(64, need / 64 * 64 + 64), need,
				0 };
	cr_assert_not_null(fixture->scratch.base);
	memset(fixture->scratch.base, 0, need);
	fixture->list.count = 0;
	err = encode_text(&fixture->tokenizer, text, &fixture->scratch,
			  &fixture->list);
	cr_assert_eq(fixture->scratch.used, 0, "scratch is given back");
	cr_assert(arena_is_zero(&fixture->scratch), "and wiped");
	return err;
}

void tokenizer_fixture_expect(struct tokenizer_fixture *fixture,
			      const char *text, const uint32_t *tokens,
			      size_t count)
{
	cr_assert_eq(tokenizer_fixture_encode(fixture, bytes_of_string(text)),
		     ERR_OK);
	cr_assert_eq(fixture->list.count, count, "%s: %zu tokens", text,
		     fixture->list.count);
	cr_assert_arr_eq(fixture->tokens, tokens, count * sizeof(*tokens), "%s",
			 text);
}
