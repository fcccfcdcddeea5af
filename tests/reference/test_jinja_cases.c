/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts as Python's jinja2 renders them; see jinja_cases.py.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/jinja_parse.h"
#include "inference/jinja_render.h"

#define TEXT_MAX (1u << 16)
#define MESSAGES_MAX 16

static uint8_t data[TEXT_MAX], marks[TEXT_MAX];
static uint64_t memory[1u << 17];

/* How the cases of one template went. */
struct tally {
	size_t equal;
	size_t refused; /* by us, where the reference has a prompt */
	size_t wrong;
	enum err why; /* of the last that was refused */
};

static struct bytes text_of(const json_t *object, const char *key)
{
	const json_t *text = json_object_get(object, key);

	cr_assert(json_is_string(text), "%s", key);
	return (struct bytes){ (const uint8_t *)json_string_value(text),
			       json_string_length(text) };
}

static struct jinja_date date_of(const json_t *one)
{
	const json_t *date = json_object_get(one, "date");
	int numbers[3];

	if (!json_is_array(date))
		return (struct jinja_date){ 0 };
	for (size_t i = 0; i < 3; i++)
		numbers[i] = (int)json_integer_value(json_array_get(date, i));
	return (struct jinja_date){ .year = (uint16_t)numbers[0],
				    .month = (uint8_t)numbers[1],
				    .day = (uint8_t)numbers[2] };
}

static enum err render(const struct jinja_program *program,
		       const json_t *template, const json_t *one,
		       struct jinja_out *out)
{
	const json_t *list = json_object_get(one, "messages");
	struct jinja_render_message messages[MESSAGES_MAX];
	struct jinja_render_input input = {
		.messages = messages,
		.count = json_array_size(list),
		.tokens = { { "bos_token", text_of(template, "bos") },
			    { "eos_token", text_of(template, "eos") } },
		.date = date_of(one),
	};

	cr_assert_leq(input.count, (size_t)MESSAGES_MAX);
	for (size_t i = 0; i < input.count; i++) {
		const json_t *message = json_array_get(list, i);

		messages[i].role =
			json_string_value(json_object_get(message, "role"));
		messages[i].content = text_of(message, "content");
	}
	return jinja_render(
		program, &input,
		(struct writer){ (uint8_t *)memory, 0, sizeof(memory) }, out);
}

static void count_refusal(const json_t *one, enum err err, struct tally *tally)
{
	if (json_is_null(json_object_get(one, "expected"))) {
		tally->equal++;
	} else {
		tally->refused++;
		tally->why = err;
	}
}

static void count_case(const struct jinja_program *program,
		       const json_t *template, const json_t *one,
		       struct tally *tally)
{
	struct jinja_out out = { data, marks, 0, TEXT_MAX };
	enum err err = render(program, template, one, &out);
	const json_t *expected = json_object_get(one, "expected");

	if (err != ERR_OK) {
		count_refusal(one, err, tally);
		return;
	}
	if (json_is_string(expected) &&
	    bytes_equal((struct bytes){ out.data, out.len },
			text_of(one, "expected"))) {
		tally->equal++;
		return;
	}
	tally->wrong++;
	if (getenv("JINJA_SHOW") != NULL)
		printf("--- expected\n%s\n--- rendered\n%.*s\n---\n",
		       json_is_string(expected) ? json_string_value(expected)
						: "(refused)",
		       (int)out.len, (const char *)out.data);
}

static struct tally count_template(const json_t *template)
{
	const json_t *cases = json_object_get(template, "cases");
	struct tally tally = { 0 };
	struct jinja_program program;
	enum err err = jinja_parse(text_of(template, "template"), &program);

	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *one = json_array_get(cases, i);

		if (err == ERR_OK)
			count_case(&program, template, one, &tally);
		else
			count_refusal(one, err, &tally);
	}
	if (err != ERR_OK)
		return tally;
	jinja_program_close(&program);
	return tally;
}

/* A line a template, and a sum. */
static struct tally count_file(const char *path)
{
	json_t *file = json_load_file(path, 0, NULL);
	const json_t *list = json_object_get(file, "templates");
	struct tally sum = { 0 };
	size_t exact = 0;

	cr_assert(json_is_array(list), "%s", path);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *template = json_array_get(list, i);
		struct tally one = count_template(template);
		const char *word = one.wrong > 0     ? "WRONG"
				   : one.refused > 0 ? "refused"
						     : "exact";

		printf("%-8s equal %3zu refused %3zu wrong %3zu  %-12s %s\n",
		       word, one.equal, one.refused, one.wrong,
		       one.refused > 0 ? err_name(one.why) : "",
		       (const char *)text_of(template, "name").data);
		sum.equal += one.equal;
		sum.refused += one.refused;
		sum.wrong += one.wrong;
		exact += one.refused + one.wrong == 0;
	}
	printf("%zu of %zu templates exact; cases: %zu equal, %zu refused, "
	       "%zu wrong\n",
	       exact, json_array_size(list), sum.equal, sum.refused, sum.wrong);
	json_decref(file);
	return sum;
}

Test(jinja_cases, templates_render_as_python_renders_them)
{
	struct tally sum = count_file("tests/reference/jinja_cases.json");

	cr_assert_gt(sum.equal, (size_t)100);
	cr_assert_eq(sum.refused, 0);
	cr_assert_eq(sum.wrong, 0);
}

Test(jinja_cases, published_templates_are_exact_or_refused)
{
	const char *path = getenv("JINJA_CASES");

	if (path == NULL)
		cr_skip("JINJA_CASES names no file");
	cr_assert_eq(count_file(path).wrong, 0);
}
