/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cmw.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"
#include "wire/bundle.h"
#include "wire/cbor.h"
#include "wire/json.h"

static _Alignas(JSON_ALIGNMENT) uint8_t json_memory[1 << 20];
static uint8_t memory[4096];
static struct cmw found;

static void warm(void)
{
	json_warm(json_memory, sizeof(json_memory), 1);
}

TestSuite(cmw, .init = warm);

static enum err parse_cbor(const char *hex)
{
	return cmw_parse_cbor(vector_hex(hex), &found);
}

static enum err parse_json(const char *text)
{
	struct writer out = WRITER_OVER(memory);

	return cmw_parse_json(bytes_of_string(text), &out, &found);
}

static void expect_text(struct bytes actual, const char *wanted)
{
	cr_assert(bytes_equal(actual, bytes_of_string(wanted)));
}

/*
 * The examples of the specification (its working group's cddl/ folder): a
 * record, a tag, and a collection
 *
 *     { "__cmwc_t": "tag:example.com,2024:composite-attester",
 *       0: [ 30001, h'2347da55', 4 ], 1: 1668576935(h'2347da55'),
 *       2: [ "application/eat+jwt", h'2e2e2e', 8 ] }
 */
#define RECORD                                                             \
	"83781a6170706c69636174696f6e2f7369676e61747572652b63626f72442347" \
	"da5504"
#define TAG "da6374ffe7442347da55"
#define COLLECTION                                                         \
	"a4685f5f636d77635f7478277461673a6578616d706c652e636f6d2c32303234" \
	"3a636f6d706f736974652d61747465737465720083197531442347da550401da" \
	"637476a7442347da550283736170706c69636174696f6e2f6561742b6a777443" \
	"2e2e2e08"

Test(cmw, the_examples_in_cbor_are_read)
{
	cr_assert_eq(parse_cbor(RECORD), ERR_OK);
	cr_assert_eq(found.count, 1);
	cr_assert_eq(found.items[0].kind, CMW_RECORD);
	expect_text(found.items[0].type, "application/signature+cbor");
	vector_expect(found.items[0].value, "2347da55");
	cr_assert_eq(found.items[0].indicator, CMW_EVIDENCE);

	cr_assert_eq(parse_cbor(TAG), ERR_OK);
	cr_assert_eq(found.items[0].content_format, 65000);
	cr_assert_eq(found.items[0].indicator, 0);

	cr_assert_eq(parse_cbor(COLLECTION), ERR_OK);
	cr_assert_eq(found.count, 4);
	cr_assert_eq(found.items[0].kind, CMW_COLLECTION);
	expect_text(found.items[0].type,
		    "tag:example.com,2024:composite-attester");
	cr_assert_eq(found.items[1].content_format, 30001);
	cr_assert_eq(found.items[2].content_format, 30001);
	expect_text(found.items[3].type, "application/eat+jwt");
	cr_assert_eq(found.items[3].indicator, CMW_ATTESTATION_RESULTS);
	for (size_t i = 1; i < 4; i++) {
		cr_assert_eq(found.items[i].parent, 0);
		cr_assert_eq(found.items[i].depth, 1);
		cr_assert_eq(found.items[i].number, (int64_t)i - 1);
		cr_assert_eq(found.items[i].label.len, 0);
	}
}

Test(cmw, the_examples_in_json_are_read)
{
	cr_assert_eq(
		parse_json("{\"__cmwc_t\": \"1.3.6\","
			   " \"attester A\": [\"application/eat-ucs+json\","
			   " \"e30K\", 4], \"B\": {\"in\":"
			   " [\"application/eat+cbor\", \"I0faVQ\"]}}"),
		ERR_OK);
	cr_assert_eq(found.count, 4);
	expect_text(found.items[0].type, "1.3.6");
	expect_text(found.items[1].label, "attester A");
	expect_text(found.items[1].value, "{}\n");
	cr_assert_eq(found.items[1].indicator, CMW_EVIDENCE);
	cr_assert_eq(found.items[2].kind, CMW_COLLECTION);
	expect_text(found.items[3].label, "in");
	cr_assert_eq(found.items[3].parent, 2);
	cr_assert_eq(found.items[3].depth, 2);
	vector_expect(found.items[3].value, "2347da55");
}

