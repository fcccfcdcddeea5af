/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp.h"

#include <string.h>

#include "attest/roots.h"
#include "attest/snp_chain.h"
#include "attest/snp_endorsement.h"
#include "base/secret.h"
#include "wire/cbor.h"

#define VMPL_MOST 3 /* of a guest; a host asks with another number */
#define PLATFORM_SMT 1u

/* Evidence, opened, and what it is held against. */
struct opened {
	const struct appraisal_policy *policy;
	struct snp_report report;
	struct snp_table table;
	struct certificate_chain chain;
	struct certificate_root roots[ROOTS_MAX];
	struct certificate_trust trust;
};

static void close_opened(struct opened *opened)
{
	certificate_chain_close(&opened->chain);
}

enum err snp_parse(struct bytes evidence, struct snp_evidence *out)
{
	struct snp_evidence found;
	size_t count;

	TRY(cbor_take_array(&evidence, 2, &count));
	if (count != 2)
		return ERR_MALFORMED;
	TRY(cbor_take_bytes(&evidence, &found.report));
	TRY(cbor_take_bytes(&evidence, &found.certificates));
	TRY(bytes_expect_end(&evidence));
	*out = found;
	return ERR_OK;
}

enum err snp_write(const struct snp_evidence *evidence, struct writer *out)
{
	TRY(cbor_put_array(out, 2));
	TRY(cbor_put_bytes(out, evidence->report));
	return cbor_put_bytes(out, evidence->certificates);
}

static void set_trust(struct opened *opened)
{
	const struct appraisal_policy *policy = opened->policy;

	opened->trust = (struct certificate_trust){
		.roots = policy->roots,
		.root_count = policy->root_count,
		.crls = policy->crls,
		.crl_count = policy->crl_count,
		.revocation = CERTIFICATE_REVOCATION_GIVEN,
		.now = policy->now,
	};
	if (policy->root_count == 0) {
		opened->trust.root_count =
			roots_of(ROOTS_AMD_SEV, opened->roots);
		opened->trust.roots = opened->roots;
	}
}

static const char *key_name(const struct opened *opened)
{
	return opened->report.signer == SNP_REPORT_VLEK ? "VLEK" : "VCEK";
}

static void judge_chain(struct opened *opened, struct appraisal *out)
{
	struct certificate_trust trust = opened->trust;
	enum err err;

	trust.crl_count = 0; /* the next question */
	err = certificate_chain_verify(&opened->chain, &trust);
	out->valid_until = certificate_chain_valid_until(&opened->chain);
	if (err == ERR_OK) {
		appraisal_pass(out, APPRAISAL_CHAIN,
			       "The %s's certificate leads to an accepted "
			       "root.",
			       key_name(opened));
	} else if (err == ERR_EXPIRED) {
		appraisal_expire(out, APPRAISAL_CHAIN,
				 "The %s's certificate or an issuer's is not "
				 "valid at the time asked for.",
				 key_name(opened));
	} else {
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The %s's certificate leads to no accepted "
			       "root.",
			       key_name(opened));
	}
}

/*
 * AMD's roots list what they revoke, issuers of keys list nothing.  So a list
 * has to be there for the link above the key's issuer.
 */
static enum err find_revoked(const struct opened *opened)
{
	struct certificate_trust trust = opened->trust;
	struct certificate_chain issuers = { .count = opened->chain.count - 1 };

	TRY(certificate_chain_verify(&opened->chain, &trust));
	memcpy(issuers.list, &opened->chain.list[1],
	       issuers.count * sizeof(issuers.list[0]));
	trust.revocation = CERTIFICATE_REVOCATION_ALL;
	return certificate_chain_verify(&issuers, &trust);
}

static void judge_revocation(const struct opened *opened, struct appraisal *out)
{
	if (opened->policy->crl_count == 0) {
		appraisal_skip(out, APPRAISAL_REVOCATION,
			       "No revocation list was given.");
		return;
	}
	switch (find_revoked(opened)) {
	case ERR_OK:
		appraisal_pass(out, APPRAISAL_REVOCATION,
			       "The root's list revokes none of the chain.");
		return;
	case ERR_UNAVAILABLE:
		appraisal_skip(out, APPRAISAL_REVOCATION,
			       "None of the lists given is of this root.");
		return;
	case ERR_DENIED:
		appraisal_fail(out, APPRAISAL_REVOCATION,
			       "A certificate of the chain was revoked.");
		return;
	case ERR_EXPIRED:
		appraisal_expire(out, APPRAISAL_REVOCATION,
				 "A revocation list or a certificate is not "
				 "valid at the time asked for.");
		return;
	case ERR_MALFORMED:
	case ERR_TRUNCATED:
	case ERR_UNAUTHENTIC:
	case ERR_UNSUPPORTED:
	case ERR_TOO_LARGE:
		break;
	}
	appraisal_fail(out, APPRAISAL_REVOCATION,
		       "The revocation lists or the chain do not hold.");
}

