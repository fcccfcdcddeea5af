/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
