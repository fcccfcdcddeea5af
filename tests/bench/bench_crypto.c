/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cryptography of one request costs, each figure the median of
 * several rounds: one line of name, value and unit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "attest/signed_receipt.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/ohttp.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "tests/support/receipts.h"
#include "tests/support/timed.h"

#define ROUNDS 9
#define FRAME 512

static uint8_t text[1 << 20];
static uint8_t wire[1 << 21];
static uint8_t opened[1 << 21];

/* What is measured: something done `count` times over. */
struct subject {
	const char *name;
	uint16_t kem;
	uint16_t aead;
	size_t count;
	void (*run)(const struct subject *subject);
};

static struct hpke_private_key private_key;
static struct hpke_public_key public_key;
static struct ohttp_exchange exchange;

static void must(enum err err)
{
	invariant(err == ERR_OK);
}

static void prepare(const struct subject *subject)
{
	struct ohttp_key_config config = {
		.symmetric = { { HPKE_HKDF_SHA256, subject->aead } },
		.symmetric_count = 1,
	};

	must(hpke_key_generate(subject->kem, &private_key, &public_key));
	config.public_key = public_key;
	must(ohttp_send(&config, config.symmetric[0], OHTTP_CHUNKED,
			&exchange));
}

static void seal_frames(const struct subject *subject)
{
	const uint8_t entropy[OHTTP_NONCE_MAX] = { 0 };
	struct bytes piece = { text, ohttp_sealer_plaintext_max(
					     OHTTP_CHUNK_MORE, FRAME) };
	struct writer out = WRITER_OVER(wire);
	struct ohttp_sealer sealer;

	ohttp_sealer_init_response(&sealer, &exchange, entropy);
	must(ohttp_sealer_begin(&sealer, &out));
	for (size_t i = 0; i < subject->count; i++)
		must(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE, piece, &out));
}

/* What seal_frames left on the wire. */
static void open_frames(const struct subject *subject)
{
	uint8_t scratch[FRAME];
	struct writer out = WRITER_OVER(opened);
	struct ohttp_opener opener;

	ohttp_opener_init(&opener, OHTTP_RESPONSE, &exchange,
			  WRITER_OVER(scratch));
	must(ohttp_opener_push(
		&opener,
		(struct bytes){ wire, ohttp_nonce_len(subject->aead) +
					      subject->count * FRAME },
		&out));
}

static void receive(const struct subject *subject)
{
	struct hpke_context context;

	for (size_t i = 0; i < subject->count; i++)
		must(ohttp_receive(OHTTP_CHUNKED, &exchange.header,
				   &private_key, &public_key, &context));
}

static void hash_pieces(const struct subject *subject)
{
	struct merkle tree;
	uint8_t root[MERKLE_HASH_BYTES];

	merkle_init(&tree);
	for (size_t i = 0; i < subject->count; i++)
		merkle_add_leaf(&tree, BYTES_ARRAY(text));
	merkle_root(&tree, root);
}

/* What the keeper does for one answer, and what its client does. */
static void sign_receipts(const struct subject *subject)
{
	const struct receipt receipt = receipts_sample();
	struct sign_private_key key;
	struct sign_public_key unused;

	sign_key_generate(&key, &unused);
	for (size_t i = 0; i < subject->count; i++) {
		struct writer out = WRITER_OVER(wire);

		must(signed_receipt_write(&receipt, &key, &out));
	}
}

static void open_receipts(const struct subject *subject)
{
	struct receipt receipt = receipts_sample();
	struct writer out = WRITER_OVER(wire);
	struct sign_private_key key;
	struct sign_public_key public;

	sign_key_generate(&key, &public);
	must(signed_receipt_write(&receipt, &key, &out));
	for (size_t i = 0; i < subject->count; i++)
		must(signed_receipt_open(bytes_written(&out), &public,
					 &receipt));
}

static const struct subject subjects[] = {
	{ "seal_frame_aes_128_gcm", HPKE_KEM_X25519, HPKE_AES_128_GCM, 2000,
	  seal_frames },
	{ "open_frame_aes_128_gcm", HPKE_KEM_X25519, HPKE_AES_128_GCM, 2000,
	  open_frames },
	{ "seal_frame_aes_256_gcm", HPKE_KEM_X25519, HPKE_AES_256_GCM, 2000,
	  seal_frames },
	{ "open_frame_aes_256_gcm", HPKE_KEM_X25519, HPKE_AES_256_GCM, 2000,
	  open_frames },
	{ "seal_frame_chacha20_poly1305", HPKE_KEM_X25519,
	  HPKE_CHACHA20_POLY1305, 2000, seal_frames },
	{ "open_frame_chacha20_poly1305", HPKE_KEM_X25519,
	  HPKE_CHACHA20_POLY1305, 2000, open_frames },
	{ "receive_x25519", HPKE_KEM_X25519, HPKE_AES_128_GCM, 200, receive },
	{ "receive_p256", HPKE_KEM_P256, HPKE_AES_128_GCM, 200, receive },
	{ "sign_receipt", HPKE_KEM_X25519, HPKE_AES_128_GCM, 500,
	  sign_receipts },
	{ "open_receipt", HPKE_KEM_X25519, HPKE_AES_128_GCM, 500,
	  open_receipts },
	{ "merkle_mebibyte", HPKE_KEM_X25519, HPKE_AES_128_GCM, 64,
	  hash_pieces },
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(void)
{
	aead_warm();
	hash_warm();
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		const struct subject *subject = &subjects[i];
		double each_us[ROUNDS];

		prepare(subject);
		seal_frames(&(struct subject){ .aead = subject->aead,
					       .count = 2000 });
		for (size_t round = 0; round < ROUNDS; round++) {
			double begin = now_us();

			subject->run(subject);
			each_us[round] =
				(now_us() - begin) / (double)subject->count;
		}
		printf("%s %.2f us\n", subject->name,
		       timed_quantile(each_us, ROUNDS, 0.5));
	}
	return 0;
}
