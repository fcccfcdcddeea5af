/* SPDX-License-Identifier: Apache-2.0 */
/* What a role is once it is jailed, seen from inside and from outside. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/jail.h"
#include "tests/support/refusal.h"
#include "tests/support/scenario.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define FILE_MAX 8192

/* Leave with what an inner part found not to hold. */
#define HOLDS_WITHIN(part)                  \
	do {                                \
		const char *claim = (part); \
		if (claim != NULL)          \
			return claim;       \
	} while (0)

/* ---- inside */

static const char *wait_isolated(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	return scenario_wait();
}

static const char *wait_isolated_as_front(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_FRONT));
	return scenario_wait();
}

static const char *reach_for_files(void)
{
	struct statfs root;

	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
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
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	HOLDS(setuid(0) < 0);
	HOLDS(setgid(0) < 0);
	HOLDS(mount("none", "/", "tmpfs", 0, NULL) < 0);
	HOLDS(unshare(CLONE_NEWNS) < 0);
	HOLDS(sethostname("x", 1) < 0);
	HOLDS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0) < 0);
	HOLDS(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0);
	HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0);
	HOLDS(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	HOLDS(kill(-1, 0) < 0 && errno == ESRCH);
	return NULL;
}

static const char *reach_for_code(void)
{
	void *page;

	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(page == MAP_FAILED);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(page != MAP_FAILED);
	HOLDS(mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0);
	return NULL;
}

static int bind_port(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, (const struct sockaddr *)&address, sizeof(address));
}

static const char *bind_only_what_is_allowed(void)
{
	const int descriptors[] = { SCENARIO_CONTROL };
	const uint16_t ports[] = { 47123 };
	const struct jail_isolation isolation = {
		.descriptors = descriptors,
		.descriptor_count = 1,
		.ports = ports,
		.port_count = 1,
	};
	struct jail_report report;

	HOLDS(jail_isolate(profile_of(JAIL_FRONT), &isolation, &report) ==
	      ERR_OK);
	if ((report.optional & JAIL_LANDLOCK_NETWORK) == 0)
		return NULL;
	HOLDS(bind_port(47123) == 0);
	HOLDS(bind_port(47124) < 0 && errno == EACCES);
	return NULL;
}

static const char *find_no_network(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(53) };
	int fd;

	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	HOLDS(fd >= 0);
	HOLDS(connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
	      0);
	HOLDS(errno == ENETUNREACH);
	return NULL;
}

static atomic_size_t running;

static void *wait_for_ever(void *unused)
{
	running++;
	for (;;)
		poll(NULL, 0, -1); /* a call that every filter here allows */
	return unused;
}

