/* SPDX-License-Identifier: Apache-2.0 */
#include "model/prepack.h"

#include <math.h>

#include "model/check.h"
#include "model/inspect.h"
#include "model/make_random.h"
#include "model/measure.h"
#include "model/quantize.h"
#include "tests/model/scratch.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"
#include "tests/unit/tiny_model.h"

#define TOKENS 24

static const enum matrix_format foreign[] = {
	MATRIX_Q8_0, MATRIX_Q4_0, MATRIX_Q2_K,
	MATRIX_Q4_K, MATRIX_Q5_K, MATRIX_Q6_K,
};

static const enum matrix_format panels[] = {
	MATRIX_PANEL_Q8,   MATRIX_PANEL_Q4,   MATRIX_PANEL_Q2_K,
	MATRIX_PANEL_Q4_K, MATRIX_PANEL_Q5_K, MATRIX_PANEL_Q6_K,
	MATRIX_PANEL_C8,   MATRIX_PANEL_C4,   MATRIX_PANEL_C2,
};

#define FOREIGN (sizeof(foreign) / sizeof(foreign[0]))
#define PANELS (sizeof(panels) / sizeof(panels[0]))

/* The bytes of a random model, or of the one that a file is packed to. */
static struct bytes make(const char *shape, enum matrix_format format)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model");
	const struct make_random made = { shape_named(shape), format, 5 };
	struct bytes file;

	cr_assert_eq(make_random_file(&made, path.text), ERR_OK);
	file = model_files_own(path.text);
	scratch_close(&scratch);
	return file;
}

static struct bytes pack(struct bytes file)
{
	struct scratch scratch = scratch_open();
	struct scratch_path from = scratch_path(&scratch, "from");
	struct scratch_path to = scratch_path(&scratch, "to");
	struct bytes packed;
	SCOPED_SOURCE source = { 0 };

	scratch_write(&scratch, "from", file);
	cr_assert_eq(source_open(from.text, &source), ERR_OK);
	cr_assert_eq(prepack_source(&source, to.text), ERR_OK);
	packed = model_files_own(to.text);
	scratch_close(&scratch);
	return packed;
}

/* Columns that do not fill blocks; and of other formats than Q8_0 experts
 * whose rows do not fill panels. */
static struct bytes make_odd(enum matrix_format format)
{
	struct tiny_model_shape shape = tiny_model_shape();

	shape.expert_width = format == MATRIX_Q8_0 ? 96 : 41;
	shape.hidden = 288;
	shape.feed_forward = 32;
	shape.format = format;
	shape.layers = 2;
	return tiny_model_build(&shape);
}

static struct gguf index_of(struct bytes file)
{
	static const struct gguf_limits limits = { 1024, 1024, 4096, 4096 };
	struct gguf gguf;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	return gguf;
}

/* The logits after each of some tokens. */
static void run(struct bytes file, const struct kernel *kernel, float *out)
{
	struct bytes copy = { model_files_copy(file, 0), file.len };
	struct opened_session opened;
	uint32_t tokens[TOKENS];

	opened_session_open(&opened, copy, kernel);
	opened_session_tokens(tokens, TOKENS, opened.config.vocabulary);
	opened_session_run(&opened, tokens, TOKENS, 16, out);
	opened_session_close(&opened);
}

static void try_same_answers(struct bytes file, const char *what)
{
	static float before[OPENED_SESSION_FLOATS];
	static float after[OPENED_SESSION_FLOATS];
	struct bytes packed = pack(file);

	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		memset(after, 0, sizeof(after));
		memset(before, 0, sizeof(before));
		run(file, kernel_at(k), before);
		run(packed, kernel_at(k), after);
		cr_assert_neq(before[0], 0);
		cr_expect_arr_eq(before, after, sizeof(before), "%s, %s", what,
				 kernel_at(k)->name);
	}
	model_files_free(packed);
	model_files_free(file);
}

