/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/azure.h"

#include <string.h>

#include "attest/azure_hcl.h"
#include "attest/snp.h"
#include "attest/tpm.h"
#include "attest/tpm_quote.h"
#include "wire/cbor.h"

#define PARTS 3

/* Evidence, opened. */
struct opened {
	struct azure_evidence parts;
	struct azure_hcl hcl;
	struct tpm_evidence tpm;
	struct tpm_public key;
	struct tpm_quote quote;
};

enum err azure_parse(struct bytes evidence, struct azure_evidence *out)
{
	struct azure_evidence found;
	size_t count;

	TRY(cbor_take_array(&evidence, PARTS, &count));
	if (count != PARTS)
		return ERR_MALFORMED;
	TRY(cbor_take_bytes(&evidence, &found.report));
	TRY(cbor_take_bytes(&evidence, &found.certificates));
	TRY(cbor_take_bytes(&evidence, &found.quote));
	TRY(bytes_expect_end(&evidence));
	*out = found;
	return ERR_OK;
}

enum err azure_write(const struct azure_evidence *evidence, struct writer *out)
{
	TRY(cbor_put_array(out, PARTS));
	TRY(cbor_put_bytes(out, evidence->report));
	TRY(cbor_put_bytes(out, evidence->certificates));
	return cbor_put_bytes(out, evidence->quote);
}

static enum err open_evidence(struct bytes evidence, struct opened *out)
{
	TRY(azure_parse(evidence, &out->parts));
	TRY(azure_hcl_parse(out->parts.report, &out->hcl));
	TRY(tpm_evidence_parse(out->parts.quote, &out->tpm));
	if (out->tpm.certificate_count != 0)
		return ERR_MALFORMED;
	TRY(tpm_public_parse(out->tpm.ak_public, &out->key));
	return tpm_quote_parse(out->tpm.attest, &out->quote);
}

static bool is_claimed(const struct opened *opened)
{
	return opened->key.type == TPM_PUBLIC_RSA &&
	       opened->key.exponent == opened->hcl.exponent &&
	       bytes_equal(opened->key.modulus,
			   BYTES_ARRAY(opened->hcl.modulus));
}

/* What the key may do is in its name, and its TPM signs that name's hash. */
static bool is_attestation_key(const struct opened *opened)
{
	struct tpm_public_name name;

	tpm_public_name(&opened->key, &name);
	return tpm_public_expect_ak(&opened->key) == ERR_OK &&
	       tpm_quote_is_by_primary(&opened->quote, &name);
}

/* From the hardware's report to the key, after the report's own chain. */
static void judge_chain(const struct opened *opened, struct appraisal *out)
{
	if (out->records[APPRAISAL_CHAIN].mark != RECORD_PASS)
		return;
	if (azure_hcl_check(&opened->hcl, out->report_data) != ERR_OK) {
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The hardware's report is not of these claims.");
	} else if (!is_claimed(opened)) {
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The claims are of another attestation key.");
	} else if (!is_attestation_key(opened)) {
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The key may sign what no TPM said, or is not "
			       "the one that the quote names.");
	} else {
		appraisal_pass(out, APPRAISAL_CHAIN,
			       "An accepted root vouches for the report, the "
			       "report for the TPM's key.");
	}
}

static void judge_quote(const struct opened *opened, struct appraisal *out)
{
	struct tpm_quote_claim claim = {
		.attest = opened->tpm.attest,
		.signature = opened->tpm.signature,
		.key = &opened->key,
		.data = opened->quote.data,
		.values = { .bank = HASH_SHA256 },
	};
	struct tpm_quote quote;

	if (out->records[APPRAISAL_SIGNATURE].mark != RECORD_PASS)
		return;
	memcpy(claim.values.pcrs, opened->tpm.pcrs, sizeof(claim.values.pcrs));
	if (tpm_quote_check(&claim, &quote) != ERR_OK) {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The TPM's key did not sign a quote of these "
			       "values.");
	} else {
		appraisal_pass(out, APPRAISAL_SIGNATURE,
			       "The chip signed the report, the TPM these "
			       "registers.");
	}
}

/* Nothing that the quote says is passed on before it is known to hold. */
static bool holds(const struct appraisal *out)
{
	return out->records[APPRAISAL_CHAIN].mark == RECORD_PASS &&
	       out->records[APPRAISAL_SIGNATURE].mark == RECORD_PASS;
}

void azure_appraise(struct bytes evidence,
		    const struct appraisal_policy *policy,
		    struct appraisal *out)
{
	struct opened opened = { 0 };
	enum err err = open_evidence(evidence, &opened);

	if (err != ERR_OK) {
		appraisal_begin(out);
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "Not a paravisor's report with a TPM's quote: "
			       "%s.",
			       err_name(err));
		return;
	}
	snp_appraise_parts(&(struct snp_evidence){ opened.hcl.report,
						   opened.parts.certificates },
			   policy, out);
	if (out->records[APPRAISAL_FORMAT].mark != RECORD_PASS)
		return;
	judge_chain(&opened, out);
	judge_quote(&opened, out);
	out->report_data = (struct bytes){ NULL, 0 };
	appraisal_skip(out, APPRAISAL_EVENTS, "Not reached.");
	if (holds(out)) {
		out->report_data = opened.quote.data;
		tpm_take_registers(&opened.tpm, out);
		tpm_judge_events(&opened.tpm, out);
	}
	appraisal_judge_registers(out, policy);
}
