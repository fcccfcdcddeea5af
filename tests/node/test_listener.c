/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "node/listener.h"
#include "tests/system.h"

static char folder[64], path[80], address[96];

static void make_folder(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.40s/pcc.XXXXXX",
		 base != NULL ? base : "/tmp");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
}

static void remove_folder(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

TestSuite(listener, .init = make_folder, .fini = remove_folder);

static int listener;

static enum err listen_there(void)
{
	uint16_t port = 1;
	enum err err;

	errno = 0;
	err = listener_open(address, &listener, &port);
	if (err == ERR_OK)
		cr_assert_eq(port, 0);
	return err;
}

Test(listener, a_socket_that_was_left_behind_is_replaced)
{
	cr_assert_eq(listen_there(), ERR_OK);
	close(listener);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(listen_there(), ERR_OK);
	close(listener);
}

Test(listener, a_path_where_somebody_listens_is_refused_by_its_reason)
{
	int first;

	cr_assert_eq(listen_there(), ERR_OK);
	first = listener;
	cr_assert_eq(listen_there(), ERR_DENIED);
	cr_assert_eq(errno, EADDRINUSE);
	cr_assert_eq(access(path, F_OK), 0);
	close(first);
}

static void *close_later(void *fd)
{
	system_sleep_ms(300);
	fd_close(fd);
	return NULL;
}

Test(listener, one_whose_last_owner_is_just_dying_is_waited_for)
{
	pthread_t thread;
	int first;

	cr_assert_eq(listen_there(), ERR_OK);
	first = listener;
	cr_assert_eq(pthread_create(&thread, NULL, close_later, &first), 0);
	cr_assert_eq(listen_there(), ERR_OK);
	pthread_join(thread, NULL);
	close(listener);
}

static void *remove_later(void *unused)
{
	system_sleep_ms(300);
	listener_remove(address);
	return unused;
}

/* As a node does at the end of its drain; it may hold its socket yet. */
Test(listener, a_path_whose_owner_removes_it_meanwhile_is_free)
{
	pthread_t thread;
	int first;

	cr_assert_eq(listen_there(), ERR_OK);
	first = listener;
	cr_assert_eq(pthread_create(&thread, NULL, remove_later, NULL), 0);
	cr_assert_eq(listen_there(), ERR_OK);
	pthread_join(thread, NULL);
	cr_assert_eq(access(path, F_OK), 0);
	close(listener);
	close(first);
}

/* Callers until there is room for no more. */
static size_t fill(int *callers, size_t most)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t count = 0;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	while (count < most) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
			cr_assert_eq(errno, EAGAIN);
			close(fd);
			break;
		}
		callers[count++] = fd;
	}
	return count;
}

Test(listener, one_that_accepts_nobody_is_in_use, .timeout = 30)
{
	int callers[512];
	size_t count;
	int first;

	cr_assert_eq(listen_there(), ERR_OK);
	first = listener;
	count = fill(callers, 512);
	cr_assert_lt(count, 512);
	cr_assert_eq(listen_there(), ERR_DENIED);
	cr_assert_eq(errno, EADDRINUSE);
	cr_assert_eq(access(path, F_OK), 0);
	while (count > 0)
		close(callers[--count]);
	close(first);
}

Test(listener, a_file_that_is_no_socket_stays)
{
	SCOPED_FD file = open(path, O_CREAT | O_WRONLY, 0600);

	cr_assert_geq(file, 0);
	cr_assert_eq(listen_there(), ERR_DENIED);
	cr_assert_eq(errno, ENOTSOCK);
	cr_assert_eq(access(path, F_OK), 0);
}

Test(listener, an_address_that_others_reach_is_refused)
{
	uint16_t port;

	errno = 0;
	cr_assert_eq(listener_open("0.0.0.0:0", &listener, &port), ERR_DENIED);
	cr_assert_eq(errno, 0);
}
