/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: memory that must not outlive its use.
 *
 * Keys and prompts are both secrets.  A secret is declared with a SCOPED_
 * macro so that it is wiped on every way out of its block; it is compared with
 * secret_equal(); and it is never logged, formatted or copied to a plain array.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct secret32 {
	uint8_t bytes[32];
};

#define SCOPED_SECRET32 __attribute__((cleanup(secret_wipe_32))) struct secret32

/* For any struct foo that has void foo_wipe(struct foo *). */
#define SCOPED_WIPE(wipe) __attribute__((cleanup(wipe)))

void secret_wipe_32(struct secret32 *secret);

/* Overwrite with zeros in a way the compiler may not remove. */
void secret_wipe(void *memory, size_t len);

/*
 * Overwrite what functions that have returned may have left on the stack, as far
 * as SECRET_STACK_BYTES below the caller: for a process that lives on after it
 * has seen what is somebody's alone.
 */
#define SECRET_STACK_BYTES ((size_t)128 << 10)
void secret_wipe_stack(void);

/*
 * A number that was computed of secrets and may be known, such as whether a seal
 * was good: whoever branches by one asks for it here.  It is a call of its own,
 * so that tests/hostile/test_constant_time.c can tell that branch from others.
 */
int secret_tell(int verdict);

/* Constant-time in the contents; not in len. */
bool secret_equal(const void *a, const void *b, size_t len);

/* Whether every byte is zero, in time that depends on len alone. */
bool secret_is_zero(const void *memory, size_t len);

#endif
