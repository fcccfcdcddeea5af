/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"
#include "tests/figure.h"
#include "tests/vector.h"

/* RFC 5903, 8.1. */
#define OUR_PRIVATE \
	"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
#define OUR_PUBLIC                                                            \
	"04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805" \
	"271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
#define PEER_PUBLIC                                                           \
	"04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf635" \
	"6fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
#define SHARED \
	"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"

/* SP 800-186, 3.2.1.3. */
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ORDER_MINUS_1 \
	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define ALL_ONES \
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

Test(p256, agrees_with_rfc_5903)
{
	uint8_t public_key[P256_POINT_BYTES];
	uint8_t shared[P256_SCALAR_BYTES];

	cr_assert_eq(p256_public_key(vector_hex(OUR_PRIVATE).data, public_key),
		     ERR_OK);
	vector_expect(BYTES_ARRAY(public_key), OUR_PUBLIC);
	cr_assert_eq(p256_dh(vector_hex(OUR_PRIVATE).data,
			     vector_hex(PEER_PUBLIC).data, shared),
		     ERR_OK);
	vector_expect(BYTES_ARRAY(shared), SHARED);
}

Test(p256, a_private_key_out_of_range_is_refused)
{
	const char *const bad[] = { ZERO, ORDER, ALL_ONES };
	uint8_t out[P256_POINT_BYTES];

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(p256_public_key(vector_hex(bad[i]).data, out),
			     ERR_MALFORMED);
		cr_assert_eq(p256_dh(vector_hex(bad[i]).data,
				     vector_hex(PEER_PUBLIC).data, out),
			     ERR_MALFORMED);
	}
	cr_assert_eq(p256_public_key(vector_hex(ORDER_MINUS_1).data, out),
		     ERR_OK);
}

Test(p256, a_point_with_any_flipped_bit_is_off_the_curve_and_refused)
{
	uint8_t *peer = vector_copy(vector_hex(PEER_PUBLIC));
	const uint8_t *private_key = vector_hex(OUR_PRIVATE).data;
	uint8_t shared[P256_SCALAR_BYTES] = { 0 };

	for (size_t bit = 0; bit < (size_t)8 * P256_POINT_BYTES; bit++) {
		peer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(p256_dh(private_key, peer, shared), ERR_MALFORMED);
		peer[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert(secret_is_zero(shared, sizeof(shared)));
}

Test(p256, infinity_compressed_and_hybrid_points_are_refused)
{
	static const uint8_t forms[] = { 0x00, 0x02, 0x03, 0x05, 0x06, 0x07 };
	uint8_t *peer = vector_copy(vector_hex(PEER_PUBLIC));
	uint8_t shared[P256_SCALAR_BYTES];

	for (size_t i = 0; i < sizeof(forms); i++) {
		peer[0] = forms[i];
		cr_assert_eq(
			p256_dh(vector_hex(OUR_PRIVATE).data, peer, shared),
			ERR_MALFORMED);
	}
	memset(peer + 1, 0, P256_POINT_BYTES - 1);
	for (peer[0] = 0; peer[0] < 8; peer[0]++)
		cr_assert_eq(
			p256_dh(vector_hex(OUR_PRIVATE).data, peer, shared),
			ERR_MALFORMED);
}

/* The set writes private keys as signed numbers, with zeros before them. */
static const uint8_t *private_key_of(const json_t *item)
{
	struct bytes number = vector_bytes(item, "private");
	uint8_t *key = vector_copy(vector_hex(ZERO));

	while (number.len > P256_SCALAR_BYTES) {
		cr_assert_eq(number.data[0], 0);
		number.data++;
		number.len--;
	}
	memcpy(key + P256_SCALAR_BYTES - number.len, number.data, number.len);
	return key;
}

static void run_wycheproof_case(const json_t *item)
{
	struct bytes peer = vector_bytes(item, "public");
	bool valid = strcmp(vector_text(item, "result"), "valid") == 0;
	uint8_t shared[P256_SCALAR_BYTES];
	enum err err = ERR_MALFORMED;

	/* RFC 9180, 7.1.1 has the uncompressed form alone. */
	if (peer.len == P256_POINT_BYTES)
		err = p256_dh(private_key_of(item), peer.data, shared);
	else
		valid = false;
	cr_assert_eq(err, valid ? ERR_OK : ERR_MALFORMED, "tcId %d",
		     (int)vector_number(item, "tcId"));
	if (valid)
		vector_expect(BYTES_ARRAY(shared), vector_text(item, "shared"));
}

Test(p256, wycheproof_verdicts_and_secrets_are_ours)
{
	json_t *set =
		vector_load("wycheproof/ecdh_secp256r1_ecpoint_test.json");
	size_t i, j, run = 0;
	json_t *group, *item;

	json_array_foreach(json_object_get(set, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, item)
	{
		run_wycheproof_case(item);
		vector_forget();
		run++;
	}
	figure_all("B1b", "Wycheproof's ECDH on P-256", run, run);
	json_decref(set);
}
