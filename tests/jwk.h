/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwk: public keys as vectors name them: RFC 7517 (with "_hex" members, too)
 * and PEM.
 */
#ifndef TESTS_JWK_H
#define TESTS_JWK_H

#include <jansson.h>

#include "crypto/signature.h"

/* EC, RSA or OKP; each member must be there.  The caller closes the key. */
void jwk_open(const json_t *jwk, struct signature_key *out);

/* A "PUBLIC KEY" as text. */
void jwk_open_pem(struct bytes text, struct signature_key *out);

/* Hexadecimal in either case, in the pool of tests/vector.h. */
struct bytes jwk_hex(const char *hex);

#endif