/* Threads that run: until they do, libc makes calls of its own in them. */
static const char *make_threads(size_t count)
{
	pthread_t thread;

	for (size_t i = 0; i < count; i++)
		HOLDS(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	while (running != count)
		;
	return NULL;
}

static const char *expect_failure(const struct jail_isolation *isolation,
				  enum jail_step step)
{
	struct jail_report report;

	HOLDS(jail_isolate(profile_of(JAIL_KEEPER), isolation, &report) ==
	      ERR_UNAVAILABLE);
	if (report.failed != step)
		return jail_step_name(report.failed);
	HOLDS(report.error != 0);
	return NULL;
}

static const int control[] = { SCENARIO_CONTROL };
static const struct jail_isolation isolation = { .descriptors = control,
						 .descriptor_count = 1 };

static const char *isolate_with_a_thread(void)
{
	HOLDS_WITHIN(make_threads(1));
	return expect_failure(&isolation, JAIL_STEP_ALONE);
}

static const char *isolate_with_a_directory(void)
{
	const int leaky[] = { SCENARIO_CONTROL, SCENARIO_CONTROL + 1 };
	const struct jail_isolation with_directory = { .descriptors = leaky,
						       .descriptor_count = 2 };

	HOLDS(open("/", O_RDONLY | O_DIRECTORY) == SCENARIO_CONTROL + 1);
	return expect_failure(&with_directory, JAIL_STEP_DESCRIPTORS);
}

static const char *isolate_with_a_directory_as_log(void)
{
	int directory = open("/", O_RDONLY | O_DIRECTORY);

	HOLDS(dup2(directory, STDERR_FILENO) == STDERR_FILENO);
	return expect_failure(&isolation, JAIL_STEP_DESCRIPTORS);
}

static const char *isolate_with_more_descriptors(void)
{
	HOLDS(open("/", O_RDONLY) == SCENARIO_CONTROL + 1);
	HOLDS(dup2(SCENARIO_CONTROL + 1, 700) == 700);
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	for (int fd = SCENARIO_CONTROL + 1; fd < 1024; fd++)
		HOLDS(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	return NULL;
}

static const char *lower_limits_only(void)
{
	struct rlimit limit = { 100, 100 };

	/* Lower than the profile's already, so it has to stay. */
	HOLDS(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	HOLDS(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	HOLDS(limit.rlim_max == 100);
	HOLDS(getrlimit(RLIMIT_CORE, &limit) == 0);
	HOLDS(limit.rlim_max == 0);
	HOLDS(getrlimit(RLIMIT_NPROC, &limit) == 0);
	HOLDS(limit.rlim_max == 0);
	HOLDS(fork() < 0);
	return NULL;
}

/* A call that the kernel refuses, and the step that must notice. */
struct refusal {
	const char *name;
	int call;
	unsigned argument_count;
	uint64_t first_argument;
	enum jail_step step;
	enum {
		EVERYWHERE,
		ROOT_IS_A_MOUNT, /* as nearly everywhere */
		ROOT_IS_NONE,	 /* in a chroot */
	} where;
};

/* Which of the two ways to an empty root this place leaves. */
static bool root_is_a_mount(void)
{
	struct statx root;

	cr_assert_eq(statx(AT_FDCWD, "/", 0, 0, &root), 0);
	return (root.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static const struct refusal refusals[] = {
	{ "task", SYS_newfstatat, 0, 0, JAIL_STEP_ALONE, EVERYWHERE },
	{ "prlimit64", SYS_prlimit64, 0, 0, JAIL_STEP_LIMITS, EVERYWHERE },
	{ "close_range", SYS_close_range, 0, 0, JAIL_STEP_DESCRIPTORS,
	  EVERYWHERE },
	{ "mount", SYS_mount, 0, 0, JAIL_STEP_ROOT, EVERYWHERE },
	{ "chdir", SYS_chdir, 0, 0, JAIL_STEP_ROOT, EVERYWHERE },
	{ "pivot_root", SYS_pivot_root, 0, 0, JAIL_STEP_ROOT, ROOT_IS_A_MOUNT },
	{ "umount2", SYS_umount2, 0, 0, JAIL_STEP_ROOT, ROOT_IS_A_MOUNT },
	{ "fsopen", SYS_fsopen, 0, 0, JAIL_STEP_ROOT, ROOT_IS_NONE },
	{ "fsconfig", SYS_fsconfig, 0, 0, JAIL_STEP_ROOT, ROOT_IS_NONE },
	{ "fsmount", SYS_fsmount, 0, 0, JAIL_STEP_ROOT, ROOT_IS_NONE },
	{ "fchdir", SYS_fchdir, 0, 0, JAIL_STEP_ROOT, ROOT_IS_NONE },
	{ "chroot", SYS_chroot, 0, 0, JAIL_STEP_ROOT, ROOT_IS_NONE },
	{ "sethostname", SYS_sethostname, 0, 0, JAIL_STEP_HOST_NAME,
	  EVERYWHERE },
	{ "ambient", SYS_prctl, 1, PR_CAP_AMBIENT, JAIL_STEP_CAPABILITIES,
	  EVERYWHERE },
	{ "bounding", SYS_prctl, 1, PR_CAPBSET_DROP, JAIL_STEP_CAPABILITIES,
	  EVERYWHERE },
	{ "securebits", SYS_prctl, 1, PR_SET_SECUREBITS, JAIL_STEP_CAPABILITIES,
	  EVERYWHERE },
	{ "capset", SYS_capset, 0, 0, JAIL_STEP_CAPABILITIES, EVERYWHERE },
	{ "no_new_privs", SYS_prctl, 1, PR_SET_NO_NEW_PRIVS,
	  JAIL_STEP_NO_NEW_PRIVILEGES, EVERYWHERE },
	{ "landlock", SYS_landlock_restrict_self, 0, 0, JAIL_STEP_LANDLOCK,
	  EVERYWHERE },
	{ "dumpable", SYS_prctl, 1, PR_SET_DUMPABLE, JAIL_STEP_DUMPABLE,
	  EVERYWHERE },
	{ "pdeathsig", SYS_prctl, 1, PR_GET_PDEATHSIG, JAIL_STEP_PARENT,
	  EVERYWHERE },
};

static int refuse_from_now_on(const struct refusal *refusal)
{
	return refusal_begin(refusal->call, refusal->argument_count,
			     refusal->first_argument);
}

/* The test sends the number of a line of the table above. */
static const char *isolate_against_a_refusal(void)
{
	uint8_t index;

	HOLDS(read(SCENARIO_CONTROL, &index, 1) == 1);
	HOLDS(refuse_from_now_on(&refusals[index]) == 0);
	return expect_failure(&isolation, refusals[index].step);
}

/* What a kernel may lack is reported, and the rest is done all the same. */
static const char *isolate_without_the_optional(void)
{
	static const struct refusal without[] = {
		{ "", SYS_landlock_create_ruleset, 0, 0, JAIL_STEP_NONE,
		  EVERYWHERE },
		{ "", SYS_prctl, 1, 65, JAIL_STEP_NONE, EVERYWHERE },
	};
	struct jail_report report;

	HOLDS(refuse_from_now_on(&without[0]) == 0);
	HOLDS(refuse_from_now_on(&without[1]) == 0);
	HOLDS(jail_isolate(profile_of(JAIL_KEEPER), &isolation, &report) ==
	      ERR_OK);
	HOLDS(report.landlock_abi == 0);
	HOLDS(report.optional == 0);
	HOLDS(access("/etc", F_OK) < 0);
	return NULL;
}

static const char *isolate_twice(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	return expect_failure(&isolation, JAIL_STEP_ALONE);
}

static const char *enter(enum jail_role role)
{
	static struct jail_filter filter;
	struct jail_report report = { 0 };

	HOLDS(filter_compile(profile_of(role), &filter) == ERR_OK);
	if (jail_enter(&filter, &report) != ERR_OK)
		return jail_step_name(report.failed);
	return NULL;
}

static const char *wait_entered_with_threads(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_FRONT));
	HOLDS_WITHIN(make_threads(3));
	HOLDS_WITHIN(enter(JAIL_FRONT));
	return scenario_wait();
}

static const char *enter_and_make_a_socket(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	HOLDS_WITHIN(enter(JAIL_KEEPER));
	socket(AF_UNIX, SOCK_STREAM, 0);
	return "it could";
}

static const char *enter_and_map_code(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_ZYGOTE));
	HOLDS_WITHIN(enter(JAIL_ZYGOTE));
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	     0);
	return "it could";
}

static const char *enter_and_fork_a_namespace(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_ZYGOTE));
	HOLDS_WITHIN(enter(JAIL_ZYGOTE));
	syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	return "it could";
}

