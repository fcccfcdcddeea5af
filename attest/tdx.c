/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx.h"

#include <stdlib.h>
#include <string.h>

#include "attest/event_log_replay.h"
#include "attest/pck.h"
#include "attest/roots.h"
#include "attest/tdx_firmware.h"
#include "base/secret.h"
#include "wire/cbor.h"

#define PCK_PLATFORM_CA "Intel SGX PCK Platform CA"
#define PCK_PROCESSOR_CA "Intel SGX PCK Processor CA"

/* Attributes of a TD (Intel TDX Module ABI, "TD attributes"). */
#define TD_DEBUG (UINT64_C(1) << 0)
#define TD_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TD_MIGRATABLE (UINT64_C(1) << 29)
#define TD_PKS (UINT64_C(1) << 30)
#define TD_KL (UINT64_C(1) << 31)
#define TD_PERFMON (UINT64_C(1) << 63)
#define TD_HARMLESS (TD_SEPT_VE_DISABLE | TD_PKS | TD_KL | TD_PERFMON)

/* Everything that is looked at; `out` is filled in question by question. */
struct subject {
	const struct appraisal_policy *policy;
	struct appraisal *out;
	struct certificate_root roots[ROOTS_MAX];
	struct certificate_trust trust;
	struct tdx_quote quote;
	struct bytes ccel;
	struct certificate_chain chain;
	struct pck pck;
};

enum err tdx_split(struct bytes evidence, struct bytes *outblob,
		   struct bytes *ccel)
{
	struct bytes blob;
	struct bytes log;
	size_t count;

	if (cbor_take_array(&evidence, 2, &count) != ERR_OK || count != 2 ||
	    cbor_take_bytes(&evidence, &blob) != ERR_OK ||
	    cbor_take_bytes(&evidence, &log) != ERR_OK || evidence.len != 0)
		return ERR_MALFORMED;
	*outblob = blob;
	*ccel = log;
	return ERR_OK;
}

static void close_subject(struct subject *subject)
{
	certificate_chain_close(&subject->chain);
}

/* Without lists; the question of revocation puts them in. */
static void set_trust(struct subject *subject)
{
	const struct appraisal_policy *policy = subject->policy;

	subject->trust = (struct certificate_trust){
		.roots = policy->roots,
		.root_count = policy->root_count,
		.revocation = CERTIFICATE_REVOCATION_GIVEN,
		.now = policy->now,
	};
	if (policy->root_count == 0) {
		subject->trust.roots = subject->roots;
		subject->trust.root_count =
			roots_of(ROOTS_INTEL_SGX, subject->roots);
	}
}

static void set_value(struct appraisal_value *out, struct bytes digest)
{
	invariant(digest.len <= sizeof(out->digest));
	out->len = digest.len;
	memcpy(out->digest, digest.data, digest.len);
}

static bool judge_format(struct subject *subject, struct bytes evidence)
{
	struct appraisal *out = subject->out;
	struct tdx_quote *quote = &subject->quote;
	struct bytes blob;
	enum err err = tdx_split(evidence, &blob, &subject->ccel);

	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "This is not a quote with its event log.");
		return false;
	}
	err = tdx_quote_parse(blob, quote);
	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "This is not a TDX quote of version 4 or 5: %s.",
			       err_name(err));
		return false;
	}
	out->report_data = quote->report_data;
	set_value(&out->registers[APPRAISAL_MRTD], quote->mrtd);
	for (int i = 0; i < APPRAISAL_RTMRS; i++)
		set_value(&out->registers[APPRAISAL_RTMR0 + i], quote->rtmr[i]);
	appraisal_pass(out, APPRAISAL_FORMAT,
		       "A TDX quote of version %u, of a TD %s.", quote->version,
		       quote->body == TDX_QUOTE_TD10 ? "1.0" : "1.5");
	return true;
}

static bool is_named(const struct certificate *certificate,
		     enum certificate_party party, const char *wanted)
{
	char name[CERTIFICATE_NAME_MAX];

	return certificate_common_name(certificate, party, name) == ERR_OK &&
	       strcmp(name, wanted) == 0;
}

static bool is_of_pck_authority(const struct certificate *leaf)
{
	return is_named(leaf, CERTIFICATE_ISSUER, PCK_PLATFORM_CA) ||
	       is_named(leaf, CERTIFICATE_ISSUER, PCK_PROCESSOR_CA);
}

