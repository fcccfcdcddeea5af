/* SPDX-License-Identifier: Apache-2.0 */
/* No receipt is accepted, since nobody guesses a signature; none does harm. */
#include <stdbool.h>

#include "tlog/tlog_receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signature_key key;
	static bool is_ready;
	struct bytes in = { data, size };
	struct merkle_hash leaf = { { 1 } }, root;
	struct merkle_head older = { .size = 300 };

	if (!is_ready) {
		struct sign_private_key private_key;
		struct sign_public_key public_key;

		sign_key_generate(&private_key, &public_key);
		invariant(signature_key_from_ed25519(
				  BYTES_ARRAY(public_key.bytes), &key) ==
			  ERR_OK);
		is_ready = true;
	}
	invariant(tlog_receipt_check_inclusion(in, &key, &leaf, &root) !=
		  ERR_OK);
	invariant(tlog_receipt_check_consistency(in, &key, &older, &root) !=
		  ERR_OK);
	return 0;
}
