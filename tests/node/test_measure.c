/* SPDX-License-Identifier: Apache-2.0 */
#include "node/measure.h"

#include <criterion/criterion.h>
#include <string.h>

#include "crypto/hash.h"
#include "inference/gguf.h"
#include "tests/unit/gguf_builder.h"
#include "tests/unit/model_files.h"

/* More merges than a vocabulary has tokens: what a list of them may be. */
#define MERGES ((1u << 20) + 1)

/* An array as a file spells it: type, count, elements. */
static struct {
	uint32_t type;
	uint32_t count[2];
	uint8_t elements[MERGES];
} __attribute__((packed)) list = { GGUF_U8, { MERGES, 0 }, { 0 } };

/* A file with a long list, in which one element can be told. */
static struct bytes file_with(uint8_t last)
{
	struct gguf_builder builder = gguf_builder_start();

	list.elements[MERGES - 1] = last;
	gguf_builder_value(
		&builder, "tokenizer.list", GGUF_ARRAY,
		(struct bytes){ (const uint8_t *)&list, sizeof(list) });
	return gguf_builder_finish(&builder);
}

static void digest_of(uint8_t last, uint8_t digest[static HASH_SHA256_BYTES])
{
	struct bytes file = file_with(last);

	cr_assert_eq(measure_tokenizer(file, digest), ERR_OK);
	model_files_free(file);
}

Test(measure, what_a_model_may_hold_can_be_measured)
{
	uint8_t first[HASH_SHA256_BYTES], second[HASH_SHA256_BYTES];
	struct bytes file = file_with(0);
	struct gguf index;

	cr_assert_eq(gguf_open(file, &gguf_model_limits, &index), ERR_OK);
	gguf_close(&index);
	model_files_free(file);
	digest_of(0, first);
	digest_of(0, second);
	cr_expect_arr_eq(first, second, sizeof(first));
	digest_of(1, second);
	cr_expect_arr_neq(first, second, sizeof(first));
}
