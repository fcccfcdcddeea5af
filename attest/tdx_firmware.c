/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx_firmware.h"

#include <string.h>

#include "base/secret.h"

#define TCB_SIGNING "Intel SGX TCB Signing"

static void end_no_later_than(struct appraisal *out, uint64_t end)
{
	if (out->valid_until == 0 || end < out->valid_until)
		out->valid_until = end;
}

void tdx_firmware_end_with(struct appraisal *out,
			   const struct certificate_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		uint64_t begin;
		uint64_t end;

		if (certificate_validity(&chain->list[i], &begin, &end) ==
		    ERR_OK)
			end_no_later_than(out, end);
	}
}

/* What Intel signed, opened, and how long all of it is good. */
struct collateral {
	struct tdx_collateral_tcb_info info;
	struct tdx_collateral_qe_identity identity;
	const char *late; /* a part that time ran out for, or NULL */
};

/* The certificate that signs goes first; the chain has exactly one. */
static enum err put_signer_first(struct certificate_chain *chain)
{
	size_t found = 0;
	size_t signer = 0;

	for (size_t i = 0; i < chain->count; i++) {
		char name[CERTIFICATE_NAME_MAX];

		TRY(certificate_common_name(&chain->list[i],
					    CERTIFICATE_SUBJECT, name));
		if (strcmp(name, TCB_SIGNING) != 0)
			continue;
		signer = i;
		found++;
	}
	if (found != 1)
		return ERR_UNAUTHENTIC;

	struct certificate first = chain->list[0];

	chain->list[0] = chain->list[signer];
	chain->list[signer] = first;
	return ERR_OK;
}

/* The key of Intel's that signs such statements. */
static enum err open_signer(const struct tdx_firmware *firmware,
			    struct appraisal *out,
			    struct collateral *collateral,
			    struct signature_key *key)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { 0 };
	enum err err;

	TRY(certificate_chain_add_pem(&chain,
				      firmware->policy->tdx_signing_chain));
	TRY(put_signer_first(&chain));
	err = certificate_chain_verify(&chain, firmware->trust);
	if (err == ERR_EXPIRED)
		collateral->late = "The certificate that signs collateral, or "
				   "the list of those revoked,";
	else
		TRY(err);
	tdx_firmware_end_with(out, &chain);
	return certificate_key(&chain.list[0], key);
}

static enum err open_info(struct bytes text, const struct signature_key *key,
			  struct tdx_collateral_tcb_info *out)
{
	struct bytes value;

	TRY(tdx_collateral_open(text, TDX_COLLATERAL_TCB_INFO, key, &value));
	return tdx_collateral_parse_tcb_info(value, out);
}

static enum err open_identity(struct bytes text,
			      const struct signature_key *key,
			      struct tdx_collateral_qe_identity *out)
{
	struct bytes value;

	TRY(tdx_collateral_open(text, TDX_COLLATERAL_QE_IDENTITY, key, &value));
	return tdx_collateral_parse_qe_identity(value, out);
}

static void check_time(uint64_t now, struct appraisal *out,
		       struct collateral *collateral)
{
	const struct tdx_collateral_period *info = &collateral->info.period;
	const struct tdx_collateral_period *id = &collateral->identity.period;

	if (tdx_collateral_check_period(id, now) != ERR_OK)
		collateral->late = "QE identity";
	if (tdx_collateral_check_period(info, now) != ERR_OK)
		collateral->late = "TCB info";
	end_no_later_than(out, info->next);
	end_no_later_than(out, id->next);
}

/* Each part in turn; where one fails, the sentence says which. */
static bool open_collateral(const struct tdx_firmware *firmware,
			    struct appraisal *out,
			    struct collateral *collateral)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	const struct appraisal_policy *policy = firmware->policy;
	const char *part = "The certificate that signs collateral";
	enum err err = open_signer(firmware, out, collateral, &key);

	if (err == ERR_OK) {
		part = "TCB info";
		err = open_info(policy->tdx_tcb_info, &key, &collateral->info);
	}
	if (err == ERR_OK) {
		part = "QE identity";
		err = open_identity(policy->tdx_qe_identity, &key,
				    &collateral->identity);
	}
	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_TCB, "%s cannot be used: %s.",
			       part, err_name(err));
		return false;
	}
	check_time(policy->now, out, collateral);
	return true;
}

/* What an error of attest/tdx_tcb.h means, of whichever part. */
static const char *reason(enum err err)
{
	if (err == ERR_DENIED)
		return "it is of another kind";
	if (err == ERR_UNAUTHENTIC)
		return "its signer, version or attributes are others";
	return "it is below every level";
}

static bool find_status(const struct tdx_firmware *firmware,
			const struct collateral *collateral,
			struct appraisal *out,
			enum appraisal_tdx_status *status)
{
	enum appraisal_tdx_status platform;
	enum appraisal_tdx_status qe;
	const char *part = "The platform or its TDX module";
	enum err err = tdx_tcb_judge_platform(&collateral->info, firmware->pck,
					      firmware->quote, &platform);

	if (err == ERR_OK) {
		part = "The quoting enclave";
		err = tdx_tcb_judge_qe(&collateral->identity,
				       &firmware->quote->qe, &qe);
	}
	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_TCB,
			       "%s is not one that the collateral knows: %s.",
			       part, reason(err));
		return false;
	}
	*status = tdx_tcb_worse(platform, qe);
	return true;
}

static void judge_status(const struct tdx_firmware *firmware,
			 const struct collateral *collateral,
			 struct appraisal *out)
{
	enum appraisal_tdx_status worst = firmware->policy->tdx_worst;
	enum appraisal_tdx_status status;

	if (!find_status(firmware, collateral, out, &status))
		return;
	if (status == APPRAISAL_TDX_REVOKED || status > worst)
		appraisal_fail(out, APPRAISAL_TCB,
			       "The firmware is %s; accepted is %s or better.",
			       tdx_collateral_status_name(status),
			       tdx_collateral_status_name(worst));
	else if (collateral->late != NULL)
		appraisal_expire(out, APPRAISAL_TCB,
				 "%s is not valid at this time.",
				 collateral->late);
	else
		appraisal_pass(out, APPRAISAL_TCB,
			       "The firmware is %s, by Intel's evaluation %u.",
			       tdx_collateral_status_name(status),
			       collateral->info.evaluation);
}

void tdx_firmware_judge(const struct tdx_firmware *firmware,
			struct appraisal *out)
{
	const struct appraisal_policy *policy = firmware->policy;
	struct collateral collateral = { .late = NULL };

	if (policy->tdx_tcb_info.len == 0 || policy->tdx_qe_identity.len == 0 ||
	    policy->tdx_signing_chain.len == 0)
		appraisal_fail(out, APPRAISAL_TCB,
			       "There is no collateral, and so no telling how "
			       "old the firmware is.");
	else if (open_collateral(firmware, out, &collateral))
		judge_status(firmware, &collateral, out);
}
