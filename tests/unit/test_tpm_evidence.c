/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "attest/tpm_evidence.h"
#include "tests/vector.h"

static const uint8_t ones[TPM_EVIDENCE_PCR_BYTES] = { 1, 1, 1 };
static const uint8_t twos[TPM_EVIDENCE_PCR_BYTES] = { 2, 2, 2 };

static struct tpm_evidence sample(void)
{
	return (struct tpm_evidence){
		.attest = BYTES_LITERAL("attest"),
		.signature = BYTES_LITERAL("sig"),
		.ak_public = BYTES_LITERAL("ak"),
		.certificates = { BYTES_LITERAL("leaf"),
				  BYTES_LITERAL("root") },
		.certificate_count = 2,
		.pcrs = { [0] = ones, [23] = twos },
		.event_log = BYTES_LITERAL("log"),
	};
}

/* By hand, from RFC 8949: what another implementation has to write. */
#define ENCODED                                                            \
	"8701"                                                             \
	"46617474657374"                                                   \
	"43736967"                                                         \
	"42616b"                                                           \
	"82446c65616644726f6f74"                                           \
	"a2"                                                               \
	"0058200101010000000000000000000000000000000000000000000000000000" \
	"000000"                                                           \
	"1758200202020000000000000000000000000000000000000000000000000000" \
	"000000"                                                           \
	"436c6f67"

static struct bytes encode(const struct tpm_evidence *evidence)
{
	static uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(tpm_evidence_write(evidence, &out), ERR_OK);
	return bytes_written(&out);
}

Test(tpm_evidence, it_is_written_as_the_format_says)
{
	struct tpm_evidence evidence = sample();

	vector_expect(encode(&evidence), ENCODED);
}

Test(tpm_evidence, what_was_written_is_read_and_lies_within)
{
	struct tpm_evidence evidence = sample();
	struct bytes bytes = encode(&evidence);
	struct tpm_evidence found;

	cr_assert_eq(tpm_evidence_parse(bytes, &found), ERR_OK);
	cr_assert(bytes_equal(found.attest, evidence.attest));
	cr_assert(bytes_equal(found.signature, evidence.signature));
	cr_assert(bytes_equal(found.ak_public, evidence.ak_public));
	cr_assert(bytes_equal(found.event_log, evidence.event_log));
	cr_assert_eq(found.certificate_count, 2);
	cr_assert(bytes_equal(found.certificates[1], evidence.certificates[1]));
	cr_assert_null(found.pcrs[1]);
	cr_assert_eq(memcmp(found.pcrs[23], twos, sizeof(twos)), 0);
	cr_assert(found.pcrs[23] > bytes.data &&
		  found.pcrs[23] < bytes.data + bytes.len);
}

Test(tpm_evidence, cut_anywhere_or_with_a_byte_more_it_is_refused)
{
	struct tpm_evidence evidence = sample();
	struct bytes bytes = encode(&evidence);
	struct tpm_evidence found;
	uint8_t longer[512] = { 0 };

	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_neq(
			tpm_evidence_parse((struct bytes){ bytes.data, len },
					   &found),
			ERR_OK);
	memcpy(longer, bytes.data, bytes.len);
	cr_assert_eq(tpm_evidence_parse((struct bytes){ longer, bytes.len + 1 },
					&found),
		     ERR_MALFORMED);
}

Test(tpm_evidence, whatever_parses_after_a_flipped_bit_is_its_own_encoding)
{
	struct tpm_evidence evidence = sample();
	struct bytes bytes = encode(&evidence);
	uint8_t other[512];
	uint8_t again[512];
	size_t parsed = 0;

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct writer out = WRITER_OVER(again);
		struct tpm_evidence found;

		memcpy(other, bytes.data, bytes.len);
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (tpm_evidence_parse((struct bytes){ other, bytes.len },
				       &found) != ERR_OK)
			continue;
		parsed++;
		cr_assert_eq(tpm_evidence_write(&found, &out), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out),
				      (struct bytes){ other, bytes.len }));
	}
	cr_assert_gt(parsed, 0);
}

Test(tpm_evidence, registers_out_of_order_twice_or_too_many_are_refused)
{
	static const uint8_t orders[][2] = { { 1, 0 }, { 1, 1 }, { 0, 24 } };
	struct tpm_evidence found;

	/* The fourth is sound: the others fail for their order alone. */
	for (size_t i = 0; i < 4; i++) {
		uint8_t memory[256] = { 0x87, 1, 0x40, 0x40, 0x40, 0x80, 0xa2 };
		struct writer out = { memory, 7, sizeof(memory) };
		uint8_t first = i < 3 ? orders[i][0] : 0;
		uint8_t second = i < 3 ? orders[i][1] : 23;

		cr_assert_eq(bytes_put_u8(&out, first), ERR_OK);
		cr_assert_eq(bytes_put(&out, BYTES_LITERAL("\x58\x20")),
			     ERR_OK);
		cr_assert_eq(bytes_put(&out, BYTES_ARRAY(ones)), ERR_OK);
		if (second > 23)
			cr_assert_eq(bytes_put_u8(&out, 0x18), ERR_OK);
		cr_assert_eq(bytes_put_u8(&out, second), ERR_OK);
		cr_assert_eq(bytes_put(&out, BYTES_LITERAL("\x58\x20")),
			     ERR_OK);
		cr_assert_eq(bytes_put(&out, BYTES_ARRAY(twos)), ERR_OK);
		cr_assert_eq(bytes_put_u8(&out, 0x40), ERR_OK);
		cr_assert_eq(tpm_evidence_parse(bytes_written(&out), &found),
			     i < 3 ? ERR_MALFORMED : ERR_OK, "%zu", i);
	}
}

Test(tpm_evidence, another_version_is_told_from_damage)
{
	struct tpm_evidence evidence = sample();
	struct bytes bytes = encode(&evidence);
	uint8_t other[512];
	struct tpm_evidence found;

	memcpy(other, bytes.data, bytes.len);
	other[1] = 2;
	cr_assert_eq(
		tpm_evidence_parse((struct bytes){ other, bytes.len }, &found),
		ERR_UNSUPPORTED);
}
