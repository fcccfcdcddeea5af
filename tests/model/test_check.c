/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>

#include "model/inspect.h"
#include "model/make_random.h"
#include "model/perplexity.h"
#include "model/reading.h"
#include "model/report.h"
#include "tests/model/scratch.h"

/* A random model in memory that a test may spoil. */
struct fixture {
	struct scratch scratch;
	struct source source;
	uint8_t *bytes;
};

static struct fixture start(const char *shape)
{
	struct fixture made = { .scratch = scratch_open() };
	struct scratch_path path = scratch_path(&made.scratch, "model");
	const struct make_random make = { shape_named(shape), MATRIX_F32, 3 };

	cr_assert_eq(make_random_file(&make, path.text), ERR_OK);
	cr_assert_eq(source_map(path.text, &made.source), ERR_OK);
	made.bytes = aligned_alloc(64, made.source.file.len / 64 * 64 + 64);
	cr_assert_not_null(made.bytes);
	memcpy(made.bytes, made.source.file.data, made.source.file.len);
	return made;
}

static void end(struct fixture *fixture)
{
	free(fixture->bytes);
	source_close(&fixture->source);
	scratch_close(&fixture->scratch);
}

/* What check says of the bytes as they are now. */
static enum err check(const struct fixture *fixture, size_t len,
		      struct check_finding *finding)
{
	struct source spoilt = { .path = "test",
				 .file = { fixture->bytes, len } };
	enum err err;

	*finding = (struct check_finding){ "" };
	err = check_source(&spoilt, finding);
	gguf_close(&spoilt.gguf);
	return err;
}

static uint8_t *find(const struct fixture *fixture, const char *text)
{
	uint8_t *found = memmem(fixture->bytes, fixture->source.file.len, text,
				strlen(text));

	cr_assert_not_null(found, "%s", text);
	return found;
}

static void try_spoilt(struct fixture *fixture, enum err expected,
		       const char *says)
{
	struct check_finding finding;
	enum err err = check(fixture, fixture->source.file.len, &finding);

	cr_expect_eq(err, expected, "%s: %s", says, err_name(err));
	cr_expect_not_null(strstr(finding.text, says), "%s: %s", says,
			   finding.text);
	memcpy(fixture->bytes, fixture->source.file.data,
	       fixture->source.file.len);
}

Test(check, a_good_model_is_good)
{
	struct fixture fixture = start("tiny-ptmoe");
	struct check_finding finding;

	cr_assert_eq(check(&fixture, fixture.source.file.len, &finding), ERR_OK,
		     "%s", finding.text);
	end(&fixture);
}

Test(check, it_says_what_is_wrong_and_where)
{
	struct fixture fixture = start("tiny-llama");
	const float nan = NAN;
	size_t len = fixture.source.file.len;

	memcpy(fixture.bytes, "GGML", 4);
	try_spoilt(&fixture, ERR_MALFORMED, "index");
	memcpy(find(&fixture, "general.arch"), "General.arch", 12);
	try_spoilt(&fixture, ERR_MALFORMED, "general.architecture");
	memcpy(find(&fixture, "llama.block_count"), "llama.block_Count", 17);
	try_spoilt(&fixture, ERR_MALFORMED, "llama");
	memcpy(find(&fixture, "token_embd"), "Token_embd", 10);
	try_spoilt(&fixture, ERR_MALFORMED, "token_embd.weight");
	/* The last tensor of the file. */
	memcpy(fixture.bytes + len - 4, &nan, 4);
	try_spoilt(&fixture, ERR_MALFORMED, "blk.1.ffn_down.weight");
	memcpy(find(&fixture, "blk.1.ffn_up"), "blk.1.ffn_oo", 12);
	try_spoilt(&fixture, ERR_MALFORMED, "tensors");
	memcpy(find(&fixture, "ggml.scores"), "ggml.scored", 11);
	try_spoilt(&fixture, ERR_MALFORMED, "tokenizer");
	end(&fixture);
}

Test(check, a_file_cut_anywhere_is_refused)
{
	struct fixture fixture = start("tiny-llama");
	struct check_finding finding;
	size_t len = fixture.source.file.len;

	for (size_t cut = 1; cut < len; cut += cut < 4096 ? 97 : 99991)
		cr_assert_neq(check(&fixture, cut, &finding), ERR_OK, "%zu",
			      cut);
	end(&fixture);
}

Test(inspect, the_object_tells_the_shape_and_every_tensor)
{
	struct fixture fixture = start("tiny-ptmoe");
	json_t *made, *shape, *formats, *all;

	cr_assert_eq(source_index(&fixture.source), ERR_OK);
	made = inspect_source(&fixture.source, INSPECT_TENSORS);
	cr_assert_not_null(made);
	shape = json_object_get(made, "shape");
	cr_assert_eq(json_integer_value(json_object_get(shape, "track_count")),
		     2);
	cr_assert_eq(
		json_array_size(json_object_get(shape, "attention.pattern")),
		4);
	cr_assert_eq(json_array_size(json_object_get(made, "tensors")),
		     fixture.source.gguf.tensor_count);
	formats = json_object_get(made, "formats");
	all = json_array_get(formats, json_array_size(formats) - 1);
	cr_assert_eq(json_integer_value(json_object_get(all, "tensors")),
		     (json_int_t)fixture.source.gguf.tensor_count);
	cr_assert_eq(json_real_value(json_object_get(all, "bits_per_weight")),
		     32);
	json_decref(made);
	end(&fixture);
}

