/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/limits.h"
#include "policy/policy.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const keys[] = {
	"context_tokens", "frame_bytes",    "kem",	    "key_lifetime_s",
	"key_rotation_s", "model_name",	    "numerics",	    "output_tokens_max",
	"queue",	  "request_ms_max", "shape",	    "threads",
	"tick_ms",	  "total_buckets",  "warm_workers", "workers",
};

static const char canonical[] =
	"context_tokens = 2048\n"
	"frame_bytes = 512\n"
	"kem = x25519\n"
	"key_lifetime_s = 86400\n"
	"key_rotation_s = 43200\n"
	"model_name = home\n"
	"numerics = integers\n"
	"output_tokens_max = 1024\n"
	"queue = 16\n"
	"request_ms_max = 300000\n"
	"shape = paced\n"
	"threads = 2\n"
	"tick_ms = 25\n"
	"total_buckets = 4 16 64 256 1024 2048 4096 8192\n"
	"warm_workers = 2\n"
	"workers = 4\n";

/* A policy text that tests build up and spoil. */
struct text {
	char bytes[POLICY_TEXT_MAX + 64];
	size_t len;
};

static void add(struct text *text, const char *more, size_t len)
{
	cr_assert_leq(text->len + len, sizeof(text->bytes));
	if (len != 0)
		memcpy(text->bytes + text->len, more, len);
	text->len += len;
}

static struct bytes view(const struct text *text)
{
	return (struct bytes){ (const uint8_t *)text->bytes, text->len };
}

static enum err parse(struct bytes text, struct policy *policy)
{
	struct policy_fault where = { 0 };
	enum err err = policy_parse(text, policy, &where);

	if (err != ERR_OK) {
		cr_assert_not_null(where.reason);
		cr_assert_gt(where.line, 0);
	}
	return err;
}

/* The canonical text with one key's line replaced; NULL takes it out. */
static struct text with(const char *key, const char *line)
{
	struct text text = { .len = 0 };
	const char *at = canonical;

	while (*at != '\0') {
		size_t len = strcspn(at, "\n") + 1;

		if (strncmp(at, key, strlen(key)) == 0 &&
		    at[strlen(key)] == ' ')
			add(&text, line, line == NULL ? 0 : strlen(line));
		else
			add(&text, at, len);
		at += len;
	}
	return text;
}

static void expect_refused(const struct text *text, enum err err,
			   const char *reason)
{
	struct policy policy, untouched;
	struct policy_fault where = { 0 };

	memset(&policy, 0x5a, sizeof(policy));
	untouched = policy;
	cr_expect_eq(policy_parse(view(text), &policy, &where), err, "%s: %s",
		     reason, where.reason);
	cr_expect_str_eq(where.reason, reason);
	cr_expect_eq(memcmp(&policy, &untouched, sizeof(policy)), 0);
}

static void expect_line_refused(const char *key, const char *line, enum err err,
				const char *reason)
{
	struct text text = with(key, line);

	expect_refused(&text, err, reason);
}

/* ---- good */

Test(policy, the_default_is_written_in_its_canonical_form)
{
	struct policy policy;
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer out = WRITER_OVER(memory);

	policy_default(&policy);
	cr_assert_eq(policy_write(&policy, &out), ERR_OK);
	cr_expect(bytes_equal(bytes_written(&out), bytes_of_string(canonical)));
}

Test(policy, the_canonical_form_reads_back_as_the_same_policy)
{
	struct policy policy;
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer out = WRITER_OVER(memory);

	memset(&policy, 0, sizeof(policy));
	cr_assert_eq(parse(bytes_of_string(canonical), &policy), ERR_OK);
	cr_assert_eq(policy_write(&policy, &out), ERR_OK);
	cr_expect(bytes_equal(bytes_written(&out), bytes_of_string(canonical)));
}

Test(policy, the_documented_file_states_the_default)
{
	SCOPED_FD file = open("deploy/policy.conf", O_RDONLY);
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);
	struct policy policy, expected;

	cr_assert_geq(file, 0, "run from the root of the repository");
	cr_assert_eq(fd_read_all(file, &text), ERR_OK);
	policy_default(&expected);
	memset(&policy, 0, sizeof(policy));
	cr_assert_eq(parse(bytes_written(&text), &policy), ERR_OK);
	cr_expect_eq(memcmp(&policy, &expected, sizeof(policy)), 0);
}

