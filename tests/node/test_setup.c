/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a role hears of its supervisor, and tells it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "node/setup.h"

static struct channel_packet packet;

/* In a child, which may put its channel where roles have it: what it says. */
static int as_role(int (*work)(int supervisor))
{
	int pair[2], status;
	pid_t pid;

	cr_assert_eq(fd_pair(pair), ERR_OK);
	pid = fork();
	if (pid == 0) {
		int supervisor = dup(pair[0]);

		close(pair[0]);
		if (supervisor == SETUP_CONTROL_FD)
			supervisor = dup(supervisor);
		if (supervisor < 0 || dup2(pair[1], SETUP_CONTROL_FD) < 0)
			_exit(99);
		if (pair[1] != SETUP_CONTROL_FD)
			close(pair[1]);
		_exit(work(supervisor));
	}
	cr_assert_gt(pid, 0);
	close(pair[0]);
	close(pair[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "it was killed");
	return WEXITSTATUS(status);
}

static enum err hear(enum message_kind *kind)
{
	struct message message = { 0 };
	int passed = -1;
	enum err err = setup_hear(&packet, &message, &passed);

	*kind = message.kind;
	return err;
}

/* Say that it lives until there is no room for more. */
static bool is_full_at_last(void)
{
	for (int i = 0; i < 100000; i++) {
		errno = 0;
		setup_tell_alive();
		if (errno == EAGAIN)
			return true;
	}
	return false;
}

/* Each a place in the text, where it did not hold. */
static int live_beside_a_deaf_one(int supervisor)
{
	enum message_kind kind;
	struct message message;
	int passed;

	if (!is_full_at_last())
		return 1;
	for (int i = 0; i < 3; i++) {
		if (channel_tell(supervisor, MESSAGE_PULSE) != ERR_OK)
			return 2;
		if (hear(&kind) != ERR_OK || kind != MESSAGE_PULSE)
			return 3;
		setup_tell_alive();
	}
	/* What it said before is all there, and then it is heard again. */
	while (recv(supervisor, packet.bytes, sizeof(packet.bytes),
		    MSG_DONTWAIT) > 0)
		;
	if (channel_tell(supervisor, MESSAGE_PULSE) != ERR_OK ||
	    hear(&kind) != ERR_OK)
		return 4;
	if (channel_receive(supervisor, &packet, &message, &passed) != ERR_OK ||
	    message.kind != MESSAGE_PULSE)
		return 5;
	return 0;
}

Test(setup, a_role_works_on_beside_a_supervisor_that_does_not_read)
{
	cr_assert_eq(as_role(live_beside_a_deaf_one), 0);
}

static int outlive(int supervisor)
{
	enum message_kind kind;

	close(supervisor);
	setup_tell_alive();
	return hear(&kind) == ERR_TRUNCATED ? 0 : 1;
}

Test(setup, a_role_whose_supervisor_is_gone_hears_its_end)
{
	cr_assert_eq(as_role(outlive), 0);
}
