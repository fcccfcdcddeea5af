/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "tests/figure.h"
#include "tests/vector.h"

struct example {
	struct aead_key key;
	uint8_t nonce[AEAD_NONCE_BYTES];
	struct bytes aad;
	struct bytes plaintext;
	struct bytes sealed;
};

static struct example example(uint16_t aead, const char *key, const char *nonce,
			      const char *aad)
{
	struct example made = { .key = { .aead = aead } };
	struct bytes key_bytes = vector_hex(key);

	memcpy(made.key.bytes, key_bytes.data, key_bytes.len);
	memcpy(made.nonce, vector_hex(nonce).data, sizeof(made.nonce));
	made.aad = vector_hex(aad);
	return made;
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 4. */
static struct example aes_128_gcm(void)
{
	struct example made =
		example(HPKE_AES_128_GCM, "feffe9928665731c6d6a8f9467308308",
			"cafebabefacedbaddecaf888",
			"feedfacedeadbeeffeedfacedeadbeefabaddad2");

	made.plaintext = vector_hex(
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a"
		"721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
	made.sealed = vector_hex(
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca1"
		"2e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
		"5bc94fbc3221a5db94fae95ae7121a47");
	return made;
}

/* The same source, test case 16. */
static struct example aes_256_gcm(void)
{
	struct example made =
		example(HPKE_AES_256_GCM,
			"feffe9928665731c6d6a8f9467308308"
			"feffe9928665731c6d6a8f9467308308",
			"cafebabefacedbaddecaf888",
			"feedfacedeadbeeffeedfacedeadbeefabaddad2");

	made.plaintext = aes_128_gcm().plaintext;
	made.sealed = vector_hex(
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1"
		"aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		"76fc6ece0f4e1768cddf8853bb2d551b");
	return made;
}

/* RFC 8439, 2.8.2. */
static struct example chacha20_poly1305(void)
{
	struct example made =
		example(HPKE_CHACHA20_POLY1305,
			"808182838485868788898a8b8c8d8e8f"
			"909192939495969798999a9b9c9d9e9f",
			"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7");

	made.plaintext = BYTES_LITERAL(
		"Ladies and Gentlemen of the class of '99: If I could offer "
		"you only one tip for the future, sunscreen would be it.");
	made.sealed = vector_hex(
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62"
		"d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd"
		"3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b48"
		"31d7bc3ff4def08e4b7a9de576d26586cec64b6116"
		"1ae10b594f09e26a7e902ecbd0600691");
	return made;
}

static enum err open_example(const struct example *example,
			     struct writer *plaintext)
{
	return aead_open(&example->key, example->nonce, example->aad,
			 example->sealed, plaintext);
}

static void expect_both_ways(struct example example)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(aead_seal(&example.key, example.nonce, example.aad,
			       example.plaintext, &out),
		     ERR_OK);
	cr_assert(bytes_equal(bytes_written(&out), example.sealed));

	out.len = 0;
	cr_assert_eq(open_example(&example, &out), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&out), example.plaintext));
}

static void expect_refused(const struct example *example)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);

	memset(memory, 0, sizeof(memory));
	cr_assert_eq(open_example(example, &out), ERR_UNAUTHENTIC);
	cr_assert_eq(out.len, 0);
	cr_assert(secret_is_zero(memory, sizeof(memory)),
		  "bytes that were not authenticated were left behind");
}

