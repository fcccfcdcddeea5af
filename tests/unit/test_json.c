/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

#define MEMORY_BYTES ((size_t)8 << 20)
#define DEPTH 64

static _Alignas(JSON_ALIGNMENT) uint8_t memory[MEMORY_BYTES];
static const struct json *root;

static void warm(void)
{
	json_warm(memory, sizeof(memory), 1);
}

TestSuite(json, .init = warm);

static enum err parse(const char *text)
{
	return json_parse(bytes_of_string(text), DEPTH, &root);
}

Test(json, each_kind_is_told_apart)
{
	cr_assert_eq(parse("[null,true,1,1.5,\"s\",[],{}]"), ERR_OK);
	cr_assert_eq(json_count(root), 7);
	for (size_t i = 0; i < 7; i++)
		cr_assert_eq(json_kind_of(json_element(root, i)),
			     (enum json_kind)i);
}

Test(json, values_are_read_as_what_they_are)
{
	struct bytes text;
	int64_t integer;
	double number;
	bool truth;

	cr_assert_eq(parse("{\"s\":\"\\u00e9\\n\",\"i\":-7,\"r\":2.5e1,"
			   "\"t\":true,\"f\":false}"),
		     ERR_OK);
	cr_assert_eq(json_as_string(json_member(root, "s"), &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("\xc3\xa9\n")));
	cr_assert_eq(json_as_integer(json_member(root, "i"), &integer), ERR_OK);
	cr_assert_eq(integer, -7);
	cr_assert_eq(json_as_number(json_member(root, "i"), &number), ERR_OK);
	cr_assert_float_eq(number, -7, 0);
	cr_assert_eq(json_as_number(json_member(root, "r"), &number), ERR_OK);
	cr_assert_float_eq(number, 25, 0);
	cr_assert_eq(json_as_boolean(json_member(root, "t"), &truth), ERR_OK);
	cr_assert(truth);
	cr_assert_eq(json_as_boolean(json_member(root, "f"), &truth), ERR_OK);
	cr_assert_not(truth);
}

Test(json, a_value_of_another_kind_is_refused_and_nothing_read)
{
	struct bytes text = { NULL, 7 };
	int64_t integer = 7;
	double number = 7;
	bool truth = true;

	cr_assert_eq(parse("[\"1\",1.0,1]"), ERR_OK);
	cr_assert_eq(json_as_integer(json_element(root, 0), &integer),
		     ERR_MALFORMED);
	cr_assert_eq(json_as_integer(json_element(root, 1), &integer),
		     ERR_MALFORMED);
	cr_assert_eq(json_as_number(json_element(root, 0), &number),
		     ERR_MALFORMED);
	cr_assert_eq(json_as_boolean(json_element(root, 2), &truth),
		     ERR_MALFORMED);
	cr_assert_eq(json_as_string(json_element(root, 2), &text),
		     ERR_MALFORMED);
	cr_assert(text.len == 7 && integer == 7 && truth);
	cr_assert_float_eq(number, 7, 0);
}

Test(json, what_is_not_there_is_null)
{
	cr_assert_eq(parse("[{\"a\":1},\"a\"]"), ERR_OK);
	cr_assert_null(json_member(json_element(root, 0), "b"));
	cr_assert_null(json_member(json_element(root, 1), "a"));
	cr_assert_null(json_member(root, "a"));
	cr_assert_eq(json_count(json_element(root, 0)), 1);
	cr_assert_eq(json_count(json_element(root, 1)), 0);
}

Test(json, empty_is_what_holds_nothing)
{
	static const bool empty[] = { true,  true,  true,  false, false,
				      false, false, false, false };

	cr_assert_eq(parse("[\"\",[],{},\"a\",[0],{\"a\":0},0,false,null]"),
		     ERR_OK);
	for (size_t i = 0; i < sizeof(empty); i++)
		cr_assert_eq(json_is_empty(json_element(root, i)), empty[i],
			     "element %zu", i);
}

Test(json, a_text_is_equal_to_itself_alone)
{
	cr_assert_eq(parse("[\"text\",\"tex\",\"text \",1]"), ERR_OK);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(json_equals_text(json_element(root, i), "text"),
			     i == 0);
	cr_assert_not(json_equals_text(json_element(root, 3), ""));
}

Test(json, names_do_not_repeat)
{
	cr_assert_eq(parse("{\"a\":1,\"a\":2}"), ERR_MALFORMED);
	cr_assert_eq(parse("{\"a\":1,\"\\u0061\":1}"), ERR_MALFORMED);
	cr_assert_eq(parse("[{\"a\":1},{\"a\":1}]"), ERR_OK);
}

Test(json, no_string_holds_a_nul)
{
	cr_assert_eq(parse("[\"a\\u0000b\"]"), ERR_MALFORMED);
	cr_assert_eq(parse("{\"a\\u0000\":1}"), ERR_MALFORMED);
}