Test(policy, comments_and_the_order_of_keys_mean_nothing)
{
	struct text text = { .len = 0 };
	const char *end = canonical + sizeof(canonical) - 1;
	struct policy policy, expected;

	add(&text, "# a comment = 1\n\n", 17);
	while (end != canonical) {
		const char *line = end - 1;

		while (line != canonical && line[-1] != '\n')
			line--;
		add(&text, line, (size_t)(end - line));
		end = line;
	}
	policy_default(&expected);
	memset(&policy, 0, sizeof(policy));
	cr_assert_eq(parse(view(&text), &policy), ERR_OK);
	cr_expect_eq(memcmp(&policy, &expected, sizeof(policy)), 0);
}

Test(policy, another_word_is_another_text)
{
	static const struct {
		const char *key, *word;
	} words[] = { { "shape", "sized" },
		      { "shape", "off" },
		      { "numerics", "bf16_prompts" } };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		char line[32];
		uint8_t memory[POLICY_TEXT_MAX];
		struct writer out = WRITER_OVER(memory);
		struct policy policy;

		snprintf(line, sizeof(line), "%s = %s\n", words[i].key,
			 words[i].word);
		struct text text = with(words[i].key, line);
		cr_assert_eq(parse(view(&text), &policy), ERR_OK);
		cr_assert_eq(policy_write(&policy, &out), ERR_OK);
		cr_expect(bytes_equal(bytes_written(&out), view(&text)));
	}
}

/* ---- hostile */

Test(policy, a_missing_key_is_refused)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		char reason[64];

		snprintf(reason, sizeof(reason), "the key %s is missing",
			 keys[i]);
		expect_line_refused(keys[i], NULL, ERR_TRUNCATED, reason);
	}
}

Test(policy, a_doubled_line_is_refused)
{
	const char *at = canonical;

	while (*at != '\0') {
		size_t len = strcspn(at, "\n") + 1;
		struct text text = { .len = 0 };

		add(&text, canonical, sizeof(canonical) - 1);
		add(&text, at, len);
		expect_refused(&text, ERR_MALFORMED,
			       "the key was given before");
		at += len;
	}
}

Test(policy, a_misspelt_key_is_refused)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		for (size_t at = 0; at < strlen(keys[i]); at++) {
			struct text text = with(keys[i], NULL);
			char name[64];

			snprintf(name, sizeof(name), "%s = 16\n", keys[i]);
			name[at] = name[at] == 'x' ? 'y' : 'x';
			add(&text, name, strlen(name));
			expect_refused(&text, ERR_MALFORMED, "no such key");
		}
	}
}

/* Whatever is lost at the end, something is missed. */
Test(policy, a_text_cut_anywhere_is_refused)
{
	for (size_t len = 0; len < sizeof(canonical) - 1; len++) {
		struct policy policy;

		cr_expect_neq(
			parse((struct bytes){ (const uint8_t *)canonical, len },
			      &policy),
			ERR_OK, "cut at %zu", len);
	}
}

/* Another byte is another policy or none: it never means the same. */
Test(policy, every_other_byte_is_refused_or_changes_the_policy)
{
	struct policy expected;

	policy_default(&expected);
	for (size_t at = 0; at < sizeof(canonical) - 1; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			struct text text = { .len = 0 };
			struct policy policy;

			add(&text, canonical, sizeof(canonical) - 1);
			if (text.bytes[at] == (char)byte)
				continue;
			text.bytes[at] = (char)byte;
			memset(&policy, 0, sizeof(policy));
			if (parse(view(&text), &policy) == ERR_OK)
				cr_assert_neq(memcmp(&policy, &expected,
						     sizeof(policy)),
					      0, "byte %zu as %u", at, byte);
		}
	}
}

struct range {
	const char *key;
	uint64_t least, most;
};

