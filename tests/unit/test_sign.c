/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "tests/figure.h"
#include "tests/vector.h"

struct rfc8032_case {
	const char *seed;
	const char *public_key;
	const char *message;
	const char *signature;
};

/* RFC 8032, 7.1, tests 1 to 3. */
static const struct rfc8032_case cases[] = {
	{ .seed = "9d61b19deffd5a60ba844af492ec2cc4"
		  "4449c5697b326919703bac031cae7f60",
	  .public_key = "d75a980182b10ab7d54bfed3c964073a"
			"0ee172f3daa62325af021a68f707511a",
	  .message = "",
	  .signature = "e5564300c360ac729086e2cc806e828a"
		       "84877f1eb8e5d974d873e06522490155"
		       "5fb8821590a33bacc61e39701cf9b46b"
		       "d25bf5f0595bbe24655141438e7a100b" },
	{ .seed = "4ccd089b28ff96da9db6c346ec114e0f"
		  "5b8a319f35aba624da8cf6ed4fb8a6fb",
	  .public_key = "3d4017c3e843895a92b70aa74d1b7ebc"
			"9c982ccf2ec4968cc0cd55f12af4660c",
	  .message = "72",
	  .signature = "92a009a9f0d4cab8720e820b5f642540"
		       "a2b27b5416503f8fb3762223ebdb69da"
		       "085ac1e43e15996e458f3613d0f11d8c"
		       "387b2eaeb4302aeeb00d291612bb0c00" },
	{ .seed = "c5aa8df43f9f837bedb7442f31dcb7b1"
		  "66d38535076f094b85ce3a2e0b4458f7",
	  .public_key = "fc51cd8e6218a1a38da47ed00230f058"
			"0816ed13ba3303ac5deb911548908025",
	  .message = "af82",
	  .signature = "6291d657deec24024827e69c3abe01a3"
		       "0ce548a284743a445e3680d7db5ac3ac"
		       "18ff9b538d16f290ae67f760984dc659"
		       "4a7c15e9716ed28dc027beceea1ec40a" },
};

Test(sign, keys_and_signatures_agree_with_rfc_8032)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sign_private_key private_key;
		struct sign_public_key public_key;
		uint8_t signature[SIGN_SIGNATURE_BYTES];
		struct bytes message = vector_hex(cases[i].message);

		sign_key_from_seed(vector_hex(cases[i].seed).data, &private_key,
				   &public_key);
		vector_expect(BYTES_ARRAY(public_key.bytes),
			      cases[i].public_key);
		sign_message(&private_key, message, signature);
		vector_expect(BYTES_ARRAY(signature), cases[i].signature);
		cr_assert_eq(sign_verify(&public_key, message, signature),
			     ERR_OK);
	}
}

Test(sign, any_flipped_bit_of_signature_message_or_key_is_refused)
{
	struct sign_private_key private_key;
	struct sign_public_key public_key;
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	uint8_t text[] = "a note";
	struct bytes message = BYTES_ARRAY(text);
	uint8_t *parts[] = { signature, text, public_key.bytes };
	const size_t lens[] = { sizeof(signature), sizeof(text),
				sizeof(public_key.bytes) };

	sign_key_generate(&private_key, &public_key);
	sign_message(&private_key, message, signature);
	for (size_t part = 0; part < 3; part++)
		for (size_t bit = 0; bit < 8 * lens[part]; bit++) {
			uint8_t mask = (uint8_t)(1u << bit % 8);

			parts[part][bit / 8] ^= mask;
			cr_assert_eq(
				sign_verify(&public_key, message, signature),
				ERR_UNAUTHENTIC);
			parts[part][bit / 8] ^= mask;
		}
	cr_assert_eq(sign_verify(&public_key, message, signature), ERR_OK);
}

Test(sign, a_message_of_another_length_is_refused)
{
	struct sign_private_key private_key;
	struct sign_public_key public_key;
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	const uint8_t text[8] = { 0 };

	sign_key_generate(&private_key, &public_key);
	sign_message(&private_key, (struct bytes){ text, 4 }, signature);
	for (size_t len = 0; len <= sizeof(text); len++)
		cr_assert_eq(sign_verify(&public_key,
					 (struct bytes){ text, len },
					 signature),
			     len == 4 ? ERR_OK : ERR_UNAUTHENTIC);
}

Test(sign, two_generated_keys_differ)
{
	struct sign_private_key first, second;
	struct sign_public_key public_key;

	sign_key_generate(&first, &public_key);
	sign_key_generate(&second, &public_key);
	cr_assert_not(secret_equal(&first, &second, sizeof(first)));
	sign_private_key_wipe(&first);
	cr_assert(secret_is_zero(&first, sizeof(first)));
}

static void run_wycheproof_case(const struct sign_public_key *key,
				const json_t *item)
{
	struct bytes signature = vector_bytes(item, "sig");
	bool valid = strcmp(vector_text(item, "result"), "valid") == 0;
	enum err err = ERR_UNAUTHENTIC;

	/* A signature of another length cannot even be passed. */
	if (signature.len == SIGN_SIGNATURE_BYTES)
		err = sign_verify(key, vector_bytes(item, "msg"),
				  signature.data);
	cr_assert_eq(err, valid ? ERR_OK : ERR_UNAUTHENTIC, "tcId %d",
		     (int)vector_number(item, "tcId"));
}

Test(sign, wycheproof_ed25519_verdicts_are_ours)
{
	json_t *set = vector_load("wycheproof/ed25519_test.json");
	size_t i, j, run = 0;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, item)
	{
		struct sign_public_key key;
		struct bytes bytes =
			vector_bytes(json_object_get(group, "publicKey"), "pk");

		memcpy(key.bytes, bytes.data, sizeof(key.bytes));
		run_wycheproof_case(&key, item);
		vector_forget();
		run++;
	}
	figure_all("B1b", "Wycheproof's Ed25519", run, run);
	json_decref(set);
}
