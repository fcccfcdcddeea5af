/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random: bytes from the kernel's generator, straight from getrandom(2).
 *
 * No generator of our own means none whose state a fork could copy.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

/*
 * Fill out[len].  The process ends where the kernel refuses, or where its
 * generator is stuck: at each call 16 bytes are asked for twice besides, which
 * have to differ.
 */
void random_bytes(void *out, size_t len);

#endif
