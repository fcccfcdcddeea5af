/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/trust.h"

#define HEX32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX48 HEX32 "00112233445566778899aabbccddeeff"

static const char everything[] = "# what a family trusts\n"
				 "\n"
				 "evidence tpm2\n"
				 "evidence sev-snp\n"
				 "root tpm2 " HEX32 "\n"
				 "chip sev-snp " HEX48 "\n"
				 "measurement pcr4 " HEX32 "\n"
				 "measurement pcr4 " HEX32 "\n"
				 "measurement launch " HEX48 "\n"
				 "measurement rtmr1 " HEX48 "\n"
				 "program " HEX32 "\n"
				 "command " HEX32 "\n"
				 "snp-tcb snp 8\n"
				 "snp-tcb microcode 115\n"
				 "snp-vmpl 1\n"
				 "tdx-status sw-hardening-needed\n"
				 "shape sized\n"
				 "node " HEX32 "\n";

static enum err parse(const char *text, struct trust *trust, size_t *line)
{
	trust_begin(trust);
	return trust_parse(bytes_of_string(text), trust, line);
}

Test(trust, every_key_finds_its_place)
{
	static struct trust trust;
	const struct appraisal_policy *appraisal = trust.policy.appraisal;
	const struct appraisal_policy *snp =
		&appraisal[BUNDLE_EVIDENCE_SEV_SNP];
	const struct appraisal_policy *tpm = &appraisal[BUNDLE_EVIDENCE_TPM2];
	size_t line;

	cr_assert_eq(parse(everything, &trust, &line), ERR_OK, "line %zu",
		     line);
	cr_assert_eq(trust.policy.evidence,
		     1u << BUNDLE_EVIDENCE_TPM2 |
			     1u << BUNDLE_EVIDENCE_SEV_SNP);
	cr_assert_eq(tpm->root_count, 1);
	cr_assert_eq(snp->root_count, 0);
	cr_assert_eq(snp->chip_count, 1);
	cr_assert_eq(snp->chips[0].len, 48);
	cr_assert_eq(tpm->reference_count, 2);
	cr_assert_eq(tpm->references[0].which, APPRAISAL_PCR0 + 4);
	cr_assert_eq(tpm->references[0].value.len, 32);
	cr_assert_eq(tpm->references[0].value.digest[1], 0x11);
	cr_assert_eq(snp->reference_count, 1);
	cr_assert_eq(snp->references[0].value.len, 48);
	cr_assert_eq(appraisal[BUNDLE_EVIDENCE_TDX].reference_count, 1);
	cr_assert_eq(snp->snp_floor.snp, 8);
	cr_assert_eq(snp->snp_floor.microcode, 115);
	cr_assert_eq(snp->snp_vmpl_most, 1);
	cr_assert_eq(appraisal[BUNDLE_EVIDENCE_TDX].tdx_worst,
		     APPRAISAL_TDX_SW_HARDENING_NEEDED);
	cr_assert_eq(trust.policy.mode_worst, STATEMENT_MODE_SIZED);
	cr_assert_not_null(trust.policy.node_id);
	cr_assert_eq(trust.policy.registers, VERIFY_REGISTERS_ASKED);
	cr_assert_eq(trust.policy.digests[0].count, 1);
	cr_assert_eq(trust.policy.digests[VERIFY_DIGESTS - 1].count, 1);
}

