/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nitro.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/cose.h"
#include "tests/authority.h"
#include "tests/vector.h"
#include "wire/cbor.h"

/* When the sample was made: its leaf lives from 13:15:34 to 16:15:37. */
#define SAMPLE_NOW 1766668540u
#define SAMPLE_LEAF_ENDS 1766679337u

/*
 * dstack puts 4 bytes in front of the document (a version and its length) and
 * the machine's configuration behind it.
 */
static struct bytes sample(void)
{
	struct bytes file = vector_file("cose-eat/nitro/nitro_attestation.bin");
	struct bytes out;

	cr_assert_eq(bytes_take(&file, 4, &out), ERR_OK);
	cr_assert_eq(bytes_take(&file, 4527, &out), ERR_OK);
	return out;
}

#define PCR0                                                               \
	"5cb702954321826d7939d6da829a940d787fcf32357beb8eae1ddf33c28c17d3" \
	"6f3ac3ba6828fdf7edeed02889702da6"

Test(nitro, the_sample_of_aws_is_good_while_its_certificate_lasts)
{
	struct appraisal_policy policy = { .now = SAMPLE_NOW };
	struct appraisal_reference reference = { .which = APPRAISAL_PCR0,
						 .value = { .len = 48 } };
	struct appraisal found;
	struct bytes document = sample();

	nitro_appraise(document, &policy, &found);
	cr_assert(appraisal_holds(&found, NITRO_NEEDED));
	cr_assert_eq(found.report_data.len, 64);
	cr_assert_eq(found.valid_until, SAMPLE_LEAF_ENDS);
	vector_expect((struct bytes){ found.registers[0].digest, 48 }, PCR0);
	cr_assert_eq(found.registers[15].len, 48);

	policy.references = &reference;
	policy.reference_count = 1;
	memcpy(reference.value.digest, vector_hex(PCR0).data, 48);
	nitro_appraise(document, &policy, &found);
	cr_assert(appraisal_holds(&found,
				  NITRO_NEEDED | 1u << APPRAISAL_MEASUREMENT));
	reference.value.digest[47] ^= 1;
	nitro_appraise(document, &policy, &found);
	cr_assert_not(appraisal_holds(&found, NITRO_NEEDED));
	policy.reference_count = 0;

	policy.now = SAMPLE_LEAF_ENDS + 1;
	nitro_appraise(document, &policy, &found);
	cr_assert_eq(found.records[APPRAISAL_CHAIN].mark, RECORD_FAIL);
	cr_assert_eq(found.records[APPRAISAL_SIGNATURE].mark, RECORD_PASS);
	policy.now = SAMPLE_NOW - 3600;
	nitro_appraise(document, &policy, &found);
	cr_assert_eq(found.records[APPRAISAL_CHAIN].mark, RECORD_FAIL);
}

Test(nitro, a_root_of_somebody_else_s_does_not_do)
{
	struct certificate_root root = { { 1 } };
	struct appraisal_policy policy = { .now = SAMPLE_NOW,
					   .roots = &root,
					   .root_count = 1 };
	struct appraisal found;

	nitro_appraise(sample(), &policy, &found);
	cr_assert_eq(found.records[APPRAISAL_CHAIN].mark, RECORD_FAIL);
	cr_assert_not(appraisal_holds(&found, NITRO_NEEDED));
}

/* Every 37th bit, which meets each of eight places in a byte. */
Test(nitro, no_flipped_bit_leaves_the_sample_good, .timeout = 120)
{
	struct appraisal_policy policy = { .now = SAMPLE_NOW };
	struct bytes document = sample();
	uint8_t *bits = vector_copy(document);
	struct appraisal found;

	document.data = bits;
	for (size_t bit = 0; bit < 8 * document.len; bit += 37) {
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		nitro_appraise(document, &policy, &found);
		cr_assert_not(appraisal_holds(&found, NITRO_NEEDED), "bit %zu",
			      bit);
		bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	nitro_appraise(document, &policy, &found);
	cr_assert(appraisal_holds(&found, NITRO_NEEDED));
}

Test(nitro, cut_anywhere_or_longer_it_is_no_document)
{
	struct appraisal_policy policy = { .now = SAMPLE_NOW };
	struct bytes file = vector_file("cose-eat/nitro/nitro_attestation.bin");
	struct appraisal found;

	for (size_t len = 0; len <= 4528; len++) {
		struct bytes cut = { file.data + 4, len };

		if (len == 4527)
			continue;
		nitro_appraise(cut, &policy, &found);
		cr_assert_eq(found.records[APPRAISAL_FORMAT].mark, RECORD_FAIL);
	}
}

/* A document of ours, each part of which a test may bend. */
struct wish {
	const char *digest;
	uint64_t timestamp_ms;
	uint8_t pcr_fill[3];
	size_t pcr_bytes;
	int64_t algorithm;
	const struct authority *leaf, *root;
	const struct authority *signer;
};

static void put_text(struct writer *out, const char *text)
{
	cr_assert_eq(cbor_put_text(out, bytes_of_string(text)), ERR_OK);
}

static void put_pcrs(const struct wish *wish, struct writer *out)
{
	cr_assert_eq(cbor_put_map(out, 3), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		uint8_t value[64];

		memset(value, wish->pcr_fill[i], sizeof(value));
		cr_assert_eq(cbor_put_unsigned(out, i), ERR_OK);
		cr_assert_eq(
			cbor_put_bytes(
				out, (struct bytes){ value, wish->pcr_bytes }),
			ERR_OK);
	}
}

static void put_payload(const struct wish *wish, struct writer *out)
{
	cr_assert_eq(cbor_put_map(out, 9), ERR_OK);
	put_text(out, "module_id");
	put_text(out, "i-0");
	put_text(out, "digest");
	put_text(out, wish->digest);
	put_text(out, "timestamp");
	cr_assert_eq(cbor_put_unsigned(out, wish->timestamp_ms), ERR_OK);
	put_text(out, "pcrs");
	put_pcrs(wish, out);
	put_text(out, "certificate");
	cr_assert_eq(cbor_put_bytes(out, wish->leaf->der), ERR_OK);
	put_text(out, "cabundle");
	cr_assert_eq(cbor_put_array(out, 1), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, wish->root->der), ERR_OK);
	put_text(out, "public_key");
	cr_assert_eq(cbor_put_null(out), ERR_OK);
	put_text(out, "user_data");
	cr_assert_eq(cbor_put_bytes(out, BYTES_LITERAL("data")), ERR_OK);
	put_text(out, "nonce");
	cr_assert_eq(cbor_put_null(out), ERR_OK);
}

