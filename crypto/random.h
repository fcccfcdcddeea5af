/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random: bytes from the kernel's generator, straight from getrandom(2).
 *
 * No generator of our own means none whose state a fork could copy.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

/* Fill out[len]; stops the process where the kernel refuses. */
void random_bytes(void *out, size_t len);

#endif
