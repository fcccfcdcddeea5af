/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a node that serves have: descriptors, files, memory,
 * limits.  Root looks from outside; to others much of it does not show.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "sandbox/jail.h"
#include "sandbox/landlock.h"
#include "tests/figure.h"
#include "tests/scenarios/jailed.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DESCRIPTORS_MAX 64
#define MAPPINGS_MAX 1024

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(bare, .fini = stop);

/* ---- descriptors */

enum kind {
	KIND_VOID, /* /dev/null */
	KIND_LOG,  /* whatever the node was given for it */
	KIND_SOCKET,
	KIND_CHILD, /* a pidfd */
	KIND_WAIT,  /* epoll, eventfd: gRPC's own */
	KIND_OTHER,
	KINDS
};

static enum kind kind_of(pid_t pid, int fd)
{
	char path[64], name[64] = "";
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	cr_assert_geq(readlink(path, name, sizeof(name) - 1), 0);
	cr_assert_eq(stat(path, &status), 0);
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
		return KIND_VOID;
	if (S_ISSOCK(status.st_mode))
		return KIND_SOCKET;
	if (strstr(name, "pidfd") != NULL)
		return KIND_CHILD;
	if (strcmp(name, "anon_inode:[eventpoll]") == 0 ||
	    strcmp(name, "anon_inode:[eventfd]") == 0)
		return KIND_WAIT;
	return fd == STDERR_FILENO ? KIND_LOG : KIND_OTHER;
}

/* How many of each kind there are; -1: as many as there are connections. */
static const int expected[JAIL_ROLES][KINDS] = {
	[JAIL_WORKER] = { [KIND_SOCKET] = 2 },
	/* Control, front, zygote, and one for each worker. */
	[JAIL_KEEPER] = { [KIND_VOID] = 2,
			  [KIND_LOG] = 1,
			  [KIND_SOCKET] = 3 + JAILED_WORKERS },
	/* Control, front, keeper. */
	[JAIL_ZYGOTE] = { [KIND_VOID] = 2,
			  [KIND_LOG] = 1,
			  [KIND_SOCKET] = 3,
			  [KIND_CHILD] = JAILED_WORKERS },
	[JAIL_FRONT] = { [KIND_VOID] = 2,
			 [KIND_LOG] = 1,
			 [KIND_SOCKET] = -1,
			 [KIND_WAIT] = -1 },
};

static uint64_t count_wrong_descriptors(pid_t pid, enum jail_role role,
					uint64_t *seen)
{
	int open[DESCRIPTORS_MAX], found[KINDS] = { 0 };
	ssize_t count = process_descriptors(pid, open, DESCRIPTORS_MAX);
	uint64_t wrong = 0;

	cr_assert_gt(count, 0);
	for (ssize_t i = 0; i < count; i++)
		found[kind_of(pid, open[i])]++;
	for (int kind = 0; kind < KINDS; kind++) {
		int most = expected[role][kind];

		if (most >= 0 && found[kind] != most) {
			wrong++;
			cr_expect_fail("role %d has %d of kind %d", role,
				       found[kind], kind);
		}
	}
	*seen += (uint64_t)count;
	return wrong;
}

JAILED_TEST(bare, every_role_has_its_channels_and_no_other_descriptor)
{
	int control[DESCRIPTORS_MAX], other = 0;
	struct jailed_list all;
	uint64_t wrong = 0, seen = 0;
	ssize_t count;

	if (geteuid() != 0)
		cr_skip_test("only root may look at descriptors");
	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++)
		wrong += count_wrong_descriptors(all.pids[i], all.roles[i],
						 &seen);
	/* The supervisor holds the model file, and more. */
	count = process_descriptors(pcc.pids[SYSTEM_NODE], control,
				    DESCRIPTORS_MAX);
	for (ssize_t i = 0; i < count; i++)
		other += kind_of(pcc.pids[SYSTEM_NODE], control[i]) ==
			 KIND_OTHER;
	figure_none("E5", "kinds of descriptors that a role should not have",
		    wrong, seen, (uint64_t)other);
}