/* Where there is no number of the instance, its key's takes its place. */
static void set_chip(struct appraisal *out, const struct pck *pck)
{
	uint8_t both[PCK_FMSPC_BYTES + PCK_PPID_BYTES];

	if (pck->has_instance) {
		out->chip.len = sizeof(pck->instance);
		memcpy(out->chip.id, pck->instance, sizeof(pck->instance));
		return;
	}
	memcpy(both, pck->fmspc, sizeof(pck->fmspc));
	memcpy(both + sizeof(pck->fmspc), pck->ppid, sizeof(pck->ppid));
	hash_sha256(BYTES_ARRAY(both), out->chip.id);
	out->chip.len = HASH_SHA256_BYTES;
}

/* Whether there is a PCK that Intel certified, if only at another time. */
static bool judge_chain(struct subject *subject)
{
	struct appraisal *out = subject->out;
	enum err err;

	if (pck_read_chain(subject->quote.certificates, &subject->chain) !=
		    ERR_OK ||
	    pck_of(&subject->chain.list[0], &subject->pck) != ERR_OK ||
	    !is_of_pck_authority(&subject->chain.list[0])) {
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The quote does not carry a PCK certificate "
			       "with its chain.");
		return false;
	}
	err = certificate_chain_verify(&subject->chain, &subject->trust);
	if (err != ERR_OK && err != ERR_EXPIRED) {
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The PCK certificate does not lead to an "
			       "accepted root: %s.",
			       err_name(err));
		return false;
	}
	tdx_firmware_end_with(out, &subject->chain);
	set_chip(out, &subject->pck);
	if (err == ERR_EXPIRED)
		appraisal_expire(out, APPRAISAL_CHAIN,
				 "The PCK certificate leads to an accepted "
				 "root, but is not valid at this time.");
	else
		appraisal_pass(out, APPRAISAL_CHAIN,
			       "The PCK certificate leads to an accepted root "
			       "(%s).",
			       subject->policy->root_count == 0
				       ? "Intel's own"
				       : "of the policy");
	return true;
}

static void use_lists(struct subject *subject)
{
	subject->trust.crls = subject->policy->crls;
	subject->trust.crl_count = subject->policy->crl_count;
	/* Who gives one has to give all: Intel issues them for every CA. */
	if (subject->policy->crl_count > 0)
		subject->trust.revocation = CERTIFICATE_REVOCATION_ALL;
}

static void judge_revocation(struct subject *subject)
{
	struct appraisal *out = subject->out;
	enum err err;

	if (subject->policy->crl_count == 0) {
		appraisal_skip(out, APPRAISAL_REVOCATION,
			       "No list of revoked certificates was given.");
		return;
	}
	err = certificate_chain_verify(&subject->chain, &subject->trust);
	if (err == ERR_OK)
		appraisal_pass(out, APPRAISAL_REVOCATION,
			       "Every issuer's list is there, and none names "
			       "a certificate of this chain.");
	else if (err == ERR_EXPIRED)
		appraisal_expire(out, APPRAISAL_REVOCATION,
				 "A list of revoked certificates is not valid "
				 "at this time.");
	else if (err == ERR_DENIED)
		appraisal_fail(out, APPRAISAL_REVOCATION,
			       "A certificate of this chain was revoked.");
	else if (err == ERR_UNAVAILABLE)
		appraisal_fail(out, APPRAISAL_REVOCATION,
			       "The list of one of the issuers is missing.");
	else
		appraisal_fail(out, APPRAISAL_REVOCATION,
			       "A list of revoked certificates cannot be "
			       "believed: %s.",
			       err_name(err));
}

static enum err check_p256(const struct signature_key *key,
			   struct bytes message, struct bytes signature)
{
	static const struct signature_scheme scheme = { SIGNATURE_ECDSA,
							HASH_SHA256 };

	return signature_check(key, scheme, message, signature);
}

/* The key in the quote signed the quote. */
static bool is_signed(const struct tdx_quote *quote)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct bytes y = quote->attestation_key;
	struct bytes x;

	return bytes_take(&y, y.len / 2, &x) == ERR_OK &&
	       signature_key_from_point(SIGNATURE_P256, x, y, &key) == ERR_OK &&
	       check_p256(&key, quote->signed_part, quote->signature) == ERR_OK;
}

/* The quoting enclave named that key: SHA-256(key | authentication), zeros. */
static bool is_named_by_qe(const struct tdx_quote *quote)
{
	struct hash_stream stream = { NULL };
	uint8_t wanted[64] = { 0 };

	hash_stream_begin(&stream);
	hash_stream_add(&stream, quote->attestation_key);
	hash_stream_add(&stream, quote->qe_authentication);
	hash_stream_end(&stream, wanted);
	return bytes_equal(quote->qe.report_data, BYTES_ARRAY(wanted));
}

