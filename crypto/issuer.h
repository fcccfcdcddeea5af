/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer: an operator's certification authority, which signs certificates for
 * keys that it has examined (X.509 version 3, RFC 5280).
 *
 * What is issued is an end entity's: it signs nothing but data, and may not
 * issue.  The serial number is 127 random bits.
 */
#ifndef CRYPTO_ISSUER_H
#define CRYPTO_ISSUER_H

#include "crypto/certificate.h"

/* Owned.  Declare with SCOPED_WIPE(issuer_close). */
struct issuer {
	void *key;	   /* secret */
	void *certificate; /* its own */
};

/*
 * Open an authority by a private key and its certificate, each as PEM.
 * ERR_MALFORMED for texts that are none, ERR_DENIED for a certificate that is
 * of another key or of no authority, ERR_UNSUPPORTED for a key that is neither
 * RSA of at least 2048 bits nor on P-256 or P-384.
 */
MUST_CHECK enum err issuer_open(struct bytes key_pem,
				struct bytes certificate_pem,
				struct issuer *out);
void issuer_close(struct issuer *issuer);

/* What it is to sign. */
struct issuer_order {
	const struct signature_key *key;
	const char *common_name; /* printable ASCII, up to 63 letters */
	const char *usage;	 /* dotted OID of the extended key usage */
	uint64_t not_before, not_after; /* Unix seconds */
};

/*
 * Append the certificate in DER.  ERR_DENIED for a time that is beyond the
 * authority's own, or that ends before it begins; ERR_TOO_LARGE without room.
 */
MUST_CHECK enum err issuer_sign(const struct issuer *issuer,
				const struct issuer_order *order,
				struct writer *der);

/* Append the authority's own certificate in DER. */
MUST_CHECK enum err issuer_put_certificate(const struct issuer *issuer,
					   struct writer *der);

#endif
