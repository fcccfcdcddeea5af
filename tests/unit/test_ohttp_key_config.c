/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_key_config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"

/* RFC 9458, A. */
#define RFC9458_CONFIG                                                       \
	"01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79" \
	"815500080001000100010003"

/* Before the pairs: key 0x4b, X25519, as quiche's tests have it. */
#define QUICHE_KEY                                                             \
	"4b0020606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e" \
	"7f"

static enum err parse(const char *hex, struct ohttp_key_config *config)
{
	return ohttp_key_config_parse(vector_hex(hex), config);
}

Test(ohttp_key_config, the_config_of_rfc_9458_is_read_and_written_back)
{
	struct ohttp_key_config config;
	uint8_t memory[OHTTP_KEY_CONFIG_MAX];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(parse(RFC9458_CONFIG, &config), ERR_OK);
	cr_assert_eq(config.key_id, 1);
	cr_assert_eq(config.public_key.kem, HPKE_KEM_X25519);
	cr_assert_eq(config.public_key.len, 32);
	cr_assert_eq(config.symmetric_count, 2);
	cr_assert_eq(config.symmetric[0].aead, HPKE_AES_128_GCM);
	cr_assert_eq(config.symmetric[1].aead, HPKE_CHACHA20_POLY1305);
	cr_assert_eq(ohttp_key_config_write(&config, &out), ERR_OK);
	vector_expect(bytes_written(&out), RFC9458_CONFIG);
}

Test(ohttp_key_config, every_cut_and_one_byte_more_is_refused)
{
	struct bytes whole = vector_hex(RFC9458_CONFIG "00");
	struct ohttp_key_config config = { .key_id = 77 };

	for (size_t len = 0; len <= whole.len; len++) {
		enum err err = ohttp_key_config_parse(
			(struct bytes){ whole.data, len }, &config);

		if (len == whole.len - 1)
			continue;
		cr_assert(err == ERR_TRUNCATED || err == ERR_MALFORMED);
		if (len < whole.len - 1)
			cr_assert_eq(config.key_id, 77, "output was touched");
	}
}

Test(ohttp_key_config, pairs_that_are_no_whole_pairs_are_malformed)
{
	struct ohttp_key_config config;

	cr_assert_eq(parse(QUICHE_KEY "0000", &config), ERR_MALFORMED);
	cr_assert_eq(parse(QUICHE_KEY "0003000100", &config), ERR_MALFORMED);
	cr_assert_eq(parse(QUICHE_KEY "0006000100010001", &config),
		     ERR_MALFORMED);
	cr_assert_eq(parse(QUICHE_KEY "ffff00010001", &config), ERR_TRUNCATED);
}

Test(ohttp_key_config, unknown_pairs_are_read_over_and_order_is_kept)
{
	struct ohttp_key_config config;

	cr_assert_eq(parse(QUICHE_KEY "00100001beef00010003dead000100010001",
			   &config),
		     ERR_OK);
	cr_assert_eq(config.symmetric_count, 2);
	cr_assert_eq(config.symmetric[0].aead, HPKE_CHACHA20_POLY1305);
	cr_assert_eq(config.symmetric[1].aead, HPKE_AES_128_GCM);
	cr_assert_eq(parse(QUICHE_KEY "00080001dead0001beef", &config),
		     ERR_UNSUPPORTED);
}

Test(ohttp_key_config, a_pair_named_very_often_counts_once)
{
	struct ohttp_key_config config;
	uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bytes_put(&out, vector_hex(QUICHE_KEY)), ERR_OK);
	cr_assert_eq(bytes_put_u16(&out, 4 * 100), ERR_OK);
	for (size_t i = 0; i < 100; i++) {
		cr_assert_eq(bytes_put_u16(&out, 1), ERR_OK);
		cr_assert_eq(bytes_put_u16(&out, (uint16_t)(i % 4)), ERR_OK);
	}
	cr_assert_eq(ohttp_key_config_parse(bytes_written(&out), &config),
		     ERR_OK);
	cr_assert_eq(config.symmetric_count, 3);
}

Test(ohttp_key_config, an_unknown_kem_is_unsupported)
{
	struct ohttp_key_config config;

	cr_assert_eq(parse("4b9999606162636465666768", &config),
		     ERR_UNSUPPORTED);
	cr_assert_eq(parse("4b99", &config), ERR_TRUNCATED);
}

Test(ohttp_key_config, a_p256_config_is_as_long_as_its_key)
{
	struct ohttp_key_config made = {
		.key_id = 9,
		.symmetric = { { HPKE_HKDF_SHA256, HPKE_AES_256_GCM } },
		.symmetric_count = 1,
	};
	struct ohttp_key_config read;
	struct hpke_private_key private_key;
	uint8_t memory[OHTTP_KEY_CONFIG_MAX];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(hpke_key_generate(HPKE_KEM_P256, &private_key,
				       &made.public_key),
		     ERR_OK);
	cr_assert_eq(ohttp_key_config_write(&made, &out), ERR_OK);
	cr_assert_eq(out.len, 1 + 2 + 65 + 2 + 4);
	cr_assert_eq(ohttp_key_config_parse(bytes_written(&out), &read),
		     ERR_OK);
	cr_assert_arr_eq(read.public_key.bytes, made.public_key.bytes, 65);
}

Test(ohttp_key_config, a_writer_too_small_is_left_alone)
{
	struct ohttp_key_config config;
	uint8_t memory[OHTTP_KEY_CONFIG_MAX];
	size_t len = vector_hex(RFC9458_CONFIG).len;

	cr_assert_eq(parse(RFC9458_CONFIG, &config), ERR_OK);
	for (size_t max = 0; max < len; max++) {
		struct writer out = { memory, 0, max };

		cr_assert_eq(ohttp_key_config_write(&config, &out),
			     ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}

Test(ohttp_key_config, only_the_suites_listed_are_on_offer)
{
	struct ohttp_key_config config;
	struct hpke_suite suite = { HPKE_KEM_X25519, HPKE_HKDF_SHA256,
				    HPKE_AES_128_GCM };

	cr_assert_eq(parse(RFC9458_CONFIG, &config), ERR_OK);
	cr_assert_eq(ohttp_key_config_offers(&config, suite), ERR_OK);
	suite.aead = HPKE_AES_256_GCM;
	cr_assert_eq(ohttp_key_config_offers(&config, suite), ERR_UNSUPPORTED);
	suite.aead = HPKE_AES_128_GCM;
	suite.kem = HPKE_KEM_P256;
	cr_assert_eq(ohttp_key_config_offers(&config, suite), ERR_UNSUPPORTED);
}

/* quiche's verdict, save that its preference is by AEAD and ours by order. */
Test(ohttp_key_config, the_bare_configs_of_quiche_have_our_verdict)
{
	json_t *set = vector_load("ohttp/quiche-key-configs.json");
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(set, "cases"), i, item)
	{
		bool accepted =
			json_is_true(json_object_get(item, "quiche_accepts"));
		struct ohttp_key_config config;

		if (json_is_true(json_object_get(item, "length_prefixed")))
			continue;
		cr_assert_eq(parse(vector_text(item, "hex"), &config),
			     accepted ? ERR_OK : ERR_UNSUPPORTED, "%s",
			     vector_text(item, "name"));
		if (accepted)
			cr_assert_eq(config.symmetric[0].aead,
				     json_integer_value(json_array_get(
					     json_object_get(item, "preferred"),
					     1)));
	}
	json_decref(set);
}
