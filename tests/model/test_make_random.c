/* SPDX-License-Identifier: Apache-2.0 */
#include "model/make_random.h"

#include <math.h>

#include "model/check.h"
#include "model/plan.h"
#include "model/quantize.h"
#include "model/reading.h"
#include "tests/model/scratch.h"

static struct scratch_path make(const struct scratch *scratch,
				const char *shape, enum matrix_format format,
				uint64_t seed)
{
	const struct make_random made = { shape_named(shape), format, seed };
	struct scratch_path path;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s-%d-%d.gguf", shape, (int)format,
		       (int)seed);
	path = scratch_path(scratch, name);
	cr_assert_not_null(made.shape);
	cr_assert_eq(make_random_file(&made, path.text), ERR_OK);
	return path;
}

/* The perplexity of a model on a short text. */
static double perplexity(const struct scratch *scratch, const char *model)
{
	struct scratch_path text = scratch_path(scratch, "text");
	const struct reading_files files = { .model = model,
					     .text = text.text };
	struct reading_result result;
	struct reading reading;

	scratch_write(scratch, "text",
		      BYTES_LITERAL("Any text at all: na\xc3\xafve, and 42."));
	cr_assert_eq(reading_open(&files, &reading), ERR_OK);
	cr_assert_eq(reading_run(&reading, reading.model->kernel, &result),
		     ERR_OK);
	cr_assert_gt(result.tokens, 8);
	reading_close(&reading);
	return exp(result.surprise / (double)result.tokens);
}

Test(make_random, files_of_every_format_open_in_the_engine_and_compute)
{
	static const char *const shapes[] = { "tiny-llama", "tiny-ptmoe" };
	struct scratch scratch = scratch_open();

	for (size_t s = 0; s < 2; s++) {
		for (size_t f = 0; matrix_form_at(f) != NULL; f++) {
			struct scratch_path path =
				make(&scratch, shapes[s],
				     matrix_form_at(f)->format, 1);
			double found = perplexity(&scratch, path.text);

			/* Having learnt nothing is guessing among 512. */
			cr_expect(found > 200 && found < 2000, "%s, %s: %g",
				  shapes[s], matrix_form_at(f)->name, found);
		}
	}
	scratch_close(&scratch);
}

static struct bytes mapped(const char *path, struct source *source)
{
	cr_assert_eq(source_open(path, source), ERR_OK);
	return source->file;
}

Test(make_random, equal_seeds_make_equal_files_and_others_do_not)
{
	struct scratch one = scratch_open(), two = scratch_open();
	struct scratch_path a = make(&one, "tiny-llama", MATRIX_Q4_K, 7);
	struct scratch_path b = make(&two, "tiny-llama", MATRIX_Q4_K, 7);
	struct scratch_path c = make(&two, "tiny-llama", MATRIX_Q4_K, 8);
	SCOPED_SOURCE first = { 0 };
	SCOPED_SOURCE second = { 0 };
	SCOPED_SOURCE third = { 0 };
	struct bytes original = mapped(a.text, &first);

	cr_assert(bytes_equal(original, mapped(b.text, &second)));
	cr_assert_not(bytes_equal(original, mapped(c.text, &third)));
	scratch_close(&one);
	scratch_close(&two);
}

Test(make_random, a_file_that_is_there_is_not_replaced)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = make(&scratch, "tiny-llama", MATRIX_F16, 1);
	const struct make_random again = { shape_named("tiny-llama"),
					   MATRIX_F16, 1 };

	cr_assert_eq(make_random_file(&again, path.text), ERR_DENIED);
	scratch_close(&scratch);
}

Test(make_random, every_tiny_shape_makes_a_file_of_its_tensors)
{
	struct scratch scratch = scratch_open();

	for (size_t i = 0; shape_at(i) != NULL; i++) {
		const char *name = shape_at(i)->name;
		SCOPED_SOURCE source = { 0 };
		struct scratch_path path;
		struct plan plan;

		if (strncmp(name, "tiny-", 5) != 0)
			continue;
		path = make(&scratch, name, MATRIX_Q5_K, 1);
		cr_assert_eq(source_open(path.text, &source), ERR_OK);
		cr_assert_eq(plan_open(shape_at(i), &plan), ERR_OK);
		cr_assert_eq(source.gguf.tensor_count, plan.count);
		plan_close(&plan);
	}
	scratch_close(&scratch);
}

