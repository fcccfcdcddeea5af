/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of real machines, at a time when their certificates were valid. */
#include <criterion/criterion.h>

#include "attest/snp.h"
#include "attest/snp_report.h"
#include "tests/vector.h"

#define AT_2025_06_01 1748736000u
#define AT_2026_01_01 1767225600u
#define AT_2026_11_01 1793491200u
#define CERTIFICATES_MAX 8

#define BIT(code) (1u << APPRAISAL_##code)
#define PASSES \
	(BIT(FORMAT) | BIT(CHAIN) | BIT(SIGNATURE) | BIT(TCB) | BIT(GUEST))

struct sample {
	const char *report;
	size_t skipped; /* bytes before the report */
	const char *key;
	const char *issuers;
	uint32_t vmpl_most;
	uint64_t now;
	uint32_t passed, failed; /* the rest is skipped */
};

/* The verdicts are those of the sets' own descriptions (ORIGIN.txt); that the
 * first guest may be debugged is plain to see in its policy. */
static const struct sample samples[] = {
	{ "snp/milan-vcek-v2-goseguest/report.bin", 0,
	  "snp/milan-vcek-v2-goseguest/vcek.der", "snp/roots/ask_ark_milan.pem",
	  0, AT_2025_06_01, PASSES & ~BIT(GUEST), BIT(GUEST) },
	{ "snp/milan-vcek-v2-trustee/report.bin", 0,
	  "snp/milan-vcek-v2-trustee/vcek.der", "snp/roots/ask_ark_milan.pem",
	  0, AT_2025_06_01, PASSES, 0 },
	{ "snp/milan-vcek-v2-trustee/report.bin", 0,
	  "snp/milan-vcek-v2-trustee/neg-vcek-invalid-legacy.der",
	  "snp/roots/ask_ark_milan.pem", 0, AT_2025_06_01,
	  BIT(FORMAT) | BIT(GUEST),
	  BIT(CHAIN) | BIT(SIGNATURE) | BIT(TCB) | BIT(CHIP) },
	{ "snp/milan-vlek-v3-trustee/report.bin", 0,
	  "snp/milan-vlek-v3-trustee/vlek.der",
	  "snp/roots/ask_ark_milan_vlek.pem", 1, AT_2025_06_01, PASSES, 0 },
	{ "snp/milan-vlek-v3-trustee/report.bin", 0,
	  "snp/milan-vlek-v3-trustee/vlek.der",
	  "snp/roots/ask_ark_milan_vlek.pem", 0, AT_2025_06_01,
	  PASSES & ~BIT(GUEST), BIT(GUEST) },
	{ "snp/milan-vlek-v3-trustee/report.bin", 0,
	  "snp/milan-vlek-v3-trustee/vlek.der",
	  "snp/roots/ask_ark_milan_vlek.pem", 1, AT_2026_01_01,
	  PASSES & ~BIT(CHAIN), BIT(CHAIN) },
	{ "snp/milan-vlek-v3-trustee/report.bin", 0,
	  "snp/milan-vlek-v3-trustee/vlek.der", "snp/roots/ask_ark_milan.pem",
	  1, AT_2025_06_01, PASSES & ~BIT(CHAIN), BIT(CHAIN) },
	{ "snp/milan-vcek-v3-dstack/report.bin", 0,
	  "snp/milan-vcek-v3-dstack/vcek.pem", "snp/roots/ask_ark_milan.pem", 0,
	  AT_2026_11_01, PASSES, 0 },
	{ "snp/azure-milan-vtpm/hcl-report.bin", 32,
	  "snp/azure-milan-vtpm/vcek.pem", "snp/roots/ask_ark_milan.pem", 0,
	  AT_2025_06_01, PASSES, 0 },
};

static size_t load(const char *path, struct bytes *out, size_t max)
{
	struct bytes file = vector_file(path);

	if (file.data[0] == 0x30) {
		out[0] = file;
		return 1;
	}
	return vector_pem(file, out, max);
}

static void judge(const struct sample *sample, struct appraisal_policy *policy,
		  struct appraisal *out)
{
	static struct bytes certificates[CERTIFICATES_MAX];
	struct bytes file = vector_file(sample->report);
	struct snp_evidence evidence = {
		.report = { file.data + sample->skipped, SNP_REPORT_BYTES },
	};
	size_t count = load(sample->key, certificates, CERTIFICATES_MAX);

	count += load(sample->issuers, certificates + count,
		      CERTIFICATES_MAX - count);
	policy->now = sample->now;
	policy->snp_vmpl_most = sample->vmpl_most;
	policy->certificates = certificates;
	policy->certificate_count = count;
	snp_appraise_parts(&evidence, policy, out);
}

