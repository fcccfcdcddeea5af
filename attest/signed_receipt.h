/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signed_receipt: a receipt under the signature of the node's receipt key.
 *
 *     18([ << {1: -8} >>, {}, << receipt >>, signature[64] ])
 *
 * COSE_Sign1 (RFC 9052, 4.2) with EdDSA over Ed25519 (RFC 9053, 2.2) and
 * nothing else in its headers: the key is named by the node statement, and
 * signs receipts alone.
 */
#ifndef ATTEST_SIGNED_RECEIPT_H
#define ATTEST_SIGNED_RECEIPT_H

#include "crypto/sign.h"
#include "wire/receipt.h"

/* Append a receipt, signed.  ERR_TOO_LARGE, or as receipt_write(). */
MUST_CHECK enum err signed_receipt_write(const struct receipt *receipt,
					 const struct sign_private_key *key,
					 struct writer *out);

/*
 * Read one that fills `in` exactly.  What it says is in *out for ERR_OK and for
 * ERR_UNAUTHENTIC, where another key signed, or other bytes; else as
 * receipt_parse().
 */
MUST_CHECK enum err signed_receipt_open(struct bytes in,
					const struct sign_public_key *key,
					struct receipt *out);

#endif