Test(make_random, shapes_have_the_weights_that_they_are_known_by)
{
	static const struct {
		const char *name;
		double millions, active;
	} known[] = {
		{ "qwen3-100m", 100.1, 100.1 },
		{ "qwen3-0.6b", 473.2, 473.2 },
		{ "qwen3-1.5b", 1474.9, 1474.9 },
		{ "moe-1b", 1109.6, 279.1 },
		{ "moe-7b", 6844.1, 1141.5 },
		{ "ptmoe-100m", 185.2, 100.3 },
		{ "ptmoe-0.6b-t1", 869.7, 473.4 },
		{ "ptmoe-0.6b-t2", 869.8, 473.5 },
		{ "ptmoe-0.6b-t4", 870.5, 474.1 },
		{ "ptmoe-1.5b", 3061.7, 1476.2 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct plan plan;

		cr_assert_eq(plan_open(shape_named(known[i].name), &plan),
			     ERR_OK);
		cr_expect_float_eq((double)plan.weights / 1e6,
				   known[i].millions, 0.1, "%s: %g",
				   known[i].name, (double)plan.weights / 1e6);
		cr_expect_float_eq((double)plan.active / 1e6, known[i].active,
				   0.1, "%s: %g", known[i].name,
				   (double)plan.active / 1e6);
		plan_close(&plan);
	}
}

Test(quantize, norms_and_routers_stay_floats_and_matrices_change)
{
	struct scratch scratch = scratch_open();
	struct scratch_path from = make(&scratch, "tiny-ptmoe", MATRIX_F16, 1);
	struct scratch_path to = scratch_path(&scratch, "out.gguf");
	const struct quantize quantize = { MATRIX_Q4_K, MATRIX_Q4_K, NULL };
	SCOPED_SOURCE source = { 0 };
	SCOPED_SOURCE made = { 0 };
	size_t changed = 0;

	cr_assert_eq(source_open(from.text, &source), ERR_OK);
	cr_assert_eq(quantize_source(&source, &quantize, to.text), ERR_OK);
	cr_assert_eq(quantize_source(&source, &quantize, to.text), ERR_DENIED);
	cr_assert_eq(source_open(to.text, &made), ERR_OK);
	for (size_t i = 0; i < made.gguf.tensor_count; i++) {
		const struct gguf_tensor *tensor = &made.gguf.tensors[i];
		bool router = memmem(tensor->name.data, tensor->name.len,
				     "gate_inp", 8) != NULL;

		cr_assert_eq(tensor->format,
			     tensor->dimensions[1] == 1 || router
				     ? MATRIX_F32
				     : MATRIX_Q4_K);
		changed += tensor->format == MATRIX_Q4_K;
	}
	cr_assert_gt(changed, 20);
	cr_assert_eq(made.gguf.value_count, source.gguf.value_count + 1);
	cr_assert(perplexity(&scratch, to.text) < 2000);
	scratch_close(&scratch);
}

static enum matrix_format format_for(const struct gguf_tensor *tensor,
				     enum matrix_format wanted)
{
	const struct quantize quantize = { wanted, wanted, NULL };

	return quantize_format_for(&quantize, tensor);
}

Test(quantize, rows_that_do_not_fill_blocks_take_the_next_best_format)
{
	struct gguf_tensor tensor = { .name = BYTES_LITERAL("w"),
				      .dimensions = { 512, 8, 1, 1 },
				      .format = MATRIX_F32 };

	cr_assert_eq(format_for(&tensor, MATRIX_Q6_K), MATRIX_Q6_K);
	tensor.dimensions[0] = 96;
	cr_assert_eq(format_for(&tensor, MATRIX_Q6_K), MATRIX_Q8_0);
	cr_assert_eq(format_for(&tensor, MATRIX_Q4_0), MATRIX_Q4_0);
	tensor.dimensions[0] = 50;
	cr_assert_eq(format_for(&tensor, MATRIX_Q4_0), MATRIX_F16);
	cr_assert_eq(format_for(&tensor, MATRIX_PANEL_C4), MATRIX_PANEL_C4);
	tensor.dimensions[1] = 1;
	cr_assert_eq(format_for(&tensor, MATRIX_Q4_0), MATRIX_F32);
}

Test(quantize, embedding_and_output_may_have_a_format_of_their_own)
{
	struct scratch scratch = scratch_open();
	struct scratch_path from =
		make(&scratch, "tiny-mixtral", MATRIX_F16, 1);
	struct scratch_path to = scratch_path(&scratch, "out.gguf");
	const struct quantize quantize = { MATRIX_PANEL_C2, MATRIX_PANEL_C4,
					   NULL };
	SCOPED_SOURCE source = { 0 };
	SCOPED_SOURCE made = { 0 };
	size_t counts[2] = { 0 };

	cr_assert_eq(source_open(from.text, &source), ERR_OK);
	cr_assert_eq(quantize_source(&source, &quantize, to.text), ERR_OK);
	cr_assert_eq(source_open(to.text, &made), ERR_OK);
	for (size_t i = 0; i < made.gguf.tensor_count; i++) {
		counts[0] += made.gguf.tensors[i].format == MATRIX_PANEL_C2;
		counts[1] += made.gguf.tensors[i].format == MATRIX_PANEL_C4;
	}
	cr_assert_eq(counts[0], 2 * 7, "matrices of a layer");
	cr_assert_eq(counts[1], 2);
	cr_assert_eq(gguf_find_tensor(&made.gguf, "output.weight")->format,
		     MATRIX_PANEL_C4);
	cr_assert_eq(gguf_find_tensor(&made.gguf, "blk.1.ffn_gate_inp.weight")
			     ->format,
		     MATRIX_F32);
	cr_assert(perplexity(&scratch, to.text) < 2000);
	scratch_close(&scratch);
}

/* A file of importance for "w" of 32 columns and 2 experts. */
static enum err find_importance(const struct scratch *scratch, uint64_t columns,
				uint64_t stack, float value)
{
	const struct gguf_tensor wanted = { .name = BYTES_LITERAL("w"),
					    .dimensions = { 32, 4, 2, 1 } };
	const struct gguf_tensor declared = {
		.name = BYTES_LITERAL("w"),
		.dimension_count = 2,
		.dimensions = { columns, stack, 1, 1 },
	};
	struct scratch_path path = scratch_path(scratch, "importance");
	SCOPED_SOURCE source = { 0 };
	struct gguf_write *out = NULL;
	const float number[1] = { value };
	struct importance found;
	enum err err;

	cr_assert_eq(gguf_write_open(path.text, &out), ERR_OK);
	cr_assert_eq(gguf_write_declare(out, &declared), ERR_OK);
	for (uint64_t i = 0; i < columns * stack; i++)
		cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(number)), ERR_OK);
	cr_assert_eq(gguf_write_commit(&out), ERR_OK);
	cr_assert_eq(source_open(path.text, &source), ERR_OK);
	err = importance_find(&source.gguf, &wanted, &found);
	cr_assert_eq(unlink(path.text), 0);
	return err;
}