static struct bytes make(const struct wish *wish)
{
	static uint8_t payload_memory[4096], signed_memory[4200], memory[4300];
	uint8_t headers_memory[16];
	struct writer payload = WRITER_OVER(payload_memory);
	struct writer headers = WRITER_OVER(headers_memory);
	struct writer signed_bytes = WRITER_OVER(signed_memory);
	struct writer out = WRITER_OVER(memory);
	struct cose_sign1 message = { .kind = COSE_PAYLOAD_ATTACHED };

	put_payload(wish, &payload);
	cr_assert_eq(cbor_put_map(&headers, 1), ERR_OK);
	cr_assert_eq(cbor_put_integer(&headers, COSE_LABEL_ALGORITHM), ERR_OK);
	cr_assert_eq(cbor_put_integer(&headers, wish->algorithm), ERR_OK);
	message.payload = bytes_written(&payload);
	message.protected_bytes = bytes_written(&headers);
	message.protected_headers.count = 1;
	cr_assert_eq(cose_sign1_to_be_signed(&message, (struct bytes){ 0 },
					     &signed_bytes),
		     ERR_OK);
	message.signature = authority_sign(
		wish->signer,
		(struct signature_scheme){ SIGNATURE_ECDSA, HASH_SHA384 },
		bytes_written(&signed_bytes));
	cr_assert_eq(cbor_put_array(&out, 4), ERR_OK);
	cr_assert_eq(cbor_put_bytes(&out, message.protected_bytes), ERR_OK);
	cr_assert_eq(cbor_put_map(&out, 0), ERR_OK);
	cr_assert_eq(cbor_put_bytes(&out, message.payload), ERR_OK);
	cr_assert_eq(cbor_put_bytes(&out, message.signature), ERR_OK);
	return bytes_written(&out);
}

struct workshop {
	struct authority root, leaf, stranger;
	struct certificate_root trusted;
	struct appraisal_policy policy;
	struct wish wish;
};

static void prepare(struct workshop *shop)
{
	*shop = (struct workshop){ .policy = { .now = AUTHORITY_NOW } };
	authority_make(&(struct authority_wish){ .name = "root",
						 .key = AUTHORITY_P384 },
		       &shop->root);
	authority_make(&(struct authority_wish){ .name = "leaf",
						 .key = AUTHORITY_P384,
						 .role = AUTHORITY_LEAF,
						 .issuer = &shop->root },
		       &shop->leaf);
	authority_make(&(struct authority_wish){ .name = "stranger",
						 .key = AUTHORITY_P384 },
		       &shop->stranger);
	shop->trusted = authority_root(&shop->root);
	shop->policy.roots = &shop->trusted;
	shop->policy.root_count = 1;
	shop->wish = (struct wish){ .digest = "SHA384",
				    .timestamp_ms = AUTHORITY_NOW * 1000ull,
				    .pcr_fill = { 1, 2, 3 },
				    .pcr_bytes = 48,
				    .algorithm = COSE_ES384,
				    .leaf = &shop->leaf,
				    .root = &shop->root,
				    .signer = &shop->leaf };
}

static void close_workshop(struct workshop *shop)
{
	authority_close(&shop->root);
	authority_close(&shop->leaf);
	authority_close(&shop->stranger);
}

static bool passes(const struct workshop *shop)
{
	struct appraisal found;

	nitro_appraise(make(&shop->wish), &shop->policy, &found);
	return appraisal_holds(&found, NITRO_NEEDED);
}

Test(nitro, whatever_is_wrong_with_a_signed_document_it_does_not_pass)
{
	SCOPED_WIPE(close_workshop) struct workshop shop;

	prepare(&shop);
	cr_assert(passes(&shop));
	for (size_t i = 0; i < 3; i++) {
		shop.wish.pcr_fill[i] = 0; /* it may be debugged */
		cr_assert_not(passes(&shop));
		shop.wish.pcr_fill[i] = 1;
	}
	shop.wish.pcr_bytes = 32;
	cr_assert_not(passes(&shop));
	shop.wish.pcr_bytes = 48;
	shop.wish.digest = "SHA256";
	cr_assert_not(passes(&shop));
	shop.wish.digest = "SHA384";
	shop.wish.timestamp_ms += 1000;
	cr_assert_not(passes(&shop));
	shop.wish.timestamp_ms = 0;
	cr_assert_not(passes(&shop));
	shop.wish.timestamp_ms = 1;
	cr_assert(passes(&shop));
	shop.wish.signer = &shop.stranger;
	cr_assert_not(passes(&shop));
	shop.wish.signer = &shop.leaf;
	shop.wish.algorithm = COSE_ES256;
	cr_assert_not(passes(&shop));
	shop.wish.algorithm = COSE_ES384;
	shop.wish.root = &shop.stranger;
	cr_assert_not(passes(&shop));
	shop.wish.root = &shop.root;
	cr_assert(passes(&shop));
}
