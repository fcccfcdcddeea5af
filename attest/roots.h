/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roots: the keys of vendors under which evidence is accepted by default.
 *
 * A root is the SHA-256 of its SubjectPublicKeyInfo (crypto/certificate.h), so
 * that a certificate which its vendor renews for the same key stays accepted.
 * The certificate itself comes with the evidence or its endorsements.
 */
#ifndef ATTEST_ROOTS_H
#define ATTEST_ROOTS_H

#include "crypto/certificate.h"

enum roots_kind {
	ROOTS_INTEL_SGX = 0, /* of TDX, too */
	ROOTS_AMD_SEV,	     /* one for each line of processors */
	ROOTS_AWS_NITRO,
	ROOTS_KINDS,
};

#define ROOTS_MAX 8 /* of one kind */

/* Those of this kind; their number. */
size_t roots_of(enum roots_kind kind,
		struct certificate_root out[static ROOTS_MAX]);

/* The name in its certificate, such as "ARK-Milan".  Never NULL. */
const char *roots_name(const struct certificate_root *root);

#endif
