/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/limits_list.h"
#include "wire/manifest.h"

static const char sample[] = MANIFEST_HEAD
	"digest jail 00ff\n"
	"file pcc-node abcd\n"
	"jail worker.read.arg0=0x3 allowed: sealed request chunks\n"
	"limit LIMIT_WORKERS 64\n";

static struct bytes text_of(const char *text)
{
	return bytes_of_string(text);
}

Test(manifest, every_line_is_read_with_its_parts)
{
	struct manifest_reader reader;
	struct manifest_line line;
	size_t count = 0;

	cr_assert_eq(manifest_begin(text_of(sample), &reader), ERR_OK);
	while (manifest_next(&reader, &line) == ERR_OK)
		count++;
	cr_assert_eq(count, 4);
	cr_assert_eq(reader.rest.len, 0);
	cr_assert(bytes_equal(line.section, BYTES_LITERAL("limit")));
	cr_assert(bytes_equal(line.name, BYTES_LITERAL("LIMIT_WORKERS")));
	cr_assert(bytes_equal(line.value, BYTES_LITERAL("64")));
}

Test(manifest, a_value_is_found_by_section_and_name)
{
	struct bytes value;

	cr_assert_eq(manifest_find(text_of(sample), "file", "pcc-node", &value),
		     ERR_OK);
	cr_assert(bytes_equal(value, BYTES_LITERAL("abcd")));
	cr_assert_eq(
		manifest_find(text_of(sample), "digest", "pcc-node", &value),
		ERR_UNSUPPORTED);
}

Test(manifest, cut_at_any_place_but_an_end_of_a_line_it_is_refused)
{
	struct bytes all = text_of(sample);
	size_t whole = 0;

	for (size_t len = 0; len < all.len; len++) {
		struct bytes cut = { all.data, len };
		bool ends = len > 0 && all.data[len - 1] == '\n';

		cr_assert_eq(manifest_check(cut) == ERR_OK, ends, "%zu", len);
		whole += ends;
	}
	cr_assert_eq(whole, 4);
}

Test(manifest, what_is_out_of_form_or_order_is_refused)
{
	static const char *const bad[] = {
		"pcc-release v2\n",
		"",
		MANIFEST_HEAD "\n",
		MANIFEST_HEAD "limit A\n",
		MANIFEST_HEAD "limit A \n",
		MANIFEST_HEAD "limit  A\n",
		MANIFEST_HEAD "limit A  1\n",
		MANIFEST_HEAD "limit A 1 \n",
		MANIFEST_HEAD "Limit A 1\n",
		MANIFEST_HEAD "limit A 1\r\n",
		MANIFEST_HEAD "limit A \t\n",
		MANIFEST_HEAD "limit \x7f 1\n",
		MANIFEST_HEAD "limit B 1\nlimit A 1\n",
		MANIFEST_HEAD "limit A 1\nlimit A 1\n",
		MANIFEST_HEAD "limit A 1\nlimit A 2\n",
		MANIFEST_HEAD "limit A 1\njail A 1\n",
	};

	cr_assert_eq(manifest_check(text_of(sample)), ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_neq(manifest_check(text_of(bad[i])), ERR_OK, "%zu",
			      i);
}

/* A name that begins another comes first, whatever stands behind it. */
Test(manifest, the_order_is_that_of_the_bytes_of_the_lines)
{
	cr_assert_eq(manifest_check(text_of(MANIFEST_HEAD "jail a.b 1\n"
							  "jail a.b! 1\n"
							  "jail a.bc 1\n")),
		     ERR_OK);
}

Test(limits_list, it_has_every_limit_of_the_header)
{
	FILE *header = fopen("policy/limits.h", "r");
	char line[256];
	char name[128];
	size_t count = 0;

	cr_assert_not_null(header);
	while (fgets(line, sizeof(line), header) != NULL) {
		if (sscanf(line, "#define %127[A-Z_0-9] %*[^ ]", name) != 1 ||
		    strcmp(name, "POLICY_LIMITS_H") == 0 ||
		    strcmp(name, "LIMITS_MODEL_SHAPE") == 0)
			continue;
		count++;

		bool found = false;

		for (size_t i = 0; i < limits_list_count; i++)
			found |= strcmp(limits_list[i].name, name) == 0;
		cr_assert(found, "%s", name);
	}
	fclose(header);
	cr_assert_gt(count, 40);
	cr_assert_eq(count, limits_list_count);
}
