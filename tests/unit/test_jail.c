/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a role is after spawn_role(), jail_isolate() and jail_enter(), seen from
 * inside and from outside, started by root and by an ordinary user.
 *
 * This program is its own role: executed as "scenario NAME" it runs a function
 * below in place of the tests.  A scenario answers on descriptor 3 with one
 * message: empty when all is well, else the claim that does not hold.
 */
#include <criterion/criterion.h>
#include <criterion/internal/redirect.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/jail.h"
#include "sandbox/spawn.h"

#define CONTROL JAIL_FD_FIRST
#define ORDINARY_USER 4242
#define PATIENCE_MS 10000
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

extern char **environ;

/* ------------------------------------------------------------ scenarios */

/* A scenario returns the first claim that does not hold, or NULL. */
#define HOLDS(claim)                   \
	do {                           \
		if (!(claim))          \
			return #claim; \
	} while (0)

static const int kept[] = { CONTROL };
static const struct jail_isolation isolation = { .descriptors = kept,
						 .descriptor_count = 1 };

static const char *isolate_as(enum jail_role role)
{
	struct jail_report report;

	if (jail_isolate(profile_of(role), &isolation, &report) == ERR_OK)
		return NULL;
	return jail_step_name(report.failed);
}

/* Stay as one is until the test has looked, and let go of the channel. */
static const char *wait_for_the_test(void)
{
	char byte;

	if (send(CONTROL, "here", 4, 0) != 4)
		return "the test does not listen";
	HOLDS(read(CONTROL, &byte, 1) == 1);
	return NULL;
}

static const char *be_isolated(void)
{
	const char *failed = isolate_as(JAIL_KEEPER);

	return failed != NULL ? failed : wait_for_the_test();
}

static const char *be_a_front(void)
{
	const char *failed = isolate_as(JAIL_FRONT);

	return failed != NULL ? failed : wait_for_the_test();
}

static const char *reach_for_files(void)
{
	const char *failed = isolate_as(JAIL_KEEPER);
	struct statfs root;

	if (failed != NULL)
		return failed;
	HOLDS(statfs("/", &root) == 0);
	HOLDS(root.f_files == 1 && root.f_ffree == 0);
	HOLDS((root.f_flags & ST_RDONLY) != 0);
	HOLDS(mkdir("/x", 0700) < 0);
	HOLDS(open("/x", O_CREAT | O_RDWR, 0600) < 0);
	HOLDS(access("/proc", F_OK) < 0 && errno == ENOENT);
	HOLDS(access("/etc/passwd", F_OK) < 0 && errno == ENOENT);
	HOLDS(access("/dev/null", F_OK) < 0 && errno == ENOENT);
	HOLDS(access("../../../../etc", F_OK) < 0 && errno == ENOENT);
	return NULL;
}

