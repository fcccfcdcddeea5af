/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector: test vectors, as hexadecimal in a test or as a file of a public set.
 *
 * The sets are big and stay out of the tree; the environment variable VECTORS
 * names their folder.  A test whose set is absent is skipped, which is why the
 * vectors that a specification prints stand in the tests themselves.
 *
 * Decoded bytes lie in one pool and live until vector_forget().
 */
#ifndef TESTS_VECTOR_H
#define TESTS_VECTOR_H

#include <jansson.h>

#include "base/bytes.h"

/* Decode hexadecimal, which must be sound: it is part of a test. */
struct bytes vector_hex(const char *hex);

/* A writable copy, in the same pool. */
uint8_t *vector_copy(struct bytes data);

/* Give back everything that was decoded or copied. */
void vector_forget(void);

/* Load $VECTORS/path, or skip the running test.  The caller's to json_decref */
json_t *vector_load(const char *path);

/* The bytes of $VECTORS/path, in the pool, or skip the running test. */
struct bytes vector_file(const char *path);

/* The bytes of tests/vectors/path, which is part of the tree; in the pool. */
struct bytes vector_own(const char *path);

/*
 * The certificates of a PEM text, each in DER, in the pool: their number, which
 * may not be more than `max`.
 */
size_t vector_pem(struct bytes text, struct bytes *out, size_t max);

/* A hexadecimal member of an object, a number, a text; each must be there. */
struct bytes vector_bytes(const json_t *object, const char *name);
uint64_t vector_number(const json_t *object, const char *name);
const char *vector_text(const json_t *object, const char *name);

/* Fail the running test unless `actual` is what `hex` spells. */
void vector_expect(struct bytes actual, const char *hex);

#endif