static void expect_each_bit_counts(struct example example)
{
	uint8_t *sealed = vector_copy(example.sealed);
	uint8_t *aad = vector_copy(example.aad);

	example.sealed.data = sealed;
	example.aad.data = aad;
	for (size_t bit = 0; bit < 8 * example.sealed.len; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_refused(&example);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * example.aad.len; bit++) {
		aad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_refused(&example);
		aad[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(example.nonce); bit++) {
		example.nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_refused(&example);
		example.nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void expect_each_length_counts(struct example example)
{
	uint8_t longer[256] = { 0 };
	struct bytes whole = example.sealed;

	for (size_t len = 0; len < whole.len; len++) {
		example.sealed.len = len;
		expect_refused(&example);
	}
	memcpy(longer, whole.data, whole.len);
	example.sealed = (struct bytes){ longer, whole.len + 1 };
	expect_refused(&example);
}

Test(aead, aes_128_gcm_agrees_with_its_specification)
{
	expect_both_ways(aes_128_gcm());
}

Test(aead, aes_256_gcm_agrees_with_its_specification)
{
	expect_both_ways(aes_256_gcm());
}

Test(aead, chacha20_poly1305_agrees_with_rfc_8439)
{
	expect_both_ways(chacha20_poly1305());
}

Test(aead, a_flipped_bit_anywhere_is_refused_and_leaves_no_plaintext)
{
	expect_each_bit_counts(aes_128_gcm());
	expect_each_bit_counts(aes_256_gcm());
	expect_each_bit_counts(chacha20_poly1305());
}

Test(aead, a_message_of_any_other_length_is_refused)
{
	expect_each_length_counts(aes_128_gcm());
	expect_each_length_counts(aes_256_gcm());
	expect_each_length_counts(chacha20_poly1305());
}

Test(aead, an_empty_message_still_has_a_tag_that_counts)
{
	for (uint16_t aead = HPKE_AES_128_GCM; aead <= HPKE_CHACHA20_POLY1305;
	     aead++) {
		const struct aead_key key = { .aead = aead };
		const uint8_t nonce[AEAD_NONCE_BYTES] = { 0 };
		const struct bytes none = { NULL, 0 };
		uint8_t memory[AEAD_TAG_BYTES];
		struct writer sealed = WRITER_OVER(memory);
		struct writer nothing = { NULL, 0, 0 };

		cr_assert_eq(aead_seal(&key, nonce, none, none, &sealed),
			     ERR_OK);
		cr_assert_eq(sealed.len, AEAD_TAG_BYTES);
		cr_assert_eq(aead_open(&key, nonce, none,
				       bytes_written(&sealed), &nothing),
			     ERR_OK);
		memory[0] ^= 1;
		cr_assert_eq(aead_open(&key, nonce, none,
				       bytes_written(&sealed), &nothing),
			     ERR_UNAUTHENTIC);
	}
}

Test(aead, an_unknown_algorithm_is_unsupported_both_ways)
{
	const uint16_t unknown[] = { 0, 4, 0xffff };

	for (size_t i = 0; i < 3; i++) {
		struct example bad = aes_128_gcm();
		uint8_t memory[256];
		struct writer out = WRITER_OVER(memory);

		bad.key.aead = unknown[i];
		cr_assert_eq(aead_key_len(unknown[i]), 0);
		cr_assert_eq(aead_seal(&bad.key, bad.nonce, bad.aad,
				       bad.plaintext, &out),
			     ERR_UNSUPPORTED);
		cr_assert_eq(open_example(&bad, &out), ERR_UNSUPPORTED);
		cr_assert_eq(out.len, 0);
	}
}

Test(aead, a_writer_one_byte_short_is_left_alone)
{
	struct example good = aes_256_gcm();
	uint8_t memory[256];
	struct writer out = { memory, 3, 3 + good.sealed.len - 1 };

	cr_assert_eq(aead_seal(&good.key, good.nonce, good.aad, good.plaintext,
			       &out),
		     ERR_TOO_LARGE);
	out.max = 3 + good.plaintext.len - 1;
	cr_assert_eq(open_example(&good, &out), ERR_TOO_LARGE);
	cr_assert_eq(out.len, 3);
	out.max++;
	cr_assert_eq(open_example(&good, &out), ERR_OK);
	cr_assert_eq(out.len, out.max);
}

static void run_wycheproof_case(uint16_t aead, const json_t *item)
{
	struct example made =
		example(aead, vector_text(item, "key"), vector_text(item, "iv"),
			vector_text(item, "aad"));
	struct bytes text = vector_bytes(item, "ct");
	struct bytes tag = vector_bytes(item, "tag");
	bool valid = strcmp(vector_text(item, "result"), "valid") == 0;
	/* The pool is one piece: the copy of the tag follows the text's. */
	const uint8_t *joined = vector_copy(text);
	const uint8_t *after = vector_copy(tag);
	struct writer out = { vector_copy(text), 0, text.len };
	struct writer again;

	cr_assert_eq(after, joined + text.len);
	made.sealed = (struct bytes){ joined, text.len + tag.len };
	cr_assert_eq(open_example(&made, &out),
		     valid ? ERR_OK : ERR_UNAUTHENTIC, "tcId %d",
		     (int)vector_number(item, "tcId"));
	if (!valid)
		return;
	made.plaintext = vector_bytes(item, "msg");
	cr_assert(bytes_equal(bytes_written(&out), made.plaintext));
	again = (struct writer){ vector_copy(made.sealed), 0, made.sealed.len };
	cr_assert_eq(aead_seal(&made.key, made.nonce, made.aad, made.plaintext,
			       &again),
		     ERR_OK);
	cr_assert(bytes_equal(bytes_written(&again), made.sealed));
}

static size_t run_wycheproof(const char *path, uint16_t aead, uint64_t key_bits)
{
	json_t *set = vector_load(path);
	size_t run = 0;
	size_t i, j;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
	{
		if (vector_number(group, "keySize") != key_bits ||
		    vector_number(group, "ivSize") != 96)
			continue;
		json_array_foreach(json_object_get(group, "tests"), j, item)
		{
			run_wycheproof_case(aead, item);
			vector_forget();
			run++;
		}
	}
	json_decref(set);
	return run;
}

Test(aead, wycheproof_aes_gcm_verdicts_are_ours)
{
	const char *path = "wycheproof/aes_gcm_test.json";

	size_t small = run_wycheproof(path, HPKE_AES_128_GCM, 128);
	size_t large = run_wycheproof(path, HPKE_AES_256_GCM, 256);

	cr_assert_geq(small, 30);
	cr_assert_geq(large, 30);
	figure_all("B1b", "Wycheproof's AES-GCM with nonces of 96 bits",
		   small + large, small + large);
}

Test(aead, wycheproof_chacha20_poly1305_verdicts_are_ours)
{
	size_t run = run_wycheproof("wycheproof/chacha20_poly1305_test.json",
				    HPKE_CHACHA20_POLY1305, 256);

	cr_assert_geq(run, 150);
	figure_all("B1b", "Wycheproof's ChaCha20-Poly1305", run, run);
}
