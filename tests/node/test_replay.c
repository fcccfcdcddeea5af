/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "node/replay.h"
#include "tests/figure.h"

static struct bytes number(uint32_t *value)
{
	return (struct bytes){ (const uint8_t *)value, sizeof(*value) };
}

Test(replay, what_was_entered_is_refused_from_then_on)
{
	struct replay set;

	cr_assert_eq(replay_open(1000, &set), ERR_OK);
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(replay_enter(&set, number(&i)), ERR_OK);
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(replay_enter(&set, number(&i)), ERR_DENIED);
	replay_close(&set);
}

Test(replay, a_full_set_refuses_what_is_new_and_forgets_nothing)
{
	const uint32_t room = 1u << 16, others = 16 * room;
	uint32_t taken = 0, forgotten = 0;
	struct replay set;

	cr_assert_eq(replay_open(room, &set), ERR_OK);
	for (uint32_t i = 0; i < room; i++)
		cr_assert_eq(replay_enter(&set, number(&i)), ERR_OK);
	for (uint32_t i = room; i < room + others; i++)
		taken += replay_enter(&set, number(&i)) != ERR_TOO_LARGE;
	for (uint32_t i = 0; i < room; i++)
		forgotten += replay_enter(&set, number(&i)) != ERR_DENIED;
	replay_close(&set);
	figure_none("B4", "new ones that a full set took", taken, others, room);
	figure_none("B4", "old ones that it then forgot", forgotten, room,
		    room);
}

Test(replay, a_million_replays_are_all_refused)
{
	struct replay set;
	const uint32_t count = 1u << 20;
	uint32_t refused = 0;

	cr_assert_eq(replay_open(count, &set), ERR_OK);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(replay_enter(&set, number(&i)), ERR_OK);
	for (uint32_t i = 0; i < count; i++)
		refused += replay_enter(&set, number(&i)) == ERR_DENIED;
	replay_close(&set);
	figure_none("B4", "replays that were taken", count - refused, count,
		    count);
}

Test(replay, two_sets_place_the_same_entry_differently)
{
	struct replay one, other;
	uint32_t value = 7;

	cr_assert_eq(replay_open(1000, &one), ERR_OK);
	cr_assert_eq(replay_open(1000, &other), ERR_OK);
	cr_assert_not(secret_equal(&one.key, &other.key, sizeof(one.key)));
	cr_assert_eq(replay_enter(&one, number(&value)), ERR_OK);
	cr_assert_eq(replay_enter(&other, number(&value)), ERR_OK);
	replay_close(&one);
	replay_close(&other);
	cr_assert(secret_is_zero(&one, sizeof(one)));
}
