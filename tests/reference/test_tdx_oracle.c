/* SPDX-License-Identifier: Apache-2.0 */
/* What another verifier says (tdx_oracle.mjs) is what this one says. */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/tdx_quote.h"
#include "tests/unit/tdx_sample.h"
#include "tests/vector.h"

#define VERDICTS "tests/reference/tdx_oracle.json"
#define JUNE_20_2025 UINT64_C(1750377600)

/* Head of a statement, before what is signed. */
#define INFO_HEAD strlen("{\"tcbInfo\":")
#define IDENTITY_HEAD strlen("{\"enclaveIdentity\":")

struct question {
	struct tdx_sample_collateral collateral;
	uint8_t *quote, *info, *identity;
	size_t quote_len, certificates, quote_end;
};

static void prepare(struct question *out)
{
	struct bytes file = vector_own("tdx/quote.dat");
	struct tdx_quote quote;

	cr_assert_eq(tdx_quote_parse(file, &quote), ERR_OK);
	out->certificates = (size_t)(quote.certificates.data - file.data);
	out->quote_end = file.len - quote.trailing;
	out->quote = vector_copy(file);
	out->quote_len = file.len;
	tdx_sample_load(&out->collateral);
	out->info = vector_copy(out->collateral.tcb_info);
	out->identity = vector_copy(out->collateral.qe_identity);
	out->collateral.tcb_info.data = out->info;
	out->collateral.qe_identity.data = out->identity;
}

static uint8_t *part_of(const struct question *question, const json_t *one)
{
	const char *part = vector_text(one, "part");

	if (strcmp(part, "tcb_info") == 0)
		return question->info + INFO_HEAD;
	if (strcmp(part, "qe_identity") == 0)
		return question->identity + IDENTITY_HEAD;
	return question->quote;
}

static struct appraisal ask(const struct question *question, uint64_t at)
{
	static uint8_t memory[8192];
	struct appraisal_policy policy =
		tdx_sample_policy(&question->collateral, at);
	struct bytes evidence = tdx_sample_evidence(
		(struct bytes){ question->quote, question->quote_len },
		(struct bytes){ NULL, 0 });
	struct appraisal out;

	/* The other verifier does not look at the age of lists. */
	policy.crl_count = 0;
	cr_assert(evidence.len <= sizeof(memory));
	tdx_appraise(evidence, &policy, &out);
	return out;
}

/*
 * It takes certificates in any text that decodes to them, and does not look at
 * what its root says; here a text has one form, and a root signs itself.
 */
static bool is_laxer(const struct question *question, const json_t *one)
{
	size_t offset = vector_number(one, "offset");

	return part_of(question, one) == question->quote &&
	       offset >= question->certificates && offset < question->quote_end;
}

static void check(struct question *question, const json_t *one,
		  size_t counts[static 3])
{
	uint8_t *byte = part_of(question, one) + vector_number(one, "offset");
	const char *verdict = vector_text(one, "verdict");
	uint8_t bits = (uint8_t)vector_number(one, "xor");
	uint64_t at = vector_number(one, "at");
	struct appraisal out;

	*byte ^= bits;
	out = ask(question, at);
	*byte ^= bits;
	if (strcmp(verdict, "UpToDate") == 0 && bits != 0 &&
	    is_laxer(question, one)) {
		cr_assert_not(appraisal_holds(&out, TDX_NEEDED));
		counts[2]++;
	} else if (strcmp(verdict, "UpToDate") == 0) {
		cr_assert(appraisal_holds(&out, TDX_NEEDED), "at %lu",
			  (unsigned long)at);
		counts[0]++;
	} else {
		cr_assert_not(appraisal_holds(&out, TDX_NEEDED), "%s", verdict);
		/* What is unchanged is refused for the time alone. */
		cr_assert_eq(out.expired != 0, bits == 0, "%s", verdict);
		counts[1]++;
	}
}

Test(tdx_oracle, another_verifier_accepts_and_refuses_the_same)
{
	json_t *verdicts = json_load_file(VERDICTS, 0, NULL);
	struct question question;
	size_t counts[3] = { 0 };

	cr_assert(verdicts != NULL, "%s is missing", VERDICTS);
	prepare(&question);
	for (size_t i = 0; i < json_array_size(verdicts); i++) {
		check(&question, json_array_get(verdicts, i), counts);
		if (i % 16 == 15) {
			vector_forget();
			prepare(&question);
		}
	}
	printf("%zu accepted, %zu refused by both; %zu refused here alone\n",
	       counts[0], counts[1], counts[2]);
	cr_assert(counts[0] >= 7 && counts[1] >= 200 && counts[2] == 9);
	json_decref(verdicts);
	vector_forget();
}
