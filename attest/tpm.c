/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm.h"

#include <inttypes.h>
#include <string.h>

#include "attest/event_log_replay.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_quote.h"
#include "base/secret.h"

#define FIRMWARE_PCRS 8 /* what boots extends these alone */
#define EXIT_PCR 5
#define DATA_BYTES HASH_SHA256_BYTES

/* Evidence, opened. */
struct opened {
	struct tpm_evidence evidence;
	struct tpm_public key;
	struct tpm_public_name name;
	struct tpm_quote quote;
};

static bool is_read(enum err err, const char *what, struct appraisal *out)
{
	if (err == ERR_OK)
		return true;
	appraisal_fail(out, APPRAISAL_FORMAT, "The %s is %s.", what,
		       err_name(err));
	return false;
}

static bool open_evidence(struct bytes bytes, struct opened *opened,
			  struct appraisal *out)
{
	struct tpm_evidence *evidence = &opened->evidence;

	if (!is_read(tpm_evidence_parse(bytes, evidence), "TPM evidence",
		     out) ||
	    !is_read(tpm_public_parse(evidence->ak_public, &opened->key),
		     "attestation key", out) ||
	    !is_read(tpm_quote_parse(evidence->attest, &opened->quote), "quote",
		     out))
		return false;
	if (opened->quote.type != TPM_QUOTE_QUOTE ||
	    opened->quote.data.len != DATA_BYTES) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "What the TPM signed is no quote of %d bytes.",
			       DATA_BYTES);
		return false;
	}
	tpm_public_name(&opened->key, &opened->name);
	appraisal_pass(out, APPRAISAL_FORMAT,
		       "It is one TPM 2.0 quote with its key and values.");
	return true;
}

static bool is_named(const struct tpm_public_name *name,
		     const struct appraisal_policy *policy)
{
	for (size_t i = 0; i < policy->chip_count; i++)
		if (bytes_equal((struct bytes){ policy->chips[i].id,
						policy->chips[i].len },
				(struct bytes){ name->bytes, name->len }))
			return true;
	return false;
}

/*
 * 2.23.133.8.3 is for attestation keys (TCG EK Credential Profile 2.5, 3.2.16).
 * Google's virtual TPMs have .1 in the certificates of theirs; a true
 * endorsement key cannot sign, so it cannot be taken for one.
 */
static bool is_for_attestation(const struct certificate *certificate)
{
	return certificate_is_for(certificate,
				  BYTES_LITERAL("\x67\x81\x05\x08\x03")) ||
	       certificate_is_for(certificate,
				  BYTES_LITERAL("\x67\x81\x05\x08\x01"));
}

static bool has_key(const struct certificate *certificate,
		    const struct tpm_public *key)
{
	SCOPED_WIPE(signature_key_close) struct signature_key mine = { NULL };
	SCOPED_WIPE(signature_key_close) struct signature_key its = { NULL };

	return tpm_public_key(key, &mine) == ERR_OK &&
	       certificate_key(certificate, &its) == ERR_OK &&
	       signature_key_equal(&mine, &its);
}

/*
 * The certified key says nothing of attributes and policy.  Its name does, and
 * is in the certificate or, of a primary key, in what the TPM signed.
 */
static bool is_vouched_for(const struct certificate *certificate,
			   const struct opened *opened)
{
	char wanted[TPM_PUBLIC_TEXT_MAX];
	char name[CERTIFICATE_NAME_MAX];

	tpm_public_name_text(&opened->name, wanted);
	if (certificate_common_name(certificate, CERTIFICATE_SUBJECT, name) ==
		    ERR_OK &&
	    strcmp(name, wanted) == 0)
		return true;
	return tpm_quote_is_by_primary(&opened->quote, &opened->name);
}

static enum err fill_chain(const struct tpm_evidence *evidence,
			   const struct appraisal_policy *policy,
			   struct certificate_chain *chain)
{
	for (size_t i = 0; i < evidence->certificate_count; i++)
		TRY(certificate_chain_add(chain, evidence->certificates[i]));
	for (size_t i = 0; i < policy->certificate_count; i++)
		TRY(certificate_chain_add(chain, policy->certificates[i]));
	return ERR_OK;
}

