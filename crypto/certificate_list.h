/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_list: lists of revoked certificates (RFC 5280, 5 and 6.3).
 *
 * A list counts for one link of a chain when it bears the issuer's name; then
 * it has to be the issuer's own, complete, strongly signed and of this time.
 */
#ifndef CRYPTO_CERTIFICATE_LIST_H
#define CRYPTO_CERTIFICATE_LIST_H

#include "crypto/certificate.h"

/*
 * Whether the issuer's lists among those of `trust` say nothing against
 * `issued`.  Errors are those of certificate_chain_verify(); revoked by one
 * list is revoked, and one list that is valid at `now` suffices.
 */
MUST_CHECK enum err
certificate_list_check(const struct certificate *issued,
		       const struct certificate *issuer,
		       const struct certificate_trust *trust);

#endif