Test(json, a_nul_is_not_white_space)
{
	struct bytes cases[] = {
		BYTES_LITERAL("1\0"),	 BYTES_LITERAL("[1\0]"),
		BYTES_LITERAL("[1,\0]"), BYTES_LITERAL("\0[]"),
		BYTES_LITERAL("[]\0"),	 BYTES_LITERAL("[\"a\0\"]"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(json_parse(cases[i], DEPTH, &root), ERR_MALFORMED);
}

/* JSONTestSuite's families, each by one of its kind. */
Test(json, what_is_not_json_is_refused)
{
	static const char *const texts[] = {
		"",	    " ",       "[",	      "]",
		"[1,]",	    "[1 2]",   "{\"a\"}",     "{\"a\":}",
		"{a:1}",    "{'a':1}", "[01]",	      "[1.]",
		"[.1]",	    "[+1]",    "[0x1]",	      "[1e]",
		"[NaN]",    "[Inf]",   "[True]",      "[\"\\x\"]",
		"[\"\t\"]", "[\"a",    "[\"\\u12\"]", "[] []",
		"[]x",	    "/**/[]",  "[\v1]",	      "\xef\xbb\xbf[]",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(parse(texts[i]), ERR_MALFORMED, "%s", texts[i]);
}

Test(json, strings_are_utf_8)
{
	cr_assert_eq(parse("[\"\xf0\x9f\x98\x80\"]"), ERR_OK);
	cr_assert_eq(parse("[\"\\ud83d\\ude00\"]"), ERR_OK);
	cr_assert_eq(parse("[\"\xff\"]"), ERR_MALFORMED);
	cr_assert_eq(parse("[\"\xc0\xaf\"]"), ERR_MALFORMED);
	cr_assert_eq(parse("[\"\xed\xa0\x80\"]"), ERR_MALFORMED);
	cr_assert_eq(parse("[\"\\ud83d\"]"), ERR_MALFORMED);
	cr_assert_eq(parse("[\"\\ude00\\ud83d\"]"), ERR_MALFORMED);
}

Test(json, numbers_beyond_their_types_are_refused)
{
	cr_assert_eq(parse("[9223372036854775807,-9223372036854775808]"),
		     ERR_OK);
	cr_assert_eq(parse("[9223372036854775808]"), ERR_MALFORMED);
	cr_assert_eq(parse("[1e308]"), ERR_OK);
	cr_assert_eq(parse("[1e309]"), ERR_MALFORMED);
}

Test(json, nesting_is_allowed_to_the_limit_and_no_deeper)
{
	for (size_t depth = 1; depth < 70; depth++) {
		char text[140];

		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		cr_assert_eq(
			json_parse((struct bytes){ (uint8_t *)text, 2 * depth },
				   DEPTH, &root),
			depth <= DEPTH ? ERR_OK : ERR_TOO_LARGE);
	}
	cr_assert_eq(json_parse(BYTES_LITERAL("1"), 0, &root), ERR_OK);
	cr_assert_eq(json_parse(BYTES_LITERAL("{}"), 0, &root), ERR_TOO_LARGE);
}

Test(json, brackets_in_strings_are_not_nesting)
{
	cr_assert_eq(
		json_parse(BYTES_LITERAL("[\"[[[[{{{{\\\"[[\"]"), 1, &root),
		ERR_OK);
	cr_assert_eq(json_parse(BYTES_LITERAL("[\"\\\\\",[]]"), 1, &root),
		     ERR_TOO_LARGE);
	cr_assert_eq(json_parse(BYTES_LITERAL("[\"a\",\"[\"]"), 1, &root),
		     ERR_OK);
	cr_assert_eq(json_parse(BYTES_LITERAL("[\"ab\",\"[\"]"), 1, &root),
		     ERR_OK);
}

Test(json, a_document_that_does_not_fit_is_too_large)
{
	static char text[300001];

	json_warm(memory, 4096, 1);
	memset(text, ' ', sizeof(text));
	for (size_t i = 1; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "{},", 3);
	text[0] = '[';
	memcpy(text + sizeof(text) - 3, "{}]", 3);
	cr_assert_eq(json_parse(BYTES_ARRAY(text), DEPTH, &root),
		     ERR_TOO_LARGE);
	json_wipe();
	cr_assert_eq(parse("[1]"), ERR_OK, "and the next one fits again");
}

Test(json, wiping_leaves_nothing_behind)
{
	static const char *const texts[] = {
		"{\"a\":\"the quick brown fox\",\"b\":[1,2.5,\"jumps\"]}",
		"[\"cut in the middle",
		"{\"same\":\"name\",\"same\":1}",
		"[\"bad escape \\x\"]",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum err err = parse(texts[i]);

		cr_assert_eq(err == ERR_OK, i == 0);
		cr_assert_not(secret_is_zero(memory, sizeof(memory)));
		json_wipe();
		cr_assert(secret_is_zero(memory, sizeof(memory)));
	}
}

Test(json, memory_is_enough_for_the_strings_of_a_request)
{
	size_t len = (size_t)1 << 19;

	for (size_t parts = 1; parts <= 64; parts *= 4) {
		char *text = calloc(1, len);
		size_t step = len / parts;

		memset(text, 'x', len);
		for (size_t i = 1; i < parts; i++)
			memcpy(text + i * step, "\",\"", 3);
		memcpy(text, "[\"", 2);
		memcpy(text + len - 2, "\"]", 2);
		json_warm(memory, JSON_MEMORY_FOR(len), 1);
		cr_assert_eq(json_parse((struct bytes){ (uint8_t *)text, len },
					DEPTH, &root),
			     ERR_OK, "%zu strings", parts);
		free(text);
	}
}

Test(json, what_is_taken_is_zero_and_bounded)
{
	uint8_t *taken;

	cr_assert_eq(parse("[\"garbage for the allocator to give out again\"]"),
		     ERR_OK);
	json_wipe();
	taken = json_take(10, 10);
	cr_assert_not_null(taken);
	cr_assert(secret_is_zero(taken, 100));
	cr_assert_null(json_take(SIZE_MAX, 2));
	cr_assert_null(json_take(MEMORY_BYTES, 1));
}

/*
 * In the kernel's strictest mode, which leaves a process read, write and exit,
 * any other call kills it.  The numbers stand here because the headers that
 * name them belong to sandbox/.
 */
#define STRICT_MODE 0
#define STATUS_FINE 42

/* What becomes of a process that does this to the text; -1 for no such mode. */
static int status_in_strict_mode(void (*act)(const char *text),
				 const char *text)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (syscall(SYS_seccomp, STRICT_MODE, 0, NULL) != 0)
			_exit(1);
		act(text);
		syscall(SYS_exit, STATUS_FINE);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1 ? -1 : status;
}

static void parse_and_wipe(const char *text)
{
	(void)!parse(text);
	json_wipe();
}

static void ask_the_kernel(const char *text)
{
	(void)text;
	syscall(SYS_getpid);
}

Test(json, parsing_and_wiping_make_no_system_call)
{
	static char text[2 << 20];
	static const char *const texts[] = {
		"{\"a\":[1,2.5e3,\"\\u00e9\",{\"b\":null}],\"c\":true}",
		"{\"a\":1,\"a\":2}",
		"[1e999]",
		"[\"\\x",
		text,
	};

	if (status_in_strict_mode(parse_and_wipe, "1") < 0)
		cr_skip_test("the kernel has no strict mode");
	memset(text, 'x', sizeof(text) - 1);
	text[0] = '"';
	text[sizeof(text) - 2] = '"';
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int status = status_in_strict_mode(parse_and_wipe, texts[i]);

		cr_assert(WIFEXITED(status), "killed at text %zu", i);
		cr_assert_eq(WEXITSTATUS(status), STATUS_FINE);
	}
	cr_assert(WIFSIGNALED(status_in_strict_mode(ask_the_kernel, "")),
		  "and one that does make one is killed");
}

/* Of the y_ files, those that hold a NUL or repeat a name: see wire/json.h. */
static bool is_refused_on_purpose(const char *name)
{
	static const char *const names[] = {
		"y_object_duplicated_key.json",
		"y_object_duplicated_key_and_value.json",
		"y_object_escaped_null_in_key.json",
		"y_string_null_escape.json",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void expect_as_named(const char *folder, const char *name)
{
	static uint8_t text[1 << 20];
	char path[1024];
	FILE *file;
	size_t len;
	bool accepted;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	cr_assert_not_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);

	accepted =
		json_parse((struct bytes){ text, len }, 512, &root) == ERR_OK;
	json_wipe();
	if (name[0] == 'y')
		cr_assert_eq(accepted, !is_refused_on_purpose(name), "%s",
			     name);
	if (name[0] == 'n')
		cr_assert_not(accepted, "%s", name);
}

Test(json, the_json_test_suite_is_read_as_named)
{
	const char *vectors = getenv("VECTORS");
	char folder[512];
	DIR *files;
	struct dirent *file;

	snprintf(folder, sizeof(folder), "%s/json",
		 vectors != NULL ? vectors : "../shared/vectors");
	files = opendir(folder);
	if (files == NULL)
		cr_skip_test("json is not present");
	while ((file = readdir(files)) != NULL)
		if (strstr(file->d_name, ".json") != NULL)
			expect_as_named(folder, file->d_name);
	closedir(files);
}

Test(json, members_are_counted_in_the_order_of_the_document)
{
	static const char *const names[] = { "z", "a", "\u00e9" };
	struct bytes name;
	int64_t value;

	cr_assert_eq(parse("{\"z\":0,\"a\":1,\"\\u00e9\":2}"), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		const struct json *member = json_entry(root, i, &name);

		cr_assert_eq(json_as_integer(member, &value), ERR_OK);
		cr_assert_eq(value, (int64_t)i);
		cr_assert(bytes_equal(name, bytes_of_string(names[i])));
	}
}