static const char *enter_as_front_and_fork(void)
{
	HOLDS_WITHIN(scenario_isolate(JAIL_FRONT));
	HOLDS_WITHIN(enter(JAIL_FRONT));
	fork();
	return "it could";
}

static const char *enter_as_front_and_look_for_files(void)
{
	pthread_t thread;

	HOLDS_WITHIN(scenario_isolate(JAIL_FRONT));
	/* As gRPC has by then: libc sets itself up with the first thread. */
	HOLDS_WITHIN(make_threads(1));
	HOLDS_WITHIN(enter(JAIL_FRONT));
	/* What gRPC does in passing must fail and not kill. */
	HOLDS(open("/etc/localtime", O_RDONLY) < 0 && errno == EACCES);
	HOLDS(prctl(PR_SET_NAME, "x") < 0 && errno == EACCES);
	HOLDS(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	return NULL;
}

static const char *enter_against_a_refusal(void)
{
	static struct jail_filter filter;
	static const struct refusal refused = {
		"", SYS_seccomp, 0, 0, JAIL_STEP_FILTER, EVERYWHERE
	};
	struct jail_report report = { 0 };

	HOLDS(filter_compile(profile_of(JAIL_KEEPER), &filter) == ERR_OK);
	HOLDS_WITHIN(scenario_isolate(JAIL_KEEPER));
	HOLDS(refuse_from_now_on(&refused) == 0);
	HOLDS(jail_enter(&filter, &report) == ERR_UNAVAILABLE);
	HOLDS(report.failed == JAIL_STEP_FILTER && report.error == EPERM);
	return NULL;
}

static const char *expect_channels(int keeper)
{
	static struct jail_filter filter;
	struct jail_report report = { 0 };

	HOLDS(filter_compile(profile_of(JAIL_WORKER), &filter) == ERR_OK);
	HOLDS_WITHIN(scenario_isolate(JAIL_ZYGOTE));
	HOLDS(keeper < 0 || dup2(keeper, JAIL_FD_KEEPER) == JAIL_FD_KEEPER);
	HOLDS(jail_enter(&filter, &report) == ERR_UNAVAILABLE);
	HOLDS(report.failed == JAIL_STEP_DESCRIPTORS);
	HOLDS(report.error == (keeper < 0 ? EBADF : ENOTSOCK));
	return NULL;
}

static const char *enter_as_worker_without_a_keeper(void)
{
	return expect_channels(-1);
}

static const char *enter_as_worker_with_a_file_as_keeper(void)
{
	return expect_channels(STDOUT_FILENO);
}

/* The call itself: a sanitizer's _exit() does more than a worker may. */
_Noreturn static void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

/* In a zygote that has entered its jail: everything that a worker needs. */
_Noreturn static void work_once(const struct jail_filter *filter, int front,
				int keeper)
{
	struct jail_report report = { 0 };
	char byte;

	if (dup2(front, 30) < 0 || dup2(keeper, 31) < 0 ||
	    dup2(30, JAIL_FD_FRONT) < 0 || dup2(31, JAIL_FD_KEEPER) < 0)
		_exit(2);
	if (make_threads(1) != NULL)
		_exit(3);
	if (jail_enter(filter, &report) != ERR_OK)
		_exit(10 + (int)report.failed);
	if (read(JAIL_FD_FRONT, &byte, 1) != 1 ||
	    write(JAIL_FD_KEEPER, &byte, 1) != 1 ||
	    write(JAIL_FD_FRONT, &byte, 1) != 1)
		leave(4);
	leave(0);
}

static const char *fork_a_worker_in_a_zygote(void)
{
	static struct jail_filter worker;
	int front[2], keeper[2], status;
	char byte = 'x';
	pid_t pid;

	HOLDS(filter_compile(profile_of(JAIL_WORKER), &worker) == ERR_OK);
	HOLDS_WITHIN(scenario_isolate(JAIL_ZYGOTE));
	HOLDS_WITHIN(enter(JAIL_ZYGOTE));
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, front) == 0);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, keeper) == 0);
	pid = fork();
	if (pid == 0)
		work_once(&worker, front[1], keeper[1]);
	close(front[1]);
	close(keeper[1]);
	HOLDS(write(front[0], &byte, 1) == 1);
	HOLDS(read(front[0], &byte, 1) == 1 && byte == 'x');
	HOLDS(read(keeper[0], &byte, 1) == 1 && byte == 'x');
	HOLDS(waitpid(pid, &status, 0) == pid);
	HOLDS(WIFEXITED(status));
	HOLDS(WEXITSTATUS(status) == 0);
	return NULL;
}

