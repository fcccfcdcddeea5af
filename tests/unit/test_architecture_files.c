/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile twins of the files that test_architectures.c runs: each differs from
 * a good one in one key or one tensor, and must be refused for it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/gguf_edit.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"

static struct bytes load(const char *name)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "tests/reference/%s.gguf", name);
	return model_files_own(path);
}

/* How a value is said. */
enum saying {
	SAY_NOTHING, /* the key is not there */
	SAY_U32,
	SAY_F32,
	SAY_WORD,
	SAY_ZERO_LONG, /* as u64 */
};

/* A file whose value of a key is another, and what becomes of it. */
struct twin {
	const char *file;
	const char *key;
	enum saying saying;
	uint32_t integer;
	float real;
	const char *word;
	enum err expected;
};

static struct bytes make_twin(struct bytes file, const struct twin *twin)
{
	static const uint8_t zero[8] = { 0 };
	struct gguf gguf = { 0 };
	const struct gguf_limits limits = { 256, 1024, 1u << 16, 1u << 16 };
	struct gguf_builder builder;
	bool there;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	there = gguf_find(&gguf, twin->key) != NULL;
	gguf_close(&gguf);
	builder = gguf_edit_without(file, there ? twin->key : NULL, NULL);
	if (twin->saying == SAY_U32)
		gguf_builder_u32(&builder, twin->key, twin->integer);
	else if (twin->saying == SAY_F32)
		gguf_builder_f32(&builder, twin->key, twin->real);
	else if (twin->saying == SAY_WORD)
		gguf_builder_string(&builder, twin->key, twin->word);
	else if (twin->saying == SAY_ZERO_LONG)
		gguf_builder_value(&builder, twin->key, GGUF_U64,
				   BYTES_ARRAY(zero));
	return gguf_builder_finish(&builder);
}

static void try_twins(const struct twin *twins, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes file = load(twins[i].file);
		enum err err = opened_session_try(make_twin(file, &twins[i]));

		cr_expect_eq(err, twins[i].expected, "%s, %s: %s, twin %zu",
			     twins[i].file, twins[i].key, err_name(err), i);
		model_files_free(file);
	}
}

#define TWINS(list) try_twins(list, sizeof(list) / sizeof((list)[0]))

#define OLMOE "ordinary/olmoe"
#define MOE3 "ordinary/qwen3moe"
#define MIXTRAL "ordinary/mixtral"
#define YARN "ordinary/llama_yarn"
#define LINEAR "ordinary/llama_linear"
#define LLAMA "ordinary/llama"

