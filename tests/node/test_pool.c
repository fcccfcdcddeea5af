/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "node/channel.h"
#include "node/pool.h"

static struct pool pool;
static int zygote; /* the far end of the pool's channel */

static int a_channel(void)
{
	int pair[2];

	cr_assert_eq(fd_pair(pair), ERR_OK);
	close(pair[1]);
	return pair[0];
}

static void open_pool(void)
{
	int pair[2];

	cr_assert_eq(fd_pair(pair), ERR_OK);
	zygote = pair[1];
	pool_init(&pool, 2);
	pool_attach(&pool, pair[0]);
}

static struct message told(void)
{
	static struct channel_packet packet;
	struct message message;
	int passed;

	cr_assert_eq(channel_receive(zygote, &packet, &message, &passed),
		     ERR_OK);
	return message;
}

TestSuite(pool, .init = open_pool);

Test(pool, a_worker_is_given_to_one_request_only)
{
	int user;

	cr_assert_null(pool_take(&pool, &user));
	cr_assert_eq(pool_ready(&pool, 1, 5, a_channel()), ERR_OK);

	struct pool_worker *worker = pool_take(&pool, &user);
	struct message message = told();

	cr_assert_not_null(worker);
	cr_assert_eq(worker->user, &user);
	cr_assert_eq(message.kind, MESSAGE_WORKER_TAKEN);
	cr_assert_eq(message.number[0], 1);
	cr_assert_eq(message.number[1], 5);
	cr_assert_null(pool_take(&pool, &user));
	cr_assert_eq(pool_running(&pool), 1);
	pool_leave(worker);
	cr_assert_null(pool_take(&pool, &user));
	cr_assert_eq(pool_running(&pool), 0);
}

Test(pool, a_killed_worker_is_reported_to_the_zygote)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 9, a_channel()), ERR_OK);
	pool_kill(&pool, pool_take(&pool, &user));
	cr_assert_eq(told().kind, MESSAGE_WORKER_TAKEN);

	struct message message = told();

	cr_assert_eq(message.kind, MESSAGE_WORKER_KILL);
	cr_assert_eq(message.number[1], 9);
}

Test(pool, a_worker_that_does_not_end_by_itself_is_killed)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 9, a_channel()), ERR_OK);
	pool_leave(pool_take(&pool, &user));
	cr_assert_eq(told().kind, MESSAGE_WORKER_TAKEN);
	for (unsigned i = 1; i < POOL_ENDING_TICKS; i++)
		pool_tick(&pool);
	cr_assert_eq(fcntl(zygote, F_SETFL, O_NONBLOCK), 0);
	cr_assert_eq(recv(zygote, &user, sizeof(user), MSG_PEEK), -1);
	pool_tick(&pool);
	struct message message = told();

	cr_assert_eq(message.kind, MESSAGE_WORKER_KILL);
	cr_assert_eq(message.number[0], 0);
	cr_assert_eq(message.number[1], 9);
}

Test(pool, a_worker_that_ended_while_taken_stays_until_its_last_frame_is_read)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 1, a_channel()), ERR_OK);

	struct pool_worker *worker = pool_take(&pool, &user);

	cr_assert_eq(pool_ended(&pool, 0, 1), ERR_OK);
	cr_assert_geq(worker->channel, 0);
	cr_assert_eq(worker->user, &user);
}

Test(pool, the_next_worker_of_a_slot_may_be_announced_before_the_last_is_read)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 1, a_channel()), ERR_OK);

	struct pool_worker *worker = pool_take(&pool, &user);

	cr_assert_eq(pool_ended(&pool, 0, 1), ERR_OK);
	cr_assert_eq(pool_ready(&pool, 0, 2, a_channel()), ERR_OK);
	cr_assert_eq(worker->user, &user);
	cr_assert_null(pool_take(&pool, &user));
	pool_leave(worker);
	worker = pool_take(&pool, &user);
	cr_assert_not_null(worker);
	cr_assert_eq(worker->generation, 2);
}

/* One that was forked just now may not be in its jail yet. */
Test(pool, the_worker_that_has_waited_longest_is_taken)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 1, a_channel()), ERR_OK);
	cr_assert_eq(pool_ready(&pool, 1, 1, a_channel()), ERR_OK);
	pool_leave(pool_take(&pool, &user));
	cr_assert_eq(pool_ended(&pool, 0, 1), ERR_OK);
	cr_assert_eq(pool_ready(&pool, 0, 2, a_channel()), ERR_OK);
	cr_assert_eq(pool_take(&pool, &user)->slot, 1);
	cr_assert_eq(pool_take(&pool, &user)->slot, 0);
}

Test(pool, a_slot_out_of_range_or_in_use_breaks_the_rules)
{
	cr_assert_eq(pool_ready(&pool, 2, 1, 0), ERR_MALFORMED);
	cr_assert_eq(pool_ended(&pool, 2, 1), ERR_MALFORMED);
	cr_assert_eq(pool_ready(&pool, 0, 1, a_channel()), ERR_OK);
	cr_assert_eq(pool_ready(&pool, 0, 2, a_channel()), ERR_MALFORMED);
}

Test(pool, news_of_an_earlier_worker_changes_nothing)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 2, a_channel()), ERR_OK);
	cr_assert_eq(pool_ended(&pool, 0, 1), ERR_OK);
	cr_assert_not_null(pool_take(&pool, &user));
}

Test(pool, a_zygote_that_is_gone_takes_its_workers_with_it)
{
	int user;

	cr_assert_eq(pool_ready(&pool, 0, 2, a_channel()), ERR_OK);
	pool_attach(&pool, -1);
	cr_assert_null(pool_take(&pool, &user));
}