/* Alone, so that no other key contradicts; limits.h has the numbers. */
static const struct range ranges[] = {
	{ "context_tokens", 64, LIMIT_CONTEXT_TOKENS },
	{ "frame_bytes", 128, LIMIT_CHUNK_PLAINTEXT },
	{ "key_lifetime_s", 60, KEY_LIFETIME_S },
	{ "key_rotation_s", 30, KEY_ROTATION_S },
	{ "output_tokens_max", 1, LIMIT_OUTPUT_TOKENS },
	{ "queue", 0, LIMIT_QUEUE },
	{ "request_ms_max", 1000, LIMIT_REQUEST_MS },
	{ "threads", 1, LIMIT_THREADS },
	{ "tick_ms", 1, 1000 },
	{ "total_buckets", 1, 1u << 20 },
	{ "warm_workers", 1, LIMIT_WORKERS },
	{ "workers", 1, LIMIT_WORKERS },
};

/* And the range is told. */
static void expect_number_refused(const struct range *range, uint64_t number)
{
	struct policy_fault where = { 0 };
	struct policy policy;
	struct text text;
	char line[64];

	snprintf(line, sizeof(line), "%s = %ju\n", range->key,
		 (uintmax_t)number);
	expect_line_refused(range->key, line, ERR_DENIED, "out of range");
	text = with(range->key, line);
	cr_assert_eq(policy_parse(view(&text), &policy, &where), ERR_DENIED);
	cr_expect_eq(where.least, range->least);
	cr_expect_eq(where.most, range->most);
}

Test(policy, a_number_out_of_range_is_refused)
{
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		const struct range *range = &ranges[i];

		if (range->least != 0)
			expect_number_refused(range, range->least - 1);
		expect_number_refused(range, range->most + 1);
		expect_number_refused(range, UINT32_MAX);
		expect_number_refused(range, 1ull << 32);
		expect_number_refused(range, UINT64_MAX);
	}
}

Test(policy, what_is_no_decimal_number_is_refused)
{
	static const char *const values[] = {
		"-1",  "+1", "0x10", "016", "1e3",
		"1.0", "1k", "a",    "1_0", "99999999999999999999999999999999x",
	};

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		for (size_t j = 0; j < COUNT_OF(values); j++) {
			char line[128];

			snprintf(line, sizeof(line), "%s = %s\n", ranges[i].key,
				 values[j]);
			struct text text = with(ranges[i].key, line);
			struct policy policy;
			cr_expect_neq(parse(view(&text), &policy), ERR_OK, "%s",
				      line);
		}
	}
}

Test(policy, a_line_of_another_form_is_refused)
{
	static const char *const lines[] = {
		"workers=4\n",
		"workers  = 4\n",
		"workers =  4\n",
		"workers = 4 \n",
		" workers = 4\n",
		"workers = \n",
		"workers =\n",
		"workers\n",
		"workers 4\n",
		"= 4\n",
		" = 4\n",
		"workers = = 4\n",
		"workers == 4\n",
		"workers = 4;\n",
		"workers = 4 # four\n",
		"workers = \"4\"\n",
		" # comment\n",
		"workers: 4\n",
	};

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct text text = with("workers", lines[i]);
		struct policy policy;

		cr_expect_neq(parse(view(&text), &policy), ERR_OK, "%s",
			      lines[i]);
	}
}

Test(policy, a_byte_that_is_not_printable_ascii_is_refused)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		struct text text = { .len = 0 };
		const char comment[] = { '#', (char)byte, '\n' };

		if (byte == '\n' || (byte >= ' ' && byte <= '~'))
			continue;
		add(&text, canonical, sizeof(canonical) - 1);
		add(&text, comment, sizeof(comment));
		expect_refused(&text, ERR_MALFORMED,
			       "a byte that is not printable ASCII");
	}
}

Test(policy, a_last_line_without_an_end_is_refused)
{
	struct text text = { .len = 0 };

	add(&text, canonical, sizeof(canonical) - 1);
	add(&text, "#", 1);
	expect_refused(&text, ERR_TRUNCATED, "the last line does not end");
}