static void note_validity(const struct certificate_chain *chain, size_t count,
			  struct appraisal *out)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t begin;
		uint64_t end;

		if (certificate_validity(&chain->list[i], &begin, &end) ==
			    ERR_OK &&
		    (out->valid_until == 0 || end < out->valid_until))
			out->valid_until = end;
	}
}

static void judge_revocation(const struct appraisal_policy *policy,
			     enum err err, struct appraisal *out)
{
	if (policy->crl_count == 0)
		appraisal_skip(out, APPRAISAL_REVOCATION,
			       "No list of revoked certificates was given.");
	else if (err == ERR_OK)
		appraisal_pass(out, APPRAISAL_REVOCATION,
			       "No list given has one of the certificates.");
	else
		appraisal_fail(out, APPRAISAL_REVOCATION,
			       "The lists do not clear the chain: it is %s.",
			       err_name(err));
}

/* What is wrong with the chain but for its time; NULL for nothing. */
static const char *find_fault(const struct opened *opened,
			      const struct certificate_chain *chain,
			      const struct appraisal_policy *policy,
			      enum err verified)
{
	const struct certificate *leaf = &chain->list[0];

	if (policy->root_count == 0)
		return "The policy names neither this key nor a root for TPMs.";
	if (opened->evidence.certificate_count == 0)
		return "The attestation key has no certificate.";
	if (verified == ERR_MALFORMED || verified == ERR_TOO_LARGE)
		return "A certificate or list is none, or there are too many.";
	if (!has_key(leaf, &opened->key))
		return "The first certificate is of another key.";
	if (verified != ERR_OK && verified != ERR_EXPIRED)
		return "The certificates do not lead to an accepted root.";
	if (!is_for_attestation(leaf))
		return "The certificate is not for an attestation key.";
	if (!is_vouched_for(leaf, opened))
		return "Nothing signed vouches for the key's attributes.";
	return NULL;
}

static void judge_chain(const struct opened *opened,
			const struct appraisal_policy *policy,
			struct appraisal *out)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { 0 };
	struct certificate_trust trust = {
		.roots = policy->roots,
		.root_count = policy->root_count,
		.crls = policy->crls,
		.crl_count = policy->crl_count,
		.now = policy->now,
	};
	enum err err = fill_chain(&opened->evidence, policy, &chain);
	const char *fault;

	if (is_named(&opened->name, policy)) {
		appraisal_pass(out, APPRAISAL_CHAIN,
			       "The policy names this very key; no certificate "
			       "was needed.");
		return;
	}
	if (err == ERR_OK)
		err = certificate_chain_verify(&chain, &trust);
	fault = find_fault(opened, &chain, policy, err);
	if (fault != NULL) {
		appraisal_fail(out, APPRAISAL_CHAIN, "%s", fault);
	} else if (err == ERR_EXPIRED) {
		appraisal_expire(out, APPRAISAL_CHAIN,
				 "A certificate or list is out of date, or not "
				 "yet valid.");
	} else {
		note_validity(&chain, opened->evidence.certificate_count, out);
		appraisal_pass(out, APPRAISAL_CHAIN,
			       "The key's certificate leads to an accepted "
			       "root.");
	}
	if (err == ERR_OK || err == ERR_DENIED || err == ERR_UNAVAILABLE)
		judge_revocation(policy, err, out);
}

void tpm_take_registers(const struct tpm_evidence *evidence,
			struct appraisal *out)
{
	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i++) {
		struct appraisal_value *value =
			&out->registers[APPRAISAL_PCR0 + i];

		if (evidence->pcrs[i] == NULL)
			continue;
		value->len = TPM_EVIDENCE_PCR_BYTES;
		memcpy(value->digest, evidence->pcrs[i], value->len);
	}
}

