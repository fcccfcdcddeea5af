/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nitro.h"

#include <string.h>

#include "attest/roots.h"
#include "base/secret.h"
#include "crypto/cose.h"

#define PCR_BYTES 48
#define PCRS_MOST 32
#define DEBUG_PCRS 3 /* of zeros where a debugger may look */
#define DATA_BYTES_MAX 1024
#define MS 1000

#define DIGEST BYTES_LITERAL("SHA384")

/* A member that has to be there. */
static enum err need(const struct cbor_item_map *map, const char *name,
		     enum cbor_item_kind kind, struct cbor_item *out)
{
	if (!cbor_item_find_text(map, name, out) || out->kind != kind)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* Bytes, null or not there at all. */
static enum err read_data(const struct cbor_item_map *map, const char *name,
			  struct bytes *out)
{
	struct cbor_item item;

	if (!cbor_item_find_text(map, name, &item) || cbor_item_is_null(&item))
		return ERR_OK;
	if (item.kind != CBOR_ITEM_BYTES || item.content.len > DATA_BYTES_MAX)
		return ERR_MALFORMED;
	*out = item.content;
	return ERR_OK;
}

static enum err read_pcrs(const struct cbor_item_map *map,
			  struct nitro_document *out)
{
	struct cbor_item_map pcrs;
	struct cbor_item item;
	struct cbor_item value;
	struct bytes rest;

	TRY(need(map, "pcrs", CBOR_ITEM_MAP, &item));
	TRY(cbor_item_map(&item, &pcrs));
	rest = pcrs.pairs;
	while (rest.len > 0) {
		TRY(cbor_item_take_kind(&rest, CBOR_ITEM_UNSIGNED, &item));
		TRY(cbor_item_take_kind(&rest, CBOR_ITEM_BYTES, &value));
		if (item.number >= PCRS_MOST || value.content.len != PCR_BYTES)
			return ERR_MALFORMED;
		if (item.number >= NITRO_PCRS)
			continue;
		out->pcrs[item.number].len = PCR_BYTES;
		memcpy(out->pcrs[item.number].digest, value.content.data,
		       PCR_BYTES);
	}
	for (size_t i = 0; i < DEBUG_PCRS; i++)
		if (out->pcrs[i].len == 0)
			return ERR_MALFORMED;
	return ERR_OK;
}

static enum err read_chain(const struct cbor_item_map *map,
			   struct nitro_document *out)
{
	const size_t most = sizeof(out->issuers) / sizeof(out->issuers[0]);
	struct cbor_item list;
	struct cbor_item item;

	TRY(need(map, "certificate", CBOR_ITEM_BYTES, &item));
	out->certificate = item.content;
	TRY(need(map, "cabundle", CBOR_ITEM_ARRAY, &list));
	if (list.number > most)
		return ERR_TOO_LARGE;
	for (; list.content.len > 0; out->issuer_count++) {
		TRY(cbor_item_take_kind(&list.content, CBOR_ITEM_BYTES, &item));
		out->issuers[out->issuer_count] = item.content;
	}
	return ERR_OK;
}

enum err nitro_read(struct bytes payload, struct nitro_document *out)
{
	struct nitro_document found = { 0 };
	struct cbor_item_map map;
	struct cbor_item item;

	TRY(cbor_item_parse(payload, &item));
	TRY(cbor_item_map(&item, &map));
	TRY(need(&map, "module_id", CBOR_ITEM_TEXT, &item));
	found.module = item.content;
	TRY(need(&map, "digest", CBOR_ITEM_TEXT, &item));
	if (!bytes_equal(item.content, DIGEST))
		return ERR_UNSUPPORTED;
	TRY(need(&map, "timestamp", CBOR_ITEM_UNSIGNED, &item));
	if (item.number == 0)
		return ERR_MALFORMED;
	found.timestamp_ms = item.number;
	TRY(read_pcrs(&map, &found));
	TRY(read_chain(&map, &found));
	TRY(read_data(&map, "public_key", &found.public_key));
	TRY(read_data(&map, "user_data", &found.user_data));
	TRY(read_data(&map, "nonce", &found.nonce));
	*out = found;
	return ERR_OK;
}

/* What the questions are asked about. */
struct subject {
	const struct appraisal_policy *policy;
	struct cose_sign1 message;
	struct nitro_document document;
	struct certificate_chain chain;
};

static void close_subject(struct subject *subject)
{
	certificate_chain_close(&subject->chain);
}

static enum err read_subject(struct bytes document, struct subject *subject)
{
	const struct nitro_document *found = &subject->document;

