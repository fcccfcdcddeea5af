/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "tests/figure.h"
#include "tests/vector.h"

static void expect_sha256(struct bytes data, const char *hex)
{
	uint8_t digest[HASH_SHA256_BYTES];

	hash_sha256(data, digest);
	vector_expect(BYTES_ARRAY(digest), hex);
}

Test(hash, sha_256_agrees_with_fips_180_4_examples)
{
	expect_sha256((struct bytes){ NULL, 0 },
		      "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855");
	expect_sha256(BYTES_LITERAL("abc"), "ba7816bf8f01cfea414140de5dae2223"
					    "b00361a396177a9cb410ff61f20015ad");
	expect_sha256(BYTES_LITERAL("abcdbcdecdefdefgefghfghighijhijk"
				    "ijkljklmklmnlmnomnopnopq"),
		      "248d6a61d20638b8e5c026930c3e6039"
		      "a33ce45964ff2167f6ecedd419db06c1");
}

Test(hash, sha_512_agrees_with_fips_180_4_example)
{
	uint8_t digest[HASH_SHA512_BYTES];

	hash_sha512(BYTES_LITERAL("abc"), digest);
	vector_expect(BYTES_ARRAY(digest), "ddaf35a193617abacc417349ae204131"
					   "12e6fa4e89a97ea20a9eeee64b55d39a"
					   "2192992a274fc1a836ba3c23a3feebbd"
					   "454d4423643ce80e2a9ac94fa54ca49f");
}

Test(hash, hmac_agrees_with_rfc_4231)
{
	uint8_t key[131];
	uint8_t tag[HASH_SHA256_BYTES];

	hash_hmac_sha256(BYTES_LITERAL("Jefe"),
			 BYTES_LITERAL("what do ya want for nothing?"), tag);
	vector_expect(BYTES_ARRAY(tag), "5bdcc146bf60754e6a042426089575c7"
					"5a003f089d2739839dec58b964ec3843");

	/* An empty view may hold NULL; the value is HMAC's for "" and "". */
	hash_hmac_sha256((struct bytes){ NULL, 0 }, (struct bytes){ NULL, 0 },
			 tag);
	vector_expect(BYTES_ARRAY(tag), "b613679a0814d9ec772f95d778c35fc5"
					"ff1697c493715653c6c712144292c5ad");

	/* Case 6: a key longer than a block is hashed first. */
	memset(key, 0xaa, sizeof(key));
	hash_hmac_sha256(BYTES_ARRAY(key),
			 BYTES_LITERAL("Test Using Larger Than Block-Size Key "
				       "- Hash Key First"),
			 tag);
	vector_expect(BYTES_ARRAY(tag), "60e431591ee0b67f0d8a26aacbf5b77f"
					"8e0bc6213728c5140546040f0ee37f54");
}

Test(hash, a_stream_in_any_pieces_is_the_digest_of_the_whole)
{
	uint8_t data[200];
	uint8_t whole[HASH_SHA256_BYTES];
	uint8_t pieces[HASH_SHA256_BYTES];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	hash_sha256(BYTES_ARRAY(data), whole);
	for (size_t size = 1; size <= sizeof(data); size++) {
		SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream;

		hash_stream_begin(&stream);
		for (size_t at = 0; at < sizeof(data); at += size) {
			size_t left = sizeof(data) - at;

			hash_stream_add(
				&stream,
				(struct bytes){ data + at,
						left < size ? left : size });
		}
		hash_stream_end(&stream, pieces);
		cr_assert_arr_eq(whole, pieces, sizeof(whole));
	}
}

Test(hash, a_stream_that_is_given_up_may_be_wiped_twice)
{
	struct hash_stream stream;

	hash_stream_begin(&stream);
	hash_stream_add(&stream, BYTES_LITERAL("a prompt"));
	hash_stream_wipe(&stream);
	hash_stream_wipe(&stream);
	cr_assert_null(stream.state);
}

Test(hash, wycheproof_hmac_verdicts_are_ours)
{
	json_t *set = vector_load("wycheproof/hmac_sha256_test.json");
	size_t i, j, run = 0;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, item)
	{
		struct bytes tag = vector_bytes(item, "tag");
		uint8_t ours[HASH_SHA256_BYTES];
		bool valid = strcmp(vector_text(item, "result"), "valid") == 0;

		hash_hmac_sha256(vector_bytes(item, "key"),
				 vector_bytes(item, "msg"), ours);
		/* The set has truncated tags too. */
		cr_assert_eq(memcmp(ours, tag.data, tag.len) == 0, valid);
		vector_forget();
		run++;
	}
	figure_all("B1b", "Wycheproof's HMAC-SHA-256", run, run);
	json_decref(set);
}