/* ---- files */

static size_t entries_of(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	cr_assert_not_null(folder, "%s", path);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += strcmp(entry->d_name, ".") != 0 &&
			 strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return count;
}

static bool has_nothing(pid_t pid)
{
	char path[64];
	struct statfs root;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	cr_assert_eq(statfs(path, &root), 0);
	return root.f_type == TMPFS_MAGIC && root.f_ffree == 0 &&
	       (root.f_flags & ST_RDONLY) != 0 &&
	       (root.f_flags & ST_NOEXEC) != 0 && entries_of(path) == 0;
}

JAILED_TEST(bare, every_role_has_an_empty_root)
{
	struct jailed_list all;
	uint64_t good = 0;

	if (geteuid() != 0)
		cr_skip_test("only root may look at roots");
	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++)
		good += has_nothing(all.pids[i]);
	cr_expect_not(has_nothing(pcc.pids[SYSTEM_GATEWAY]));
	figure_all("E5",
		   "jailed processes whose root is an empty read-only "
		   "file system",
		   good, all.count);
}

/* ---- memory */

static struct process_mapping mappings[MAPPINGS_MAX];

static bool has_right(const struct process_mapping *mapping, char right)
{
	return strchr(mapping->rights, right) != NULL;
}

/* What the kernel puts into every process has no file. */
static bool is_the_kernels(const struct process_mapping *mapping)
{
	return strcmp(mapping->name, "[vdso]") == 0 ||
	       strcmp(mapping->name, "[vsyscall]") == 0;
}

/* Code that could be written, or that is of no file that may not be. */
static uint64_t count_code_of_its_own(pid_t pid, uint64_t *seen)
{
	ssize_t count = process_mappings(pid, mappings, MAPPINGS_MAX);
	uint64_t found = 0;

	cr_assert_gt(count, 0);
	cr_assert_lt(count, MAPPINGS_MAX);
	for (ssize_t i = 0; i < count; i++) {
		if (!has_right(&mappings[i], 'x') ||
		    is_the_kernels(&mappings[i]))
			continue;
		found += has_right(&mappings[i], 'w') ||
			 has_right(&mappings[i], 's') || mappings[i].inode == 0;
	}
	*seen += (uint64_t)count;
	return found;
}

JAILED_TEST(bare, no_role_has_code_that_it_could_write_or_that_is_of_no_file)
{
	struct jailed_list all;
	uint64_t found = 0, seen = 0, ours = 0;

	if (geteuid() != 0)
		cr_skip_test("only root may look at mappings");
	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++)
		found += count_code_of_its_own(all.pids[i], &seen);
	/* We are in no jail. */
	cr_assert_neq(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		      MAP_FAILED);
	figure_none("E5",
		    "mappings of jailed processes that are code and "
		    "could be written, or are of no file",
		    found, seen, count_code_of_its_own(getpid(), &ours));
}

/* Memory that is shared and can be written: an arena, and nothing else. */
static size_t shared_memory(pid_t pid, uint64_t inodes[static MAPPINGS_MAX])
{
	ssize_t count = process_mappings(pid, mappings, MAPPINGS_MAX);
	size_t found = 0;

	cr_assert_gt(count, 0);
	for (ssize_t i = 0; i < count; i++)
		if (has_right(&mappings[i], 'w') &&
		    has_right(&mappings[i], 's'))
			inodes[found++] = mappings[i].inode;
	return found;
}

