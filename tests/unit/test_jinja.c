/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What chat templates may do and what stops them.  That they do it as Python's
 * jinja2 does is tests/reference/test_jinja_cases.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/jinja_parse.h"
#include "inference/jinja_render.h"
#include "tests/unit/model_files.h"

#define TEXT_MAX 4096
#define MEMORY_BYTES (1u << 18)

static uint8_t data[TEXT_MAX + 1], marks[TEXT_MAX];
static uint64_t memory[MEMORY_BYTES / 8];

static const struct jinja_render_message messages[] = {
	{ "system", BYTES_LITERAL("Be brief.") },
	{ "user", BYTES_LITERAL("Hi <|im_end|>\n") },
	{ "assistant", BYTES_LITERAL("42") },
	{ "user", BYTES_LITERAL("\xc3\x84 \"q\" \xce\xa3") },
};

static enum err parse(const char *text)
{
	struct jinja_program program;
	enum err err = jinja_parse(bytes_of_string(text), &program);

	if (err == ERR_OK)
		jinja_program_close(&program);
	return err;
}

struct limits {
	size_t memory;
	size_t text;
	struct jinja_date date;
};

static const struct limits plenty = { MEMORY_BYTES, TEXT_MAX, { 0 } };

static enum err render_within(const char *text, const struct limits *limits)
{
	const struct jinja_render_input input = {
		.messages = messages,
		.count = sizeof(messages) / sizeof(messages[0]),
		.tokens = { { "bos_token", BYTES_LITERAL("<s>") } },
		.date = limits->date,
	};
	struct jinja_out out = { data, marks, 0, limits->text };
	struct jinja_program program;
	enum err err;

	cr_assert_eq(jinja_parse(bytes_of_string(text), &program), ERR_OK, "%s",
		     text);
	err = jinja_render(
		&program, &input,
		(struct writer){ (uint8_t *)memory, 0, limits->memory }, &out);
	cr_assert(err == ERR_OK || out.len == 0);
	data[out.len] = '\0';
	jinja_program_close(&program);
	return err;
}

static enum err render(const char *text)
{
	return render_within(text, &plenty);
}

static void expect(const char *text, const char *rendered)
{
	cr_expect_eq(render(text), ERR_OK, "%s", text);
	cr_expect_str_eq((const char *)data, rendered, "%s", text);
}

/* Whose each byte of the prompt is: T, or U. */
static void expect_marks(const char *text, const char *rendered,
			 const char *whose)
{
	char shown[TEXT_MAX + 1] = { 0 };

	expect(text, rendered);
	for (size_t i = 0; data[i] != '\0'; i++)
		shown[i] = marks[i] == JINJA_USER ? 'U' : 'T';
	cr_expect_str_eq(shown, whose, "%s", text);
}

Test(jinja, what_is_no_template_is_malformed)
{
	static const char *const texts[] = {
		"{{",
		"{{ 1",
		"{{ 1 }",
		"{{ 1 %}",
		"{% if 1 }}",
		"{#",
		"{# #",
		"{% if 1 %}",
		"{% if %}{% endif %}",
		"{% endif %}x{% if",
		"{% if 1 %}{% endfor %}",
		"{% for x in [] %}",
		"{% for in [] %}{% endfor %}",
		"{% for x [] %}{% endfor %}",
		"{% else %}",
		"{{ }}",
		"{{ 1 + }}",
		"{{ (1 }}",
		"{{ 1) }}",
		"{{ [1 }}",
		"{{ {1} }}",
		"{{ {1:} }}",
		"{{ 'a }}",
		"{{ a. }}",
		"{{ a[] }}",
		"{{ a[1:2:3:4] }}",
		"{{ a| }}",
		"{{ a is }}",
		"{{ a(b=) }}",
		"{{ a(,) }}",
		"{{ a b }}",
		"{{ ! }}",
		"{{ a is b is c }}",
		"{% set %}",
		"{% set x = %}",
		"{% set 1 = 1 %}",
		"{% macro %}{% endmacro %}",
		"{% macro m %}{% endmacro %}",
		"{% macro m(%}{% endmacro %}",
		"{% macro m(1) %}{% endmacro %}",
		"{{ '\\x4' }}",
		"{{ $ }}",
		"{{ not }}",
		"{{ a not b }}",
		"{{ 1 if }}",
		"{{ a and }}",
		"{% if 1 %}{% else %}{% elif 2 %}{% endif %}",
		"{% %}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum err err = parse(texts[i]);

		cr_expect(err == ERR_MALFORMED || err == ERR_UNSUPPORTED,
			  "%s: %s", texts[i], err_name(err));
	}
}

