/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "attest/roots.h"
#include "tests/vector.h"

/* Where each vendor's own certificate lies: the last of the file. */
static const struct {
	enum roots_kind kind;
	const char *path;
	const char *name;
} vendors[] = {
	{ ROOTS_INTEL_SGX, "tdx/intel-sgx-root.pem", "Intel SGX Root CA" },
	{ ROOTS_AMD_SEV, "snp/roots/ask_ark_milan.pem", "ARK-Milan" },
	{ ROOTS_AMD_SEV, "snp/roots/ask_ark_genoa.pem", "ARK-Genoa" },
	{ ROOTS_AMD_SEV, "snp/roots/ask_ark_turin_vcek.pem", "ARK-Turin" },
	/* leased keys end in the same roots */
	{ ROOTS_AMD_SEV, "snp/roots/ask_ark_milan_vlek.pem", "ARK-Milan" },
	{ ROOTS_AMD_SEV, "snp/roots/ask_ark_genoa_vlek.pem", "ARK-Genoa" },
	{ ROOTS_AMD_SEV, "snp/roots/ask_ark_turin_vlek.pem", "ARK-Turin" },
};

static bool holds(enum roots_kind kind, const struct certificate_root *root)
{
	struct certificate_root list[ROOTS_MAX];
	size_t count = roots_of(kind, list);

	for (size_t i = 0; i < count; i++)
		if (memcmp(list[i].digest, root->digest,
			   sizeof(root->digest)) == 0)
			return true;
	return false;
}

Test(roots, the_vendors_certificates_have_the_digests_of_the_table)
{
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
		struct certificate_chain chain = { 0 };
		struct certificate_root root;
		char name[CERTIFICATE_NAME_MAX];

		cr_assert_eq(certificate_chain_add_pem(
				     &chain, vector_file(vendors[i].path)),
			     ERR_OK);
		certificate_root_of(&chain.list[chain.count - 1], &root);
		cr_assert_eq(
			certificate_common_name(&chain.list[chain.count - 1],
						CERTIFICATE_SUBJECT, name),
			ERR_OK);
		cr_assert_str_eq(name, vendors[i].name);
		for (int kind = 0; kind < ROOTS_KINDS; kind++)
			cr_assert_eq(holds((enum roots_kind)kind, &root),
				     (enum roots_kind)kind == vendors[i].kind);
		cr_assert_str_eq(roots_name(&root), vendors[i].name);
		certificate_chain_close(&chain);
		vector_forget();
	}
}

Test(roots, another_digest_is_of_no_vendor)
{
	struct certificate_root list[ROOTS_MAX];

	for (int kind = 0; kind < ROOTS_KINDS; kind++) {
		size_t count = roots_of((enum roots_kind)kind, list);

		cr_assert(count > 0);
		for (size_t i = 0; i < count; i++) {
			list[i].digest[i] ^= 1;
			cr_assert_not(holds((enum roots_kind)kind, &list[i]));
			cr_assert_str_eq(roots_name(&list[i]),
					 "a root of the policy's own");
		}
	}
}