Test(prepack, answers_are_bit_for_bit_those_of_the_file_it_was_made_of)
{
	static const char *const shapes[] = { "tiny-llama", "tiny-qwen3moe",
					      "tiny-ptmoe" };

	for (size_t i = 0; i < FOREIGN; i++)
		try_same_answers(make(shapes[i % 3], foreign[i]),
				 matrix_form_of(foreign[i])->name);
	try_same_answers(make("tiny-llama", MATRIX_F16), "floats");
	try_same_answers(make_odd(MATRIX_Q8_0), "odd");
}

static void try_in_place(struct bytes file, const char *what)
{
	struct gguf gguf = index_of(file);
	struct opened_session opened;

	cr_expect_eq(weights_memory(&gguf), 0, "%s", what);
	for (size_t i = 0; i < gguf.tensor_count; i++)
		cr_assert_eq((uintptr_t)gguf.tensors[i].data.data % 64, 0);
	gguf_close(&gguf);
	opened_session_open(&opened, file, kernel_best());
	cr_expect_eq(opened.packed.size, 0);
	cr_expect(opened.weights.embedding.data > file.data &&
		  opened.weights.embedding.data < file.data + file.len);
	opened_session_close(&opened);
}

Test(prepack, panels_are_used_where_they_lie_and_need_no_memory)
{
	struct bytes file = make("tiny-ptmoe", MATRIX_Q4_0);
	struct gguf gguf = index_of(file);

	/* The foreign file does need it: this can tell the difference. */
	cr_assert_gt(weights_memory(&gguf), file.len / 2);
	gguf_close(&gguf);
	try_in_place(pack(file), "packed");
	model_files_free(file);
	for (size_t i = 0; i < PANELS; i++)
		try_in_place(make("tiny-qwen3moe", panels[i]),
			     matrix_form_of(panels[i])->name);
}

static void try_same_weights(struct bytes a, struct bytes b)
{
	struct gguf left = index_of(a), right = index_of(b);
	size_t changed = 0;

	cr_assert_eq(left.tensor_count, right.tensor_count);
	for (size_t i = 0; i < left.tensor_count; i++) {
		struct measure_noise noise = { 0 };

		cr_assert_eq(measure_tensors(&left.tensors[i],
					     &right.tensors[i], &noise),
			     ERR_OK);
		cr_assert_gt(noise.signal, 0);
		cr_assert_eq(noise.noise, 0);
		changed += left.tensors[i].format != right.tensors[i].format;
	}
	cr_assert_gt(changed, 10);
	gguf_close(&left);
	gguf_close(&right);
}

Test(prepack, every_weight_stays_what_it_was)
{
	for (size_t i = 0; i <= FOREIGN; i++) {
		struct bytes file = i < FOREIGN
					    ? make("tiny-mixtral", foreign[i])
					    : make_odd(MATRIX_Q8_0);
		struct bytes packed = pack(file);

		try_same_weights(file, packed);
		model_files_free(packed);
		model_files_free(file);
	}
}

Test(prepack, packing_twice_is_packing_once)
{
	struct bytes file = make_odd(MATRIX_Q8_0);
	struct bytes once = pack(file), twice = pack(once);

	cr_assert(bytes_equal(once, twice));
	model_files_free(file);
	model_files_free(once);
	model_files_free(twice);
}

static struct bytes quantized(struct bytes file, enum matrix_format format)
{
	const struct quantize quantize = { format, format, NULL };
	struct scratch scratch = scratch_open();
	struct scratch_path from = scratch_path(&scratch, "from");
	struct scratch_path to = scratch_path(&scratch, "to");
	struct bytes made;
	SCOPED_SOURCE source = { 0 };

	scratch_write(&scratch, "from", file);
	cr_assert_eq(source_open(from.text, &source), ERR_OK);
	cr_assert_eq(quantize_source(&source, &quantize, to.text), ERR_OK);
	made = model_files_own(to.text);
	scratch_close(&scratch);
	return made;
}

