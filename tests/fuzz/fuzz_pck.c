/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extension of a PCK certificate, and the text of a chain.  The first byte
 * says which.  A chain that is read has three certificates.
 */
#include "attest/pck.h"

#include "base/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_chain(struct bytes in)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { 0 };
	struct pck pck;

	if (pck_read_chain(in, &chain) != ERR_OK)
		return;
	invariant(chain.count == 3);
	if (pck_of(&chain.list[0], &pck) == ERR_OK)
		invariant(pck.type <= PCK_SCALABLE_WITH_INTEGRITY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pck pck;

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		read_chain((struct bytes){ data + 1, size - 1 });
	else if (pck_parse((struct bytes){ data + 1, size - 1 }, &pck) ==
		 ERR_OK)
		invariant(
			pck.type <= PCK_SCALABLE_WITH_INTEGRITY &&
			(pck.has_instance ||
			 (pck.dynamic == PCK_UNSAID &&
			  secret_is_zero(pck.instance, sizeof(pck.instance)))));
	return 0;
}
