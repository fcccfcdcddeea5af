/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/named.h"

#include <criterion/criterion.h>

#include "inference/session.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"

Test(named, the_device_model_has_3111368064_parameters)
{
	const struct config *config = named_find("afm-device-2025");

	cr_assert_not_null(config);
	cr_assert_eq(named_parameters(config), 3111368064u);
	cr_assert_eq(named_active_parameters(config), 3111368064u);
}

Test(named, an_adapter_of_rank_32_for_the_device_model_has_66633728)
{
	cr_assert_eq(
		named_adapter_parameters(named_find("afm-device-2025"), 32),
		66633728u);
}

/* Norms (2 of H, 2 of d) and the attention of every layer; a dense one, or
 * a router and 40 experts, by turns; the embedding and the last norm. */
Test(named, the_server_model_has_147800_million_parameters)
{
	const uint64_t common = 2 * 2048 + 2 * 128 + 4 * 2048 * 512;
	const uint64_t dense = 3 * 2048 * 5888;
	const uint64_t expert = 3 * 2048 * 2944;
	const uint64_t router = 40 * 2048;
	const uint64_t shared = 153600ull * 2048 + 2048;
	const struct config *config = named_find("afm-server-2025");
	uint64_t total, active;

	cr_assert_not_null(config);
	total = 8 * (48 * common + 24 * (dense + router + 40 * expert)) +
		shared;
	active =
		8 * (48 * common + 24 * (dense + router + 2 * expert)) + shared;
	cr_assert_eq(named_parameters(config), total);
	cr_assert_eq(named_active_parameters(config), active);
	/* Which to a tenth of a billion is what was published. */
	cr_assert_eq((total + 50000000) / 100000000, 1478);
	cr_assert_eq((active + 50000000) / 100000000, 158);
}

Test(named, tracks_of_the_server_model_meet_12_times)
{
	const struct config *config = named_find("afm-server-2025");

	cr_assert_eq(config->layers / config->block_depth, 12);
}

Test(named, the_device_model_remembers_five_eighths_of_its_layers)
{
	struct config all = *named_find("afm-device-2025");
	struct config some = all;
	/* Two halves a layer for every key-value element of a token. */
	const struct session_shape shape = { 1024, 16, KERNEL_F16 };
	size_t layer = 1024 * 2 * sizeof(uint16_t) * 256;

	all.kv_reuse_from = 0;
	cr_assert_eq(session_memory(&all, &shape) -
			     session_memory(&some, &shape),
		     21 * layer);
}

Test(named, what_is_counted_is_what_a_file_holds)
{
	static const char *const paths[] = {
		"tests/reference/tiny.gguf",
		"tests/reference/tiny_reuse.gguf",
		"tests/reference/ordinary/llama.gguf",
		"tests/reference/ordinary/qwen2_yarn.gguf",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct opened_session opened;

		opened_session_open(&opened, model_files_own(paths[i]),
				    kernel_best());
		cr_assert_eq(named_parameters(&opened.config),
			     opened.weights.count, "%s", paths[i]);
		opened_session_close(&opened);
	}
}

Test(named, a_name_that_is_none_finds_nothing)
{
	cr_assert_null(named_find("afm-device-2024"));
	cr_assert_null(named_find(""));
}
