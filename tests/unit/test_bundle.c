/* SPDX-License-Identifier: Apache-2.0 */
#include <cbor.h>
#include <criterion/criterion.h>

#include "wire/bundle.h"
#include "wire/cbor.h"

static struct bundle sample(void)
{
	return (struct bundle){
		.keys = BYTES_LITERAL("the keys"),
		.statement = BYTES_LITERAL("the statement"),
		.evidence = { { BUNDLE_EVIDENCE_SOFTWARE,
				BYTES_LITERAL("software") },
			      { BUNDLE_EVIDENCE_TPM2,
				BYTES_LITERAL("a quote") } },
		.evidence_count = 2,
	};
}

static struct bytes written(const struct bundle *bundle, struct writer *out)
{
	cr_assert_eq(bundle_write(bundle, out), ERR_OK);
	return bytes_written(out);
}

static void expect_equal(const struct bundle *a, const struct bundle *b)
{
	cr_assert(bytes_equal(a->keys, b->keys));
	cr_assert(bytes_equal(a->statement, b->statement));
	cr_assert(bytes_equal(a->release, b->release));
	cr_assert_eq(a->evidence_count, b->evidence_count);
	for (size_t i = 0; i < a->evidence_count; i++) {
		cr_assert_eq(a->evidence[i].type, b->evidence[i].type);
		cr_assert(bytes_equal(a->evidence[i].value,
				      b->evidence[i].value));
	}
}

Test(bundle, what_was_written_is_read_back)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bundle in = sample(), back;

	cr_assert_eq(bundle_parse(written(&in, &out), &back), ERR_OK);
	expect_equal(&in, &back);
	in.release = BYTES_LITERAL("release 1");
	out.len = 0;
	cr_assert_eq(bundle_parse(written(&in, &out), &back), ERR_OK);
	expect_equal(&in, &back);
}

Test(bundle, another_cbor_library_sees_a_cmw_collection)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bundle in = sample();
	struct bytes bytes = written(&in, &out);
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(bytes.data, bytes.len, &result);
	static const char *const labels[] = { "keys", "__cmwc_t", "evidence",
					      "statement" };

	cr_assert_not_null(item);
	cr_assert_eq(result.read, bytes.len);
	cr_assert_eq(cbor_map_size(item), 4);
	for (size_t i = 0; i < 4; i++) {
		const cbor_item_t *key = cbor_map_handle(item)[i].key;

		cr_assert_eq(cbor_string_length(key), strlen(labels[i]));
		cr_assert_eq(memcmp(cbor_string_handle(key), labels[i],
				    strlen(labels[i])),
			     0);
	}
	cr_assert(cbor_isa_array(cbor_map_handle(item)[0].value));
	cr_assert(cbor_isa_string(cbor_map_handle(item)[1].value));
	cr_assert(cbor_isa_map(cbor_map_handle(item)[2].value));
	cbor_decref(&item);
}

Test(bundle, cut_at_any_length_it_is_refused)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bundle in = sample(), back;
	struct bytes bytes = written(&in, &out);

	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(
			bundle_parse((struct bytes){ bytes.data, len }, &back),
			ERR_OK);
	memory[bytes.len] = 0;
	bytes.len++;
	cr_assert_eq(bundle_parse(bytes, &back), ERR_MALFORMED);
}

/* Whatever a flipped bit leaves readable was said in the one encoding. */
Test(bundle, a_flipped_bit_is_refused_or_seen)
{
	uint8_t memory[4096], again_memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bundle in = sample(), back;
	struct bytes bytes = written(&in, &out);

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct writer again = WRITER_OVER(again_memory);

		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* Evidence of an unknown type is read, and never written. */
		if (bundle_parse(bytes, &back) == ERR_OK &&
		    bundle_write(&back, &again) == ERR_OK)
			cr_assert(bytes_equal(bytes_written(&again), bytes));
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* One encoding after the other, to be cut and joined in wrong ways. */
static void put_record(struct writer *out, const char *label, const char *type)
{
	cr_assert_eq(cbor_put_text(out, bytes_of_string(label)), ERR_OK);
	cr_assert_eq(cbor_put_array(out, 2), ERR_OK);
	cr_assert_eq(cbor_put_text(out, bytes_of_string(type)), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, BYTES_LITERAL("x")), ERR_OK);
}

static void put_collection(struct writer *out)
{
	cr_assert_eq(cbor_put_text(out, BYTES_LITERAL("__cmwc_t")), ERR_OK);
	cr_assert_eq(cbor_put_text(out, BYTES_LITERAL(BUNDLE_COLLECTION)),
		     ERR_OK);
}

