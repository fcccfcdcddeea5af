/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x25519.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "tests/figure.h"
#include "tests/vector.h"

/* RFC 7748, 6.1. */
#define ALICE_PRIVATE \
	"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define ALICE_PUBLIC \
	"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define BOB_PRIVATE \
	"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
#define BOB_PUBLIC \
	"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define SHARED \
	"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

static void expect_dh(const char *private_key, const char *peer,
		      const char *shared)
{
	uint8_t out[X25519_BYTES];

	cr_assert_eq(x25519_dh(vector_hex(private_key).data,
			       vector_hex(peer).data, out),
		     ERR_OK);
	vector_expect(BYTES_ARRAY(out), shared);
}

Test(x25519, agrees_with_rfc_7748)
{
	uint8_t out[X25519_BYTES];

	cr_assert_eq(x25519_public_key(vector_hex(ALICE_PRIVATE).data, out),
		     ERR_OK);
	vector_expect(BYTES_ARRAY(out), ALICE_PUBLIC);
	expect_dh(ALICE_PRIVATE, BOB_PUBLIC, SHARED);
	expect_dh(BOB_PRIVATE, ALICE_PUBLIC, SHARED);
	/* 5.2, first vector: an arbitrary scalar and coordinate. */
	expect_dh("a546e36bf0527c9d3b16154b82465edd"
		  "62144c0ac1fc5a18506a2244ba449ac4",
		  "e6db6867583030db3594c1a424b15f7c"
		  "726624ec26b3353b10a903a6d0ab1c4c",
		  "c3da55379de9c6908e94ea4df28d084f"
		  "32eccf03491c71f754b4075577a28552");
}

/* Points whose order divides 8, as listed at cr.yp.to/ecdh.html#validate. */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

Test(x25519, a_peer_of_small_order_is_refused_and_nothing_is_written)
{
	for (size_t i = 0; i < sizeof(small_order) / sizeof(*small_order);
	     i++) {
		uint8_t out[X25519_BYTES] = { 0 };

		cr_assert_eq(x25519_dh(vector_hex(ALICE_PRIVATE).data,
				       vector_hex(small_order[i]).data, out),
			     ERR_MALFORMED);
		cr_assert(secret_is_zero(out, sizeof(out)));
	}
}

Test(x25519, wycheproof_secrets_are_ours_and_zero_is_never_one)
{
	json_t *set = vector_load("wycheproof/x25519_test.json");
	size_t i, j, run = 0;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, item)
	{
		struct bytes shared = vector_bytes(item, "shared");
		uint8_t out[X25519_BYTES];
		enum err err =
			x25519_dh(vector_bytes(item, "private").data,
				  vector_bytes(item, "public").data, out);

		/* The set leaves odd keys to taste; only zero matters to us. */
		if (secret_is_zero(shared.data, shared.len)) {
			cr_assert_eq(err, ERR_MALFORMED);
		} else {
			cr_assert_eq(err, ERR_OK);
			cr_assert_arr_eq(out, shared.data, sizeof(out));
		}
		vector_forget();
		run++;
	}
	figure_all("B1b", "Wycheproof's X25519", run, run);
	json_decref(set);
}