/* Each of these would be read as less, or as more, than somebody meant. */
Test(trust, what_is_not_exactly_in_form_is_refused_with_its_line)
{
	static const struct {
		const char *text;
		enum err err;
	} bad[] = {
		{ "evidence tpm2", ERR_TRUNCATED },
		{ "evidence\n", ERR_MALFORMED },
		{ "evidence tpm\n", ERR_MALFORMED },
		{ "evidence tpm2 \n", ERR_MALFORMED },
		{ "evidence tpm2 tdx\n", ERR_MALFORMED },
		{ "evidence unknown\n", ERR_MALFORMED },
		{ " evidence tpm2\n", ERR_UNSUPPORTED },
		{ "Evidence tpm2\n", ERR_UNSUPPORTED },
		{ "evidence tpm2\r\n", ERR_MALFORMED },
		{ "evidence=tpm2\n", ERR_UNSUPPORTED },
		{ "root " HEX32 "\n", ERR_MALFORMED },
		{ "root tpm2 " HEX48 "\n", ERR_MALFORMED },
		{ "chip tpm2\n", ERR_MALFORMED },
		{ "chip tpm2 0\n", ERR_MALFORMED },
		{ "measurement pcr24 " HEX32 "\n", ERR_MALFORMED },
		{ "measurement pcr4 " HEX48 "\n", ERR_MALFORMED },
		{ "measurement launch " HEX32 "\n", ERR_MALFORMED },
		{ "measurement any thing\n", ERR_MALFORMED },
		{ "measurement\n", ERR_MALFORMED },
		{ "program 00\n", ERR_MALFORMED },
		{ "snp-tcb snp 256\n", ERR_MALFORMED },
		{ "snp-tcb snp -1\n", ERR_MALFORMED },
		{ "snp-tcb snp 8\nsnp-tcb snp 7\n", ERR_DENIED },
		{ "snp-tcb core 8\n", ERR_MALFORMED },
		{ "snp-vmpl 4\n", ERR_MALFORMED },
		{ "snp-vmpl 0\nsnp-vmpl 3\n", ERR_DENIED },
		{ "tdx-status revoked\n", ERR_MALFORMED },
		{ "shape any\n", ERR_MALFORMED },
		{ "shape off\nshape paced\n", ERR_DENIED },
		{ "node " HEX32 "\nnode " HEX32 "\n", ERR_DENIED },
		{ "accept-program " HEX32 "\n", ERR_UNSUPPORTED },
	};
	static struct trust trust;
	size_t line;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(parse(bad[i].text, &trust, &line), bad[i].err,
			     "%s", bad[i].text);
	cr_assert_eq(parse("# x\n\nshape off\nshape off\n", &trust, &line),
		     ERR_DENIED);
	cr_assert_eq(line, 4);
}

Test(trust, a_list_beyond_its_room_is_refused)
{
	static struct trust trust;
	size_t taken = 0;

	trust_begin(&trust);
	while (trust_take(&trust, BYTES_LITERAL("model"),
			  BYTES_LITERAL(HEX32)) == ERR_OK)
		taken++;
	cr_assert_eq(taken, TRUST_LIST_MAX);
	cr_assert_eq(trust_take(&trust, BYTES_LITERAL("model"),
				BYTES_LITERAL(HEX32)),
		     ERR_TOO_LARGE);
}

Test(trust, cut_at_any_place_but_an_end_of_a_line_it_is_refused)
{
	static struct trust trust;
	struct bytes all = BYTES_LITERAL("evidence tpm2\nshape off\n");
	size_t line;

	for (size_t len = 1; len < all.len; len++) {
		trust_begin(&trust);
		cr_assert_eq(trust_parse((struct bytes){ all.data, len },
					 &trust, &line) == ERR_OK,
			     all.data[len - 1] == '\n', "%zu", len);
	}
}

/* Of two folders one would be left unread. */
Test(trust, collateral_is_one_folder_of_names_that_are_known)
{
	static struct trust trust;
	char folder[] = "/tmp/pcc-trust-XXXXXX", path[64];
	FILE *file;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/tdx-tcb-info.json", folder);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs("{}", file);
	fclose(file);
	trust_begin(&trust);
	cr_assert_eq(trust_load_collateral("test", folder, &trust), ERR_OK);
	cr_assert_eq(
		trust.policy.appraisal[BUNDLE_EVIDENCE_TDX].tdx_tcb_info.len,
		2);
	cr_assert_eq(trust_load_collateral("test", folder, &trust), ERR_DENIED);
	trust_close(&trust);
	cr_assert_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/notes.txt", folder);
	file = fopen(path, "w");
	fclose(file);
	cr_assert_eq(trust_load_collateral("test", folder, &trust),
		     ERR_UNSUPPORTED);
	unlink(path);
	rmdir(folder);
}
