/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>

#include "base/secret.h"

/*
 * OpenSSL hashes files five times as fast, with the CPU's instructions;
 * libsodium's HMAC needs no memory but the stack.
 */
static EVP_MD *sha256;
static EVP_MD *sha512;
static pthread_once_t digests_once = PTHREAD_ONCE_INIT;

/* With these inputs OpenSSL fails for want of memory alone.  Nobody can go on
 * without a digest. */
static void need(bool done)
{
	errno = 0;
	if (!done)
		die("no memory for a digest");
}

static void fetch_digests(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	need(sha256 != NULL && sha512 != NULL);
}

void hash_warm(void)
{
	uint8_t digest[HASH_SHA512_BYTES];

	hash_sha256(BYTES_LITERAL("x"), digest);
	hash_sha512(BYTES_LITERAL("x"), digest);
	hash_hmac_sha256(BYTES_LITERAL("x"), BYTES_LITERAL("x"), digest);
}

void hash_sha256(struct bytes data, uint8_t digest[static HASH_SHA256_BYTES])
{
	int done;

	pthread_once(&digests_once, fetch_digests);
	done = EVP_Digest(data.data, data.len, digest, NULL, sha256, NULL);
	need(done == 1);
}

void hash_sha512(struct bytes data, uint8_t digest[static HASH_SHA512_BYTES])
{
	int done;

	pthread_once(&digests_once, fetch_digests);
	done = EVP_Digest(data.data, data.len, digest, NULL, sha512, NULL);
	need(done == 1);
}

static const struct {
	const char *name;
	size_t bytes;
} algorithms[HASH_ALGORITHMS] = {
	[HASH_SHA1] = { "SHA1", 20 },
	[HASH_SHA256] = { "SHA256", HASH_SHA256_BYTES },
	[HASH_SHA384] = { "SHA384", 48 },
	[HASH_SHA512] = { "SHA512", HASH_SHA512_BYTES },
};

size_t hash_bytes(enum hash_algorithm algorithm)
{
	return algorithms[algorithm].bytes;
}

const char *hash_name(enum hash_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

void hash_digest(enum hash_algorithm algorithm, struct bytes data,
		 uint8_t *digest)
{
	size_t len = 0;
	int done = EVP_Q_digest(NULL, algorithms[algorithm].name, NULL,
				data.data, data.len, digest, &len);

	need(done == 1);
	invariant(len == algorithms[algorithm].bytes);
}

static void wipe_hmac(crypto_auth_hmacsha256_state *state)
{
	secret_wipe(state, sizeof(*state));
}

void hash_hmac_sha256(struct bytes key, struct bytes data,
		      uint8_t tag[static HASH_SHA256_BYTES])
{
	SCOPED_WIPE(wipe_hmac) crypto_auth_hmacsha256_state state;
	const uint8_t none = 0;

	/* libsodium takes no NULL, which an empty view may hold. */
	crypto_auth_hmacsha256_init(&state, key.len == 0 ? &none : key.data,
				    key.len);
	if (data.len != 0)
		crypto_auth_hmacsha256_update(&state, data.data, data.len);
	crypto_auth_hmacsha256_final(&state, tag);
}

void hash_stream_begin(struct hash_stream *stream)
{
	EVP_MD_CTX *state = EVP_MD_CTX_new();
	int done;

	pthread_once(&digests_once, fetch_digests);
	need(state != NULL);
	done = EVP_DigestInit_ex2(state, sha256, NULL);
	need(done == 1);
	stream->state = state;
}

void hash_stream_add(struct hash_stream *stream, struct bytes data)
{
	int done = EVP_DigestUpdate(stream->state, data.data, data.len);

	need(done == 1);
}

void hash_stream_end(struct hash_stream *stream,
		     uint8_t digest[static HASH_SHA256_BYTES])
{
	int done = EVP_DigestFinal_ex(stream->state, digest, NULL);

	need(done == 1);
	hash_stream_wipe(stream);
}

void hash_stream_wipe(struct hash_stream *stream)
{
	EVP_MD_CTX_free(stream->state);
	stream->state = NULL;
}