#define SCENARIO(function)          \
	{                           \
#function, function \
	}

static const struct scenario scenarios[] = {
	SCENARIO(wait_isolated),
	SCENARIO(wait_isolated_as_front),
	SCENARIO(wait_entered_with_threads),
	SCENARIO(reach_for_files),
	SCENARIO(reach_for_power),
	SCENARIO(reach_for_code),
	SCENARIO(bind_only_what_is_allowed),
	SCENARIO(find_no_network),
	SCENARIO(isolate_with_a_thread),
	SCENARIO(isolate_with_a_directory),
	SCENARIO(isolate_with_a_directory_as_log),
	SCENARIO(isolate_with_more_descriptors),
	SCENARIO(isolate_twice),
	SCENARIO(isolate_without_the_optional),
	SCENARIO(isolate_against_a_refusal),
	SCENARIO(lower_limits_only),
	SCENARIO(enter_and_make_a_socket),
	SCENARIO(enter_and_map_code),
	SCENARIO(enter_and_fork_a_namespace),
	SCENARIO(enter_as_front_and_fork),
	SCENARIO(enter_as_front_and_look_for_files),
	SCENARIO(enter_against_a_refusal),
	SCENARIO(enter_as_worker_without_a_keeper),
	SCENARIO(enter_as_worker_with_a_file_as_keeper),
	SCENARIO(fork_a_worker_in_a_zygote),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return scenario_main(scenarios, argc, argv);
}

/* ---- outside */

#define ROLE_TEST(name, scenario, role)         \
	SCENARIO_TEST(jail, name)               \
	{                                       \
		scenario_holds(scenario, role); \
	}

ROLE_TEST(the_root_is_empty_and_read_only, "reach_for_files", JAIL_KEEPER)
ROLE_TEST(no_power_can_be_had_back, "reach_for_power", JAIL_KEEPER)
ROLE_TEST(no_page_becomes_executable, "reach_for_code", JAIL_KEEPER)
ROLE_TEST(only_the_allowed_port_can_be_bound, "bind_only_what_is_allowed",
	  JAIL_FRONT)