static const char *reach_for_power(void)
{
	const char *failed = isolate_as(JAIL_KEEPER);
	void *page;

	if (failed != NULL)
		return failed;
	HOLDS(getuid() == JAIL_ID_BASE + JAIL_KEEPER);
	HOLDS(getgid() == JAIL_ID_BASE + JAIL_KEEPER);
	HOLDS(setuid(0) < 0);
	HOLDS(setgid(0) < 0);
	HOLDS(mount("none", "/", "tmpfs", 0, NULL) < 0);
	HOLDS(unshare(CLONE_NEWNS) < 0);
	HOLDS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0) < 0);
	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0);
	HOLDS(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	HOLDS(kill(-1, 0) < 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(page == MAP_FAILED);
	return NULL;
}

static const char *start_empty(void)
{
	HOLDS(environ[0] == NULL);
	HOLDS(getpid() == 1);
	HOLDS(getuid() != 0);
	HOLDS(fcntl(CONTROL, F_GETFD) == 0);
	HOLDS(fcntl(CONTROL + 1, F_GETFD) < 0 && errno == EBADF);
	return NULL;
}

static const char *see_both_descriptors(void)
{
	char byte = 0;

	/* The test passed its second one first. */
	HOLDS(read(CONTROL + 1, &byte, 1) == 1 && byte == 'x');
	HOLDS(fcntl(CONTROL + 2, F_GETFD) < 0 && errno == EBADF);
	return NULL;
}

static void *wait_for_ever(void *unused)
{
	pause();
	return unused;
}

static const char *isolate_with_a_thread(void)
{
	pthread_t thread;
	struct jail_report report;

	HOLDS(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	HOLDS(jail_isolate(profile_of(JAIL_KEEPER), &isolation, &report) ==
	      ERR_UNAVAILABLE);
	HOLDS(report.failed == JAIL_STEP_ALONE);
	return NULL;
}

static const char *isolate_with_a_directory(void)
{
	const int with_directory[] = { CONTROL, CONTROL + 1 };
	const struct jail_isolation leaky = { .descriptors = with_directory,
					      .descriptor_count = 2 };
	struct jail_report report;

	HOLDS(open("/", O_RDONLY | O_DIRECTORY) == CONTROL + 1);
	HOLDS(jail_isolate(profile_of(JAIL_KEEPER), &leaky, &report) ==
	      ERR_UNAVAILABLE);
	HOLDS(report.failed == JAIL_STEP_DESCRIPTORS);
	return NULL;
}

static const char *isolate_with_more_descriptors(void)
{
	const char *failed;

	HOLDS(open("/dev/null", O_RDONLY) == CONTROL + 1);
	HOLDS(dup2(CONTROL + 1, 700) == 700);
	failed = isolate_as(JAIL_KEEPER);
	if (failed != NULL)
		return failed;
	HOLDS(fcntl(CONTROL + 1, F_GETFD) < 0);
	HOLDS(fcntl(700, F_GETFD) < 0);
	return NULL;
}

/* A call that the kernel refuses, and the step that must notice. */
struct refusal {
	const char *scenario;
	int call;
	unsigned argument_count;
	struct scmp_arg_cmp argument;
	enum jail_step step;
};

#define FIRST_IS(number) \
	1, { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (number) }
#define ANYTHING 0, { .arg = 0 }

static const struct refusal refusals[] = {
	{ "prlimit64", SYS_prlimit64, ANYTHING, JAIL_STEP_LIMITS },
	{ "close_range", SYS_close_range, ANYTHING, JAIL_STEP_DESCRIPTORS },
	{ "mount", SYS_mount, ANYTHING, JAIL_STEP_ROOT },
	{ "chdir", SYS_chdir, ANYTHING, JAIL_STEP_ROOT },
	{ "pivot_root", SYS_pivot_root, ANYTHING, JAIL_STEP_ROOT },
	{ "umount2", SYS_umount2, ANYTHING, JAIL_STEP_ROOT },
	{ "sethostname", SYS_sethostname, ANYTHING, JAIL_STEP_HOST_NAME },
	{ "ambient", SYS_prctl, FIRST_IS(PR_CAP_AMBIENT),
	  JAIL_STEP_CAPABILITIES },
	{ "bounding", SYS_prctl, FIRST_IS(PR_CAPBSET_DROP),
	  JAIL_STEP_CAPABILITIES },
	{ "securebits", SYS_prctl, FIRST_IS(PR_SET_SECUREBITS),
	  JAIL_STEP_CAPABILITIES },
	{ "capset", SYS_capset, ANYTHING, JAIL_STEP_CAPABILITIES },
	{ "no_new_privs", SYS_prctl, FIRST_IS(PR_SET_NO_NEW_PRIVS),
	  JAIL_STEP_NO_NEW_PRIVILEGES },
	{ "landlock", SYS_landlock_restrict_self, ANYTHING,
	  JAIL_STEP_LANDLOCK },
	{ "dumpable", SYS_prctl, FIRST_IS(PR_SET_DUMPABLE),
	  JAIL_STEP_DUMPABLE },
	{ "pdeathsig", SYS_prctl, FIRST_IS(PR_GET_PDEATHSIG),
	  JAIL_STEP_PARENT },
};

static int refuse_from_now_on(const struct refusal *refusal)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	int failed;

	seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0);
	failed = seccomp_rule_add_exact_array(context, SCMP_ACT_ERRNO(EPERM),
					      refusal->call,
					      refusal->argument_count,
					      &refusal->argument);
	if (failed == 0)
		failed = seccomp_load(context);
	seccomp_release(context);
	return failed;
}

static const char *isolate_without(const struct refusal *refusal)
{
	struct jail_report report;

	HOLDS(refuse_from_now_on(refusal) == 0);
	HOLDS(jail_isolate(profile_of(JAIL_KEEPER), &isolation, &report) ==
	      ERR_UNAVAILABLE);
	if (report.failed != refusal->step)
		return jail_step_name(report.failed);
	HOLDS(report.error == EPERM);
	return NULL;
}

static const char *live_on(void)
{
	const char *failed = isolate_as(JAIL_ZYGOTE);
	char byte;

	if (failed != NULL)
		return failed;
	if (fork() == 0)
		pause(); /* a child that nobody tells to end */
	HOLDS(send(CONTROL, "here", 4, 0) == 4);
	HOLDS(read(CONTROL, &byte, 1) == 1);
	return NULL;
}