/* RFC 9277, B, and the tags that its examples and IANA's table name. */
Test(cmw, tags_stand_for_content_formats_one_to_one)
{
	size_t good = 0;

	cr_assert_eq(cmw_tag(0), 1668546817);
	cr_assert_eq(cmw_tag(30001), 1668576935);
	cr_assert_eq(cmw_tag(65024), 1668612095);
	for (uint64_t tag = cmw_tag(0) - 300; tag < cmw_tag(65024) + 300;
	     tag++) {
		uint8_t bytes[16];
		struct writer out = WRITER_OVER(bytes);
		enum err err;

		cr_assert_eq(cbor_put_tag(&out, tag), ERR_OK);
		cr_assert_eq(cbor_put_bytes(&out, BYTES_LITERAL("v")), ERR_OK);
		err = cmw_parse_cbor(bytes_written(&out), &found);
		if (err != ERR_OK)
			continue;
		good++;
		cr_assert_eq(cmw_tag(found.items[0].content_format), tag);
	}
	cr_assert_eq(good, 65025);
}

Test(cmw, whatever_else_is_no_wrapper_in_cbor)
{
	static const struct {
		const char *hex;
		enum err err;
	} wrappers[] = {
		{ "82184140", ERR_OK },
		{ "8263612f6240", ERR_OK },
		{ "8263612f6260", ERR_MALFORMED }, /* a text */
		{ "82612f40", ERR_MALFORMED },	   /* half a type */
		{ "8262612f40", ERR_MALFORMED },
		{ "8262612f4000", ERR_MALFORMED },
		{ "82616140", ERR_MALFORMED },
		{ "8265612f62206340", ERR_OK },
		{ "8265612f620a6340", ERR_MALFORMED },
		{ "821a0001000040", ERR_MALFORMED },
		{ "822040", ERR_MALFORMED },
		{ "8100", ERR_MALFORMED },
		{ "8400400000", ERR_MALFORMED },
		{ "8300400f", ERR_OK },
		{ "83004010", ERR_MALFORMED }, /* an unknown bit */
		{ "830040f6", ERR_MALFORMED },
		{ "83004020", ERR_MALFORMED },
		{ "a0", ERR_MALFORMED }, /* of nothing */
		{ "a1685f5f636d77635f7463613a62", ERR_MALFORMED },
		{ "a2685f5f636d77635f7463613a6200820040", ERR_OK },
		{ "a2685f5f636d77635f74616100820040", ERR_MALFORMED },
		{ "a2685f5f636d77635f740000820040", ERR_MALFORMED },
		{ "a20082004000820040", ERR_MALFORMED }, /* twice */
		{ "a160820040", ERR_MALFORMED },
		{ "a14161820040", ERR_MALFORMED }, /* label of bytes */
		{ "a100a100820040", ERR_OK },
		{ "a100a0", ERR_MALFORMED },
		{ "a100f6", ERR_MALFORMED },
		{ "a13bffffffffffffffff820040", ERR_UNSUPPORTED },
		{ "c140", ERR_UNSUPPORTED },
		{ "da6374020060", ERR_MALFORMED },
		{ "da63740213a100820040", ERR_OK }, /* cmw+cbor */
		{ "da63740214a100820040", ERR_MALFORMED },
		{ "8200405f", ERR_MALFORMED },
		{ "f6", ERR_MALFORMED },
		{ "40", ERR_MALFORMED },
		{ "a100a100a100a100820040", ERR_OK },
		{ "a100a100a100a100a100820040", ERR_TOO_LARGE },
	};

	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		enum err err = parse_cbor(wrappers[i].hex);

		cr_assert_eq(err, wrappers[i].err, "%s: %s", wrappers[i].hex,
			     err_name(err));
	}
}

