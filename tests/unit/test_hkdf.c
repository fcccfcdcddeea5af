/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hkdf.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/figure.h"
#include "tests/vector.h"

struct rfc5869_case {
	const char *ikm;
	const char *salt;
	const char *info;
	const char *prk;
	const char *okm;
};

/* RFC 5869, A.1 to A.3. */
static const struct rfc5869_case cases[] = {
	{ .ikm = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .salt = "000102030405060708090a0b0c",
	  .info = "f0f1f2f3f4f5f6f7f8f9",
	  .prk = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2"
		 "b3e5",
	  .okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4"
		 "c5bf34007208d5b887185865" },
	{ .ikm = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
		 "1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b"
		 "3c3d3e3f404142434445464748494a4b4c4d4e4f",
	  .salt = "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7"
		  "d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a"
		  "9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	  .info = "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbccc"
		  "dcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9ea"
		  "ebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  .prk = "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15f"
		 "c244",
	  .okm = "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19af"
		 "a97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9"
		 "aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
	{ .ikm = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  .salt = "",
	  .info = "",
	  .prk = "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293c"
		 "cb04",
	  .okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c73"
		 "8d2d9d201395faa4b61a96c8" },
};

Test(hkdf, extract_and_expand_agree_with_rfc_5869)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t prk[HKDF_BYTES];
		uint8_t okm[82];
		size_t len = strlen(cases[i].okm) / 2;

		hkdf_extract(vector_hex(cases[i].salt),
			     HKDF_PARTS(vector_hex(cases[i].ikm)), prk);
		vector_expect(BYTES_ARRAY(prk), cases[i].prk);
		hkdf_expand(prk, HKDF_PARTS(vector_hex(cases[i].info)), okm,
			    len);
		vector_expect((struct bytes){ okm, len }, cases[i].okm);
	}
}

Test(hkdf, parts_are_hashed_as_if_joined)
{
	uint8_t joined[HKDF_BYTES];
	uint8_t parted[HKDF_BYTES];

	hkdf_extract(BYTES_LITERAL("salt"), HKDF_PARTS(BYTES_LITERAL("abc")),
		     joined);
	hkdf_extract(BYTES_LITERAL("salt"),
		     HKDF_PARTS(BYTES_LITERAL("a"), { NULL, 0 },
				BYTES_LITERAL("bc")),
		     parted);
	cr_assert_arr_eq(joined, parted, sizeof(joined));
}

Test(hkdf, a_shorter_output_is_the_beginning_of_a_longer_one)
{
	static uint8_t longest[HKDF_OUTPUT_MAX];
	uint8_t prk[HKDF_BYTES] = { 7 };

	hkdf_expand(prk, HKDF_PARTS(BYTES_LITERAL("x")), longest,
		    sizeof(longest));
	for (size_t len = 0; len <= 100; len++) {
		uint8_t shorter[101] = { 0 };

		hkdf_expand(prk, HKDF_PARTS(BYTES_LITERAL("x")), shorter, len);
		cr_assert_arr_eq(shorter, longest, len);
		cr_assert_eq(shorter[len], 0, "wrote beyond what was asked");
	}
}

Test(hkdf, wycheproof_outputs_are_ours)
{
	json_t *set = vector_load("wycheproof/hkdf_sha256_test.json");
	size_t i, j, run = 0;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, item)
	{
		uint8_t prk[HKDF_BYTES];
		static uint8_t okm[HKDF_OUTPUT_MAX];
		uint64_t size = vector_number(item, "size");

		run++;
		/* The one invalid case asks for more than HKDF can give. */
		if (strcmp(vector_text(item, "result"), "valid") != 0) {
			cr_assert_gt(size, HKDF_OUTPUT_MAX);
			continue;
		}
		hkdf_extract(vector_bytes(item, "salt"),
			     HKDF_PARTS(vector_bytes(item, "ikm")), prk);
		hkdf_expand(prk, HKDF_PARTS(vector_bytes(item, "info")), okm,
			    size);
		vector_expect((struct bytes){ okm, size },
			      vector_text(item, "okm"));
		vector_forget();
	}
	figure_all("B1b", "Wycheproof's HKDF-SHA-256", run, run);
	json_decref(set);
}
