/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/profile.h"
#include "sandbox/priority.h"

#define UNTIL_US 100000 /* of processor time without sleep */
#define PATIENCE_S 10

static void rise_or_skip(void)
{
	priority_rise();
	if (!priority_is_risen())
		cr_skip_test("no process may have real-time priority here");
}

static void *ask(void *policy)
{
	*(int *)policy = sched_getscheduler(0);
	return NULL;
}

Test(priority, a_thread_has_the_usual_one_until_it_rises)
{
	cr_assert_not(priority_is_risen());
	rise_or_skip();
	cr_assert(priority_is_risen());
}

Test(priority, what_a_thread_makes_has_the_usual_one)
{
	pthread_t thread;
	int policy = -1, status;
	pid_t pid;

	rise_or_skip();
	cr_assert_eq(pthread_create(&thread, NULL, ask, &policy), 0);
	pthread_join(thread, NULL);
	cr_assert_eq(policy, SCHED_OTHER);
	pid = fork();
	if (pid == 0)
		_exit(sched_getscheduler(0));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == SCHED_OTHER);
}

static _Noreturn void never_sleep(void)
{
	const struct rlimit until = { UNTIL_US, UNTIL_US };

	priority_rise();
	if (setrlimit(RLIMIT_RTTIME, &until) != 0)
		_exit(1);
	alarm(PATIENCE_S);
	for (volatile unsigned turns = 0;; turns++)
		;
}

Test(priority, one_that_rose_and_never_sleeps_is_ended_by_its_limit)
{
	int status;
	pid_t pid;

	rise_or_skip();
	pid = fork();
	if (pid == 0)
		never_sleep();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%d",
		  status);
}

static uint64_t limit_of(enum jail_role role, unsigned resource)
{
	const struct jail_profile *profile = profile_of(role);

	for (size_t i = 0; i < profile->limit_count; i++)
		if (profile->limits[i].resource == resource)
			return profile->limits[i].max;
	return UINT64_MAX;
}

Test(priority, the_front_alone_may_have_it_and_has_to_sleep)
{
	for (int i = JAIL_FRONT; i < JAIL_ROLES; i++) {
		enum jail_role role = (enum jail_role)i;

		cr_expect_eq(profile_of(role)->priority,
			     role == JAIL_FRONT ? JAIL_PRIORITY_REAL_TIME
						: JAIL_PRIORITY_USUAL);
		/* A worker has its zygote's, and no call to use one. */
		if (role != JAIL_WORKER)
			cr_expect_eq(limit_of(role, RLIMIT_RTPRIO), 0);
	}
	cr_expect_leq(limit_of(JAIL_FRONT, RLIMIT_RTTIME), 1000000);
}