static const char *ignore_polite_signals(void)
{
	const char *failed = isolate_as(JAIL_KEEPER);

	if (failed != NULL)
		return failed;
	raise(SIGTERM);
	raise(SIGKILL);
	return NULL;
}

/* The keeper's jail closed, with what it still must be able to do. */
static const char *close_the_keeper(void)
{
	static struct jail_filter filter;
	struct jail_report report;
	const char *failed = isolate_as(JAIL_KEEPER);

	if (failed != NULL)
		return failed;
	HOLDS(filter_compile(profile_of(JAIL_KEEPER), &filter) == ERR_OK);
	HOLDS(jail_enter(&filter, &report) == ERR_OK);
	return wait_for_the_test();
}

static const char *close_the_keeper_and_connect(void)
{
	static struct jail_filter filter;
	struct jail_report report;
	const char *failed = isolate_as(JAIL_KEEPER);

	if (failed != NULL)
		return failed;
	HOLDS(filter_compile(profile_of(JAIL_KEEPER), &filter) == ERR_OK);
	HOLDS(jail_enter(&filter, &report) == ERR_OK);
	socket(AF_INET, SOCK_STREAM, 0);
	return "a socket";
}

/* The zygote's jail closed, then a worker in it: both filters, two threads. */
static const char *close_the_zygote_and_a_worker(void)
{
	static struct jail_filter zygote, worker;
	struct jail_report report;
	const char *failed = isolate_as(JAIL_ZYGOTE);
	int pair[2], keeper[2], status;
	pthread_t thread;
	char byte;
	pid_t pid;

	if (failed != NULL)
		return failed;
	HOLDS(filter_compile(profile_of(JAIL_ZYGOTE), &zygote) == ERR_OK);
	HOLDS(filter_compile(profile_of(JAIL_WORKER), &worker) == ERR_OK);
	HOLDS(jail_enter(&zygote, &report) == ERR_OK);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, keeper) == 0);
	pid = fork();
	HOLDS(pid >= 0);
	if (pid == 0) {
		if (dup2(pair[1], 30) != 30 || dup2(keeper[1], 4) != 4 ||
		    dup2(30, 3) != 3 ||
		    pthread_create(&thread, NULL, wait_for_ever, NULL) != 0 ||
		    jail_enter(&worker, &report) != ERR_OK)
			_exit(1);
		if (read(3, &byte, 1) != 1 || write(3, &byte, 1) != 1)
			_exit(2);
		_exit(0);
	}
	HOLDS(write(pair[0], "x", 1) == 1);
	close(pair[1]);
	HOLDS(read(pair[0], &byte, 1) == 1 && byte == 'x');
	HOLDS(waitpid(pid, &status, 0) == pid);
	/* pause(), in the second thread, is what the worker may not. */
	HOLDS((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	      (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS));
	return NULL;
}

static const struct {
	const char *name;
	const char *(*run)(void);
} scenarios[] = {
	{ "be_isolated", be_isolated },
	{ "be_a_front", be_a_front },
	{ "reach_for_files", reach_for_files },
	{ "reach_for_power", reach_for_power },
	{ "start_empty", start_empty },
	{ "see_both_descriptors", see_both_descriptors },
	{ "isolate_with_a_thread", isolate_with_a_thread },
	{ "isolate_with_a_directory", isolate_with_a_directory },
	{ "isolate_with_more_descriptors", isolate_with_more_descriptors },
	{ "live_on", live_on },
	{ "ignore_polite_signals", ignore_polite_signals },
	{ "close_the_keeper", close_the_keeper },
	{ "close_the_keeper_and_connect", close_the_keeper_and_connect },
	{ "close_the_zygote_and_a_worker", close_the_zygote_and_a_worker },
};

static const char *run_scenario(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
		if (strcmp(scenarios[i].name, name) == 0)
			return scenarios[i].run();
	}
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		if (strcmp(refusals[i].scenario, name) == 0)
			return isolate_without(&refusals[i]);
	}
	return "no such scenario";
}

int main(int argc, char **argv)
{
	int result = 0;

	if (argc == 2 && strcmp(argv[0], "scenario") == 0) {
		const char *claim = run_scenario(argv[1]);

		if (claim == NULL)
			claim = "";
		if (send(CONTROL, claim, strlen(claim) + 1, MSG_NOSIGNAL) < 0)
			_exit(1);
		_exit(0);
	}
	struct criterion_test_set *tests = criterion_initialize();
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return result;
}