/* The platform's key signed the quoting enclave's report. */
static bool is_qe_certified(const struct subject *subject)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };

	return certificate_key(&subject->chain.list[0], &key) == ERR_OK &&
	       check_p256(&key, subject->quote.qe_report,
			  subject->quote.qe_signature) == ERR_OK;
}

static bool judge_signature(struct subject *subject)
{
	struct appraisal *out = subject->out;

	if (!is_qe_certified(subject))
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The PCK did not sign the quoting enclave's "
			       "report.");
	else if (!is_named_by_qe(&subject->quote))
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The quoting enclave vouches for another key "
			       "than the quote's.");
	else if (!is_signed(&subject->quote))
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The attestation key did not sign this quote.");
	else
		appraisal_pass(out, APPRAISAL_SIGNATURE,
			       "The PCK signed the quoting enclave's report, "
			       "that names the key, the key signed the quote.");
	return out->records[APPRAISAL_SIGNATURE].mark == RECORD_PASS;
}

/* A TD that can be moved, or served by another one, is not this one alone. */
static void judge_guest(struct subject *subject)
{
	struct appraisal *out = subject->out;
	const struct tdx_quote *quote = &subject->quote;
	uint64_t has = quote->td_attributes;

	if ((has & TD_DEBUG) != 0)
		appraisal_fail(out, APPRAISAL_GUEST,
			       "A debugger may look into the TD.");
	else if ((has & TD_MIGRATABLE) != 0)
		appraisal_fail(out, APPRAISAL_GUEST,
			       "The TD may be migrated to another machine.");
	else if ((has & ~TD_HARMLESS) != 0)
		appraisal_fail(out, APPRAISAL_GUEST,
			       "The TD has attributes that are reserved.");
	else if (!secret_is_zero(quote->mrservicetd.data,
				 quote->mrservicetd.len))
		appraisal_fail(out, APPRAISAL_GUEST,
			       "Another TD serves this one (MRSERVICETD).");
	else
		appraisal_pass(out, APPRAISAL_GUEST,
			       "No debugger, no migration, no service TD; "
			       "SEPT_VE_DISABLE is %s, PKS %s, KL %s, "
			       "PERFMON %s.",
			       (has & TD_SEPT_VE_DISABLE) != 0 ? "on" : "off",
			       (has & TD_PKS) != 0 ? "on" : "off",
			       (has & TD_KL) != 0 ? "on" : "off",
			       (has & TD_PERFMON) != 0 ? "on" : "off");
}

/* RTMR n is register n + 1 of a log; MRTD, its register 0, is no one's to log. */
static void judge_events(struct subject *subject)
{
	struct appraisal *out = subject->out;
	struct event_log_replay replay;
	enum err err;

	if (subject->ccel.len == 0) {
		appraisal_skip(out, APPRAISAL_EVENTS,
			       "No event log came with the quote.");
		return;
	}
	err = event_log_replay(subject->ccel, EVENT_LOG_CC, &replay);
	if (err != ERR_OK || (replay.has_bank >> HASH_SHA384 & 1) == 0 ||
	    (replay.touched & 1) != 0) {
		appraisal_fail(out, APPRAISAL_EVENTS,
			       "The event log cannot be replayed to RTMRs: %s.",
			       err == ERR_OK
				       ? "its registers or its hash differ"
				       : err_name(err));
		return;
	}
	for (int i = 0; i < APPRAISAL_RTMRS; i++) {
		const uint8_t *found = replay.banks[HASH_SHA384][i + 1];
		struct bytes rtmr = subject->quote.rtmr[i];

		if (memcmp(found, rtmr.data, rtmr.len) != 0) {
			appraisal_fail(out, APPRAISAL_EVENTS,
				       "The event log does not lead to RTMR%d.",
				       i);
			return;
		}
	}
	appraisal_pass(out, APPRAISAL_EVENTS,
		       "The %u events of the log lead to the four RTMRs.",
		       replay.events);
}

void tdx_appraise(struct bytes evidence, const struct appraisal_policy *policy,
		  struct appraisal *out)
{
	SCOPED_WIPE(close_subject)
	struct subject subject = { .policy = policy, .out = out };

	appraisal_begin(out);
	set_trust(&subject);
	if (!judge_format(&subject, evidence) || !judge_chain(&subject))
		return;
	use_lists(&subject);
	judge_revocation(&subject);
	if (!judge_signature(&subject))
		return;
	tdx_firmware_judge(&(struct tdx_firmware){ policy, &subject.trust,
						   &subject.pck,
						   &subject.quote },
			   out);
	judge_guest(&subject);
	judge_events(&subject);
	appraisal_judge_chip(out, policy);
	appraisal_judge_registers(out, policy);
}
