/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gguf_write.h"

#include <signal.h>
#include <sys/wait.h>

#include "model/source.h"
#include "tests/model/scratch.h"

static const struct gguf_tensor vector = {
	.name = { (const uint8_t *)"vector", 6 },
	.dimension_count = 1,
	.dimensions = { 3, 1, 1, 1 },
	.format = MATRIX_F32,
};

static const struct gguf_tensor matrix = {
	.name = { (const uint8_t *)"matrix", 6 },
	.dimension_count = 2,
	.dimensions = { 4, 2, 1, 1 },
	.format = MATRIX_F16,
};

static const float numbers[3] = { 1, -2, 0.5f };
static const uint8_t halves[16] = { 1, 2, 3 };

/* The index, and tensors declared; no data. */
static struct gguf_write *start(const char *path)
{
	const struct bytes words[] = { BYTES_LITERAL("a"), { NULL, 0 } };
	const int32_t integers[] = { -1, 7 };
	struct gguf_write *out = NULL;

	cr_assert_eq(gguf_write_open(path, &out), ERR_OK);
	gguf_write_string(out, "name", BYTES_LITERAL("a model"));
	gguf_write_u32(out, "count", 7);
	gguf_write_f32(out, "epsilon", 0.5f);
	gguf_write_bool(out, "flag", 1);
	gguf_write_strings(out, "words", words, 2);
	gguf_write_array(out, "integers", GGUF_I32, integers, 2);
	cr_assert_eq(gguf_write_declare(out, &vector), ERR_OK);
	cr_assert_eq(gguf_write_declare(out, &matrix), ERR_OK);
	return out;
}

static void check_contents(const struct gguf *gguf)
{
	const struct gguf_tensor *tensor = gguf_find_tensor(gguf, "matrix");
	struct gguf_array array;
	struct bytes text;
	uint32_t count;

	cr_assert_eq(gguf->value_count, 7);
	cr_assert_eq(gguf_u32(gguf, "general.alignment", &count), ERR_OK);
	cr_assert_eq(count, 64);
	cr_assert_eq(gguf_string(gguf, "name", &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("a model")));
	cr_assert_eq(gguf_u32(gguf, "flag", &count), ERR_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(gguf_array(gguf, "words", GGUF_STRING, &array), ERR_OK);
	cr_assert_eq(array.count, 2);
	cr_assert_eq(gguf_array(gguf, "integers", GGUF_I32, &array), ERR_OK);
	cr_assert_not_null(tensor);
	cr_assert(bytes_equal(tensor->data, BYTES_ARRAY(halves)));
	cr_assert_eq(tensor->dimensions[1], 2);
	cr_assert_eq((uintptr_t)tensor->data.data % 64, 0);
	tensor = gguf_find_tensor(gguf, "vector");
	cr_assert(bytes_equal(tensor->data, BYTES_ARRAY(numbers)));
}

Test(gguf_write, what_is_written_is_read)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model.gguf");
	struct gguf_write *out = start(path.text);
	SCOPED_SOURCE source = { 0 };

	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(numbers)), ERR_OK);
	cr_assert_eq(access(path.text, F_OK), -1, "seen before it is whole");
	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(halves)), ERR_OK);
	cr_assert_eq(gguf_write_commit(&out), ERR_OK);
	cr_assert_null(out);
	cr_assert_eq(scratch_count(&scratch), 1);
	cr_assert_eq(source_open(path.text, &source), ERR_OK);
	check_contents(&source.gguf);
	scratch_close(&scratch);
}

Test(gguf_write, data_may_come_in_any_pieces)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model.gguf");
	SCOPED_SOURCE source = { 0 };
	uint8_t both[sizeof(numbers) + sizeof(halves)];
	struct gguf_write *out = start(path.text);

	memcpy(both, numbers, sizeof(numbers));
	memcpy(both + sizeof(numbers), halves, sizeof(halves));
	for (size_t i = 0; i < sizeof(both); i++) {
		struct bytes byte = { both + i, 1 };

		cr_assert_eq(gguf_write_data(out, byte), ERR_OK);
	}
	cr_assert_eq(gguf_write_commit(&out), ERR_OK);
	cr_assert_eq(source_open(path.text, &source), ERR_OK);
	check_contents(&source.gguf);
	scratch_close(&scratch);
}

Test(gguf_write, a_file_that_is_there_is_not_replaced)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model.gguf");
	struct gguf_write *out;

	scratch_write(&scratch, "model.gguf", BYTES_LITERAL("precious"));
	cr_assert_eq(gguf_write_open(path.text, &out), ERR_DENIED);
	cr_assert_eq(unlink(path.text), 0);
	out = start(path.text);
	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(numbers)), ERR_OK);
	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(halves)), ERR_OK);
	scratch_write(&scratch, "model.gguf", BYTES_LITERAL("precious"));
	cr_assert_eq(gguf_write_commit(&out), ERR_DENIED, "taken meanwhile");
	cr_assert_eq(scratch_count(&scratch), 1);
	scratch_close(&scratch);
}

Test(gguf_write, what_is_given_up_leaves_nothing)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model.gguf");
	struct gguf_write *out = start(path.text);

	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(numbers)), ERR_OK);
	gguf_write_abandon(&out);
	cr_assert_eq(scratch_count(&scratch), 0);
	scratch_close(&scratch);
}

Test(gguf_write, data_that_is_missing_or_too_much_is_refused)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model.gguf");
	struct gguf_write *out = start(path.text);

	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(numbers)), ERR_OK);
	cr_assert_eq(gguf_write_commit(&out), ERR_TRUNCATED);
	cr_assert_eq(scratch_count(&scratch), 0);
	out = start(path.text);
	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(numbers)), ERR_OK);
	cr_assert_eq(gguf_write_data(out, BYTES_ARRAY(halves)), ERR_OK);
	cr_assert_eq(gguf_write_data(out, BYTES_LITERAL("x")), ERR_TOO_LARGE);
	gguf_write_abandon(&out);
	scratch_close(&scratch);
}

Test(gguf_write, a_writer_that_is_killed_leaves_no_file_of_that_name)
{
	struct scratch scratch = scratch_open();
	struct scratch_path path = scratch_path(&scratch, "model.gguf");
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child == 0) {
		struct gguf_write *out = start(path.text);

		if (gguf_write_data(out, BYTES_ARRAY(numbers)) == ERR_OK)
			(void)raise(SIGKILL);
		_exit(1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(access(path.text, F_OK), -1);
	scratch_close(&scratch);
}

Test(gguf_write, a_folder_that_is_none_is_told)
{
	struct gguf_write *out = NULL;

	cr_assert_eq(gguf_write_open("/nonexistent/model.gguf", &out),
		     ERR_UNAVAILABLE);
	cr_assert_null(out);
}
