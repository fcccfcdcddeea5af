/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/snp_forge.h"

static void make(enum snp_report_product product, uint32_t version,
		 uint8_t report[static SNP_REPORT_BYTES])
{
	struct snp_forge_key key = snp_forge_ordinary(product, SNP_REPORT_VCEK);

	snp_forge_report(&key, version, report);
	memset(report + SNP_FORGE_R, 0x5a, 48);
	memset(report + SNP_FORGE_S, 0xa5, 48);
}

static enum err parse(const uint8_t *report, size_t len)
{
	struct snp_report out;

	return snp_report_parse((struct bytes){ report, len }, &out);
}

Test(snp_report, every_version_is_read)
{
	for (uint32_t version = 0; version <= 8; version++) {
		uint8_t raw[SNP_REPORT_BYTES];
		struct snp_report report;
		bool is_known = version >= 2 && version <= 5;

		make(SNP_REPORT_GENOA, version, raw);
		if (!is_known) {
			cr_assert_eq(parse(raw, sizeof(raw)), ERR_UNSUPPORTED);
			continue;
		}
		cr_assert_eq(snp_report_parse(BYTES_ARRAY(raw), &report),
			     ERR_OK);
		cr_assert_eq(report.version, version);
		cr_assert_eq(report.product, version == 2 ? SNP_REPORT_UNSAID
							  : SNP_REPORT_GENOA);
		cr_assert_eq(report.launch_mitigations, version == 5 ? 7 : 0);
		cr_assert_eq(report.report_data.data[63], 0xda);
		cr_assert_eq(report.measurement.data[47], 0xe5);
		cr_assert_eq(report.chip_id.data[63], 0x7f);
		cr_assert_eq(report.current.build, 55);
		cr_assert_eq(report.signed_part.len, 0x2a0);
	}
}

/* Little-endian in the report, big-endian as signatures are checked. */
Test(snp_report, r_and_s_are_turned_round)
{
	uint8_t raw[SNP_REPORT_BYTES];
	struct snp_report report;

	make(SNP_REPORT_MILAN, 3, raw);
	raw[SNP_FORGE_R] = 1;
	raw[SNP_FORGE_R + 47] = 2;
	raw[SNP_FORGE_S] = 3;
	raw[SNP_FORGE_S + 47] = 4;
	cr_assert_eq(snp_report_parse(BYTES_ARRAY(raw), &report), ERR_OK);
	cr_assert_eq(report.signature[0], 2);
	cr_assert_eq(report.signature[47], 1);
	cr_assert_eq(report.signature[48], 4);
	cr_assert_eq(report.signature[95], 3);
}

Test(snp_report, cut_at_any_length_it_is_truncated)
{
	uint8_t raw[SNP_REPORT_BYTES];

	make(SNP_REPORT_MILAN, 3, raw);
	for (size_t len = 0; len < sizeof(raw); len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, raw, len);
		cr_assert_eq(parse(cut, len), ERR_TRUNCATED);
		free(cut);
	}
	cr_assert_eq(parse(raw, sizeof(raw)), ERR_OK);
}

Test(snp_report, only_zeros_may_follow_it)
{
	uint8_t raw[SNP_REPORT_BYTES + 100] = { 0 };

	make(SNP_REPORT_MILAN, 3, raw);
	cr_assert_eq(parse(raw, sizeof(raw)), ERR_OK);
	for (size_t i = SNP_REPORT_BYTES; i < sizeof(raw); i++) {
		raw[i] = 1;
		cr_assert_eq(parse(raw, sizeof(raw)), ERR_MALFORMED);
		raw[i] = 0;
	}
}

/* first to last, by which version they are zero at most */
static const struct {
	size_t first, last;
	uint32_t version;
} zeros[] = {
	{ 0x04c, 0x04f, 5 }, { 0x188, 0x18a, 2 }, { 0x18b, 0x19f, 5 },
	{ 0x1eb, 0x1eb, 5 }, { 0x1ef, 0x1ef, 5 }, { 0x1f8, 0x207, 4 },
	{ 0x208, 0x29f, 5 }, { 0x2d0, 0x2e7, 5 }, { 0x318, 0x49f, 5 },
};

static bool is_reserved(size_t at, uint32_t version)
{
	for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
		if (zeros[i].first <= at && at <= zeros[i].last &&
		    version <= zeros[i].version)
			return true;
	return false;
}

