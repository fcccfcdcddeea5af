/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tdx_sample.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"
#include "wire/cbor.h"

#define EVIDENCE_MAX (96u << 10)

struct bytes tdx_sample_evidence(struct bytes outblob, struct bytes ccel)
{
	static uint8_t memory[EVIDENCE_MAX];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(cbor_put_array(&out, 2), ERR_OK);
	cr_assert_eq(cbor_put_bytes(&out, outblob), ERR_OK);
	cr_assert_eq(cbor_put_bytes(&out, ccel), ERR_OK);
	return (struct bytes){ vector_copy(bytes_written(&out)), out.len };
}

/* Value and signature, which this file has apart, as Intel sends them. */
static struct bytes join(const json_t *all, const char *name, const char *value,
			 const char *signature)
{
	static char text[EVIDENCE_MAX];
	int len = snprintf(
		text, sizeof(text), "{\"%s\":%s,\"signature\":\"%s\"}", name,
		vector_text(all, value), vector_text(all, signature));
	struct bytes whole = { (const uint8_t *)text, (size_t)len };

	cr_assert(len > 0 && (size_t)len < sizeof(text));
	return (struct bytes){ vector_copy(whole), whole.len };
}

void tdx_sample_load(struct tdx_sample_collateral *out)
{
	struct bytes file = vector_own("tdx/collateral.json");
	json_t *all = json_loadb((const char *)file.data, file.len, 0, NULL);
	struct bytes chain;

	cr_assert(all != NULL);
	out->tcb_info = join(all, "tcbInfo", "tcb_info", "tcb_info_signature");
	out->qe_identity = join(all, "enclaveIdentity", "qe_identity",
				"qe_identity_signature");
	chain = bytes_of_string(vector_text(all, "tcb_info_issuer_chain"));
	out->signing_chain = (struct bytes){ vector_copy(chain), chain.len };
	out->crls[0] = vector_bytes(all, "pck_crl");
	out->crls[1] = vector_bytes(all, "root_ca_crl");
	json_decref(all);
}

struct appraisal_policy
tdx_sample_policy(const struct tdx_sample_collateral *collateral, uint64_t now)
{
	return (struct appraisal_policy){
		.now = now,
		.crls = collateral->crls,
		.crl_count = 2,
		.tdx_tcb_info = collateral->tcb_info,
		.tdx_qe_identity = collateral->qe_identity,
		.tdx_signing_chain = collateral->signing_chain,
	};
}

void tdx_sample_expect(const struct appraisal *appraisal,
		       enum appraisal_code code, enum record_mark mark,
		       const char *words)
{
	const struct record *record = &appraisal->records[code];

	cr_assert(record->mark == mark && strstr(record->text, words) != NULL,
		  "%s: %s %s", appraisal_code_name(code),
		  record_mark_name(record->mark), record->text);
}
