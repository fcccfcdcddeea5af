/* SPDX-License-Identifier: Apache-2.0 */
/* A node needs no disk: it serves where nothing can be written. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define ROUNDS 20
#define BETWEEN 4 /* rounds of which one kills */
#define BACK_MS 10000
#define WORKERS 2

static struct system pcc;
static char folder[80];
static int base_folder = -1; /* that this one is made in */

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
	if (folder[0] == '\0')
		return;
	(void)umount2(folder, MNT_DETACH);
	/* By the root that it was made in, which nobody made read-only. */
	cr_assert_eq(fchdir(base_folder), 0);
	(void)umount2(basename(folder), MNT_DETACH);
	cr_assert_eq(rmdir(basename(folder)), 0);
}

TestSuite(full, .fini = stop, .timeout = 0);

/* A file system of one mebibyte, in mounts of this process's own. */
static void mount_small(void)
{
	const char *base = getenv("TMPDIR");

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		cr_skip_test("no mounts of one's own here");
	snprintf(folder, sizeof(folder), "%.40s/pcc.XXXXXX",
		 base != NULL ? base : "/tmp");
	base_folder = open(base != NULL ? base : "/tmp",
			   O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(base_folder, 0);
	cr_assert_not_null(mkdtemp(folder));
	if (mount("tmpfs", folder, "tmpfs", 0, "size=1m,mode=755") != 0) {
		(void)rmdir(folder);
		folder[0] = '\0';
		cr_skip_test("no tmpfs can be mounted here");
	}
	cr_assert_eq(setenv("TMPDIR", folder, 1), 0);
}

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	system_start_or_skip(&policy, &pcc);
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
}

static int try_to_write(void)
{
	char path[SYSTEM_PATH_MAX + 8];
	char block[4096] = { 0 };
	int error = 0;

	snprintf(path, sizeof(path), "%s/fill", pcc.folder);
	SCOPED_FD file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (file < 0)
		return errno;
	while (error == 0)
		if (write(file, block, sizeof(block)) < 0)
			error = errno;
	return error;
}

/* Whoever has that role, once all are there; and its end. */
static void kill_one(enum jail_role role)
{
	struct process_list workers;
	pid_t victim;

	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, BACK_MS));
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	victim = role == JAIL_WORKER
			 ? workers.pids[0]
			 : process_role(pcc.pids[SYSTEM_NODE], role);
	cr_assert_gt(victim, 0);
	cr_assert_eq(kill(victim, SIGKILL), 0);
	cr_assert_geq(process_await_end(victim, BACK_MS), 0);
}

/* Requests, and a death of every role before some of them. */
static void expect_service(const char *requests, const char *deaths)
{
	static const enum jail_role victims[] = { JAIL_WORKER, JAIL_KEEPER,
						  JAIL_ZYGOTE, JAIL_FRONT };
	struct effort effort = effort_of(ROUNDS);
	uint64_t good = 0, killed = 0, replaced = 0;

	while (effort_more(&effort)) {
		bool is_deadly = effort.done % BETWEEN == 0;

		if (is_deadly)
			kill_one(victims[killed++ % 4]);
		good += openai_await_answer(pcc.client, BACK_MS) >= 0;
		replaced +=
			is_deadly && process_await_node(pcc.pids[SYSTEM_NODE],
							WORKERS, BACK_MS);
	}
	cr_assert_geq(killed, 4);
	figure_all("L9", requests, good, effort.done);
	figure_all("L9", deaths, replaced, killed);
}

Test(full, where_the_disk_is_full_a_node_serves_on)
{
	static char log[SYSTEM_LOG_MAX];
	size_t before;

	mount_small();
	start();
	cr_assert_eq(try_to_write(), ENOSPC);
	before = system_log(&pcc, SYSTEM_NODE, log);
	expect_service("requests answered on a full disk",
		       "processes that died there and were replaced");
	/* The control: not a byte could be written, not even of the log. */
	cr_assert_eq(try_to_write(), ENOSPC);
	cr_assert_leq(system_log(&pcc, SYSTEM_NODE, log), before + 4096);
}

/* Where figures go stays as it is, and no part of a root that is read-only. */
static void keep_figures(void)
{
	const char *figures = getenv("FIGURES");
	char path[1024];

	if (figures == NULL)
		return;
	snprintf(path, sizeof(path), "%s", figures);
	cr_assert_eq(mount(dirname(path), path, NULL, MS_BIND, NULL), 0);
}

/* Of mounts that only we see, so that nobody else's root is touched. */
static void make_root_read_only(void)
{
	char here[1024];

	keep_figures();
	cr_assert_not_null(getcwd(here, sizeof(here)));
	if (mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL) != 0 ||
	    chroot("/mnt") != 0 || chdir(here) != 0 ||
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
		cr_skip_test("no root of one's own here");
}

Test(full, under_a_read_only_root_a_node_starts_and_serves)
{
	char path[] = "/pcc-full-XXXXXX";

	mount_small();
	make_root_read_only();
	cr_assert_lt(mkstemp(path), 0);
	cr_assert_eq(errno, EROFS);
	start();
	expect_service("requests answered under a read-only root",
		       "processes that died under it and were replaced");
}