Test(snp_report, what_a_version_keeps_zero_has_to_be_zero)
{
	size_t refused = 0;

	for (uint32_t version = 2; version <= 5; version++) {
		uint8_t raw[SNP_REPORT_BYTES];

		make(SNP_REPORT_MILAN, version, raw);
		for (size_t at = 0; at < sizeof(raw); at++) {
			if (!is_reserved(at, version))
				continue;
			for (int bit = 0; bit < 8; bit++) {
				raw[at] = (uint8_t)(1 << bit);
				cr_assert_eq(parse(raw, sizeof(raw)),
					     ERR_MALFORMED, "version %u, %zx",
					     version, at);
				refused++;
			}
			raw[at] = 0;
		}
		cr_assert_eq(parse(raw, sizeof(raw)), ERR_OK);
	}
	printf("0 of %zu flips of reserved bits were read\n", refused);
}

Test(snp_report, processors_are_told_by_family_and_model)
{
	static const struct {
		uint8_t family, model;
		enum snp_report_product product;
	} known[] = {
		{ 0x19, 0x01, SNP_REPORT_MILAN },
		{ 0x19, 0x11, SNP_REPORT_GENOA },
		{ 0x19, 0xa0, SNP_REPORT_GENOA },
		{ 0x1a, 0x02, SNP_REPORT_TURIN },
		{ 0x1a, 0x11, SNP_REPORT_TURIN },
		{ 0x19, 0x20, SNP_REPORT_UNSAID },
		{ 0x1a, 0x20, SNP_REPORT_UNSAID },
		{ 0x17, 0x31, SNP_REPORT_UNSAID },
		{ 0x00, 0x00, SNP_REPORT_UNSAID },
	};
	uint8_t raw[SNP_REPORT_BYTES];

	make(SNP_REPORT_MILAN, 3, raw);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct snp_report report = { .product = SNP_REPORT_UNSAID };
		enum err wanted = known[i].product == SNP_REPORT_UNSAID
					  ? ERR_UNSUPPORTED
					  : ERR_OK;

		raw[SNP_FORGE_PROCESSOR] = known[i].family;
		raw[SNP_FORGE_PROCESSOR + 1] = known[i].model;
		cr_assert_eq(snp_report_parse(BYTES_ARRAY(raw), &report),
			     wanted);
		cr_assert_eq(report.product, known[i].product);
	}
}

Test(snp_report, turin_orders_its_firmware_otherwise)
{
	static const uint8_t milan[] = { 1, 2, 0, 0, 0, 0, 3, 4 };
	static const uint8_t turin[] = { 9, 1, 2, 3, 0, 0, 0, 4 };
	struct appraisal_tcb tcb;

	cr_assert_eq(snp_report_tcb(BYTES_ARRAY(milan), SNP_REPORT_GENOA, &tcb),
		     ERR_OK);
	cr_assert(tcb.fmc == 0 && tcb.bootloader == 1 && tcb.tee == 2 &&
		  tcb.snp == 3 && tcb.microcode == 4);
	cr_assert_eq(snp_report_tcb(BYTES_ARRAY(turin), SNP_REPORT_TURIN, &tcb),
		     ERR_OK);
	cr_assert(tcb.fmc == 9 && tcb.bootloader == 1 && tcb.tee == 2 &&
		  tcb.snp == 3 && tcb.microcode == 4);
	cr_assert_eq(snp_report_tcb(BYTES_ARRAY(turin), SNP_REPORT_MILAN, &tcb),
		     ERR_MALFORMED);
	cr_assert_eq(snp_report_tcb(BYTES_ARRAY(milan), SNP_REPORT_TURIN, &tcb),
		     ERR_MALFORMED);
	cr_assert_eq(
		snp_report_tcb(BYTES_ARRAY(milan), SNP_REPORT_UNSAID, &tcb),
		ERR_UNSUPPORTED);
}

Test(snp_report, it_is_printed_field_by_field)
{
	uint8_t raw[SNP_REPORT_BYTES];
	struct snp_report report;
	char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	make(SNP_REPORT_TURIN, 5, raw);
	raw[SNP_FORGE_POLICY + 2] |= 1 << 3;
	cr_assert_eq(snp_report_parse(BYTES_ARRAY(raw), &report), ERR_OK);
	snp_report_print(&report, out);
	cr_assert_eq(fclose(out), 0);
	cr_assert_not_null(strstr(text, "Turin (family 1a, model 02"));
	cr_assert_not_null(strstr(text, "debugging ALLOWED"));
	cr_assert_not_null(strstr(text, "fmc 3, bootloader 4, tee 2, snp 23, "
					"microcode 213"));
	cr_assert_not_null(strstr(text, "dadadada"));
	cr_assert_not_null(strstr(text, "e5e5e5e5"));
	cr_assert_not_null(strstr(text, "the chip's key (VCEK)"));
}
