/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem: bytes between two lines of dashes (RFC 7468), in the strict form alone
 * ("stricttextualmsg"): lines of 64 letters, line feeds, nothing else.
 *
 *     -----BEGIN CERTIFICATE-----
 *     MIIC...            64 letters a line, the last one as many as are left
 *     -----END CERTIFICATE-----
 *
 * So one run of bytes has one text, and a text that was touched is not taken:
 * this is for texts inside of evidence.  What people keep in files is read by
 * crypto/certificate_pem.h, which lets them break lines as they like.
 */
#ifndef WIRE_PEM_H
#define WIRE_PEM_H

#include "base/bytes.h"

/*
 * Take one text of this label from the front and append its bytes.
 * ERR_MALFORMED for anything but the form above, ERR_TOO_LARGE where `out` has
 * no room; `in` is then as it was, and `out` may have been written to.
 */
MUST_CHECK enum err pem_take(struct bytes *in, const char *label,
			     struct writer *out);

/* Append the one text of this label for these bytes; ERR_TOO_LARGE. */
MUST_CHECK enum err pem_put(struct bytes in, const char *label,
			    struct writer *out);

#endif