Test(jinja, what_is_not_served_is_said_to_be)
{
	static const char *const parsed[] = {
		"{% include 'a' %}",
		"{% raw %}{% endraw %}",
		"{% call m() %}{% endcall %}",
		"{% filter trim %}{% endfilter %}",
		"{% with %}{% endwith %}",
		"{% import 'a' as b %}",
		"{% block b %}{% endblock %}",
		"{% extends 'a' %}",
		"{% do f() %}",
		"{% set a, b = 1, 2 %}",
		"{% for x in y recursive %}{% endfor %}",
		"{{ f(*x) }}",
		"{{ f(**x) }}",
		"{{ 1.5 }}",
		"{{ 0x10 }}",
		"{{ 1e3 }}",
		"{{ +1 }}",
		"{{ '\\N{BULLET}' }}",
		"{{ '\\ud800' }}",
		"{{ \xc3\xa4 }}",
		"{{ 99999999999999999999 }}",
	};
	static const char *const rendered[] = {
		"{{ 1 / 2 }}",
		"{{ 2 ** 3 }}",
		"{{ '%s' % 1 }}",
		"{{ 'a' | nothing }}",
		"{{ 'a' is nothing }}",
		"{{ 'a'.nothing() }}",
		"{{ [1] }}",
		"{{ {'a': 1} }}",
		"{{ messages }}",
		"{{ namespace() }}",
		"{{ dict() }}",
		"{{ 9223372036854775807 + 1 }}",
		"{{ 5 // -1 }}",
		"{{ '\xc3\xa4' | upper }}",
		"{{ messages[0].items }}",
		"{{ 'a' | safe | trim }}",
		"{{ ('a' | safe) + 'b' }}",
		"{{ {1: 2} | tojson }}",
		"{{ [1] | tojson(indent=99) }}",
		"{{ [1] | join(nothing=1) }}",
		"{{ '1_0' | int }}",
		"{% set s = [1] | map('string') %}{{ s | join }}{{ s | join }}",
		"{% for x in [1] %}{{ loop.cycle }}{% endfor %}",
		"{% for x in [1] %}{% macro m() %}{% endmacro %}{% endfor %}",
		"{{ caller() }}",
		"{{ varargs }}",
		"{{ {[1]: 1} }}",
		"{{ messages | map(attribute='a.b') | list }}",
	};

	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++)
		cr_expect_eq(parse(parsed[i]), ERR_UNSUPPORTED, "%s: %s",
			     parsed[i], err_name(parse(parsed[i])));
	for (size_t i = 0; i < sizeof(rendered) / sizeof(rendered[0]); i++)
		cr_expect_eq(render(rendered[i]), ERR_UNSUPPORTED, "%s: %s",
			     rendered[i], err_name(render(rendered[i])));
}

Test(jinja, what_is_not_served_matters_only_where_it_is_come_to)
{
	expect("{% if tools %}{{ tools | unknown }}{{ 1 / 2 }}{% endif %}a",
	       "a");
	expect("{{ 'a' if true else nothing.at.all | unknown }}", "a");
}

Test(jinja, a_template_cut_anywhere_is_parsed_or_refused)
{
	struct bytes file =
		model_files_own("tests/reference/jinja_cases/statements.jinja");
	char text[8192];
	size_t parsed = 0;

	cr_assert_lt(file.len, sizeof(text));
	for (size_t len = 0; len < file.len; len++) {
		memcpy(text, file.data, len);
		text[len] = '\0';
		if (parse(text) != ERR_OK)
			continue;
		parsed++;
		(void)!render(text);
	}
	cr_assert_gt(parsed, 0);
	cr_assert_lt(parsed, file.len);
	model_files_free(file);
}

/* `count` times the middle, between a front and an end. */
static char *built(const char *front, const char *middle, size_t count,
		   const char *end)
{
	size_t size = strlen(front) + count * strlen(middle) + strlen(end) + 1;
	char *text = malloc(size), *at = text;

	cr_assert_not_null(text);
	at = stpcpy(at, front);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, middle);
	(void)stpcpy(at, end);
	return text;
}

