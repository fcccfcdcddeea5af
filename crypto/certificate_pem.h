/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_pem: certificates as text (RFC 7468, section 3), strictly.
 *
 *     -----BEGIN CERTIFICATE-----
 *     base64, in lines
 *     -----END CERTIFICATE-----
 *
 * Between certificates there are spaces and line ends alone: what a reader
 * skips is what another one may believe.
 */
#ifndef CRYPTO_CERTIFICATE_PEM_H
#define CRYPTO_CERTIFICATE_PEM_H

#include "base/bytes.h"

/* Whether nothing is left but spaces, line ends and zeros. */
bool certificate_pem_is_end(struct bytes text);

/*
 * Take the next certificate from the front and append its DER.  ERR_MALFORMED
 * where the next thing is not one, ERR_TOO_LARGE where it does not fit.
 */
MUST_CHECK enum err certificate_pem_take(struct bytes *text,
					 struct writer *der);

#endif