Test(inspect, names_from_a_file_cannot_steer_a_terminal)
{
	cr_assert_str_eq(source_name_of(BYTES_LITERAL("a\x1b[2J\n\x9b")).text,
			 "a?[2J??");
}

static struct reading_result read_texts(const char *model, const char *text,
					uint32_t context)
{
	const struct reading_files files = {
		.model = model, .text = text, .context = context, .texts = 100
	};
	struct reading_result result;
	struct reading reading;

	cr_assert_eq(reading_open(&files, &reading), ERR_OK);
	cr_assert_eq(reading_run(&reading, reading.model->kernel, &result),
		     ERR_OK);
	reading_close(&reading);
	return result;
}

Test(perplexity, the_stories_have_the_one_that_other_engines_report,
     .timeout = 300)
{
	const char *models = getenv("MODELS");
	char model[512], text[512];
	struct reading_result result;

	models = models == NULL ? "../shared/models" : models;
	(void)snprintf(model, sizeof(model), "%s/stories260K/stories260K.gguf",
		       models);
	(void)snprintf(text, sizeof(text), "%s/corpora/tinystories_1000.json",
		       models);
	if (access(model, R_OK) != 0 || access(text, R_OK) != 0)
		cr_skip_test("%s is not present", model);
	result = read_texts(model, text, 0);
	cr_assert_eq(result.tokens, 38168);
	cr_assert_float_eq(exp(result.surprise / (double)result.tokens), 5.280,
			   0.0005);
}

Test(perplexity, a_long_text_is_read_to_its_end_window_by_window)
{
	struct fixture fixture = start("tiny-llama");
	struct scratch_path model = scratch_path(&fixture.scratch, "model");
	struct scratch_path text = scratch_path(&fixture.scratch, "text");
	uint64_t whole;

	scratch_write(&fixture.scratch, "text",
		      BYTES_LITERAL("@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"));
	/* Each sign a token, one for the blank before; none is left out. */
	whole = read_texts(model.text, text.text, 0).tokens;
	cr_assert_eq(whole, 39);
	cr_assert_eq(read_texts(model.text, text.text, 2).tokens, whole);
	cr_assert_eq(read_texts(model.text, text.text, 7).tokens, whole);
	end(&fixture);
}

Test(perplexity, an_array_that_is_not_of_strings_is_refused)
{
	struct fixture fixture = start("tiny-llama");
	struct scratch_path text = scratch_path(&fixture.scratch, "text");
	struct texts texts;

	scratch_write(&fixture.scratch, "text", BYTES_LITERAL("[\"a\", 7]"));
	cr_assert_eq(texts_open(text.text, &texts), ERR_MALFORMED);
	scratch_write(&fixture.scratch, "text", BYTES_LITERAL("[]"));
	cr_assert_eq(texts_open(text.text, &texts), ERR_MALFORMED);
	scratch_write(&fixture.scratch, "text", BYTES_LITERAL("[\"a\""));
	cr_assert_eq(texts_open(text.text, &texts), ERR_MALFORMED);
	end(&fixture);
}

static FILE *errors;

/* What a command says of a file that it cannot take. */
static void expect_said(int (*run)(const struct options *options),
			const struct options *options, const char *says)
{
	char said[SCRATCH_PATH_MAX * 2] = "";

	cr_expect_eq(run(options), REPORT_REFUSED);
	(void)fflush(stderr);
	cr_assert_not_null(fgets(said, sizeof(said), errors));
	cr_expect_not_null(strstr(said, says), "%s", said);
}

Test(check, a_file_that_is_not_there_or_empty_is_told_as_such)
{
	struct scratch scratch = scratch_open();
	struct scratch_path none = scratch_path(&scratch, "none");
	struct scratch_path empty = scratch_path(&scratch, "empty");
	struct options options = { 0 };

	scratch_write(&scratch, "empty", (struct bytes){ 0 });
	cr_redirect_stderr();
	errors = cr_get_redirected_stderr();
	options.files[0] = none.text;
	expect_said(check_run, &options, "is not there (unavailable");
	expect_said(inspect_run, &options, "is not there (unavailable");
	options.files[0] = empty.text;
	expect_said(check_run, &options, "is empty (truncated");
	expect_said(inspect_run, &options, "is empty (truncated");
	options.files[0] = "/";
	expect_said(check_run, &options, "cannot be read (");
	scratch_close(&scratch);
}

Test(perplexity, a_text_that_is_not_there_or_empty_is_told_as_such)
{
	struct fixture fixture = start("tiny-llama");
	struct scratch_path model = scratch_path(&fixture.scratch, "model");
	struct scratch_path none = scratch_path(&fixture.scratch, "none");
	struct scratch_path text = scratch_path(&fixture.scratch, "text");
	struct options options = { .files = { model.text, none.text } };

	cr_redirect_stderr();
	errors = cr_get_redirected_stderr();
	expect_said(perplexity_run, &options, "none: is not there");
	options.files[1] = text.text;
	scratch_write(&fixture.scratch, "text", (struct bytes){ 0 });
	expect_said(perplexity_run, &options, "text: is empty");
	scratch_write(&fixture.scratch, "text", BYTES_LITERAL("[7]"));
	expect_said(perplexity_run, &options, "is no text and no array");
	end(&fixture);
}
