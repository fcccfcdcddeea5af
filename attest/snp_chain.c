/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_chain.h"

#include <string.h>

#include "attest/snp_endorsement.h"
#include "base/secret.h"

static size_t count_of(const struct snp_chain_sources *sources)
{
	return sources->table->count + sources->policy->certificate_count;
}

/* One of all: first the table's, then the policy's. */
static enum err open_at(const struct snp_chain_sources *sources, size_t at,
			struct certificate *out)
{
	const struct snp_table *table = sources->table;

	if (at >= table->count)
		return certificate_parse(
			sources->policy->certificates[at - table->count], out);
	if (table->entries[at].kind == SNP_TABLE_OTHER)
		return ERR_UNSUPPORTED;
	return certificate_parse(table->entries[at].value, out) == ERR_OK
		       ? ERR_OK
		       : ERR_MALFORMED;
}

static void add(struct certificate_chain *chain,
		struct certificate *certificate)
{
	chain->list[chain->count++] = *certificate;
	certificate->x509 = NULL;
}

/* The first of its kind stays unless it did not sign, and a later one did. */
static void consider(struct certificate_chain *chain,
		     struct certificate *certificate,
		     const struct snp_report *report)
{
	if (!snp_endorsement_is(certificate, report->signer))
		return;
	if (chain->count == 0) {
		add(chain, certificate);
	} else if (snp_chain_check_signature(&chain->list[0], report) !=
			   ERR_OK &&
		   snp_chain_check_signature(certificate, report) == ERR_OK) {
		certificate_chain_close(chain);
		add(chain, certificate);
	}
}

static enum err find_key(const struct snp_chain_sources *sources,
			 const struct snp_report *report,
			 struct certificate_chain *out)
{
	for (size_t i = 0; i < count_of(sources); i++) {
		SCOPED_WIPE(certificate_close) struct certificate one = { 0 };
		enum err err = open_at(sources, i, &one);

		if (err == ERR_UNSUPPORTED)
			continue;
		TRY(err);
		consider(out, &one, report);
	}
	return out->count > 0 ? ERR_OK : ERR_UNAVAILABLE;
}

static bool is_named(const struct certificate *certificate, const char *wanted)
{
	char name[CERTIFICATE_NAME_MAX];

	return certificate_common_name(certificate, CERTIFICATE_SUBJECT,
				       name) == ERR_OK &&
	       strcmp(name, wanted) == 0;
}

static enum err add_named(const struct snp_chain_sources *sources,
			  const char *name, struct certificate_chain *out)
{
	for (size_t i = 0; i < count_of(sources); i++) {
		SCOPED_WIPE(certificate_close) struct certificate one = { 0 };
		enum err err = open_at(sources, i, &one);

		if (err == ERR_UNSUPPORTED)
			continue;
		TRY(err);
		if (is_named(&one, name) && out->count < CERTIFICATE_CHAIN_MAX)
			add(out, &one);
	}
	return ERR_OK;
}

/* Names lead upwards, each looked for once, so that this ends. */
static enum err add_issuers(const struct snp_chain_sources *sources,
			    struct certificate_chain *out)
{
	char last[CERTIFICATE_NAME_MAX] = "";

	for (size_t i = 0; i < out->count; i++) {
		char name[CERTIFICATE_NAME_MAX];

		if (certificate_common_name(&out->list[i], CERTIFICATE_ISSUER,
					    name) != ERR_OK)
			return ERR_MALFORMED;
		if (strcmp(name, last) == 0 || is_named(&out->list[i], name))
			continue;
		TRY(add_named(sources, name, out));
		memcpy(last, name, sizeof(last));
	}
	return ERR_OK;
}

enum err snp_chain_find(const struct snp_chain_sources *sources,
			const struct snp_report *report,
			struct certificate_chain *out)
{
	invariant(out->count == 0);
	TRY(find_key(sources, report, out));
	return add_issuers(sources, out);
}

enum err snp_chain_check_signature(const struct certificate *certificate,
				   const struct snp_report *report)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	const struct signature_scheme scheme = { SIGNATURE_ECDSA, HASH_SHA384 };

	if (certificate_key(certificate, &key) != ERR_OK)
		return ERR_UNAUTHENTIC;
	return signature_check(&key, scheme, report->signed_part,
			       BYTES_ARRAY(report->signature));
}