	if (document.len > NITRO_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(cose_sign1_parse(document, COSE_TAG_OPTIONAL, &subject->message));
	if (subject->message.algorithm != COSE_ES384)
		return ERR_UNSUPPORTED;
	TRY(nitro_read(subject->message.payload, &subject->document));
	TRY(certificate_chain_add(&subject->chain, found->certificate));
	for (size_t i = 0; i < found->issuer_count; i++)
		TRY(certificate_chain_add(&subject->chain, found->issuers[i]));
	return ERR_OK;
}

static void judge_chain(const struct subject *subject, struct appraisal *out)
{
	const struct appraisal_policy *policy = subject->policy;
	struct certificate_root roots[ROOTS_MAX];
	struct certificate_trust trust = { .roots = policy->roots,
					   .root_count = policy->root_count,
					   .crls = policy->crls,
					   .crl_count = policy->crl_count,
					   .now = policy->now };
	enum err err;

	if (policy->root_count == 0) {
		trust.root_count = roots_of(ROOTS_AWS_NITRO, roots);
		trust.roots = roots;
	}
	err = certificate_chain_verify(&subject->chain, &trust);
	out->valid_until = certificate_chain_valid_until(&subject->chain);
	if (err == ERR_OK)
		appraisal_pass(out, APPRAISAL_CHAIN,
			       "The enclave's certificate leads to an accepted "
			       "root.");
	else if (err == ERR_EXPIRED)
		appraisal_fail(
			out, APPRAISAL_CHAIN,
			"The enclave's certificate or an issuer's is not "
			"valid at the time asked for.");
	else
		appraisal_fail(out, APPRAISAL_CHAIN,
			       "The enclave's certificate leads to no accepted "
			       "root.");
	appraisal_skip(out, APPRAISAL_REVOCATION,
		       "AWS lists no revoked certificates; these live for "
		       "hours.");
}

static void judge_signature(const struct subject *subject,
			    struct appraisal *out)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	enum err err = certificate_key(&subject->chain.list[0], &key);

	if (err == ERR_OK)
		err = cose_sign1_check(&subject->message, &key,
				       (struct bytes){ NULL, 0 });
	if (err == ERR_OK)
		appraisal_pass(out, APPRAISAL_SIGNATURE,
			       "The enclave's key signed this document.");
	else
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The enclave's key did not sign this document.");
}

/* A document from the future is of no time at all. */
static void judge_guest(const struct subject *subject, struct appraisal *out)
{
	const struct nitro_document *document = &subject->document;

	for (size_t i = 0; i < DEBUG_PCRS; i++)
		if (secret_is_zero(document->pcrs[i].digest, PCR_BYTES)) {
			appraisal_fail(out, APPRAISAL_GUEST,
				       "The enclave may be debugged.");
			return;
		}
	if (document->timestamp_ms / MS > subject->policy->now) {
		appraisal_fail(out, APPRAISAL_GUEST,
			       "The document is of a later time than the one "
			       "asked for.");
		return;
	}
	appraisal_pass(out, APPRAISAL_GUEST,
		       "The enclave may not be debugged.");
}

static void judge_registers(const struct subject *subject,
			    struct appraisal *out)
{
	for (size_t i = 0; i < NITRO_PCRS; i++)
		out->registers[APPRAISAL_PCR0 + i] = subject->document.pcrs[i];
	out->report_data = subject->document.user_data;
	appraisal_judge_chip(out, subject->policy);
	appraisal_judge_registers(out, subject->policy);
}

void nitro_appraise(struct bytes document,
		    const struct appraisal_policy *policy,
		    struct appraisal *out)
{
	SCOPED_WIPE(close_subject)
	struct subject subject = { .policy = policy };
	enum err err = read_subject(document, &subject);

	appraisal_begin(out);
	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "These bytes are no document of a Nitro "
			       "enclave: %s.",
			       err_name(err));
		return;
	}
	appraisal_pass(out, APPRAISAL_FORMAT,
		       "A document of a Nitro enclave with %zu certificates.",
		       subject.chain.count);
	appraisal_skip(out, APPRAISAL_TCB,
		       "Such a document does not tell firmware's versions.");
	appraisal_skip(out, APPRAISAL_EVENTS, "There is no event log.");
	judge_chain(&subject, out);
	judge_signature(&subject, out);
	judge_guest(&subject, out);
	judge_registers(&subject, out);
}
