/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: SHA-256, SHA-512 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), and what
 * others hash with.
 *
 * These cannot fail for any input.  Where OpenSSL cannot do its part the
 * process stops: a missing digest must never look like one.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/bytes.h"

#define HASH_SHA256_BYTES 32
#define HASH_SHA512_BYTES 64
#define HASH_BYTES_MAX HASH_SHA512_BYTES

/*
 * For evidence that others made.  SHA-1 is here because event logs are full of
 * it; nothing rests on it.
 */
enum hash_algorithm {
	HASH_SHA1 = 0,
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512,
	HASH_ALGORITHMS,
};

/* The bytes of a digest: 20, 32, 48 or 64. */
size_t hash_bytes(enum hash_algorithm algorithm);

/* OpenSSL's name, such as "SHA384". */
const char *hash_name(enum hash_algorithm algorithm);

/* hash_bytes() bytes into `digest`, which may be the memory of `data`. */
void hash_digest(enum hash_algorithm algorithm, struct bytes data,
		 uint8_t *digest);

/*
 * Fetch both digests and touch their paths, so that hashing after it makes no
 * system call but what malloc needs for less than a kilobyte.
 */
void hash_warm(void);

void hash_sha256(struct bytes data, uint8_t digest[static HASH_SHA256_BYTES]);
void hash_sha512(struct bytes data, uint8_t digest[static HASH_SHA512_BYTES]);

/* HMAC-SHA-256 with a key of any length. */
void hash_hmac_sha256(struct bytes key, struct bytes data,
		      uint8_t tag[static HASH_SHA256_BYTES]);

/*
 * SHA-256 of data that comes in pieces: begin, add any number of times, end.
 * Declare with SCOPED_WIPE(hash_stream_wipe); the state lies on the heap.
 */
struct hash_stream {
	void *state; /* owned; NULL before begin and after end */
};

void hash_stream_begin(struct hash_stream *stream);
void hash_stream_add(struct hash_stream *stream, struct bytes data);
void hash_stream_end(struct hash_stream *stream,
		     uint8_t digest[static HASH_SHA256_BYTES]);

/* Wipe and free; nothing happens to a stream that has ended. */
void hash_stream_wipe(struct hash_stream *stream);

#endif