static void expect(const struct appraisal *found, uint32_t passed,
		   uint32_t failed, const char *name)
{
	for (int i = 0; i < APPRAISAL_CODES; i++) {
		enum record_mark wanted = (passed >> i & 1) != 0 ? RECORD_PASS
					  : (failed >> i & 1) != 0
						  ? RECORD_FAIL
						  : RECORD_SKIP;

		cr_expect_eq(found->records[i].mark, wanted, "%s: %s is %s: %s",
			     name, appraisal_code_name((enum appraisal_code)i),
			     record_mark_name(found->records[i].mark),
			     found->records[i].text);
	}
}

Test(snp_samples, every_report_of_a_real_machine_has_its_documented_verdict)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct appraisal_policy policy = { 0 };
		struct appraisal out;

		judge(&samples[i], &policy, &out);
		expect(&out, samples[i].passed, samples[i].failed,
		       samples[i].report);
		cr_expect_eq(appraisal_holds(&out, SNP_NEEDED),
			     samples[i].failed == 0);
		vector_forget();
	}
}

/* The same as one above, of files that are part of the tree. */
Test(snp_samples, a_stored_report_of_a_real_machine_passes_under_amds_root)
{
	struct bytes certificates[CERTIFICATES_MAX] = { vector_own(
		"snp/vcek.der") };
	size_t issuers = vector_pem(vector_own("snp/ask_ark.pem"),
				    certificates + 1, CERTIFICATES_MAX - 1);
	struct snp_evidence evidence = { .report =
						 vector_own("snp/report.bin") };
	struct appraisal_policy policy = { .now = AT_2025_06_01,
					   .certificates = certificates,
					   .certificate_count = 1 + issuers };
	struct appraisal out;

	cr_assert_eq(issuers, 2);
	snp_appraise_parts(&evidence, &policy, &out);
	expect(&out, PASSES, 0, "stored");
	vector_forget();
}

/* The report of a paravisor, in the envelope of its cloud. */
Test(snp_samples, a_genoa_has_its_documented_verdict)
{
	json_t *set = vector_load("snp/azure-genoa-vtpm/evidence.json");
	const json_t *raw = json_object_get(set, "report");
	static uint8_t report[4096];
	struct bytes certificates[CERTIFICATES_MAX];
	struct snp_evidence evidence = { .report = { report + 32,
						     SNP_REPORT_BYTES } };
	struct appraisal_policy policy = { .now = AT_2025_06_01,
					   .certificates = certificates };
	struct appraisal out;
	size_t count;

	cr_assert(json_array_size(raw) <= sizeof(report));
	for (size_t i = 0; i < json_array_size(raw); i++)
		report[i] = (uint8_t)json_integer_value(json_array_get(raw, i));
	count = vector_pem(bytes_of_string(vector_text(set, "vcek")),
			   certificates, CERTIFICATES_MAX);
	count += load("snp/roots/ask_ark_genoa.pem", certificates + count,
		      CERTIFICATES_MAX - count);
	policy.certificate_count = count;
	snp_appraise_parts(&evidence, &policy, &out);
	expect(&out, PASSES, 0, "genoa");
	json_decref(set);
	vector_forget();
}

static enum record_mark revocation(const struct sample *sample,
				   const struct bytes *lists, size_t count)
{
	struct appraisal_policy policy = { .crls = lists, .crl_count = count };
	struct appraisal out;

	judge(sample, &policy, &out);
	return out.records[APPRAISAL_REVOCATION].mark;
}

Test(snp_samples, a_list_of_the_root_answers_and_another_s_does_not)
{
	struct bytes lists[] = { vector_file("snp/crl/milan.crl.der"),
				 vector_file("snp/crl/genoa.crl.der") };
	struct sample sample = samples[1];
	uint8_t *changed = vector_copy(lists[0]);
	struct bytes forged = { changed, lists[0].len };

	cr_assert_eq(revocation(&sample, lists, 2), RECORD_PASS);
	cr_assert_eq(revocation(&sample, lists, 1), RECORD_PASS);
	cr_assert_eq(revocation(&sample, lists + 1, 1), RECORD_SKIP);
	changed[forged.len - 1] ^= 1;
	cr_assert_eq(revocation(&sample, &forged, 1), RECORD_FAIL);
	sample.now = AT_2026_11_01; /* after its end */
	cr_assert_eq(revocation(&sample, lists, 1), RECORD_FAIL);
}

Test(snp_samples, a_floor_above_a_real_machine_refuses_it)
{
	const struct sample *sample = &samples[1];
	const struct appraisal_tcb exact = { .bootloader = 3,
					     .snp = 8,
					     .microcode = 0x73 };
	struct appraisal_policy policy = { .snp_floor = exact };
	struct appraisal out;

	judge(sample, &policy, &out);
	cr_assert(appraisal_holds(&out, SNP_NEEDED));
	policy.snp_floor.microcode++;
	judge(sample, &policy, &out);
	cr_assert_eq(out.records[APPRAISAL_TCB].mark, RECORD_FAIL);
	policy.snp_floor = exact;
	policy.snp_floor.snp++;
	judge(sample, &policy, &out);
	cr_assert_eq(out.records[APPRAISAL_TCB].mark, RECORD_FAIL);
}