JAILED_TEST(bare, a_worker_shares_its_one_arena_with_the_zygote_alone)
{
	static uint64_t first[MAPPINGS_MAX], second[MAPPINGS_MAX],
		zygote[MAPPINGS_MAX];
	struct process_list workers;
	size_t all, found = 0;

	if (geteuid() != 0)
		cr_skip_test("only root may look at mappings");
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, JAILED_WORKERS);
	cr_assert_eq(shared_memory(workers.pids[0], first), 1);
	cr_assert_eq(shared_memory(workers.pids[1], second), 1);
	cr_expect_neq(first[0], second[0]);
	all = shared_memory(process_role(pcc.pids[SYSTEM_NODE], JAIL_ZYGOTE),
			    zygote);
	cr_expect_eq(all, JAILED_WORKERS);
	for (size_t i = 0; i < all; i++)
		found += zygote[i] == first[0] || zygote[i] == second[0];
	cr_expect_eq(found, JAILED_WORKERS);
}

/* ---- limits, and what the kernel may lack */

/* As /proc calls them. */
static const char *name_of(unsigned resource)
{
	static const char *const names[RLIMIT_NLIMITS] = {
		[RLIMIT_CORE] = "Max core file size",
		[RLIMIT_FSIZE] = "Max file size",
		[RLIMIT_NOFILE] = "Max open files",
		[RLIMIT_NPROC] = "Max processes",
		[RLIMIT_MSGQUEUE] = "Max msgqueue size",
		[RLIMIT_STACK] = "Max stack size",
		[RLIMIT_CPU] = "Max cpu time",
		[RLIMIT_AS] = "Max address space",
		[RLIMIT_DATA] = "Max data size",
		[RLIMIT_MEMLOCK] = "Max locked memory",
		[RLIMIT_LOCKS] = "Max file locks",
		[RLIMIT_SIGPENDING] = "Max pending signals",
		[RLIMIT_NICE] = "Max nice priority",
		[RLIMIT_RTPRIO] = "Max realtime priority",
		[RLIMIT_RTTIME] = "Max realtime timeout",
	};

	cr_assert_not_null(names[resource], "limit %u has no name", resource);
	return names[resource];
}

JAILED_TEST(bare, every_role_has_the_limits_of_its_profile)
{
	struct jailed_list all;
	uint64_t good = 0, tries = 0;

	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++) {
		const struct jail_profile *profile = profile_of(all.roles[i]);

		for (size_t j = 0; j < profile->limit_count; j++) {
			const struct jail_limit *wanted = &profile->limits[j];
			struct process_limit now;

			cr_assert(process_limit(
				all.pids[i], name_of(wanted->resource), &now));
			tries++;
			good += now.hard <= wanted->max && now.soft == now.hard;
		}
	}
	figure_all("E5", "limits of jailed processes as their profile has them",
		   good, tries);
}

/* Kernels that share processors out among sessions then do so by worker. */
JAILED_TEST(bare, every_role_and_every_worker_has_a_session_of_its_own)
{
	struct jailed_list all;
	uint64_t good = 0;

	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++)
		good += getsid(all.pids[i]) == all.pids[i];
	cr_expect_neq(getsid(pcc.pids[SYSTEM_GATEWAY]),
		      pcc.pids[SYSTEM_GATEWAY]);
	figure_all("E8", "jailed processes with a session of their own", good,
		   all.count);
}

/* Newer than the headers of Debian 12. */
#define GET_MDWE 66

JAILED_TEST(bare, every_role_takes_every_second_lock_that_this_kernel_has)
{
	unsigned abi = landlock_abi(), optional = 0;
	char line[64];

	if (abi >= 1)
		optional |= JAIL_LANDLOCK_FILES;
	if (abi >= 4)
		optional |= JAIL_LANDLOCK_NETWORK;
	if (abi >= 6)
		optional |= JAIL_LANDLOCK_SCOPE;
	if (prctl(GET_MDWE, 0, 0, 0, 0) >= 0)
		optional |= JAIL_NO_WRITE_EXECUTE;
	for (int role = JAIL_FRONT; role <= JAIL_ZYGOTE; role++) {
		snprintf(line, sizeof(line),
			 "role_started role=%d landlock=%u optional=%u\n", role,
			 abi, optional);
		cr_expect(system_await_log(&pcc, SYSTEM_NODE, line, 1000), "%s",
			  line);
	}
}
