/* SPDX-License-Identifier: Apache-2.0 */
/*
<<<<<<< HEAD
 * pem: bytes between two lines of dashes (RFC 7468), in the strict form alone
 * ("stricttextualmsg"): lines of 64 letters, line feeds, nothing else.
 *
 *     -----BEGIN CERTIFICATE-----
 *     MIIC...            64 letters a line, the last one as many as are left
 *     -----END CERTIFICATE-----
 *
 * So one run of bytes has one text, and a text that was touched is not taken.
 * OpenSSL reads much more than this; what a person edits may go through it.
=======
 * pem: certificates as text (RFC 7468), one after the other.
 *
 *     -----BEGIN CERTIFICATE-----
 *     base64 in lines
 *     -----END CERTIFICATE-----
 *
 * What stands before, between and after them is passed over, as openssl and
 * others write it there.  Base64 has to be canonical (wire/base64.h).
>>>>>>> 8564c90 (Hardware evidence: an attester in a jail of its own measures the node into a TPM and quotes it)
 */
#ifndef WIRE_PEM_H
#define WIRE_PEM_H

#include "base/bytes.h"

<<<<<<< HEAD
/*
 * Take one text of this label from the front and append its bytes.
 * ERR_MALFORMED for anything but the form above, ERR_TOO_LARGE where `out` has
 * no room; `in` is then as it was, and `out` may have been written to.
 */
MUST_CHECK enum err pem_take(struct bytes *in, const char *label,
			     struct writer *out);
=======
#define PEM_CERTIFICATE_MAX (16u << 10) /* one, in DER */

/*
 * Take the next certificate off the text and append it in DER; nothing is
 * appended where there is none.  ERR_MALFORMED or ERR_TRUNCATED for one that is
 * not of this form, ERR_TOO_LARGE where it is beyond PEM_CERTIFICATE_MAX or the writer.
 */
MUST_CHECK enum err pem_take(struct bytes *text, struct writer *der);

/* Append one certificate as text. */
MUST_CHECK enum err pem_put(struct bytes der, struct writer *text);
>>>>>>> 8564c90 (Hardware evidence: an attester in a jail of its own measures the node into a TPM and quotes it)

#endif