static void put_evidence(struct writer *out, const char *type, uint64_t mark)
{
	cr_assert_eq(cbor_put_text(out, BYTES_LITERAL("evidence")), ERR_OK);
	cr_assert_eq(cbor_put_map(out, 1), ERR_OK);
	cr_assert_eq(cbor_put_unsigned(out, 0), ERR_OK);
	cr_assert_eq(cbor_put_array(out, 3), ERR_OK);
	cr_assert_eq(cbor_put_text(out, bytes_of_string(type)), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, BYTES_LITERAL("x")), ERR_OK);
	cr_assert_eq(cbor_put_unsigned(out, mark), ERR_OK);
}

#define SOFTWARE "application/vnd.pcc-node.software"

enum fault {
	NO_FAULT,
	KEYS_TWICE,
	KEYS_LAST,
	KEYS_OF_ANOTHER_TYPE,
	EVIDENCE_UNMARKED,
	EVIDENCE_NEW,
	LABEL_UNKNOWN,
	STATEMENT_MISSING,
};

static enum err parse_with(enum fault fault, struct bundle *back)
{
	static uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	size_t count = fault == STATEMENT_MISSING ? 3 : 4;

	if (fault == KEYS_TWICE || fault == LABEL_UNKNOWN)
		count = 5;
	cr_assert_eq(cbor_put_map(&out, count), ERR_OK);
	if (fault != KEYS_LAST)
		put_record(&out, "keys",
			   fault == KEYS_OF_ANOTHER_TYPE ? "text/plain"
							 : BUNDLE_TYPE_KEYS);
	if (fault == KEYS_TWICE)
		put_record(&out, "keys", BUNDLE_TYPE_KEYS);
	if (fault == LABEL_UNKNOWN)
		put_record(&out, "unknown", BUNDLE_TYPE_RELEASE);
	put_collection(&out);
	put_evidence(&out,
		     fault == EVIDENCE_NEW ? "application/vnd.new" : SOFTWARE,
		     fault == EVIDENCE_UNMARKED ? 1 : 4);
	if (fault != STATEMENT_MISSING)
		put_record(&out, "statement", BUNDLE_TYPE_STATEMENT);
	if (fault == KEYS_LAST)
		put_record(&out, "keys", BUNDLE_TYPE_KEYS);
	return bundle_parse(bytes_written(&out), back);
}

Test(bundle, a_collection_of_any_other_make_is_refused)
{
	struct bundle back;

	cr_assert_eq(parse_with(NO_FAULT, &back), ERR_OK);
	cr_assert_eq(parse_with(KEYS_TWICE, &back), ERR_MALFORMED);
	cr_assert_eq(parse_with(KEYS_LAST, &back), ERR_MALFORMED);
	cr_assert_eq(parse_with(KEYS_OF_ANOTHER_TYPE, &back), ERR_MALFORMED);
	cr_assert_eq(parse_with(EVIDENCE_UNMARKED, &back), ERR_MALFORMED);
	cr_assert_eq(parse_with(LABEL_UNKNOWN, &back), ERR_MALFORMED);
	cr_assert_eq(parse_with(STATEMENT_MISSING, &back), ERR_MALFORMED);
}

Test(bundle, evidence_newer_than_its_reader_is_named_unknown)
{
	struct bundle back;

	cr_assert_eq(parse_with(EVIDENCE_NEW, &back), ERR_OK);
	cr_assert_eq(back.evidence[0].type, BUNDLE_EVIDENCE_UNKNOWN);
	cr_assert_str_eq(bundle_evidence_name(back.evidence[0].type),
			 "unknown");
}

Test(bundle, what_cannot_be_sent_is_not_written)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bundle bad = sample();

	bad.evidence_count = 0;
	cr_assert_eq(bundle_write(&bad, &out), ERR_MALFORMED);
	bad = sample();
	bad.evidence[0].type = BUNDLE_EVIDENCE_UNKNOWN;
	cr_assert_eq(bundle_write(&bad, &out), ERR_MALFORMED);
	bad = sample();
	out.max = 100;
	cr_assert_eq(bundle_write(&bad, &out), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
}

Test(bundle, types_have_the_names_that_options_take)
{
	static const char *const names[] = { "software", "tpm2", "sev-snp",
					     "tdx" };
	enum bundle_evidence_type type;

	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(bundle_evidence_named(names[i], &type), ERR_OK);
		cr_assert_eq(type, i);
		cr_assert_str_eq(bundle_evidence_name(type), names[i]);
	}
	cr_assert_eq(bundle_evidence_named("unknown", &type), ERR_UNSUPPORTED);
	cr_assert_eq(bundle_evidence_named("", &type), ERR_UNSUPPORTED);
}
