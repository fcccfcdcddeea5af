/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate: X.509 (RFC 5280) as evidence needs it, on OpenSSL.
 *
 * A chain is given by its parts; nothing is looked up, no clock is read and no
 * root of this machine is trusted.  Trust is a list of SHA-256 digests over the
 * SubjectPublicKeyInfo of roots: the root itself has to come with the chain.
 */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H

#include "crypto/signature.h"

#define CERTIFICATE_CHAIN_MAX 8
#define CERTIFICATE_BYTES_MAX (16u << 10) /* one, in DER */
#define CERTIFICATE_DIGEST_BYTES 32
#define CERTIFICATE_LIST_BYTES_MAX (1u << 20) /* one CRL, in DER */

/* Declare with SCOPED_WIPE(certificate_close). */
struct certificate {
	void *x509; /* owned; NULL for none */
};

/* Declare with SCOPED_WIPE(certificate_chain_close).  The leaf is first. */
struct certificate_chain {
	struct certificate list[CERTIFICATE_CHAIN_MAX];
	size_t count;
};

/* A root's SubjectPublicKeyInfo, hashed. */
struct certificate_root {
	uint8_t digest[CERTIFICATE_DIGEST_BYTES];
};

/*
 * One certificate that fills `der` exactly.  ERR_MALFORMED where it does not,
 * or holds an extension twice (RFC 5280, 4.2).
 */
MUST_CHECK enum err certificate_parse(struct bytes der,
				      struct certificate *out);
void certificate_close(struct certificate *certificate);

/*
 * Append one in DER, or every one of a PEM text (crypto/certificate_pem.h; at
 * least one; trailing zeros are skipped).  ERR_TOO_LARGE beyond
 * CERTIFICATE_CHAIN_MAX; on error the chain may hold some of them.
 */
MUST_CHECK enum err certificate_chain_add(struct certificate_chain *chain,
					  struct bytes der);
MUST_CHECK enum err certificate_chain_add_pem(struct certificate_chain *chain,
					      struct bytes pem);
void certificate_chain_close(struct certificate_chain *chain);

/* What a chain is held against. */
enum certificate_revocation {
	CERTIFICATE_REVOCATION_GIVEN = 0, /* issuers whose list is there */
	CERTIFICATE_REVOCATION_ALL,	  /* each issuer of the chain */
};

struct certificate_trust {
	const struct certificate_root *roots; /* borrowed */
	size_t root_count;
	const struct bytes *crls; /* borrowed; each one list in DER */
	size_t crl_count;
	enum certificate_revocation revocation;
	uint64_t now; /* Unix seconds */
};

/*
 * Whether the first of the chain leads, through others of it in any order, to
 * one that signs itself and whose digest is in `roots`, each valid at `now`,
 * each issuer a CA that may sign certificates, each signature of 112 bits or
 * more, and none revoked by its issuer's list (RFC 5280, 6).
 *
 * ERR_UNAUTHENTIC: no such chain, or a list that its issuer did not sign, may
 * not sign, or signed weakly.  ERR_DENIED: revoked.  ERR_UNAVAILABLE: an
 * issuer's list is missing.  ERR_EXPIRED: all that is well, but a certificate
 * or an issuer's every list is not valid at `now`, or not yet.  ERR_MALFORMED:
 * a list that does not parse.  ERR_UNSUPPORTED: a list with a critical
 * extension, which may mean that it is of a part only.
 */
MUST_CHECK enum err
certificate_chain_verify(const struct certificate_chain *chain,
			 const struct certificate_trust *trust);

/* The key in it. */
MUST_CHECK enum err certificate_key(const struct certificate *certificate,
				    struct signature_key *out);

/* SHA-256 of its SubjectPublicKeyInfo. */
void certificate_root_of(const struct certificate *certificate,
			 struct certificate_root *out);

/*
 * What is inside the OCTET STRING of the extension with this dotted OID, as
 * bytes borrowed from the certificate.  ERR_UNSUPPORTED where there is none.
 */
MUST_CHECK enum err certificate_extension(const struct certificate *certificate,
					  const char *oid, struct bytes *out);

/*
 * Whether its extended key usage (RFC 5280, 4.2.1.12) names this purpose, the
 * contents of an OBJECT IDENTIFIER.
 */
bool certificate_is_for(const struct certificate *certificate,
			struct bytes purpose);

/*
 * The common name of its subject or issuer, as printable ASCII, zero-ended.
 * ERR_MALFORMED where there is not exactly one that fits.
 */
#define CERTIFICATE_NAME_MAX 64

enum certificate_party {
	CERTIFICATE_SUBJECT = 0,
	CERTIFICATE_ISSUER,
};

MUST_CHECK enum err
certificate_common_name(const struct certificate *certificate,
			enum certificate_party party,
			char name[static CERTIFICATE_NAME_MAX]);

/* When it begins and ends to be valid, Unix seconds. */
MUST_CHECK enum err certificate_validity(const struct certificate *certificate,
					 uint64_t *not_before,
					 uint64_t *not_after);

/* Until when all of a chain are valid; 0 where one does not say. */
uint64_t certificate_chain_valid_until(const struct certificate_chain *chain);

#endif