/* All kernels give the logits of a file of floats, nearly. */
static void try_near(struct bytes plain, struct bytes coarse)
{
	static float floats[OPENED_SESSION_FLOATS];
	static float found[OPENED_SESSION_FLOATS];
	static float first[OPENED_SESSION_FLOATS];
	double signal = 0, noise = 0;

	run(plain, kernel_at(0), floats);
	run(coarse, kernel_at(0), first);
	for (size_t i = 0; i < OPENED_SESSION_FLOATS; i++) {
		signal += pow((double)floats[i], 2);
		noise += pow((double)floats[i] - (double)first[i], 2);
	}
	cr_expect_lt(noise, 1e-2 * signal, "%g of %g", noise, signal);
	for (size_t k = 1; kernel_at(k) != NULL; k++) {
		run(coarse, kernel_at(k), found);
		cr_expect_arr_eq(first, found, sizeof(found), "%s",
				 kernel_at(k)->name);
	}
}

/* Rows between the last one of a matrix and the end of its last panel. */
static size_t check_filled(const struct gguf_tensor *tensor)
{
	size_t rows = (size_t)tensor->dimensions[1], count = 0;
	size_t filled = (rows + PANEL_ROWS - 1) / PANEL_ROWS * PANEL_ROWS;
	float row[512];

	cr_assert_leq(tensor->dimensions[0], 512);
	for (size_t i = 0; i < source_stack(tensor); i++) {
		struct matrix matrix = source_matrix_at(tensor, i);

		for (size_t r = rows; r < filled; r++, count++) {
			matrix_decode(&matrix, r, 0, matrix.columns, row);
			for (size_t c = 0; c < matrix.columns; c++)
				cr_assert_eq(row[c], 0);
		}
	}
	return count;
}

Test(quantize, rows_that_fill_up_panels_are_zeros)
{
	struct bytes file = make_odd(MATRIX_F32);
	struct bytes made = quantized(file, MATRIX_PANEL_C4);
	struct gguf gguf = index_of(made);
	size_t count = 0;

	for (size_t i = 0; i < gguf.tensor_count; i++)
		if (matrix_is_panels(gguf.tensors[i].format))
			count += check_filled(&gguf.tensors[i]);
	/* Of the vocabulary; and of two matrices, four experts, two tracks. */
	cr_assert_eq(count, 304 - 293 + 2 * 4 * 2 * (48 - 41));
	gguf_close(&gguf);
	model_files_free(file);
	model_files_free(made);
}

Test(quantize, every_expert_begins_with_a_panel_of_its_own)
{
	struct bytes file = make_odd(MATRIX_F32);
	struct bytes made = quantized(file, MATRIX_PANEL_C8);
	struct gguf left = index_of(file), right = index_of(made);

	for (size_t i = 0; i < left.tensor_count; i++) {
		struct measure_noise noise = { 0 };

		cr_assert_eq(measure_tensors(&left.tensors[i],
					     &right.tensors[i], &noise),
			     ERR_OK);
		cr_expect_gt(measure_decibels(noise), 38, "%s: %g dB",
			     source_name_of(left.tensors[i].name).text,
			     measure_decibels(noise));
	}
	gguf_close(&left);
	gguf_close(&right);
	try_near(file, made);
	model_files_free(file);
	model_files_free(made);
}

Test(quantize, panels_are_read_as_what_they_were_packed_from)
{
	struct bytes file = make_odd(MATRIX_Q8_0), packed = pack(file);
	struct bytes plain = quantized(file, MATRIX_F32);
	struct bytes again = quantized(packed, MATRIX_F32);
	struct gguf left = index_of(plain), right = index_of(again);

	for (size_t i = 0; i < left.tensor_count; i++)
		cr_assert(bytes_equal(left.tensors[i].data,
				      right.tensors[i].data));
	gguf_close(&left);
	gguf_close(&right);
	model_files_free(file);
	model_files_free(packed);
	model_files_free(plain);
	model_files_free(again);
}