Test(architecture_files, keys_of_experts_are_checked)
{
	static const struct twin twins[] = {
		{ MOE3, "qwen3moe.expert_count", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_count", SAY_U32, 0, 0, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_count", SAY_U32, 6, 0, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_count", SAY_U32, 1u << 20, 0, NULL,
		  ERR_TOO_LARGE },
		{ MOE3, "qwen3moe.expert_count", SAY_WORD, 0, 0, "5",
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_count", SAY_F32, 0, 5, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_used_count", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_used_count", SAY_U32, 0, 0, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_used_count", SAY_U32, 6, 0, NULL,
		  ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_used_count", SAY_U32, 5, 0, NULL,
		  ERR_OK },
		{ MOE3, "qwen3moe.expert_feed_forward_length", SAY_NOTHING, 0,
		  0, NULL, ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_feed_forward_length", SAY_U32, 0, 0,
		  NULL, ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_feed_forward_length", SAY_U32, 9, 0,
		  NULL, ERR_MALFORMED },
		{ MOE3, "qwen3moe.expert_feed_forward_length", SAY_U32,
		  1u << 20, 0, NULL, ERR_TOO_LARGE },
		{ OLMOE, "olmoe.expert_count", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		{ OLMOE, "olmoe.expert_used_count", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		/* Without experts it is another model, of other tensors. */
		{ MIXTRAL, "llama.expert_count", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		{ MIXTRAL, "llama.expert_used_count", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		{ LLAMA, "llama.expert_count", SAY_ZERO_LONG, 0, 0, NULL,
		  ERR_OK },
		{ "ordinary/qwen2", "qwen2.expert_count", SAY_U32, 4, 0, NULL,
		  ERR_UNSUPPORTED },
		{ "ordinary/qwen3", "qwen3.expert_count", SAY_U32, 4, 0, NULL,
		  ERR_UNSUPPORTED },
	};

	TWINS(twins);
}

Test(architecture_files, keys_of_stretched_positions_are_checked)
{
	static const struct twin twins[] = {
		{ YARN, "llama.rope.scaling.type", SAY_WORD, 0, 0, "longrope",
		  ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.type", SAY_WORD, 0, 0, "",
		  ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.type", SAY_U32, 2, 0, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.type", SAY_WORD, 0, 0, "none",
		  ERR_OK },
		{ YARN, "llama.rope.scaling.factor", SAY_F32, 0, 0, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.factor", SAY_F32, 0, -4, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.factor", SAY_F32, 0, 0.5f, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.factor", SAY_F32, 0, 1e30f, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.factor", SAY_U32, 4, 0, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.original_context_length", SAY_U32,
		  0, 0, NULL, ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.original_context_length", SAY_F32,
		  0, 16, NULL, ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.original_context_length",
		  SAY_NOTHING, 0, 0, NULL, ERR_OK },
		{ YARN, "llama.rope.scaling.attn_factor", SAY_F32, 0, 0, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.attn_factor", SAY_F32, 0, -1, NULL,
		  ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.yarn_beta_fast", SAY_F32, 0, 16,
		  NULL, ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.yarn_beta_fast", SAY_F32, 0, 32,
		  NULL, ERR_OK },
		{ YARN, "llama.rope.scaling.yarn_beta_slow", SAY_F32, 0, 0,
		  NULL, ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.yarn_ext_factor", SAY_F32, 0, 0,
		  NULL, ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.yarn_ext_factor", SAY_F32, 0, 1,
		  NULL, ERR_OK },
		{ YARN, "llama.rope.scaling.yarn_attn_factor", SAY_F32, 0, 2,
		  NULL, ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.yarn_log_multiplier", SAY_F32, 0,
		  0.1f, NULL, ERR_UNSUPPORTED },
		{ YARN, "llama.rope.scaling.yarn_log_multiplier", SAY_U32, 0, 0,
		  NULL, ERR_MALFORMED },
		{ YARN, "llama.rope.scaling.alpha", SAY_F32, 0, 2, NULL,
		  ERR_UNSUPPORTED },
		{ YARN, "llama.rope.freq_base", SAY_F32, 0, 1, NULL,
		  ERR_MALFORMED },
		{ LINEAR, "llama.rope.scaling.factor", SAY_F32, 0, 0, NULL,
		  ERR_MALFORMED },
		{ LINEAR, "llama.rope.scale_linear", SAY_F32, 0, 2, NULL,
		  ERR_OK },
		{ LLAMA, "llama.rope.scale_linear", SAY_F32, 0, -2, NULL,
		  ERR_MALFORMED },
	};

	TWINS(twins);
}

Test(architecture_files, what_would_be_computed_wrongly_is_unsupported)
{
	static const struct twin twins[] = {
		{ LLAMA, "general.architecture", SAY_WORD, 0, 0, "gemma",
		  ERR_UNSUPPORTED },
		{ LLAMA, "llama.rope.dimension_count", SAY_U32, 4, 0, NULL,
		  ERR_UNSUPPORTED },
		{ LLAMA, "llama.attention.value_length", SAY_U32, 4, 0, NULL,
		  ERR_UNSUPPORTED },
		{ LLAMA, "llama.attention.sliding_window", SAY_U32, 255, 0,
		  NULL, ERR_UNSUPPORTED },
		{ LLAMA, "llama.attention.sliding_window", SAY_U32, 256, 0,
		  NULL, ERR_OK },
		{ LLAMA, "llama.attention.causal", SAY_U32, 0, 0, NULL,
		  ERR_UNSUPPORTED },
		{ LLAMA, "llama.attention.scale", SAY_F32, 0, 1, NULL,
		  ERR_UNSUPPORTED },
		{ LLAMA, "llama.logit_scale", SAY_F32, 0, 2, NULL,
		  ERR_UNSUPPORTED },
		{ OLMOE, "olmoe.attention.clamp_kqv", SAY_F32, 0, 8, NULL,
		  ERR_UNSUPPORTED },
		{ OLMOE, "olmoe.expert_weights_norm", SAY_U32, 1, 0, NULL,
		  ERR_UNSUPPORTED },
		{ OLMOE, "olmoe.expert_weights_norm", SAY_U32, 0, 0, NULL,
		  ERR_OK },
		{ MOE3, "qwen3moe.expert_weights_norm", SAY_U32, 0, 0, NULL,
		  ERR_UNSUPPORTED },
		{ MOE3, "qwen3moe.expert_gating_func", SAY_U32, 2, 0, NULL,
		  ERR_UNSUPPORTED },
		{ MOE3, "qwen3moe.expert_gating_func", SAY_U32, 1, 0, NULL,
		  ERR_OK },
		{ MOE3, "qwen3moe.expert_shared_count", SAY_U32, 1, 0, NULL,
		  ERR_UNSUPPORTED },
	};

	TWINS(twins);
}

Test(architecture_files, keys_of_reused_keys_and_values_are_checked)
{
	static const struct twin twins[] = {
		{ "tiny_reuse", "ptmoe.kv_reuse_from", SAY_U32, 0, 0, NULL,
		  ERR_MALFORMED },
		{ "tiny_reuse", "ptmoe.kv_reuse_from", SAY_U32, 4, 0, NULL,
		  ERR_MALFORMED },
		{ "tiny_reuse", "ptmoe.kv_reuse_from", SAY_U32, UINT32_MAX, 0,
		  NULL, ERR_MALFORMED },
		{ "tiny_reuse", "ptmoe.kv_reuse_from", SAY_F32, 0, 2, NULL,
		  ERR_MALFORMED },
		/* Within a block. */
		{ "tiny_reuse", "ptmoe.kv_reuse_from", SAY_U32, 3, 0, NULL,
		  ERR_UNSUPPORTED },
		/* Then the later layers lack tensors. */
		{ "tiny_reuse", "ptmoe.kv_reuse_from", SAY_NOTHING, 0, 0, NULL,
		  ERR_MALFORMED },
		/* And here they have them, which nothing would use. */
		{ "tiny", "ptmoe.kv_reuse_from", SAY_U32, 2, 0, NULL,
		  ERR_UNSUPPORTED },
	};

	TWINS(twins);
}

Test(architecture_files, a_global_layer_cannot_reuse_a_window)
{
	static const char *const pattern[] = { "local", "local", "global",
					       "global" };
	struct bytes file = load("tiny_reuse");
	struct gguf_builder builder =
		gguf_edit_without(file, "ptmoe.attention.pattern", NULL);

	gguf_builder_strings(&builder, "ptmoe.attention.pattern", pattern, 4);
	cr_assert_eq(opened_session_try(gguf_builder_finish(&builder)),
		     ERR_UNSUPPORTED);
	model_files_free(file);
}

static void try_damages(const char *name, const char *tensor)
{
	struct bytes file = load(name);

	for (unsigned i = 0; i < GGUF_EDIT_DAMAGES; i++) {
		enum err err =
			opened_session_try(gguf_edit_damage(file, tensor, i));

		cr_expect_eq(err, ERR_MALFORMED, "%s, %s, damage %u: %s", name,
			     tensor, i, err_name(err));
	}
	model_files_free(file);
}

Test(architecture_files, tensors_missing_doubled_or_misshapen_are_refused)
{
	static const char *const of_qwen2[] = { "blk.1.attn_q.bias",
						"blk.1.attn_k.bias",
						"blk.1.attn_v.bias" };
	static const char *const of_olmoe[] = {
		"blk.1.attn_q_norm.weight",   "blk.1.attn_k_norm.weight",
		"blk.1.ffn_gate_inp.weight",  "blk.1.ffn_gate_exps.weight",
		"blk.1.ffn_down_exps.weight", "blk.1.ffn_up_exps.weight",
	};

	for (size_t i = 0; i < 3; i++)
		try_damages("ordinary/qwen2", of_qwen2[i]);
	for (size_t i = 0; i < 6; i++)
		try_damages(OLMOE, of_olmoe[i]);
	for (size_t i = 0; i < 6; i++)
		try_damages(MOE3, of_olmoe[i]);
	for (size_t i = 2; i < 6; i++)
		try_damages(MIXTRAL, of_olmoe[i]);
	try_damages("ordinary/qwen3", "blk.0.attn_q_norm.weight");
	try_damages("ordinary/qwen3", "blk.0.attn_k_norm.weight");
	try_damages("tiny_reuse", "blk.3.trk.1.attn_q_norm.weight");
	try_damages("tiny_reuse", "blk.1.trk.1.attn_k.weight");
}

Test(architecture_files, a_tensor_that_an_architecture_lacks_is_unsupported)
{
	static const float ones[24] = { 1 };
	static const struct {
		const char *file;
		struct gguf_builder_tensor tensor;
	} extra[] = {
		{ LLAMA, { "blk.0.attn_q.bias", 1, { 24 }, 0 } },
		{ LLAMA, { "blk.0.attn_q_norm.weight", 1, { 6 }, 0 } },
		{ "ordinary/qwen2",
		  { "blk.0.attn_output.bias", 1, { 24 }, 0 } },
		{ "ordinary/qwen3", { "blk.0.attn_v.bias", 1, { 16 }, 0 } },
		{ MOE3, { "blk.0.ffn_gate.0.weight", 1, { 24 }, 0 } },
		{ "tiny_reuse",
		  { "blk.2.trk.0.attn_k_norm.weight", 1, { 4 }, 0 } },
	};

	for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++) {
		struct bytes file = load(extra[i].file);
		struct gguf_builder builder =
			gguf_edit_without(file, NULL, NULL);
		size_t bytes = extra[i].tensor.dimensions[0] * sizeof(float);

		gguf_builder_tensor(
			&builder, &extra[i].tensor,
			(struct bytes){ (const uint8_t *)ones, bytes });
		cr_expect_eq(opened_session_try(gguf_builder_finish(&builder)),
			     ERR_UNSUPPORTED, "%s", extra[i].tensor.name);
		model_files_free(file);
	}
}

Test(architecture_files, factors_of_wavelengths_are_checked)
{
	static const struct gguf_builder_tensor tensor = {
		"rope_freqs.weight", 1, { 3 }, MATRIX_F32
	};
	static const float bad[] = { 0.0f, -1.0f, 1e-30f };
	struct bytes file = load("ordinary/llama_factors");

	for (size_t i = 0; i < 3; i++) {
		const float factors[3] = { 1, bad[i], 8 };
		struct gguf_builder builder =
			gguf_edit_without(file, NULL, tensor.name);

		gguf_builder_tensor(&builder, &tensor, BYTES_ARRAY(factors));
		cr_expect_eq(opened_session_try(gguf_builder_finish(&builder)),
			     ERR_MALFORMED);
	}
	model_files_free(file);
	for (unsigned i = GGUF_EDIT_DOUBLED; i < GGUF_EDIT_DAMAGES; i++) {
		file = load("ordinary/llama_factors");
		cr_expect_eq(opened_session_try(
				     gguf_edit_damage(file, tensor.name, i)),
			     ERR_MALFORMED);
		model_files_free(file);
	}
}
