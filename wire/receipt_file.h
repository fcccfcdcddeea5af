/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt_file: what a user keeps of one answer, to prove it to somebody later.
 *
 * Deterministic CBOR (wire/cbor.h), every field in this order:
 *
 *     { 1: unsigned   version, RECEIPT_FILE_VERSION
 *       2: bytes      the bundle that the client had verified (wire/bundle.h)
 *       3: bytes      the receipt, a COSE_Sign1 (wire/receipt.h)
 *       4: bytes[32]  the salt of both commitments (crypto/commitment.h)
 *       5: bytes      the request: Binary HTTP, without its padding
 *       6: bytes      the body of the response, without its padding }
 *
 * It holds the prompt and the answer in clear.  Who is shown it without 4, 5
 * and 6 learns neither; who is given one of the commitments opened needs the
 * salt and that part alone.
 */
#ifndef WIRE_RECEIPT_FILE_H
#define WIRE_RECEIPT_FILE_H

#include "base/bytes.h"

#define RECEIPT_FILE_VERSION 1
#define RECEIPT_FILE_SALT_BYTES 32
#define RECEIPT_FILE_AROUND 64 /* bytes beside those of the five parts */
#define RECEIPT_FILE_BYTES_MAX ((size_t)72 << 20) /* beyond any answer */

/* Borrowed views, all but the salt. */
struct receipt_file {
	struct bytes bundle;
	struct bytes receipt;
	uint8_t salt[RECEIPT_FILE_SALT_BYTES];
	struct bytes request;
	struct bytes response;
};

/* Append the encoding; ERR_TOO_LARGE when the writer is too small. */
MUST_CHECK enum err receipt_file_write(const struct receipt_file *file,
				       struct writer *out);

/*
 * Read one that fills `in` exactly; nothing in it is opened.  ERR_UNSUPPORTED
 * for another version, ERR_MALFORMED or ERR_TRUNCATED for anything but the one
 * encoding above.
 */
MUST_CHECK enum err receipt_file_parse(struct bytes in,
				       struct receipt_file *out);

#endif
