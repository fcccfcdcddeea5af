/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlog_receipt: proofs of a log as COSE receipts (RFC 9942), for readers that
 * know these and no notes.
 *
 *     COSE_Sign1 [ { 1: -8, 395: 1 },                  ; EdDSA, RFC9162_SHA256
 *                  { 396: { -1: [ bytes ] } },         ; or -2
 *                  null, signature ]                   ; of the root
 *     bytes of -1  [ size, index, [ path ] ]           ; inclusion
 *     bytes of -2  [ old size, size, [ path ] ]        ; consistency
 *
 * What is signed is the root alone, which the reader computes from the path.
 * Other data structures than RFC9162_SHA256 (CCF's is 2) are ERR_UNSUPPORTED.
 */
#ifndef TLOG_TLOG_RECEIPT_H
#define TLOG_TLOG_RECEIPT_H

#include "crypto/merkle_proof.h"
#include "crypto/sign.h"
#include "crypto/signature.h"

#define TLOG_RECEIPT_BYTES_MAX 8192

/*
 * Append a receipt for the head that a proof leads to: for the leaf at `index`
 * of so many, or of the growth from an older size.  ERR_TOO_LARGE.
 */
MUST_CHECK enum err
tlog_receipt_put_inclusion(struct writer *out, const struct merkle_head *head,
			   uint64_t index, const struct merkle_proof *path,
			   const struct sign_private_key *key);
MUST_CHECK enum err
tlog_receipt_put_consistency(struct writer *out, const struct merkle_head *head,
			     uint64_t old_size, const struct merkle_proof *path,
			     const struct sign_private_key *key);

/*
 * Whether this key's owner signed a tree that has this leaf, or that grew from
 * `older`; then *root is that tree's.  How many leaves it has is not told: the
 * receipt names a size that nobody signed, and others of the same shape would
 * do as well.  ERR_UNAUTHENTIC if not; ERR_UNSUPPORTED for another data
 * structure or algorithm, ERR_MALFORMED.
 */
MUST_CHECK enum err tlog_receipt_check_inclusion(
	struct bytes receipt, const struct signature_key *key,
	const struct merkle_hash *leaf, struct merkle_hash *root);
MUST_CHECK enum err tlog_receipt_check_consistency(
	struct bytes receipt, const struct signature_key *key,
	const struct merkle_head *older, struct merkle_hash *root);

#endif