ROLE_TEST(there_is_no_network, "find_no_network", JAIL_KEEPER)
ROLE_TEST(a_second_thread_is_refused, "isolate_with_a_thread", JAIL_KEEPER)
ROLE_TEST(a_directory_is_not_kept, "isolate_with_a_directory", JAIL_KEEPER)
ROLE_TEST(a_directory_as_log_is_refused, "isolate_with_a_directory_as_log",
	  JAIL_KEEPER)
ROLE_TEST(only_listed_descriptors_stay_open, "isolate_with_more_descriptors",
	  JAIL_KEEPER)
ROLE_TEST(what_the_kernel_lacks_is_reported, "isolate_without_the_optional",
	  JAIL_KEEPER)
ROLE_TEST(isolating_twice_is_refused, "isolate_twice", JAIL_KEEPER)
ROLE_TEST(a_limit_is_lowered_and_never_raised, "lower_limits_only", JAIL_KEEPER)
ROLE_TEST(a_refused_filter_is_reported, "enter_against_a_refusal", JAIL_KEEPER)
ROLE_TEST(a_worker_needs_its_two_channels, "enter_as_worker_without_a_keeper",
	  JAIL_ZYGOTE)
ROLE_TEST(a_worker_takes_sockets_alone, "enter_as_worker_with_a_file_as_keeper",
	  JAIL_ZYGOTE)

SCENARIO_TEST(jail, a_worker_works_in_a_jailed_zygote)
{
	scenario_skip_if_sanitized();
	scenario_holds("fork_a_worker_in_a_zygote", JAIL_ZYGOTE);
}

SCENARIO_TEST(jail, the_front_is_told_that_there_are_no_files)
{
	scenario_skip_if_sanitized();
	scenario_holds("enter_as_front_and_look_for_files", JAIL_FRONT);
}

static void is_killed_by_the_filter(const char *name, enum jail_role role)
{
	struct scenario_run run;
	int status;

	scenario_spawn(name, role, -1, &run);
	scenario_hear(&run);
	cr_assert_str_empty(run.said, "%s", run.said);
	status = scenario_end(&run);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGSYS);
}

SCENARIO_TEST(jail, a_keeper_that_makes_a_socket_is_killed)
{
	is_killed_by_the_filter("enter_and_make_a_socket", JAIL_KEEPER);
}

SCENARIO_TEST(jail, a_zygote_that_maps_code_is_killed)
{
	is_killed_by_the_filter("enter_and_map_code", JAIL_ZYGOTE);
}

SCENARIO_TEST(jail, a_zygote_that_forks_a_namespace_is_killed)
{
	is_killed_by_the_filter("enter_and_fork_a_namespace", JAIL_ZYGOTE);
}

SCENARIO_TEST(jail, a_front_that_forks_is_killed)
{
	is_killed_by_the_filter("enter_as_front_and_fork", JAIL_FRONT);
}

SCENARIO_TEST(jail, a_step_that_fails_is_reported_by_name)
{
	int other = root_is_a_mount() ? ROOT_IS_NONE : ROOT_IS_A_MOUNT;

	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct scenario_run run;
		uint8_t index = (uint8_t)i;

		if ((int)refusals[i].where == other)
			continue;
		scenario_spawn("isolate_against_a_refusal", JAIL_KEEPER, -1,
			       &run);
		cr_assert_eq(send(run.control, &index, 1, 0), 1);
		scenario_hear(&run);
		cr_expect_str_eq(run.said, "holds", "%s: %s", refusals[i].name,
				 run.said);
		cr_expect_eq(scenario_end(&run), 0);
	}
}

/* The value of a line of /proc/PID/status, without blanks around it. */
static void read_status(const char *path, const char *name, char value[64])
{
	FILE *file = fopen(path, "r");
	char line[256];

	cr_assert_not_null(file, "%s", path);
	value[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0 &&
		    line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, " %63[^\n]", value);
	}
	fclose(file);
}

static void expect_status(const char *path, const char *name,
			  const char *expected)
{
	char value[64];

	read_status(path, name, value);
	cr_expect_str_eq(value, expected, "%s: %s is %s", path, name, value);
}

static void expect_no_capability(const char *path)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff",
					    "CapBnd", "CapAmb" };

	for (size_t i = 0; i < COUNT_OF(sets); i++)
		expect_status(path, sets[i], "0000000000000000");
	expect_status(path, "NoNewPrivs", "1");
}

