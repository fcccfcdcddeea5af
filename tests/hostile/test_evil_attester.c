/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attester that an attacker owns, say by what a TPM answered: what it may
 * try.  Each act is committed without the jail, too: one that could not have
 * worked anyway proves nothing.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scenario.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define REPORT "/tmp/pcc-evil-attester"

#define HOLDS_WITHIN(call)               \
	do {                             \
		const char *no = (call); \
		if (no != NULL)          \
			return no;       \
	} while (0)

/* ---- acts; 0 when they worked */

static int open_a_path(void)
{
	return open("/", O_RDONLY) < 0;
}

static int open_by_another_descriptor(void)
{
	return syscall(SYS_openat, SCENARIO_CONTROL, "/", O_RDONLY, 0) < 0;
}

static int open_by_how(void)
{
	uint64_t how[3] = { O_RDONLY, 0, 0 };

	return syscall(SYS_openat2, AT_FDCWD, "/", how, sizeof(how)) < 0;
}

static int make_a_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int connect_its_channel(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* An error of the socket is an answer of the kernel all the same. */
	return connect(SCENARIO_CONTROL, (struct sockaddr *)&address,
		       sizeof(address)) != 0 &&
	       errno == ENOSYS;
}

static int make_a_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int fork_a_process(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0;
}

static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int ask_a_device(void)
{
	int readable;

	return ioctl(SCENARIO_CONTROL, FIONREAD, &readable) < 0;
}

static int make_a_file(void)
{
	return syscall(SYS_memfd_create, "x", 0) < 0;
}

static const struct {
	const char *name;
	int (*commit)(void);
} acts[] = {
	{ "open_a_path", open_a_path },
	{ "open_by_another_descriptor", open_by_another_descriptor },
	{ "open_by_how", open_by_how },
	{ "make_a_socket", make_a_socket },
	{ "connect_its_channel", connect_its_channel },
	{ "make_a_pair", make_a_pair },
	{ "fork_a_process", fork_a_process },
	{ "make_code", make_code },
	{ "ask_a_device", ask_a_device },
	{ "make_a_file", make_a_file },
};

static const char *enter(void)
{
	static struct jail_filter filter;
	struct jail_report report = { 0 };

	HOLDS(filter_compile(profile_of(JAIL_ATTESTER), &filter) == ERR_OK);
	HOLDS(jail_enter(&filter, &report) == ERR_OK);
	return NULL;
}

/* Which act it is, the test says first. */
static const char *commit_in_jail(void)
{
	char which = 0;

	HOLDS_WITHIN(scenario_isolate(JAIL_ATTESTER));
	HOLDS_WITHIN(enter());
	HOLDS(read(SCENARIO_CONTROL, &which, 1) == 1);
	HOLDS((size_t)which < COUNT_OF(acts));
	(void)acts[(size_t)which].commit();
	return "it survived";
}

static bool works_outside(size_t act)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
		    dup2(pair[0], SCENARIO_CONTROL) != SCENARIO_CONTROL)
			_exit(2);
		_exit(acts[act].commit() == 0 ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

SCENARIO_TEST(evil_attester, every_other_way_to_a_file_or_a_peer_kills_it)
{
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct scenario_run run;
		char which = (char)i;
		int status;

		/* By another descriptor a path that begins with a slash opens
		   as well. */
		cr_expect(works_outside(i), "%s cannot be done at all",
			  acts[i].name);
		scenario_spawn("commit_in_jail", JAIL_ATTESTER, -1, &run);
		cr_assert_eq(send(run.control, &which, 1, 0), 1);
		scenario_hear(&run);
		status = scenario_end(&run);
		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
			  "%s: %s", acts[i].name, run.said);
	}
}

/* ---- its root */

static bool opens(const char *path, int flags)
{
	int fd = openat(JAIL_FD_REPORTS, path, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const char *look_around(void)
{
	static const int control[] = { SCENARIO_CONTROL };
	struct jail_isolation within = { .descriptors = control,
					 .descriptor_count = 1,
					 .directory = REPORT };
	struct jail_report report;
	int root;

	if (jail_isolate(profile_of(JAIL_ATTESTER), &within, &report) != ERR_OK)
		return jail_step_name(report.failed);
	root = open("/", O_PATH | O_DIRECTORY);
	HOLDS(root >= 0);
	HOLDS(dup2(root, JAIL_FD_REPORTS) == JAIL_FD_REPORTS);
	if (root != JAIL_FD_REPORTS)
		close(root);
	HOLDS_WITHIN(enter());
	/* That it can open anything at all. */
	HOLDS(opens("outblob", O_RDONLY));
	HOLDS(opens("inblob", O_WRONLY));
	HOLDS(opens("/outblob", O_RDONLY));
	HOLDS(!opens("../beside", O_RDONLY));
	HOLDS(!opens("/beside", O_RDONLY));
	HOLDS(!opens("../../etc/passwd", O_RDONLY));
	HOLDS(!opens("/etc/passwd", O_RDONLY));
	HOLDS(!opens("/proc/self/status", O_RDONLY));
	HOLDS(!opens("way-out/etc/passwd", O_RDONLY));
	HOLDS(!opens("outblob", O_WRONLY));
	if (report.landlock_abi > 0) {
		HOLDS(!opens("new", O_WRONLY | O_CREAT));
		HOLDS(!opens("/", O_RDONLY | O_DIRECTORY));
	}
	return NULL;
}

static void make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	cr_assert_geq(fd, 0, "%s", path);
	fchmod(fd, mode);
	close(fd);
}

static void make_report(void)
{
	(void)mkdir(REPORT ".d", 0755);
	(void)chmod(REPORT ".d", 0755);
	make(REPORT ".d/beside", 0644);
	(void)mkdir(REPORT ".d/report", 0755);
	(void)chmod(REPORT ".d/report", 0777);
	make(REPORT ".d/report/inblob", 0666);
	make(REPORT ".d/report/outblob", 0444);
	(void)unlink(REPORT ".d/report/way-out");
	cr_assert_eq(symlink("/", REPORT ".d/report/way-out"), 0);
	(void)unlink(REPORT);
	cr_assert_eq(symlink(REPORT ".d/report", REPORT), 0);
}

static void remove_report(void)
{
	static const char *const files[] = {
		REPORT,
		REPORT ".d/report/way-out",
		REPORT ".d/report/inblob",
		REPORT ".d/report/outblob",
		REPORT ".d/beside",
	};

	for (size_t i = 0; i < COUNT_OF(files); i++)
		(void)unlink(files[i]);
	(void)rmdir(REPORT ".d/report");
	(void)rmdir(REPORT ".d");
}

Test(evil_attester, its_root_is_one_report_and_no_way_leads_out_of_it,
     .fini = remove_report)
{
	scenario_become(SCENARIO_ROOT);
	make_report();
	scenario_holds("look_around", JAIL_ATTESTER);
}

int main(int argc, char **argv)
{
	static const struct scenario scenarios[] = {
		{ "commit_in_jail", commit_in_jail },
		{ "look_around", look_around },
		{ NULL, NULL },
	};

	return scenario_main(scenarios, argc, argv);
}
