/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authority: keys, certificates and lists of revoked ones, made by OpenSSL for
 * tests of those who read them; wrong ones, too.
 *
 * What is encoded lies in the pool of tests/vector.h.
 */
#ifndef TESTS_AUTHORITY_H
#define TESTS_AUTHORITY_H

#include "crypto/certificate.h"

enum authority_key {
	AUTHORITY_P256 = 0,
	AUTHORITY_P384,
	AUTHORITY_P521,
	AUTHORITY_ED25519,
	AUTHORITY_RSA_1024,
	AUTHORITY_RSA_2048,
};

/* What it says it may do. */
enum authority_role {
	AUTHORITY_CA = 0,	   /* basicConstraints, certSign, cRLSign */
	AUTHORITY_CA_OF_NO_LISTS,  /* without cRLSign */
	AUTHORITY_CA_BY_USAGE,	   /* certSign, without basicConstraints */
	AUTHORITY_CA_WITHOUT_SIGN, /* basicConstraints, another key usage */
	AUTHORITY_LEAF,
};

#define AUTHORITY_EXTENSIONS_MAX 4

struct authority_extension {
	const char *oid; /* NULL: none */
	struct bytes value;
	bool critical;
};

/* Declare with SCOPED_WIPE(authority_close). */
struct authority {
	void *key;  /* EVP_PKEY, owned */
	void *x509; /* owned */
	struct bytes der;
};

struct authority_wish {
	const char *name;
	const char *second_name; /* another common name, or NULL */
	enum authority_key key;
	enum authority_role role;
	const struct authority *issuer; /* NULL: signs itself */
	const struct authority *twin;	/* has its key, or NULL */
	const char *hash;		/* NULL: SHA256 */
	uint64_t not_before;		/* 0: AUTHORITY_NOW - a day */
	uint64_t not_after;		/* 0: AUTHORITY_NOW + a day */
	int path_most; /* so many CAs below, plus one; 0: any */
	struct authority_extension extensions[AUTHORITY_EXTENSIONS_MAX];
};

#define AUTHORITY_NOW 1800000000u
#define AUTHORITY_DAY 86400u

void authority_make(const struct authority_wish *wish, struct authority *out);
void authority_close(struct authority *authority);

struct authority_list_wish {
	const struct authority *issuer;
	const struct authority *signer;	 /* NULL: the issuer */
	const struct authority *revoked; /* one of its own, or NULL */
	const char *hash;		 /* NULL: SHA256 */
	uint64_t next; /* 0: AUTHORITY_NOW + a day; begins two days before */
	struct authority_extension extension;
};

/* A list of revoked certificates, in DER. */
struct bytes authority_list(const struct authority_list_wish *wish);

/* Its certificate as text; its SubjectPublicKeyInfo, in DER. */
struct bytes authority_pem(const struct authority *authority);
struct bytes authority_spki(const struct authority *authority);

/* What a policy names to trust it. */
struct certificate_root authority_root(const struct authority *authority);

/*
 * Sign as crypto/signature.h verifies: ECDSA as r | s.  RSA is PSS where `pss`
 * says so.
 */
struct bytes authority_sign(const struct authority *authority,
			    struct signature_scheme scheme,
			    struct bytes message);

#endif