SCENARIO_TEST(jail, an_isolated_role_has_no_capability_and_gains_none)
{
	struct scenario_run run;
	char path[64], uid[64];

	scenario_spawn("wait_isolated", JAIL_KEEPER, -1, &run);
	scenario_hear(&run);
	cr_assert_str_eq(run.said, "look");
	snprintf(path, sizeof(path), "/proc/%d/status", run.child.pid);
	expect_no_capability(path);
	read_status(path, "Uid", uid);
	cr_expect_neq(uid[0], '0', "it is user 0 outside");
	scenario_go_on(&run);
	cr_assert_eq(scenario_end(&run), 0);
}

SCENARIO_TEST(jail, the_filter_is_on_every_thread)
{
	struct scenario_run run;
	char path[64];
	size_t threads = 0;
	DIR *tasks;

	scenario_spawn("wait_entered_with_threads", JAIL_FRONT, -1, &run);
	scenario_hear(&run);
	cr_assert_str_eq(run.said, "look");
	snprintf(path, sizeof(path), "/proc/%d/task", run.child.pid);
	tasks = opendir(path);
	cr_assert_not_null(tasks);
	for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
		char status[512];

		if (task->d_name[0] == '.')
			continue;
		snprintf(status, sizeof(status), "%s/%s/status", path,
			 task->d_name);
		expect_status(status, "Seccomp", "2");
		expect_no_capability(status);
		threads++;
	}
	closedir(tasks);
	cr_expect_eq(threads, 4);
	scenario_go_on(&run);
	cr_assert_eq(scenario_end(&run), 0);
}

static bool same_namespace(pid_t pid, const char *kind)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	cr_assert_eq(stat(path, &ours), 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	cr_assert_eq(stat(path, &theirs), 0);
	return ours.st_ino == theirs.st_ino;
}

static size_t entries(pid_t pid, const char *what)
{
	char path[64];
	size_t count = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	directory = opendir(path);
	cr_assert_not_null(directory, "%s", path);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += strcmp(entry->d_name, ".") != 0 &&
			 strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}

static size_t lines(pid_t pid, const char *what)
{
	char path[64];
	size_t count = 0;
	FILE *file;
	int byte;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	while ((byte = fgetc(file)) != EOF)
		count += byte == '\n';
	fclose(file);
	return count;
}

/* Root looks from outside, so that the role cannot tell a tale. */
static void look_from_outside(const char *name, enum jail_role role,
			      bool shares_network)
{
	static const char *const own[] = { "pid", "mnt", "ipc", "uts",
					   "cgroup" };
	struct scenario_run run;

	scenario_become(SCENARIO_ROOT);
	scenario_spawn(name, role, -1, &run);
	scenario_hear(&run);
	cr_assert_str_eq(run.said, "look");
	for (size_t i = 0; i < COUNT_OF(own); i++)
		cr_expect_not(same_namespace(run.child.pid, own[i]), "%s",
			      own[i]);
	cr_expect_eq(same_namespace(run.child.pid, "net"), shares_network);
	cr_expect_eq(entries(run.child.pid, "root"), 0);
	cr_expect_eq(entries(run.child.pid, "fd"), 4);
	/* None at all where its root was never mounted: see jail.c on chroots. */
	cr_expect_leq(lines(run.child.pid, "mountinfo"), 1);
	cr_expect_eq(lines(run.child.pid, "environ"), 0);
	scenario_go_on(&run);
	cr_assert_eq(scenario_end(&run), 0);
}

Test(jail, root_sees_a_keeper_with_nothing_of_the_machine)
{
	look_from_outside("wait_isolated", JAIL_KEEPER, false);
}

Test(jail, root_sees_a_front_with_nothing_but_the_network)
{
	look_from_outside("wait_isolated_as_front", JAIL_FRONT, true);
}

Test(jail, a_process_that_was_not_spawned_is_not_isolated)
{
	const struct jail_isolation nothing = { 0 };
	struct jail_report report;

	cr_assert_eq(jail_isolate(profile_of(JAIL_KEEPER), &nothing, &report),
		     ERR_UNAVAILABLE);
	cr_assert_eq(report.failed, JAIL_STEP_ALONE);
}

Test(jail, every_step_has_a_name)
{
	for (unsigned step = 0; step < JAIL_STEPS; step++)
		cr_expect_not_null(jail_step_name((enum jail_step)step));
	cr_expect_str_eq(jail_step_name(JAIL_STEPS), "unknown");
}
