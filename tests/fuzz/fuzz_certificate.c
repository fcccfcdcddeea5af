/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in every form, and lists of revoked ones: whatever is read can
 * be asked everything, and nothing leads to a root of nobody's.
 *
 *     PEM text, or: { length:u16 | DER certificate } 0:u16 | DER list
 */
#include <string.h>

#include "base/secret.h"
#include "crypto/certificate.h"
#include "crypto/certificate_list.h"

#define NOW 1800000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct certificate *certificate)
{
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct certificate_root root;
	struct bytes value;
	char name[CERTIFICATE_NAME_MAX];
	uint64_t begin, end;

	certificate_root_of(certificate, &root);
	if (certificate_key(certificate, &key) == ERR_OK)
		invariant(
			signature_check(&key,
					(struct signature_scheme){
						SIGNATURE_ECDSA, HASH_SHA256 },
					BYTES_LITERAL("m"),
					BYTES_LITERAL("s")) == ERR_UNAUTHENTIC);
	for (int party = 0; party < 2; party++)
		if (certificate_common_name(certificate,
					    (enum certificate_party)party,
					    name) == ERR_OK)
			invariant(strlen(name) > 0 &&
				  strlen(name) < sizeof(name));
	if (certificate_validity(certificate, &begin, &end) == ERR_OK)
		invariant(begin < INT64_MAX && end < INT64_MAX);
	if (certificate_extension(certificate, "2.5.29.19", &value) == ERR_OK)
		invariant(value.len < CERTIFICATE_BYTES_MAX);
}

static void read_parts(struct bytes in, struct certificate_chain *chain,
		       struct bytes *list)
{
	struct bytes der;
	uint16_t len;

	while (bytes_take_u16(&in, &len) == ERR_OK && len > 0)
		if (bytes_take(&in, len, &der) != ERR_OK ||
		    certificate_chain_add(chain, der) != ERR_OK)
			return;
	*list = in;
}

static void verify(const struct certificate_chain *chain, struct bytes list)
{
	struct certificate_root root;
	struct certificate_trust trust = { .roots = &root,
					   .root_count = 1,
					   .crls = &list,
					   .crl_count = list.len > 0,
					   .now = NOW };

	/* The last as root: anything may come of it but a crash. */
	certificate_root_of(&chain->list[chain->count - 1], &root);
	(void)!certificate_chain_verify(chain, &trust);
	trust.revocation = CERTIFICATE_REVOCATION_ALL;
	(void)!certificate_chain_verify(chain, &trust);
	(void)!certificate_list_check(&chain->list[0],
				      &chain->list[chain->count - 1], &trust);
	memset(&root, 0, sizeof(root));
	invariant(certificate_chain_verify(chain, &trust) == ERR_UNAUTHENTIC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct bytes list = { NULL, 0 };
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { .count = 0 };

	if (certificate_chain_add_pem(&chain, in) == ERR_OK)
		invariant(chain.count > 0);
	else
		certificate_chain_close(&chain);
	if (chain.count == 0)
		read_parts(in, &chain, &list);
	for (size_t i = 0; i < chain.count; i++)
		ask(&chain.list[i]);
	if (chain.count > 0)
		verify(&chain, list);
	return 0;
}
