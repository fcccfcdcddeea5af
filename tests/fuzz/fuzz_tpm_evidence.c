/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TPM evidence that parses is the one encoding of what it holds; what is in it
 * is read within its bounds, and nothing that nobody signed is ever accepted.
 */
#include <stdlib.h>
#include <string.h>

#include "attest/tpm.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.len == 0 ||
	       (part.data >= whole.data &&
		part.data + part.len <= whole.data + whole.len);
}

static void check_parts(struct bytes in)
{
	struct tpm_public key;
	struct tpm_public_name name;
	struct tpm_quote quote;

	if (tpm_public_parse(in, &key) == ERR_OK) {
		invariant(lies_within(key.policy, in));
		invariant(lies_within(key.modulus, in));
		invariant(lies_within(key.x, in) && lies_within(key.y, in));
		tpm_public_name(&key, &name);
		invariant(name.len == 34 || name.len == 50);
		invariant(tpm_public_verify(&key, in, in) != ERR_OK);
	}
	if (tpm_quote_parse(in, &quote) == ERR_OK) {
		invariant(lies_within(quote.signer, in));
		invariant(lies_within(quote.data, in));
		invariant(lies_within(quote.digest, in));
		invariant(quote.selected >> TPM_QUOTE_PCRS == 0);
	}
}

static void check_whole(struct bytes in)
{
	struct writer out = { malloc(in.len + 1), 0, in.len };
	struct tpm_evidence evidence;

	if (tpm_evidence_parse(in, &evidence) == ERR_OK) {
		invariant(tpm_evidence_write(&evidence, &out) == ERR_OK);
		invariant(bytes_equal(bytes_written(&out), in));
		check_parts(evidence.attest);
		check_parts(evidence.ak_public);
	}
	free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct certificate_root root = { { 1 } };
	struct appraisal_policy policy = { .now = 1800000000,
					   .roots = &root,
					   .root_count = 1 };
	struct bytes in = { data, size };
	struct appraisal found;

	check_parts(in);
	check_whole(in);
	tpm_appraise(in, &policy, &found);
	invariant(!appraisal_holds(&found, TPM_NEEDED));
	invariant(lies_within(found.report_data, in));
	return 0;
}