Test(quantize, importance_of_another_shape_or_of_no_numbers_is_refused)
{
	struct scratch scratch = scratch_open();

	cr_assert_eq(find_importance(&scratch, 32, 2, 1), ERR_OK);
	cr_assert_eq(find_importance(&scratch, 31, 2, 1), ERR_MALFORMED);
	cr_assert_eq(find_importance(&scratch, 32, 1, 1), ERR_MALFORMED);
	cr_assert_eq(find_importance(&scratch, 32, 3, 1), ERR_MALFORMED);
	cr_assert_eq(find_importance(&scratch, 32, 2, -1), ERR_MALFORMED);
	cr_assert_eq(find_importance(&scratch, 32, 2, NAN), ERR_MALFORMED);
	scratch_close(&scratch);
}

/* Of every matrix, as the command finds it on a short text. */
static void check_importance(const struct gguf *found,
			     const struct gguf_tensor *tensor)
{
	struct importance importance;
	double sum = 0;

	cr_assert_eq(importance_find(found, tensor, &importance), ERR_OK);
	if (tensor->dimensions[1] == 1) {
		cr_assert_null(importance_row(&importance, 0));
		return;
	}
	cr_assert_not_null(importance_row(&importance, 0), "%s",
			   source_name_of(tensor->name).text);
	for (size_t i = 0; i < tensor->dimensions[2]; i++) {
		sum = 0;
		for (size_t c = 0; c < importance.columns; c++)
			sum += (double)importance_row(&importance, i)[c];
		cr_assert_float_eq(sum / (double)importance.columns, 1, 1e-4);
	}
}

Test(importance, every_matrix_and_expert_has_shares_that_average_to_one)
{
	struct scratch scratch = scratch_open();
	struct scratch_path model = make(&scratch, "tiny-ptmoe", MATRIX_F16, 1);
	struct scratch_path text = scratch_path(&scratch, "text");
	struct scratch_path out = scratch_path(&scratch, "importance");
	const struct options options = {
		.files = { model.text, text.text },
		.output = out.text,
	};
	SCOPED_SOURCE source = { 0 };
	SCOPED_SOURCE found = { 0 };

	scratch_write(&scratch, "text", BYTES_LITERAL("a few words"));
	cr_assert_eq(importance_run(&options), 0);
	cr_assert_eq(importance_run(&options), 1, "it is there already");
	cr_assert_eq(source_open(model.text, &source), ERR_OK);
	cr_assert_eq(source_open(out.text, &found), ERR_OK);
	for (size_t i = 0; i < source.gguf.tensor_count; i++)
		check_importance(&found.gguf, &source.gguf.tensors[i]);
	scratch_close(&scratch);
}