static void judge_signature(const struct opened *opened, struct appraisal *out)
{
	if (opened->report.signer == SNP_REPORT_VCEK &&
	    opened->report.is_chip_key_masked) {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The report says that the chip's key signs "
			       "nothing.");
	} else if (snp_chain_check_signature(&opened->chain.list[0],
					     &opened->report) == ERR_OK) {
		appraisal_pass(out, APPRAISAL_SIGNATURE,
			       "The %s signed this report.", key_name(opened));
	} else {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The %s did not sign this report.",
			       key_name(opened));
	}
}

/* Each part alone, since an old one is not made good by another's age. */
static bool reaches(const struct appraisal_tcb *tcb,
		    const struct appraisal_tcb *least)
{
	return tcb->fmc >= least->fmc && tcb->bootloader >= least->bootloader &&
	       tcb->tee >= least->tee && tcb->snp >= least->snp &&
	       tcb->microcode >= least->microcode;
}

static bool equal(const struct appraisal_tcb *a, const struct appraisal_tcb *b)
{
	return reaches(a, b) && reaches(b, a);
}

static enum err read_tcbs(const struct opened *opened,
			  enum snp_report_product product,
			  struct appraisal_tcb out[static SNP_REPORT_TCBS])
{
	for (int i = 0; i < SNP_REPORT_TCBS; i++)
		TRY(snp_report_tcb(opened->report.tcb[i], product, &out[i]));
	return ERR_OK;
}

/* What is wrong with the firmware; NULL for nothing. */
static const char *find_fault(const struct opened *opened,
			      const struct snp_endorsement *by)
{
	struct appraisal_tcb tcb[SNP_REPORT_TCBS];
	const struct appraisal_tcb *reported = &tcb[SNP_REPORT_REPORTED];

	if (opened->report.product != SNP_REPORT_UNSAID &&
	    opened->report.product != by->product)
		return "The report is of a processor that its key is not "
		       "certified for.";
	if (read_tcbs(opened, by->product, tcb) != ERR_OK)
		return "A version of firmware is not one of this processor.";
	if (!equal(reported, &by->tcb))
		return "The report names another firmware than the "
		       "certificate of its key.";
	if (!reaches(&tcb[SNP_REPORT_COMMITTED], reported) ||
	    !reaches(&tcb[SNP_REPORT_CURRENT], &tcb[SNP_REPORT_COMMITTED]))
		return "The report names a newer firmware than runs.";
	for (int i = 0; i < SNP_REPORT_TCBS; i++)
		if (!reaches(&tcb[i], &opened->policy->snp_floor))
			return "The firmware is older than the policy accepts.";
	return NULL;
}

static void judge_tcb(const struct opened *opened,
		      const struct snp_endorsement *by, struct appraisal *out)
{
	const char *fault = find_fault(opened, by);

	if (fault != NULL) {
		appraisal_fail(out, APPRAISAL_TCB, "%s", fault);
		return;
	}
	appraisal_pass(out, APPRAISAL_TCB,
		       "%s, firmware as certified: fmc %u, bootloader "
		       "%u, tee %u, snp %u, microcode %u.",
		       snp_report_product_name(by->product), by->tcb.fmc,
		       by->tcb.bootloader, by->tcb.tee, by->tcb.snp,
		       by->tcb.microcode);
}

/* A host may hide the chip; the certificate of its key names it still. */
static void judge_chip(const struct opened *opened,
		       const struct snp_endorsement *by, struct appraisal *out)
{
	struct bytes told = opened->report.chip_id;
	bool is_hidden = secret_is_zero(told.data, told.len);

	invariant(told.len <= APPRAISAL_CHIP_MAX);
	if (by->chip.len > 0) {
		out->chip = by->chip;
	} else if (!is_hidden) {
		out->chip.len = told.len;
		memcpy(out->chip.id, told.data, told.len);
	}
	if (!is_hidden && (out->chip.len != told.len ||
			   memcmp(out->chip.id, told.data, told.len) != 0)) {
		appraisal_fail(out, APPRAISAL_CHIP,
			       "The report names another chip than the "
			       "certificate of its key.");
	} else {
		appraisal_judge_chip(out, opened->policy);
	}
}