static enum err parse_built(const char *front, const char *middle, size_t count,
			    const char *end)
{
	char *text = built(front, middle, count, end);
	enum err err = parse(text);

	free(text);
	return err;
}

static enum err render_built(const char *front, const char *middle,
			     size_t count, const char *end)
{
	char *text = built(front, middle, count, end);
	enum err err = render(text);

	free(text);
	return err;
}

Test(jinja, templates_nest_and_grow_only_so_far)
{
	cr_expect_eq(parse_built("{{ ", "(", 100, "1 }}"), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("{{ ", "- ", 1000, "1 }}"), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("{{ ", "not ", 1000, "1 }}"), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("{{ ", "1 if 1 else ", 1000, "1 }}"),
		     ERR_TOO_LARGE);
	cr_expect_eq(parse_built("", "{% if 1 %}", 1000, ""), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("", "{% set x %}", 1000, ""), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("", "{{ 1 }}", 17000, ""), ERR_OK);
	cr_expect_eq(parse_built("", "{{ 1 }}", 20000, ""), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("{{ 1", "+1", 50000, " }}"), ERR_OK);
	cr_expect_eq(parse_built("{{ 1", "-1", 50000, " }}"), ERR_TOO_LARGE);
	cr_expect_eq(parse_built("{{ [", "1,", 65000, "] }}"), ERR_OK);
	cr_expect_eq(parse_built("{{ [", "1,", 65535, "1] }}"), ERR_TOO_LARGE);
}

/* Chains that are loops for the parser nest when they are rendered. */
Test(jinja, long_chains_are_rendered_or_too_large)
{
	cr_expect_eq(render_built("{{ 'a'", " + 'a'", 1000, " }}"), ERR_OK);
	cr_expect_eq(render_built("{{ 'a'", " ~ 'a'", 1000, " }}"), ERR_OK);
	cr_expect_eq(render_built("{{ 1", " and 1", 1000, " }}"), ERR_OK);
	cr_expect_eq(render_built("{{ 1", " - 1", 100, " }}"), ERR_OK);
	cr_expect_eq(render_built("{{ 1", " - 1", 1000, " }}"), ERR_TOO_LARGE);
	cr_expect_eq(render_built("{{ 'a'", " | trim", 1000, " }}"),
		     ERR_TOO_LARGE);
	cr_expect_eq(render_built("{{ a", ".a", 1000, " }}"), ERR_TOO_LARGE);
	cr_expect_eq(
		render_built("{% if 0 %}", "{% elif 0 %}", 1000, "{% endif %}"),
		ERR_OK);
}

Test(jinja, no_template_renders_without_end)
{
	static const char *const texts[] = {
		"{% for i in range(1000000000) %}{% endfor %}",
		"{% for i in range(1000) %}{% for j in range(1000) %}"
		"{% endfor %}{% endfor %}",
		"{% for i in range(99) %}{% for j in range(99) %}"
		"{% for k in range(99) %}{% if i == j == k %}{% endif %}"
		"{% endfor %}{% endfor %}{% endfor %}",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}"
		"{{ m(0) }}",
		"{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}"
		"{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"{% set ns = namespace(s=[1]) %}{% for i in range(99) %}"
		"{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"{% set ns = namespace(s=1) %}{% for i in range(999) %}"
		"{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s == ns.s }}",
		"{% set ns = namespace(s=1) %}{% for i in range(300) %}"
		"{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s | tojson }}",
		"{{ 'a' * 1000000000 }}",
		"{{ 'ab'.replace('', 'c' * 2000) }}",
		"{% for i in range(9999) %}aaaaaaaa{% endfor %}",
		"{% for i in range(9999) %}{{ messages }}{% endfor %}x"
		"{{ 'a' * 9999 }}",
		"{{ [range(999)] | tojson(indent=16) }}",
		"{% for i in range(40) %}{% set ns = namespace() %}"
		"{% set ns.x = ns %}{% endfor %}{{ 'a' * 9999 }}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum err err = render(texts[i]);

		cr_expect(err == ERR_TOO_LARGE || err == ERR_UNSUPPORTED,
			  "%s: %s", texts[i], err_name(err));
	}
}

