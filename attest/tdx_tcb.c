/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx_tcb.h"

#include <string.h>

#include "base/secret.h"

/* Components of the TDX module among a platform's TDX components. */
#define MODULE_SVN 0
#define MODULE_VERSION 1
#define AFTER_MODULE 2

#define SGX_DEBUG 0x02 /* of the first byte of an enclave's attributes */

static bool same(struct bytes found, const void *wanted, size_t len)
{
	return bytes_equal(found, (struct bytes){ wanted, len });
}

static bool same_under(struct bytes found, const uint8_t *wanted,
		       const uint8_t *mask, size_t len)
{
	invariant(found.len == len);
	for (size_t i = 0; i < len; i++)
		if ((found.data[i] & mask[i]) != (wanted[i] & mask[i]))
			return false;
	return true;
}

enum appraisal_tdx_status tdx_tcb_worse(enum appraisal_tdx_status platform,
					enum appraisal_tdx_status part)
{
	if (part != APPRAISAL_TDX_OUT_OF_DATE)
		return part > platform ? part : platform;
	switch (platform) {
	case APPRAISAL_TDX_UP_TO_DATE:
	case APPRAISAL_TDX_SW_HARDENING_NEEDED:
		return APPRAISAL_TDX_OUT_OF_DATE;
	case APPRAISAL_TDX_CONFIGURATION_NEEDED:
	case APPRAISAL_TDX_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return APPRAISAL_TDX_OUT_OF_DATE_CONFIGURATION_NEEDED;
	case APPRAISAL_TDX_OUT_OF_DATE:
	case APPRAISAL_TDX_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case APPRAISAL_TDX_REVOKED:
		break;
	}
	return platform;
}

/* The best step that is not above the number. */
static enum err judge_step(const struct tdx_collateral_steps *steps,
			   uint16_t isvsvn, enum appraisal_tdx_status *out)
{
	for (size_t i = 0; i < steps->count; i++)
		if (isvsvn >= steps->list[i].isvsvn) {
			*out = steps->list[i].status;
			return ERR_OK;
		}
	return ERR_UNSUPPORTED;
}

static const struct tdx_collateral_module *
find_module(const struct tdx_collateral_tcb_info *info, uint8_t version)
{
	if (version == 0)
		return &info->module;
	for (size_t i = 0; i < info->module_count; i++)
		if (info->modules[i].version == version)
			return &info->modules[i];
	return NULL;
}

/* Who signed the module, and that it has no attribute, such as debugging. */
static enum err judge_module(const struct tdx_collateral_tcb_info *info,
			     const struct tdx_quote *quote, const uint8_t *svn,
			     enum appraisal_tdx_status *out)
{
	const struct tdx_collateral_module *module =
		find_module(info, svn[MODULE_VERSION]);

	if (module == NULL ||
	    !same(quote->mrsignerseam, module->mrsigner,
		  sizeof(module->mrsigner)) ||
	    !same_under(quote->seam_attributes, module->attributes,
			module->attributes_mask, sizeof(module->attributes)) ||
	    !secret_is_zero(quote->seam_attributes.data,
			    quote->seam_attributes.len))
		return ERR_UNAUTHENTIC;
	if (svn[MODULE_VERSION] == 0) {
		*out = APPRAISAL_TDX_UP_TO_DATE; /* the level says it */
		return ERR_OK;
	}
	return judge_step(&module->steps, svn[MODULE_SVN], out);
}

static bool has(const uint8_t *found, const uint8_t *wanted, size_t first)
{
	for (size_t i = first; i < TDX_COLLATERAL_SVNS; i++)
		if (found[i] < wanted[i])
			return false;
	return true;
}

static enum err judge_level(const struct tdx_collateral_tcb_info *info,
			    const struct pck *pck, const uint8_t *svn,
			    enum appraisal_tdx_status *out)
{
	size_t first = svn[MODULE_VERSION] == 0 ? 0 : AFTER_MODULE;

	for (size_t i = 0; i < info->level_count; i++) {
		const struct tdx_collateral_level *level = &info->levels[i];

		if (has(pck->components, level->sgx, 0) &&
		    pck->pcesvn >= level->pcesvn &&
		    has(svn, level->tdx, first)) {
			*out = level->status;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

static enum err judge_svn(const struct tdx_collateral_tcb_info *info,
			  const struct pck *pck, const struct tdx_quote *quote,
			  const uint8_t *svn, enum appraisal_tdx_status *out)
{
	enum appraisal_tdx_status module;
	enum appraisal_tdx_status level;

	TRY(judge_module(info, quote, svn, &module));
	TRY(judge_level(info, pck, svn, &level));
	*out = tdx_tcb_worse(level, module);
	return ERR_OK;
}

/*
 * A TD 1.5 says what the platform had when the TD was launched and what it has
 * now.  Both have to be good: neither the launch nor the module that runs may
 * be left to an old one.
 */
enum err tdx_tcb_judge_platform(const struct tdx_collateral_tcb_info *info,
				const struct pck *pck,
				const struct tdx_quote *quote,
				enum appraisal_tdx_status *out)
{
	enum appraisal_tdx_status launched;
	enum appraisal_tdx_status runs;

	if (memcmp(info->fmspc, pck->fmspc, sizeof(info->fmspc)) != 0 ||
	    memcmp(info->pceid, pck->pceid, sizeof(info->pceid)) != 0)
		return ERR_DENIED;
	TRY(judge_svn(info, pck, quote, quote->tee_tcb_svn.data, &launched));
	runs = launched;
	if (quote->body == TDX_QUOTE_TD15)
		TRY(judge_svn(info, pck, quote, quote->tee_tcb_svn2.data,
			      &runs));
	*out = launched > runs ? launched : runs;
	return ERR_OK;
}

enum err tdx_tcb_judge_qe(const struct tdx_collateral_qe_identity *identity,
			  const struct tdx_quote_qe *qe,
			  enum appraisal_tdx_status *out)
{
	if (!same(qe->mrsigner, identity->mrsigner,
		  sizeof(identity->mrsigner)) ||
	    qe->isvprodid != identity->isvprodid ||
	    !same_under(qe->attributes, identity->attributes,
			identity->attributes_mask,
			sizeof(identity->attributes)) ||
	    !same_under(qe->miscselect, identity->miscselect,
			identity->miscselect_mask,
			sizeof(identity->miscselect)) ||
	    (qe->attributes.data[0] & SGX_DEBUG) != 0)
		return ERR_UNAUTHENTIC;
	return judge_step(&identity->steps, qe->isvsvn, out);
}