/* All ones or all zeros where there is none. */
static bool has_migrator(const struct snp_report *report)
{
	struct bytes id = report->report_id_ma;

	for (size_t i = 0; i < id.len; i++)
		if (id.data[i] != id.data[0])
			return true;
	return id.data[0] != 0 && id.data[0] != UINT8_MAX;
}

static void judge_guest(const struct opened *opened, struct appraisal *out)
{
	const struct snp_report *report = &opened->report;
	bool is_smt_on = (report->platform_info & PLATFORM_SMT) != 0;

	if ((report->policy & SNP_REPORT_POLICY_DEBUG) != 0) {
		appraisal_fail(out, APPRAISAL_GUEST,
			       "The host may read this guest as a debugger.");
	} else if ((report->policy & SNP_REPORT_POLICY_MIGRATE_MA) != 0 ||
		   has_migrator(report)) {
		appraisal_fail(out, APPRAISAL_GUEST,
			       "A migration agent may take this guest away.");
	} else if (is_smt_on && (report->policy & SNP_REPORT_POLICY_SMT) == 0) {
		appraisal_fail(out, APPRAISAL_GUEST,
			       "The guest forbids SMT, and the platform has "
			       "it on.");
	} else if (report->vmpl > VMPL_MOST ||
		   report->vmpl > opened->policy->snp_vmpl_most) {
		appraisal_fail(out, APPRAISAL_GUEST,
			       "The report was asked for at privilege level "
			       "%u, and %u is the most accepted.",
			       report->vmpl, opened->policy->snp_vmpl_most);
	} else {
		appraisal_pass(out, APPRAISAL_GUEST,
			       "No debugger, no migration, privilege level "
			       "%u, SMT %s.",
			       report->vmpl, is_smt_on ? "on" : "off");
	}
}

static void judge_endorsement(const struct opened *opened,
			      struct appraisal *out)
{
	struct snp_endorsement by;

	if (snp_endorsement_read(&opened->chain.list[0], &by) == ERR_OK) {
		judge_tcb(opened, &by, out);
		judge_chip(opened, &by, out);
		return;
	}
	appraisal_fail(out, APPRAISAL_TCB,
		       "The certificate of the key does not say what AMD's "
		       "say.");
	appraisal_judge_chip(out, opened->policy);
}

static void judge_key(struct opened *opened, struct appraisal *out)
{
	const struct snp_chain_sources sources = { &opened->table,
						   opened->policy };
	enum err err =
		snp_chain_find(&sources, &opened->report, &opened->chain);

	if (err == ERR_OK) {
		judge_chain(opened, out);
		judge_revocation(opened, out);
		judge_signature(opened, out);
		judge_endorsement(opened, out);
		return;
	}
	if (opened->report.signer == SNP_REPORT_UNSIGNED)
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The report says that nothing signed it.");
	appraisal_fail(out, APPRAISAL_CHAIN,
		       err == ERR_UNAVAILABLE
			       ? "There is no certificate of a key as the "
				 "report names it."
			       : "A certificate does not parse.");
	appraisal_judge_chip(out, opened->policy);
}

static enum err open_parts(const struct snp_evidence *evidence,
			   struct opened *opened)
{
	TRY(snp_report_parse(evidence->report, &opened->report));
	return snp_table_parse(evidence->certificates, &opened->table);
}

void snp_appraise_parts(const struct snp_evidence *evidence,
			const struct appraisal_policy *policy,
			struct appraisal *out)
{
	SCOPED_WIPE(close_opened) struct opened opened = { .policy = policy };
	struct appraisal_value *launch = &out->registers[APPRAISAL_LAUNCH];
	enum err err = open_parts(evidence, &opened);

	appraisal_begin(out);
	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "Not an SEV-SNP report with certificates: %s.",
			       err_name(err));
		return;
	}
	appraisal_pass(out, APPRAISAL_FORMAT,
		       "An SEV-SNP report of version %u.",
		       opened.report.version);
	appraisal_skip(out, APPRAISAL_EVENTS,
		       "SEV-SNP evidence has no event log.");
	out->report_data = opened.report.report_data;
	launch->len = opened.report.measurement.len;
	memcpy(launch->digest, opened.report.measurement.data, launch->len);
	set_trust(&opened);
	judge_key(&opened, out);
	judge_guest(&opened, out);
	appraisal_judge_registers(out, policy);
}

void snp_appraise(struct bytes evidence, const struct appraisal_policy *policy,
		  struct appraisal *out)
{
	struct snp_evidence parts;

	if (snp_parse(evidence, &parts) == ERR_OK) {
		snp_appraise_parts(&parts, policy, out);
		return;
	}
	appraisal_begin(out);
	appraisal_fail(out, APPRAISAL_FORMAT,
		       "Not an array of a report and its certificates.");
}