Test(jinja, too_many_names_are_too_large)
{
	char text[16384], *at = text;

	for (size_t i = 0; i < 400; i++)
		at += sprintf(at, "{%% set x%zu = 1 %%}", i);
	cr_assert_eq(render(text), ERR_TOO_LARGE);
	at = text + sprintf(text, "{%% set ns = namespace() %%}");
	for (size_t i = 0; i < 40; i++)
		at += sprintf(at, "{%% set ns.x%zu = 1 %%}", i);
	cr_assert_eq(render(text), ERR_TOO_LARGE);
}

Test(jinja, less_memory_is_too_large_and_nothing_worse)
{
	struct bytes file =
		model_files_own("tests/reference/jinja_cases/statements.jinja");
	struct limits limits = plenty;
	char text[8192] = { 0 };
	size_t refused = 0;

	memcpy(text, file.data, file.len);
	cr_assert_eq(render(text), ERR_OK);
	for (limits.memory = 0; limits.memory < 65536; limits.memory += 56)
		refused += render_within(text, &limits) == ERR_TOO_LARGE;
	cr_assert_gt(refused, 100);
	cr_assert_lt(refused, 65536 / 56);
	limits.memory = MEMORY_BYTES;
	while (render_within(text, &limits) == ERR_OK)
		limits.text--;
	for (size_t room = limits.text; room > 0; room--) {
		limits.text = room;
		cr_assert_eq(render_within(text, &limits), ERR_TOO_LARGE);
	}
	model_files_free(file);
}

Test(jinja, memory_is_given_back_after_each_round)
{
	/* Each round takes 8 KiB, of which there are 256 KiB in all. */
	expect("{% set ns = namespace(n=0) %}{% for i in range(500) %}"
	       "{% set x = 'a' * 4000 %}{% set y = x + 'b' %}"
	       "{% if y | length > 4000 %}{% set ns.n = ns.n + 1 %}{% endif %}"
	       "{% endfor %}{{ ns.n }}",
	       "500");
}

Test(jinja, what_a_namespace_holds_is_not_given_back)
{
	expect("{% set ns = namespace(a='', l=none) %}"
	       "{% for i in range(5) %}{% set ns.a = ns.a ~ i %}"
	       "{% set ns.l = loop %}{% set junk = 'x' * 99 %}{% endfor %}"
	       "{% for i in range(50) %}{% set junk = 'y' * i %}{% endfor %}"
	       "{{ ns.a }} {{ ns.l.index }} {{ ns.l.last }}",
	       "01234 5 True");
	expect("{% set ns = namespace(m=none) %}{% macro f(x) %}"
	       "{% set ns.m = x ~ '!' %}{% endmacro %}"
	       "{% if f('hey' ~ 1) %}{% endif %}"
	       "{% for i in range(50) %}{% set junk = 'y' * i %}{% endfor %}"
	       "{{ ns.m }}",
	       "hey1!");
}

Test(jinja, macros_see_globals_and_not_their_callers)
{
	expect("{% macro m() %}{{ x }}{{ i is defined }}{% set x = 9 %}"
	       "{% endmacro %}{% set x = 1 %}{% for i in [0] %}"
	       "{% set x = 2 %}{{ m() }}{{ x }}{% endfor %}{{ x }}",
	       "1False21");
}

