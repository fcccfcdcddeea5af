/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/cel.h"
#include "tests/support/plain_base64.h"
#include "tests/vector.h"

/*
 * The first record of agent/testdata/cel.b64 of github.com/google/go-tpm-tools,
 * 67670e5c021a, Apache-2.0: the image that a launcher was told to run.
 */
#define FIRST                                                              \
	"000000000800000000000000006c000000010403000000350c000000305c8f55" \
	"20f871c9e8d555cc0cae5f62d81944d98986532fb6428e52e7e8e705b346754c" \
	"c8c8e75f5818177f442a0b5425500000006a000000006575732d77657374312d" \
	"646f636b65722e706b672e6465762f636f6e666964656e7469616c2d73706163" \
	"652d696d616765732d6465762f63732d696e7465672d746573742d696d616765" \
	"732f6770752f637564612d766563746f722d6164643a6c6174657374"

Test(cel, a_record_made_elsewhere_is_read)
{
	struct bytes in = vector_hex(FIRST);
	struct cel_record record;

	cr_assert_eq(cel_take(&in, 0, &record), ERR_OK);
	cr_assert_eq(in.len, 0);
	cr_assert_eq(record.kind, EVENT_LOG_CC);
	cr_assert_eq(record.index, 4);
	cr_assert_eq(record.digests[HASH_SHA384].len, 48);
	cr_assert_eq(record.event_kind, 0);
	cr_assert_eq(memcmp(record.event.data, "us-west1-docker", 15), 0);
}

Test(cel, no_bit_of_a_record_can_be_changed_but_its_register)
{
	struct bytes in = vector_hex(FIRST);
	uint8_t *copy = vector_copy(in);
	size_t accepted = 0;

	for (size_t bit = 0; bit < 8 * in.len; bit++) {
		struct bytes other = { copy, in.len };
		struct cel_record record;

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (cel_take(&other, 0, &record) == ERR_OK) {
			accepted++;
			cr_assert_neq(record.index, 4);
		}
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* Register 0 is one bit away from 4; which it is, the replay proves. */
	cr_assert_eq(accepted, 1);
}

Test(cel, cut_anywhere_or_out_of_its_turn_it_is_refused)
{
	struct bytes in = vector_hex(FIRST);
	struct cel_record record;

	for (size_t len = 0; len < in.len; len++) {
		struct bytes cut = { in.data, len };

		cr_assert_neq(cel_take(&cut, 0, &record), ERR_OK);
		cr_assert_eq(cut.len, len);
	}
	cr_assert_eq(cel_take(&in, 1, &record), ERR_MALFORMED);
}

Test(cel, a_log_goes_on_where_firmware_ended)
{
	struct bytes in = vector_hex(FIRST);
	struct event_log_replay replay = { .has_bank = 1u << HASH_SHA384 };
	struct event_log_replay before = replay;
	uint8_t both[96] = { 0 };
	uint8_t wanted[48];

	memcpy(both + 48, in.data + 29, 48);
	hash_digest(HASH_SHA384, BYTES_ARRAY(both), wanted);
	cr_assert_eq(cel_replay(in, EVENT_LOG_CC, &replay), ERR_OK);
	cr_assert_eq(memcmp(replay.banks[HASH_SHA384][4], wanted, 48), 0);
	replay = before;
	cr_assert_eq(cel_replay(in, EVENT_LOG_PCRS, &replay), ERR_MALFORMED);
	replay.has_bank |= 1u << HASH_SHA256;
	cr_assert_eq(cel_replay(in, EVENT_LOG_CC, &replay), ERR_MALFORMED);
	replay.has_bank = before.has_bank;
	cr_assert_eq(memcmp(&replay, &before, sizeof(replay)), 0);
}

/* The register was computed by another implementation (Python's hashlib). */
Test(cel, the_log_of_a_launcher_leads_to_its_register)
{
	struct bytes log =
		plain_base64_decode(vector_file("eventlog/cel/cel.b64"));
	struct event_log_replay replay = { .has_bank = 1u << HASH_SHA384 };

	cr_assert_eq(cel_replay(log, EVENT_LOG_CC, &replay), ERR_OK);
	cr_assert_eq(replay.events, 18);
	vector_expect(
		(struct bytes){ replay.banks[HASH_SHA384][4], 48 },
		"2261f93374ed538b35e7e93c540a1562ccb25d14f6c40a1efea03d329e29"
		"a97172d84e152344af4a7188d0c8b9fcabeb");
}