Test(cmw, whatever_else_is_no_wrapper_in_json)
{
	static const struct {
		const char *text;
		enum err err;
	} wrappers[] = {
		{ "[\"a/b\",\"AA\"]", ERR_OK },
		{ "[\"a/b\",\"AA\",15]", ERR_OK },
		{ "[\"a/b\",\"AA\",16]", ERR_MALFORMED },
		{ "[\"a/b\",\"AA\",-1]", ERR_MALFORMED },
		{ "[\"a/b\",\"AA\",1.0]", ERR_MALFORMED },
		{ "[\"a/b\",\"AA\",null]", ERR_MALFORMED },
		{ "[\"a/b\",\"AA\",4,4]", ERR_MALFORMED },
		{ "[\"a/b\",\"AA==\"]", ERR_MALFORMED },
		{ "[\"a/b\",\"A\"]", ERR_MALFORMED },
		{ "[\"a/b\",\"+/\"]", ERR_MALFORMED },
		{ "[\"a/b\",\"\"]", ERR_MALFORMED },
		{ "[\"a/b\"]", ERR_MALFORMED },
		{ "[30001,\"AA\"]", ERR_MALFORMED },
		{ "[\"ab\",\"AA\"]", ERR_MALFORMED },
		{ "[\"#cmw-c2j-tunnel\",\"AA\"]", ERR_MALFORMED },
		{ "{}", ERR_MALFORMED },
		{ "{\"\":[\"a/b\",\"AA\"]}", ERR_MALFORMED },
		{ "{\"a\":[\"a/b\",\"AA\"],\"a\":[\"a/b\",\"AA\"]}",
		  ERR_MALFORMED },
		{ "{\"__cmwc_t\":\"a:b\"}", ERR_MALFORMED },
		{ "{\"__cmwc_t\":5,\"a\":[\"a/b\",\"AA\"]}", ERR_MALFORMED },
		{ "{\"a\":{}}", ERR_MALFORMED },
		{ "{\"a\":\"b\"}", ERR_MALFORMED },
		{ "\"a\"", ERR_MALFORMED },
		{ "[\"a/b\",\"AA\"] x", ERR_MALFORMED },
		{ "{\"a\":{\"a\":{\"a\":{\"a\":[\"a/b\",\"AA\"]}}}}", ERR_OK },
		{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":[\"a/b\",\"AA\"]}}}}}",
		  ERR_TOO_LARGE },
	};

	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		enum err err = parse_json(wrappers[i].text);

		cr_assert_eq(err, wrappers[i].err, "%s: %s", wrappers[i].text,
			     err_name(err));
		json_wipe();
	}
}

Test(cmw, a_collection_has_so_many_items)
{
	uint8_t bytes[2 + 5 * CMW_ITEMS_MAX + 5];

	for (size_t n = CMW_ITEMS_MAX - 1; n <= CMW_ITEMS_MAX; n++) {
		struct writer out = WRITER_OVER(bytes);

		cr_assert_eq(cbor_put_map(&out, n), ERR_OK);
		for (size_t i = 0; i < n; i++) {
			cr_assert_eq(cbor_put_unsigned(&out, i), ERR_OK);
			cr_assert_eq(bytes_put(&out, vector_hex("820040")),
				     ERR_OK);
		}
		cr_assert_eq(cmw_parse_cbor(bytes_written(&out), &found),
			     n < CMW_ITEMS_MAX ? ERR_OK : ERR_TOO_LARGE);
	}
}

Test(cmw, cut_anywhere_it_is_refused_and_a_flipped_bit_does_no_harm)
{
	struct bytes whole = vector_hex(COLLECTION);
	uint8_t *bits = vector_copy(whole);

	for (size_t len = 0; len < whole.len; len++)
		cr_assert_eq(
			cmw_parse_cbor((struct bytes){ bits, len }, &found),
			ERR_TRUNCATED);
	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (cmw_parse_cbor((struct bytes){ bits, whole.len }, &found) ==
		    ERR_OK)
			cr_assert_leq(found.count, 4);
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* Our own collection is one of these, as its header says. */
Test(cmw, a_bundle_is_a_collection)
{
	struct bundle bundle = {
		.keys = BYTES_LITERAL("keys"),
		.statement = BYTES_LITERAL("statement"),
		.evidence = { { BUNDLE_EVIDENCE_SOFTWARE,
				BYTES_LITERAL("evidence") } },
		.evidence_count = 1,
	};
	uint8_t bytes[1024];
	struct writer out = WRITER_OVER(bytes);

	cr_assert_eq(bundle_write(&bundle, &out), ERR_OK);
	cr_assert_eq(cmw_parse_cbor(bytes_written(&out), &found), ERR_OK);
	expect_text(found.items[0].type, BUNDLE_COLLECTION);
	cr_assert_eq(found.count, 5);
	expect_text(found.items[2].label, "evidence");
	cr_assert_eq(found.items[2].kind, CMW_COLLECTION);
	cr_assert_eq(found.items[4].parent, 2);
	cr_assert_eq(found.items[4].indicator, CMW_EVIDENCE);
	expect_text(found.items[4].value, "evidence");
}

Test(cmw, values_fit_the_memory_given_or_are_too_large)
{
	uint8_t small[3];
	struct writer out = { small, 0, 2 };
	struct bytes text = BYTES_LITERAL("[\"a/b\",\"I0fa\"]");

	cr_assert_eq(cmw_parse_json(text, &out, &found), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
	out.max = 3;
	cr_assert_eq(cmw_parse_json(text, &out, &found), ERR_OK);
	cr_assert_eq(out.len, 3);
}