Test(jinja, every_byte_is_known_to_be_a_user_s_or_not)
{
	expect_marks("<{{ messages[2].content }}>", "<42>", "TUUT");
	expect_marks("{{ messages[0].role ~ ':' ~ messages[0].content[3:] }}",
		     "system:brief.", "TTTTTTTUUUUUU");
	expect_marks("{{ ' a' ~ messages[2].content ~ 'b ' | trim }}", " a42b",
		     "TTUUT");
	expect_marks("{{ (' a' ~ messages[2].content ~ 'b ') | trim }}", "a42b",
		     "TUUT");
	expect_marks("{{ ('x' ~ messages[2].content ~ 'y')[::-1] }}", "y24x",
		     "TUUT");
	expect_marks("{{ ('X' ~ messages[0].content ~ 'Y') | lower }}",
		     "xbe brief.y", "TUUUUUUUUUT");
	expect_marks("{{ messages[0].content.replace('e', '__') }}",
		     "B__ bri__f.", "UTTUUUUTTUU");
	expect_marks("{{ messages[0].content.split('e') | join('-') }}",
		     "B- bri-f.", "UTUUUUTUU");
	expect_marks("{{ [messages[2].content, 'a'] | tojson }}",
		     "[\"42\", \"a\"]", "TTUUTTTTTTT");
	expect_marks("{{ messages[3].content[2:5] | tojson }}", "\"\\\"q\\\"\"",
		     "TUUUUUT");
	expect_marks(
		"{{ messages[3].content[-1] | tojson(ensure_ascii=true) }}",
		"\"\\u03a3\"", "TUUUUUUT");
	expect_marks(
		"{% set x %}({{ messages[2].content }}){% endset %}{{ x }}",
		"(42)", "TUUT");
	expect_marks("{% macro m(x) %}[{{ x }}]{% endmacro %}"
		     "{{ m(messages[2].content) }}",
		     "[42]", "TUUT");
	expect_marks("{% for c in 'a' ~ messages[2].content %}{{ c }}."
		     "{% endfor %}",
		     "a.4.2.", "TTUTUT");
	expect_marks("{{ 'a{}b'.format(messages[2].content) }}", "a42b",
		     "TUUT");
	expect_marks("{{ messages | map(attribute='content') | list | last |"
		     " first | lower }}",
		     "\xc3\xa4", "UU");
}

Test(jinja, numbers_made_of_a_user_s_text_are_a_user_s)
{
	expect_marks("{{ messages[2].content | int + 1 }}", "43", "UU");
	expect_marks("{{ messages[2].content | length }}", "2", "U");
	expect_marks("{{ messages[0].content.find('b') }}", "3", "U");
	expect_marks("{{ messages | length }}{{ -(3 - 5) }}", "42", "TT");
	expect_marks("{{ [messages[2].content | int * 2] | tojson }}", "[84]",
		     "TUUT");
}

Test(jinja, there_is_no_date_but_the_one_that_is_given)
{
	static const struct {
		struct jinja_date date;
		const char *shown;
	} days[] = {
		{ { 2024, 7, 6 }, "Saturday Sat 06 Jul July 07 24 2024 %" },
		{ { 2000, 2, 29 }, "Tuesday Tue 29 Feb February 02 00 2000 %" },
		{ { 1999, 12, 31 }, "Friday Fri 31 Dec December 12 99 1999 %" },
		{ { 2026, 1, 1 }, "Thursday Thu 01 Jan January 01 26 2026 %" },
		{ { 2100, 3, 1 }, "Monday Mon 01 Mar March 03 00 2100 %" },
	};
	struct limits limits = plenty;

	expect("{{ strftime_now is defined }}", "False");
	cr_expect_eq(render("{{ strftime_now('%d') }}"), ERR_MALFORMED);
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		limits.date = days[i].date;
		cr_assert_eq(render_within("{{ strftime_now('%A %a %d %b %B %m "
					   "%y %Y %%') }}",
					   &limits),
			     ERR_OK);
		cr_expect_str_eq((const char *)data, days[i].shown);
	}
	cr_expect_eq(render_within("{{ strftime_now('%H') }}", &limits),
		     ERR_UNSUPPORTED);
	cr_expect_eq(render_within("{{ strftime_now('%') }}", &limits),
		     ERR_UNSUPPORTED);
}

Test(jinja, text_that_is_not_utf8_stays_what_it_is)
{
	static const struct jinja_render_message broken = {
		"user", BYTES_LITERAL(" \xff\xc3 ")
	};
	const struct jinja_render_input input = { .messages = &broken,
						  .count = 1 };
	struct jinja_out out = { data, marks, 0, TEXT_MAX };
	struct jinja_program program;

	cr_assert_eq(
		jinja_parse(BYTES_LITERAL("{{ messages[0].content | trim }}"
					  "{{ messages[0].content | length }}"),
			    &program),
		ERR_OK);
	cr_assert_eq(jinja_render(&program, &input,
				  (struct writer){ (uint8_t *)memory, 0,
						   sizeof(memory) },
				  &out),
		     ERR_OK);
	cr_assert(bytes_equal((struct bytes){ out.data, out.len },
			      BYTES_LITERAL("\xff\xc3"
					    "4")));
	jinja_program_close(&program);
}