Test(policy, totals_that_do_not_ascend_or_are_more_than_eight_are_refused)
{
	expect_line_refused("total_buckets", "total_buckets = 2 2\n",
			    ERR_MALFORMED, "the numbers do not ascend");
	expect_line_refused("total_buckets", "total_buckets = 2 1\n",
			    ERR_MALFORMED, "the numbers do not ascend");
	expect_line_refused("total_buckets",
			    "total_buckets = 1 2 3 4 5 6 7 8 9\n",
			    ERR_MALFORMED, "more than eight numbers");
	expect_line_refused("total_buckets", "total_buckets = 1  2\n",
			    ERR_MALFORMED, "not a decimal number");
	expect_line_refused("total_buckets", "total_buckets = 1 2 \n",
			    ERR_MALFORMED, "not a decimal number");
}

Test(policy, a_name_of_other_characters_is_refused)
{
	static const char *const names[] = { "A", "a b", "a/b", "../a", "a%" };
	static const char reason[] =
		"not 1 to 64 of a-z, 0-9, dot, dash, underscore";
	char line[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(line, sizeof(line), "model_name = %s\n", names[i]);
		expect_line_refused("model_name", line, ERR_MALFORMED, reason);
	}
	snprintf(line, sizeof(line), "model_name = %065d\n", 0);
	expect_line_refused("model_name", line, ERR_MALFORMED, reason);
	snprintf(line, sizeof(line), "model_name = %064d\n", 0);
	struct text longest = with("model_name", line);
	struct policy policy;
	cr_expect_eq(parse(view(&longest), &policy), ERR_OK);
}

Test(policy, keys_that_contradict_each_other_are_refused)
{
	expect_line_refused("warm_workers", "warm_workers = 5\n", ERR_DENIED,
			    "warm_workers is more than workers");
	expect_line_refused("output_tokens_max", "output_tokens_max = 2049\n",
			    ERR_DENIED,
			    "output_tokens_max is more than context_tokens");
	expect_line_refused("key_lifetime_s", "key_lifetime_s = 43199\n",
			    ERR_DENIED,
			    "key_lifetime_s is not one to two key_rotation_s");
	expect_line_refused("key_rotation_s", "key_rotation_s = 43199\n",
			    ERR_DENIED,
			    "key_lifetime_s is not one to two key_rotation_s");
	expect_line_refused(
		"tick_ms", "tick_ms = 37\n", ERR_DENIED,
		"the last of total_buckets takes over request_ms_max");
}

/* Each is within its own limit. */
Test(policy, more_threads_than_all_workers_may_have_are_refused)
{
	struct text text = with("workers", "workers = 64\n");
	char *threads = strstr(text.bytes, "threads = 2");
	struct policy policy;

	cr_assert_not_null(threads);
	threads[strlen("threads = ")] = '8';
	cr_assert_eq(parse(view(&text), &policy), ERR_OK);
	cr_expect_eq(policy.workers * policy.threads, LIMIT_ENGINE_THREADS);
	threads[strlen("threads = ")] = '9';
	expect_refused(&text, ERR_DENIED,
		       "workers times threads is over the limit");
}

Test(policy, the_line_of_the_fault_is_named)
{
	struct policy policy;
	struct policy_fault where;

	cr_assert_eq(policy_parse(BYTES_LITERAL("# one\n\nworkers = x\n"),
				  &policy, &where),
		     ERR_MALFORMED);
	cr_expect_eq(where.line, 3);
	cr_expect_eq(where.most, 0, "no range was missed");
	cr_assert_eq(
		policy_parse(BYTES_LITERAL("workers = 1\n"), &policy, &where),
		ERR_TRUNCATED);
	cr_expect_eq(where.line, 2);
}

Test(policy, a_text_beyond_the_largest_is_refused)
{
	struct text text = { .len = 0 };

	add(&text, canonical, sizeof(canonical) - 1);
	while (text.len <= POLICY_TEXT_MAX)
		add(&text, "#\n", 2);
	expect_refused(&text, ERR_TOO_LARGE, "the text is too long");
}

Test(policy, a_writer_without_room_stays_as_it_was)
{
	struct policy policy;
	uint8_t memory[sizeof(canonical) - 1];

	policy_default(&policy);
	for (size_t room = 0; room < sizeof(memory); room++) {
		struct writer out = { memory, 0, room };

		cr_assert_eq(policy_write(&policy, &out), ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}