static bool judge_signature(const struct opened *opened, struct appraisal *out)
{
	const struct tpm_evidence *evidence = &opened->evidence;
	struct tpm_quote_claim claim = {
		.attest = evidence->attest,
		.signature = evidence->signature,
		.key = &opened->key,
		.data = opened->quote.data,
		.values = { .bank = HASH_SHA256 },
	};
	struct tpm_quote quote;

	memcpy(claim.values.pcrs, evidence->pcrs, sizeof(claim.values.pcrs));
	if (tpm_public_expect_ak(&opened->key) != ERR_OK) {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The key may sign what no TPM said, or leave "
			       "its TPM.");
		return false;
	}
	if (tpm_quote_check(&claim, &quote) != ERR_OK) {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The key did not sign a quote of these values.");
		return false;
	}
	appraisal_pass(out, APPRAISAL_SIGNATURE,
		       "The attestation key signed these registers, at reset "
		       "%" PRIu32 ", clock %" PRIu64 " ms.",
		       quote.reset_count, quote.clock_ms);
	return true;
}

/* The first register of which log and quote disagree; -1 for none. */
static int find_difference(const struct event_log_replay *replay,
			   const struct tpm_evidence *evidence)
{
	for (int i = 0; i < TPM_EVIDENCE_PCRS; i++) {
		bool expected =
			i < FIRMWARE_PCRS || (replay->touched >> i & 1) != 0;

		if (expected && evidence->pcrs[i] != NULL &&
		    memcmp(evidence->pcrs[i], replay->banks[HASH_SHA256][i],
			   TPM_EVIDENCE_PCR_BYTES) != 0)
			return i;
	}
	return -1;
}

/*
 * Some kernels copy the log before firmware ends, and so lose its last two
 * events.  What they are is known, so nothing can be hidden behind them.
 */
static int find_difference_after_exit(struct event_log_replay *replay,
				      const struct tpm_evidence *evidence)
{
	int found = find_difference(replay, evidence);

	if (found != EXIT_PCR || replay->exits != 0)
		return found;
	event_log_replay_add(replay, EXIT_PCR,
			     BYTES_LITERAL("Exit Boot Services Invocation"));
	event_log_replay_add(
		replay, EXIT_PCR,
		BYTES_LITERAL("Exit Boot Services Returned with Success"));
	return find_difference(replay, evidence);
}

void tpm_judge_events(const struct tpm_evidence *evidence,
		      struct appraisal *out)
{
	struct event_log_replay replay;
	uint32_t number = 0;
	int found;

	if (evidence->event_log.len == 0) {
		appraisal_skip(out, APPRAISAL_EVENTS,
			       "There is no event log: registers stand for "
			       "themselves.");
		return;
	}
	if (event_log_replay(evidence->event_log, EVENT_LOG_PCRS, &replay) !=
		    ERR_OK ||
	    (replay.has_bank >> HASH_SHA256 & 1) == 0) {
		appraisal_fail(out, APPRAISAL_EVENTS,
			       "The event log is none, or has no SHA-256.");
		return;
	}
	found = find_difference_after_exit(&replay, evidence);
	if (found >= 0) {
		appraisal_fail(out, APPRAISAL_EVENTS,
			       "The event log does not lead to PCR %d.", found);
		return;
	}
	if (event_log_replay_check_order(evidence->event_log, HASH_SHA256,
					 &number) != ERR_OK) {
		appraisal_fail(out, APPRAISAL_EVENTS,
			       "Event %" PRIu32 " of the log is out of order: "
			       "firmware had handed over.",
			       number);
		return;
	}
	appraisal_pass(out, APPRAISAL_EVENTS,
		       "The log's %" PRIu32 " events lead to the quoted "
		       "registers, firmware's before loaders'.",
		       replay.events);
}

void tpm_appraise(struct bytes evidence, const struct appraisal_policy *policy,
		  struct appraisal *out)
{
	struct opened opened = { 0 };

	appraisal_begin(out);
	appraisal_skip(out, APPRAISAL_TCB, "A TPM tells no firmware levels.");
	appraisal_skip(out, APPRAISAL_GUEST, "A TPM knows of no guests.");
	if (!open_evidence(evidence, &opened, out))
		return;
	judge_chain(&opened, policy, out);
	if (!judge_signature(&opened, out))
		return;
	out->report_data = opened.quote.data;
	out->chip.len = opened.name.len;
	memcpy(out->chip.id, opened.name.bytes, opened.name.len);
	tpm_take_registers(&opened.evidence, out);
	tpm_judge_events(&opened.evidence, out);
	appraisal_judge_chip(out, policy);
	appraisal_judge_registers(out, policy);
}
