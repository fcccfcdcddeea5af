/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/secret.h"

/* EVP counts in int. */
#define MESSAGE_MAX ((size_t)1 << 30)

static const struct algorithm {
	uint16_t aead;
	uint16_t key_len;
	const char *name;
} algorithms[] = {
	{ HPKE_AES_128_GCM, 16, "AES-128-GCM" },
	{ HPKE_AES_256_GCM, 32, "AES-256-GCM" },
	{ HPKE_CHACHA20_POLY1305, 32, "ChaCha20-Poly1305" },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

/* Fetched once and kept until the process ends. */
static EVP_CIPHER *ciphers[ALGORITHMS];
static pthread_once_t ciphers_once = PTHREAD_ONCE_INIT;

static void fetch_ciphers(void)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		ciphers[i] = EVP_CIPHER_fetch(NULL, algorithms[i].name, NULL);
		errno = 0;
		if (ciphers[i] == NULL)
			die("no memory for a cipher");
	}
}

static const EVP_CIPHER *find_cipher(uint16_t aead)
{
	pthread_once(&ciphers_once, fetch_ciphers);
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].aead == aead)
			return ciphers[i];
	return NULL;
}

static void free_context(EVP_CIPHER_CTX **context)
{
	EVP_CIPHER_CTX_free(*context); /* wipes the key schedule */
}

#define SCOPED_CONTEXT SCOPED_WIPE(free_context) EVP_CIPHER_CTX

void aead_warm(void)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		struct aead_key key = { .aead = algorithms[i].aead };
		const uint8_t nonce[AEAD_NONCE_BYTES] = { 0 };
		uint8_t sealed_bytes[1 + AEAD_TAG_BYTES];
		uint8_t opened_bytes[1];
		struct writer sealed = WRITER_OVER(sealed_bytes);
		struct writer opened = WRITER_OVER(opened_bytes);
		struct bytes one = BYTES_LITERAL("x");
		enum err err;

		err = aead_seal(&key, nonce, one, one, &sealed);
		if (err == ERR_OK)
			err = aead_open(&key, nonce, one,
					bytes_written(&sealed), &opened);
		errno = 0;
		if (err != ERR_OK)
			die("no memory for a cipher");
	}
}

size_t aead_key_len(uint16_t aead)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].aead == aead)
			return algorithms[i].key_len;
	return 0;
}

enum way {
	WAY_OPEN = 0,
	WAY_SEAL = 1, /* as EVP_CipherInit_ex2 has them */
};

/* A context keyed for one message, its additional data already taken in. */
static EVP_CIPHER_CTX *begin(const struct aead_key *key, const uint8_t *nonce,
			     struct bytes aad, enum way way)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int done;

	if (context != NULL &&
	    EVP_CipherInit_ex2(context, find_cipher(key->aead), key->bytes,
			       nonce, (int)way, NULL) == 1 &&
	    (aad.len == 0 || EVP_CipherUpdate(context, NULL, &done, aad.data,
					      (int)aad.len) == 1))
		return context;
	EVP_CIPHER_CTX_free(context);
	return NULL;
}

/* The text of the message, as long out as in; an empty one is left out. */
static int transform(EVP_CIPHER_CTX *context, struct bytes in, uint8_t *out)
{
	int done = 0;

	/* A NULL output would make the text additional data. */
	if (in.len != 0 &&
	    EVP_CipherUpdate(context, out, &done, in.data, (int)in.len) != 1)
		return 0;
	invariant((size_t)done == in.len);
	return 1;
}

enum err aead_seal(const struct aead_key *key,
		   const uint8_t nonce[static AEAD_NONCE_BYTES],
		   struct bytes aad, struct bytes plaintext,
		   struct writer *sealed)
{
	SCOPED_CONTEXT *context = NULL;
	uint8_t nothing[16];
	uint8_t *out;
	int done;

	if (find_cipher(key->aead) == NULL)
		return ERR_UNSUPPORTED;
	if (plaintext.len > MESSAGE_MAX || aad.len > MESSAGE_MAX ||
	    sealed->max - sealed->len < plaintext.len + AEAD_TAG_BYTES)
		return ERR_TOO_LARGE;

	out = sealed->data + sealed->len;
	context = begin(key, nonce, aad, WAY_SEAL);
	if (context == NULL || !transform(context, plaintext, out) ||
	    EVP_CipherFinal_ex(context, nothing, &done) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES,
				out + plaintext.len) != 1)
		return ERR_UNAVAILABLE;
	sealed->len += plaintext.len + AEAD_TAG_BYTES;
	return ERR_OK;
}

enum err aead_open(const struct aead_key *key,
		   const uint8_t nonce[static AEAD_NONCE_BYTES],
		   struct bytes aad, struct bytes sealed,
		   struct writer *plaintext)
{
	SCOPED_CONTEXT *context = NULL;
	uint8_t tag[AEAD_TAG_BYTES];
	uint8_t nothing[16];
	uint8_t *out = NULL;
	struct bytes text;
	int done;

	if (find_cipher(key->aead) == NULL)
		return ERR_UNSUPPORTED;
	if (sealed.len < AEAD_TAG_BYTES)
		return ERR_UNAUTHENTIC;
	TRY(bytes_take(&sealed, sealed.len - AEAD_TAG_BYTES, &text));
	TRY(bytes_take_into(&sealed, tag, sizeof(tag)));
	if (text.len > MESSAGE_MAX || aad.len > MESSAGE_MAX ||
	    plaintext->max - plaintext->len < text.len)
		return ERR_TOO_LARGE;

	/* A writer for nothing may hold NULL, to which nothing may be added. */
	if (text.len != 0)
		out = plaintext->data + plaintext->len;
	context = begin(key, nonce, aad, WAY_OPEN);
	if (context == NULL ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof(tag),
				tag) != 1)
		return ERR_UNAVAILABLE;
	if (!transform(context, text, out) ||
	    secret_tell(EVP_CipherFinal_ex(context, nothing, &done)) != 1) {
		/* What came out may be an attacker's choice: leave nothing. */
		if (text.len != 0)
			secret_wipe(out, text.len);
		return ERR_UNAUTHENTIC;
	}
	plaintext->len += text.len;
	return ERR_OK;
}