/* What inspect counts of all tensors. */
static json_int_t counted(struct bytes file, const char *what)
{
	struct source source = { .path = "test", .file = file };
	json_t *made, *formats, *all;
	json_int_t count;

	cr_assert_eq(source_index(&source), ERR_OK);
	made = inspect_source(&source, INSPECT_SUMMARY);
	cr_assert_not_null(made);
	formats = json_object_get(made, "formats");
	all = json_array_get(formats, json_array_size(formats) - 1);
	count = json_integer_value(json_object_get(all, what));
	json_decref(made);
	gguf_close(&source.gguf);
	return count;
}

Test(inspect, what_fills_up_panels_counts_as_bytes_and_not_as_weights)
{
	struct bytes file = make_odd(MATRIX_Q8_0), packed = pack(file);

	cr_assert_gt(counted(file, "weights"), 100000);
	cr_assert_eq(counted(packed, "weights"), counted(file, "weights"));
	cr_assert_gt(counted(packed, "bytes"), counted(file, "bytes"));
	model_files_free(file);
	model_files_free(packed);
}

/* What opening says of a file, and what check says is wrong with it. */
static enum err verdict(struct bytes file, struct check_finding *finding)
{
	struct source source = { .path = "test", .file = file };
	struct bytes copy = { model_files_copy(file, 0), file.len };
	enum err err = opened_session_try(copy);

	*finding = (struct check_finding){ "" };
	cr_assert_eq(check_source(&source, finding), err);
	gguf_close(&source.gguf);
	return err;
}

Test(prepack, a_file_of_panels_cut_anywhere_is_refused)
{
	struct bytes file = make_odd(MATRIX_Q8_0), packed = pack(file);
	struct gguf gguf = index_of(packed);
	struct check_finding finding;
	const uint8_t *data = packed.data + packed.len;

	for (size_t i = 0; i < gguf.tensor_count; i++)
		if (gguf.tensors[i].data.data < data)
			data = gguf.tensors[i].data.data;
	gguf_close(&gguf);
	cr_assert_eq(verdict(packed, &finding), ERR_OK, "%s", finding.text);
	for (size_t cut = 1; cut < packed.len; cut += cut < 2048 ? 61 : 5003) {
		struct bytes part = { packed.data, cut };
		enum err err = verdict(part, &finding);

		cr_assert_neq(err, ERR_OK, "%zu", cut);
		if (cut >= (size_t)(data - packed.data))
			cr_assert_eq(err, ERR_TRUNCATED, "%zu", cut);
	}
	/* Nothing pads the last panel. */
	cr_assert_eq(verdict((struct bytes){ packed.data, packed.len - 1 },
			     &finding),
		     ERR_TRUNCATED);
	model_files_free(packed);
	model_files_free(file);
}

/* The data of a tensor, to be spoilt. */
static uint8_t *data_of(struct bytes file, const char *name, size_t *len)
{
	struct gguf gguf = index_of(file);
	const struct gguf_tensor *tensor = gguf_find_tensor(&gguf, name);
	size_t at;

	cr_assert_not_null(tensor, "%s", name);
	at = (size_t)(tensor->data.data - file.data);
	*len = tensor->data.len;
	gguf_close(&gguf);
	return (uint8_t *)(uintptr_t)file.data + at;
}

/* The first and the last scale of a tensor, in turn. */
static void try_spoilt(enum matrix_format format, const void *scale,
		       size_t bytes)
{
	static const char name[] = "blk.1.ffn_down_exps.weight";
	const struct panel_form *form = &panel_forms[matrix_panels_of(format)];
	struct bytes file = make("tiny-mixtral", format);
	struct check_finding finding;
	uint8_t before[4];
	size_t len;
	uint8_t *data = data_of(file, name, &len);

	for (size_t i = 0; i < 2; i++) {
		uint8_t *at = data + form->scales;

		if (i == 1)
			at = data + len - form->bytes + form->scales +
			     (PANEL_ROWS - 1) * bytes;
		memcpy(before, at, bytes);
		memcpy(at, scale, bytes);
		cr_expect_eq(verdict(file, &finding), ERR_MALFORMED, "%s",
			     form->name);
		cr_expect_not_null(strstr(finding.text, name), "%s: %s",
				   form->name, finding.text);
		memcpy(at, before, bytes);
	}
	cr_expect_eq(verdict(file, &finding), ERR_OK);
	model_files_free(file);
}

