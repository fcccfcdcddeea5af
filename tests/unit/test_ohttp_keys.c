/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_keys.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"

#define KEY_BYTES \
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"

/* Configs of 41 bytes each: two usable ones, and one of an unknown KEM. */
#define FIRST "00294f0020" KEY_BYTES "000400010001"
#define SECOND "00294b0020" KEY_BYTES "000400010002"
#define UNKNOWN_KEM "00294b9999" KEY_BYTES "000400010002"
#define UNKNOWN_PAIR "00294b0020" KEY_BYTES "00040001beef"
#define BARE "4b0020" KEY_BYTES "000400010002"

static enum err parse(const char *hex, struct ohttp_key_config *configs,
		      size_t *count)
{
	return ohttp_keys_parse(vector_hex(hex), configs, 2, count);
}

Test(ohttp_keys, a_list_keeps_its_order_and_is_written_back)
{
	struct ohttp_key_config configs[2];
	size_t count;
	uint8_t memory[128];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(parse(FIRST SECOND, configs, &count), ERR_OK);
	cr_assert_eq(count, 2);
	cr_assert_eq(configs[0].key_id, 0x4f);
	cr_assert_eq(configs[1].key_id, 0x4b);
	cr_assert_eq(ohttp_keys_write(configs, count, &out), ERR_OK);
	vector_expect(bytes_written(&out), FIRST SECOND);
}

Test(ohttp_keys, configs_that_this_build_cannot_use_are_skipped_by_length)
{
	struct ohttp_key_config configs[2];
	size_t count;

	cr_assert_eq(parse(UNKNOWN_KEM FIRST UNKNOWN_PAIR SECOND UNKNOWN_KEM,
			   configs, &count),
		     ERR_OK);
	cr_assert_eq(count, 2);
	cr_assert_eq(configs[0].key_id, 0x4f);
	cr_assert_eq(configs[1].key_id, 0x4b);
}

Test(ohttp_keys, a_list_without_a_usable_config_is_unsupported)
{
	struct ohttp_key_config configs[2];
	size_t count;

	cr_assert_eq(parse("", configs, &count), ERR_UNSUPPORTED);
	cr_assert_eq(parse(UNKNOWN_KEM, configs, &count), ERR_UNSUPPORTED);
	cr_assert_eq(parse(UNKNOWN_PAIR, configs, &count), ERR_UNSUPPORTED);
}

Test(ohttp_keys, more_configs_than_there_is_room_for_are_too_large)
{
	struct ohttp_key_config configs[2];
	size_t count;

	cr_assert_eq(parse(FIRST SECOND FIRST, configs, &count), ERR_TOO_LARGE);
}

Test(ohttp_keys, any_decoding_error_discards_the_whole_list)
{
	struct bytes whole = vector_hex(FIRST SECOND "00");
	struct ohttp_key_config configs[2];
	size_t count = 77;

	memset(configs, 0x5a, sizeof(configs));
	for (size_t len = 1; len <= whole.len; len++) {
		if (len == whole.len - 1 || len == whole.len / 2)
			continue;
		cr_assert_neq(
			ohttp_keys_parse((struct bytes){ whole.data, len },
					 configs, 2, &count),
			ERR_OK);
		cr_assert_eq(count, 77);
		cr_assert_eq(configs[0].key_id, 0x5a, "output was touched");
	}
}

Test(ohttp_keys, a_length_that_does_not_fit_its_config_discards_the_list)
{
	struct ohttp_key_config configs[2];
	size_t count;

	cr_assert_eq(parse("002a4f0020" KEY_BYTES "00040001000100" SECOND,
			   configs, &count),
		     ERR_MALFORMED);
	cr_assert_eq(parse("0000" SECOND, configs, &count), ERR_TRUNCATED);
	cr_assert_eq(parse(BARE, configs, &count), ERR_TRUNCATED);
	cr_assert_eq(parse("00024b99" SECOND, configs, &count), ERR_TRUNCATED);
}

Test(ohttp_keys, a_writer_too_small_is_left_alone)
{
	struct ohttp_key_config configs[2];
	size_t count;
	uint8_t memory[128];

	cr_assert_eq(parse(FIRST SECOND, configs, &count), ERR_OK);
	for (size_t max = 0; max < vector_hex(FIRST SECOND).len; max++) {
		struct writer out = { memory, 0, max };

		cr_assert_eq(ohttp_keys_write(configs, count, &out),
			     ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}

/* quiche takes a bare config for a list as well; RFC 9458, 3.2 does not. */
Test(ohttp_keys, the_lists_of_quiche_have_our_verdict)
{
	json_t *set = vector_load("ohttp/quiche-key-configs.json");
	size_t i, j;
	json_t *item, *id;

	json_array_foreach(json_object_get(set, "cases"), i, item)
	{
		bool prefixed =
			json_is_true(json_object_get(item, "length_prefixed"));
		bool accepted =
			prefixed &&
			json_is_true(json_object_get(item, "quiche_accepts"));
		struct ohttp_key_config configs[2];
		size_t count;
		enum err err = parse(vector_text(item, "hex"), configs, &count);

		cr_assert_eq(err == ERR_OK, accepted, "%s",
			     vector_text(item, "name"));
		if (!accepted)
			continue;
		json_array_foreach(json_object_get(item, "key_ids"), j, id)
			cr_assert_eq(configs[j].key_id, json_integer_value(id));
	}
	json_decref(set);
}
