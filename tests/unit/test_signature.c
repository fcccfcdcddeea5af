/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signature.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "tests/authority.h"
#include "tests/vector.h"

#define MESSAGE BYTES_LITERAL("what was signed")

/*
 * RFC 6979, A.2.5 and A.2.6: P-256 with SHA-256 and P-384 with SHA-384, message
 * "sample".
 */
static const struct {
	enum signature_curve curve;
	enum hash_algorithm hash;
	const char *x, *y, *signature;
} rfc6979[] = {
	{ SIGNATURE_P256, HASH_SHA256,
	  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
	  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
	  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ SIGNATURE_P384, HASH_SHA384,
	  "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
	  "def8f0ea9055866064a254515480bc13",
	  "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1"
	  "288b231c3ae0d4fe7344fd2533264720",
	  "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
	  "81a648152e44acf96e36dd1e80fabe46"
	  "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
	  "a329c145786e679e7b82c71a38628ac8" },
};

#define RFC6979 (sizeof(rfc6979) / sizeof(rfc6979[0]))

Test(signature, ecdsa_agrees_with_rfc_6979_and_with_no_flipped_bit)
{
	for (size_t i = 0; i < RFC6979; i++) {
		SCOPED_WIPE(signature_key_close)
		struct signature_key key = { NULL };
		struct signature_scheme scheme = { SIGNATURE_ECDSA,
						   rfc6979[i].hash };
		struct bytes signature = vector_hex(rfc6979[i].signature);
		uint8_t *bits = vector_copy(signature);

		signature.data = bits;
		cr_assert_eq(signature_key_from_point(
				     rfc6979[i].curve, vector_hex(rfc6979[i].x),
				     vector_hex(rfc6979[i].y), &key),
			     ERR_OK);
		cr_assert_eq(signature_check(&key, scheme,
					     BYTES_LITERAL("sample"),
					     signature),
			     ERR_OK);
		for (size_t bit = 0; bit < 8 * signature.len; bit++) {
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_eq(signature_check(&key, scheme,
						     BYTES_LITERAL("sample"),
						     signature),
				     ERR_UNAUTHENTIC);
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (; signature.len > 0; signature.len--)
			cr_assert_eq(
				signature_check(
					&key, scheme, BYTES_LITERAL("sample"),
					(struct bytes){ bits,
							signature.len - 1 }),
				ERR_UNAUTHENTIC);
	}
}

Test(signature, a_point_off_its_curve_is_no_key)
{
	for (size_t i = 0; i < RFC6979; i++) {
		struct bytes x = vector_hex(rfc6979[i].x);
		struct bytes y = vector_hex(rfc6979[i].y);
		uint8_t *bits = vector_copy(y);
		struct signature_key key = { NULL };

		for (size_t bit = 0; bit < 8 * y.len; bit++) {
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_eq(signature_key_from_point(
					     rfc6979[i].curve, x,
					     (struct bytes){ bits, y.len },
					     &key),
				     ERR_MALFORMED);
			bits[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		x.len--;
		cr_assert_eq(
			signature_key_from_point(rfc6979[i].curve, x, y, &key),
			ERR_MALFORMED);
		cr_assert_null(key.key);
	}
}

/* One group of a Wycheproof set: its key, made from the public numbers. */
static void open_group(const json_t *group, struct signature_key *key)
{
	struct bytes spki = vector_bytes(group, "publicKeyDer");

	cr_assert_eq(signature_key_from_spki(spki, key), ERR_OK);
}

struct tally {
	size_t valid, invalid;
};

static void run_set(const char *path, struct signature_scheme scheme,
		    struct tally *tally)
{
	json_t *set = vector_load(path);
	size_t i, j;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
	{
		SCOPED_WIPE(signature_key_close)
		struct signature_key key = { NULL };

		open_group(group, &key);
		json_array_foreach(json_object_get(group, "tests"), j, item)
		{
			bool valid = strcmp(vector_text(item, "result"),
					    "valid") == 0;
			enum err err = signature_check(
				&key, scheme, vector_bytes(item, "msg"),
				vector_bytes(item, "sig"));

			cr_assert_eq(err, valid ? ERR_OK : ERR_UNAUTHENTIC,
				     "%s tcId %d", path,
				     (int)vector_number(item, "tcId"));
			*(valid ? &tally->valid : &tally->invalid) += 1;
		}
		vector_forget();
	}
	json_decref(set);
}

Test(signature, wycheproof_verdicts_are_ours)
{
	static const struct {
		const char *path;
		struct signature_scheme scheme;
	} sets[] = {
		{ "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json",
		  { SIGNATURE_ECDSA, HASH_SHA256 } },
		{ "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json",
		  { SIGNATURE_ECDSA, HASH_SHA384 } },
		{ "wycheproof/rsa_pss_2048_sha384_mgf1_48_test.json",
		  { SIGNATURE_RSA_PSS, HASH_SHA384 } },
		{ "wycheproof/rsa_pss_4096_sha384_mgf1_48_test.json",
		  { SIGNATURE_RSA_PSS, HASH_SHA384 } },
		{ "wycheproof/ed25519_test.json",
		  { SIGNATURE_ED25519, HASH_SHA1 } },
	};
	struct tally tally = { 0 };

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		run_set(sets[i].path, sets[i].scheme, &tally);
	cr_assert_eq(tally.valid, 114 + 127 + 64 + 64 + 58);
	cr_assert_eq(tally.invalid, 61 + 60 + 30 + 30 + 43);
}

/*
 * These sets are of the ASN.1 form, which we never take: whatever its verdict
 * there, such a signature is none here, unless it happens to be as long.
 */
Test(signature, the_other_form_of_ecdsa_signatures_is_refused)
{
	static const char *const sets[] = {
		"wycheproof/ecdsa_secp256r1_sha256_test.json",
		"wycheproof/ecdsa_secp384r1_sha384_test.json"
	};
	static const enum hash_algorithm hashes[] = { HASH_SHA256,
						      HASH_SHA384 };
	size_t seen = 0, i, j;
	json_t *group, *item;

	for (size_t set = 0; set < 2; set++) {
		json_t *root = vector_load(sets[set]);

		json_array_foreach(json_object_get(root, "testGroups"), i,
				   group)
		{
			SCOPED_WIPE(signature_key_close)
			struct signature_key key = { NULL };

			open_group(group, &key);
			json_array_foreach(json_object_get(group, "tests"), j,
					   item)
			{
				cr_assert_eq(signature_check(
						     &key,
						     (struct signature_scheme){
							     SIGNATURE_ECDSA,
							     hashes[set] },
						     vector_bytes(item, "msg"),
						     vector_bytes(item, "sig")),
					     ERR_UNAUTHENTIC);
				seen++;
			}
			vector_forget();
		}
		json_decref(root);
	}
	cr_assert_eq(seen, 323 + 336);
}

static const struct signature_scheme schemes[] = {
	{ SIGNATURE_ECDSA, HASH_SHA256 },
	{ SIGNATURE_ECDSA, HASH_SHA384 },
	{ SIGNATURE_ECDSA, HASH_SHA512 },
	{ SIGNATURE_RSA_PKCS1, HASH_SHA256 },
	{ SIGNATURE_RSA_PKCS1, HASH_SHA384 },
	{ SIGNATURE_RSA_PSS, HASH_SHA256 },
	{ SIGNATURE_RSA_PSS, HASH_SHA384 },
	{ SIGNATURE_ED25519, HASH_SHA256 },
};

static const enum authority_key keys[] = {
	AUTHORITY_P256,	    AUTHORITY_P384,    AUTHORITY_P521,
	AUTHORITY_RSA_2048, AUTHORITY_ED25519,
};

static bool can_sign(enum authority_key key, enum signature_kind kind)
{
	if (key == AUTHORITY_RSA_2048)
		return kind == SIGNATURE_RSA_PKCS1 || kind == SIGNATURE_RSA_PSS;
	if (key == AUTHORITY_ED25519)
		return kind == SIGNATURE_ED25519;
	return kind == SIGNATURE_ECDSA;
}

/* Whatever was signed in one scheme is good in that scheme alone. */
Test(signature, a_signature_is_of_one_key_one_scheme_and_one_message)
{
	size_t count = sizeof(schemes) / sizeof(schemes[0]);
	size_t good = 0, bad = 0;

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		SCOPED_WIPE(authority_close) struct authority maker = { 0 };
		SCOPED_WIPE(signature_key_close)
		struct signature_key key = { NULL };

		authority_make(&(struct authority_wish){ .name = "maker",
							 .key = keys[k] },
			       &maker);
		cr_assert_eq(
			signature_key_from_spki(authority_spki(&maker), &key),
			ERR_OK);
		for (size_t i = 0; i < count; i++) {
			struct bytes signature;

			if (!can_sign(keys[k], schemes[i].kind))
				continue;
			signature = authority_sign(&maker, schemes[i], MESSAGE);
			for (size_t j = 0; j < count; j++) {
				enum err err = signature_check(
					&key, schemes[j], MESSAGE, signature);

				cr_assert_eq(err,
					     i == j ? ERR_OK : ERR_UNAUTHENTIC);
				*(i == j ? &good : &bad) += 1;
			}
			cr_assert_eq(signature_check(
					     &key, schemes[i],
					     BYTES_LITERAL("What was signed"),
					     signature),
				     ERR_UNAUTHENTIC);
		}
	}
	cr_assert_eq(good, 9 + 4 + 1);
	cr_assert_eq(bad, (count - 1) * good);
}

Test(signature, sha_1_and_keys_too_small_sign_nothing)
{
	static const struct signature_scheme weak[] = {
		{ SIGNATURE_ECDSA, HASH_SHA1 },
		{ SIGNATURE_RSA_PKCS1, HASH_SHA1 },
		{ SIGNATURE_RSA_PSS, HASH_SHA1 },
		{ SIGNATURE_RSA_PKCS1, HASH_SHA256 },
	};
	static const enum authority_key makers[] = { AUTHORITY_P256,
						     AUTHORITY_RSA_2048,
						     AUTHORITY_RSA_2048,
						     AUTHORITY_RSA_1024 };

	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		SCOPED_WIPE(authority_close) struct authority maker = { 0 };
		SCOPED_WIPE(signature_key_close)
		struct signature_key key = { NULL };

		authority_make(&(struct authority_wish){ .name = "weak",
							 .key = makers[i] },
			       &maker);
		cr_assert_eq(
			signature_key_from_spki(authority_spki(&maker), &key),
			ERR_OK);
		cr_assert_eq(signature_check(
				     &key, weak[i], MESSAGE,
				     authority_sign(&maker, weak[i], MESSAGE)),
			     ERR_UNAUTHENTIC);
	}
}

Test(signature, rsa_keys_are_of_2048_to_4096_bits)
{
	uint8_t modulus[520];
	struct signature_key key = { NULL };

	memset(modulus, 0xff, sizeof(modulus));
	for (size_t len = 0; len <= sizeof(modulus); len++) {
		enum err err = signature_key_from_rsa(
			(struct bytes){ modulus, len }, 65537, &key);

		cr_assert_eq(err,
			     len < 256 || len > 512 ? ERR_UNSUPPORTED : ERR_OK);
		signature_key_close(&key);
	}
	modulus[0] = 0;
	cr_assert_eq(signature_key_from_rsa((struct bytes){ modulus, 256 },
					    65537, &key),
		     ERR_UNSUPPORTED);
	modulus[0] = 0xff;
	cr_assert_eq(
		signature_key_from_rsa((struct bytes){ modulus, 256 }, 1, &key),
		ERR_MALFORMED);
	cr_assert_eq(
		signature_key_from_rsa((struct bytes){ modulus, 256 }, 4, &key),
		ERR_MALFORMED);
	modulus[255] = 0xfe;
	cr_assert_eq(signature_key_from_rsa((struct bytes){ modulus, 256 },
					    65537, &key),
		     ERR_MALFORMED);
	cr_assert_null(key.key);
}

Test(signature, a_public_key_fills_its_der_exactly)
{
	SCOPED_WIPE(authority_close) struct authority maker = { 0 };
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	struct bytes spki;
	uint8_t longer[256];

	authority_make(&(struct authority_wish){ .name = "a" }, &maker);
	spki = authority_spki(&maker);
	for (size_t len = 0; len < spki.len; len++)
		cr_assert_eq(signature_key_from_spki(
				     (struct bytes){ spki.data, len }, &key),
			     ERR_MALFORMED);
	memcpy(longer, spki.data, spki.len);
	longer[spki.len] = 0;
	cr_assert_eq(signature_key_from_spki(
			     (struct bytes){ longer, spki.len + 1 }, &key),
		     ERR_MALFORMED);
	cr_assert_null(key.key);
	cr_assert_eq(signature_key_from_spki(spki, &key), ERR_OK);
}

/* Of order one: OpenSSL takes it, and then any message has a signature. */
Test(signature, ed25519_of_a_weak_point_is_refused)
{
	uint8_t point[32] = { 1 }, signature[64] = { 1 };
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };

	cr_assert_eq(signature_key_from_ed25519(BYTES_ARRAY(point), &key),
		     ERR_OK);
	cr_assert_eq(signature_check(&key,
				     (struct signature_scheme){
					     SIGNATURE_ED25519, HASH_SHA256 },
				     MESSAGE, BYTES_ARRAY(signature)),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(
		signature_key_from_ed25519((struct bytes){ point, 31 }, &key),
		ERR_MALFORMED);
}

Test(signature, a_key_of_another_curve_is_named_unsupported)
{
	SCOPED_WIPE(authority_close) struct authority maker = { 0 };
	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };
	enum signature_curve curve = SIGNATURE_CURVES;

	cr_assert_eq(signature_key_curve(&key, &curve), ERR_UNSUPPORTED);
	authority_make(
		&(struct authority_wish){ .name = "a", .key = AUTHORITY_P384 },
		&maker);
	cr_assert_eq(signature_key_from_spki(authority_spki(&maker), &key),
		     ERR_OK);
	cr_assert_eq(signature_key_curve(&key, &curve), ERR_OK);
	cr_assert_eq(curve, SIGNATURE_P384);
	signature_key_close(&key);

	/* secp256k1's generator (SEC 2, 2.4.1): a sound key, and not ours. */
	struct bytes koblitz =
		vector_hex("3056301006072a8648ce3d020106052b8104000a034200"
			   "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d95"
			   "9f2815b16f81798"
			   "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c4"
			   "7d08ffb10d4b8");

	cr_assert_eq(signature_key_from_spki(koblitz, &key), ERR_OK);
	cr_assert_eq(signature_key_curve(&key, &curve), ERR_UNSUPPORTED);
}