Test(prepack, scales_that_are_no_numbers_are_refused)
{
	static const float wide[] = { NAN, INFINITY, -INFINITY };
	static const uint16_t half[] = { 0x7e00, 0x7c00, 0xfc00 };

	for (size_t i = 0; i < PANELS; i++) {
		bool ours = panels[i] >= MATRIX_PANEL_C8;

		try_spoilt(panels[i],
			   ours ? (const void *)&wide[i % 3]
				: (const void *)&half[i % 3],
			   ours ? sizeof(wide[0]) : sizeof(half[0]));
	}
}

Test(prepack, integer_scales_beyond_six_bits_are_refused)
{
	static const enum matrix_format formats[] = { MATRIX_PANEL_Q4_K,
						      MATRIX_PANEL_Q5_K };

	for (size_t i = 0; i < 2; i++) {
		const struct panel_form *form =
			&panel_forms[matrix_panels_of(formats[i])];
		struct bytes file = make("tiny-llama", formats[i]);
		struct check_finding finding;
		size_t len;
		uint8_t *data = data_of(file, "token_embd.weight", &len);

		data[form->parts] = 64;
		cr_expect_eq(verdict(file, &finding), ERR_MALFORMED);
		data[form->parts] = 63;
		cr_expect_eq(verdict(file, &finding), ERR_OK);
		data[len - 1] = 0x80; /* a minimum */
		cr_expect_eq(verdict(file, &finding), ERR_MALFORMED);
		model_files_free(file);
	}
}

/* Where the index says what a tensor is: u32 count, u64 sizes, u32 format. */
static uint8_t *shape_of(struct bytes file, const char *name)
{
	uint8_t *found = memmem(file.data, file.len, name, strlen(name));

	cr_assert_not_null(found, "%s", name);
	return found + strlen(name) + sizeof(uint32_t);
}

static void try_shape(const char *name, size_t at, uint64_t value,
		      enum err expected)
{
	struct bytes file = make("tiny-llama", MATRIX_PANEL_C2);
	struct check_finding finding;

	memcpy(shape_of(file, name) + at, &value,
	       at < 16 ? sizeof(uint64_t) : sizeof(uint32_t));
	cr_expect_eq(verdict(file, &finding), expected, "%s, %zu, %zu: %s",
		     name, at, (size_t)value, finding.text);
	model_files_free(file);
}

Test(prepack, panels_of_other_sizes_or_numbers_than_they_have_are_refused)
{
	static const char last[] = "blk.1.ffn_down.weight";
	static const char inner[] = "blk.0.attn_q.weight";

	/* 256 x 512 and 256 x 256: a panel more, a row or a column less. */
	try_shape(last, 8, 256 + 1, ERR_TRUNCATED);
	try_shape(last, 0, 512 + 1, ERR_TRUNCATED);
	try_shape(last, 8, 256 - 1, ERR_MALFORMED);
	try_shape(last, 0, 512 - 1, ERR_MALFORMED);
	try_shape(last, 8, UINT64_MAX, ERR_TOO_LARGE);
	try_shape(last, 0, UINT64_MAX, ERR_TOO_LARGE);
	try_shape(inner, 8, 256 + 1, ERR_MALFORMED);
	try_shape(inner, 0, 256 + 1, ERR_MALFORMED);
	try_shape(inner, 8, 0, ERR_MALFORMED);
	/* Other panels: larger ones, and numbers past the last. */
	try_shape(last, 16, MATRIX_PANEL_C8, ERR_TRUNCATED);
	try_shape(inner, 16, MATRIX_PANEL_C8, ERR_MALFORMED);
	try_shape(inner, 16, MATRIX_PANELS + PANEL_FORMATS, ERR_UNSUPPORTED);
	try_shape(inner, 16, MATRIX_PANELS - 1, ERR_UNSUPPORTED);
	try_shape(inner, 16, UINT32_MAX, ERR_UNSUPPORTED);
}
