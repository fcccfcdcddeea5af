/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/team.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>

#define MEMBERS 3

static size_t stack_bytes(void)
{
	pthread_attr_t attributes;
	size_t bytes;

	cr_assert_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
	cr_assert_eq(pthread_attr_getstacksize(&attributes, &bytes), 0);
	pthread_attr_destroy(&attributes);
	return bytes;
}

static void measure(void *context, size_t member)
{
	size_t *sizes = context;

	sizes[member] = stack_bytes();
}

static void *measure_plain(void *context)
{
	measure(context, 0);
	return NULL;
}

/* What a low RLIMIT_STACK (ulimit -s) makes of every thread without a wish. */
static void let_stacks_be_small(void)
{
	pthread_attr_t attributes;

	cr_assert_eq(pthread_attr_init(&attributes), 0);
	cr_assert_eq(pthread_attr_setstacksize(&attributes,
					       4 * (size_t)PTHREAD_STACK_MIN),
		     0);
	cr_assert_eq(pthread_setattr_default_np(&attributes), 0);
	pthread_attr_destroy(&attributes);
}

Test(team, its_stacks_do_not_depend_on_the_limits_of_the_process)
{
	size_t sizes[MEMBERS] = { 0 }, plain = 0;
	pthread_t thread;
	struct team *team;

	let_stacks_be_small();
	cr_assert_eq(pthread_create(&thread, NULL, measure_plain, &plain), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_lt(plain, TEAM_STACK_BYTES / 2, "the way to look works");
	cr_assert_eq(team_open(MEMBERS, &team), ERR_OK);
	team_run(team, measure, sizes);
	for (size_t i = 1; i < MEMBERS; i++)
		cr_expect_geq(sizes[i], TEAM_STACK_BYTES);
	team_close(team);
}
