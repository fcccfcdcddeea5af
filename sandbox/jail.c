/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/capability.h"
#include "sandbox/landlock.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MOUNT_NOTHING (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define FIRST_PID 1

/* Newer than the headers of Debian 12. */
#define SET_MDWE 65 /* PR_SET_MDWE */
#define MDWE_REFUSE_EXEC_GAIN 1

static const char *const step_names[JAIL_STEPS] = {
	[JAIL_STEP_NONE] = "none",
	[JAIL_STEP_CLONE] = "namespaces",
	[JAIL_STEP_PARENT] = "death with the supervisor",
	[JAIL_STEP_IDS] = "user and group",
	[JAIL_STEP_AMBIENT] = "capabilities to isolate",
	[JAIL_STEP_DESCRIPTORS] = "descriptors",
	[JAIL_STEP_EXECUTE] = "execution",
	[JAIL_STEP_ALONE] = "first and only thread",
	[JAIL_STEP_LIMITS] = "limits",
	[JAIL_STEP_ROOT] = "empty root",
	[JAIL_STEP_HOST_NAME] = "host name",
	[JAIL_STEP_CAPABILITIES] = "no capabilities",
	[JAIL_STEP_NO_NEW_PRIVILEGES] = "no new privileges",
	[JAIL_STEP_LANDLOCK] = "landlock",
	[JAIL_STEP_DUMPABLE] = "no core",
	[JAIL_STEP_FILTER] = "system-call filter",
};

const char *jail_step_name(enum jail_step step)
{
	if ((size_t)step >= JAIL_STEPS)
		return "unknown";
	return step_names[step];
}

/* What the measures below are told, and tell. */
struct jailing {
	const struct jail_profile *profile;
	const struct jail_isolation *isolation;
	const struct jail_filter *filter;
	struct jail_report *report;
};

struct measure {
	enum jail_step step;
	enum err (*take)(const struct jailing *jailing);
};

/* One after the other; the first that fails ends it. */
static enum err take_all(const struct measure *measures, size_t count,
			 const struct jailing *jailing)
{
	jailing->report->failed = JAIL_STEP_NONE;
	jailing->report->error = 0;
	for (size_t i = 0; i < count; i++) {
		errno = 0;
		if (measures[i].take(jailing) == ERR_OK)
			continue;
		jailing->report->failed = measures[i].step;
		jailing->report->error = errno;
		return ERR_UNAVAILABLE;
	}
	return ERR_OK;
}

static enum err zero_is_ok(int result)
{
	return result == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

/*
 * Most of what follows binds the calling thread alone, so a second one, made by
 * a library's constructor for instance, would stay free.
 */
static enum err be_alone(const struct jailing *jailing)
{
	struct stat tasks;

	(void)jailing;
	errno = EPERM;
	if (getpid() != FIRST_PID || getuid() == 0 || geteuid() == 0)
		return ERR_UNAVAILABLE;
	if (stat("/proc/self/task", &tasks) != 0)
		return ERR_UNAVAILABLE;
	/* "." and ".." and one directory for each thread */
	return zero_is_ok(tasks.st_nlink != 3);
}

enum err jail_lower_limit(unsigned resource, uint64_t max)
{
	struct rlimit now;

	if (prlimit(0, resource, NULL, &now) != 0)
		return ERR_UNAVAILABLE;
	if (now.rlim_max > max)
		now.rlim_max = max;
	/* Whether soft or hard: nothing waits for a warning. */
	now.rlim_cur = now.rlim_max;
	return zero_is_ok(prlimit(0, resource, &now, NULL));
}

static enum err apply_limits(const struct jailing *jailing)
{
	const struct jail_profile *profile = jailing->profile;

	for (size_t i = 0; i < profile->limit_count; i++)
		TRY(jail_lower_limit(profile->limits[i].resource,
				     profile->limits[i].max));
	return ERR_OK;
}

static enum err close_between(unsigned first, unsigned end)
{
	if (first >= end)
		return ERR_OK;
	return zero_is_ok((int)syscall(SYS_close_range, first, end - 1, 0));
}

/* A directory that stays open is a way around the empty root. */
static enum err refuse_directory(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return errno == EBADF ? ERR_OK : ERR_UNAVAILABLE;
	errno = EISDIR;
	return zero_is_ok(S_ISDIR(status.st_mode));
}

static enum err keep_listed_descriptors(const struct jailing *jailing)
{
	const struct jail_isolation *isolation = jailing->isolation;
	unsigned next = STDERR_FILENO + 1;

	for (size_t i = 0; i < isolation->descriptor_count; i++) {
		unsigned kept = (unsigned)isolation->descriptors[i];

		invariant(kept >= next);
		TRY(close_between(next, kept));
		TRY(refuse_directory((int)kept));
		next = kept + 1;
	}
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		TRY(refuse_directory(fd));
	return close_between(next, ~0u);
}

/*
 * The root in a chroot, which is no mount and so cannot be exchanged for one: a
 * file system without a file that was never mounted anywhere becomes the root.
 * What was the root before stays in the mount namespace, but no path, no
 * descriptor and no capability leads to it.
 */
static enum err detached_root(void)
{
	SCOPED_FD context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	SCOPED_FD empty = -1;

	if (context < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "size", "4k", 0) != 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) != 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "0555", 0) != 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		return ERR_UNAVAILABLE;
	empty = fsmount(context, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
				MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (empty < 0 || fchdir(empty) != 0 || chroot(".") != 0)
		return ERR_UNAVAILABLE;
	return zero_is_ok(chdir("/"));
}

/*
 * A file system without a file becomes the root, and the machine's is taken
 * away below it.  /proc is where it is put first, because that is a directory
 * which every machine that can start a role has.
 */
static enum err empty_root(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return errno == EINVAL ? detached_root() : ERR_UNAVAILABLE;
	if (mount("none", "/proc", "tmpfs", MOUNT_NOTHING | MS_RDONLY,
		  "size=4k,nr_inodes=1,mode=0555") != 0 ||
	    chdir("/proc") != 0)
		return ERR_UNAVAILABLE;
	/* The new root on top of the old one, at the same place. */
	if (syscall(SYS_pivot_root, ".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0)
		return ERR_UNAVAILABLE;
	return zero_is_ok(chdir("/"));
}

/*
 * One directory of the machine, held by a mount that was never put anywhere, so
 * that nothing is above it.
 */
static enum err enter_directory(int tree)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_NOSUID |
						     MOUNT_ATTR_NODEV |
						     MOUNT_ATTR_NOEXEC };

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes,
			  sizeof(attributes)) != 0 ||
	    fchdir(tree) != 0 || chroot(".") != 0)
		return ERR_UNAVAILABLE;
	return zero_is_ok(chdir("/"));
}

static enum err take_root(const struct jailing *jailing)
{
	const char *directory = jailing->isolation->directory;
	SCOPED_FD tree = -1;

	if (directory == NULL)
		return empty_root();
	tree = open_tree(AT_FDCWD, directory,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return ERR_UNAVAILABLE;
	TRY(empty_root());
	return enter_directory(tree);
}

static enum err take_host_name(const struct jailing *jailing)
{
	(void)jailing;
	return zero_is_ok(sethostname("node", 4) != 0 ||
			  setdomainname("", 0) != 0);
}

static enum err drop_capabilities(const struct jailing *jailing)
{
	(void)jailing;
	return capability_drop_all();
}

static enum err refuse_new_privileges(const struct jailing *jailing)
{
	(void)jailing;
	return zero_is_ok(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* A kernel without it is reported; one that has it and fails is an error. */
static enum err restrict_by_landlock(const struct jailing *jailing)
{
	const struct jail_isolation *isolation = jailing->isolation;
	struct landlock_exceptions exceptions = { isolation->ports,
						  isolation->port_count, -1 };
	unsigned abi = landlock_abi();
	SCOPED_FD root = -1;

	if (abi == 0)
		return ERR_OK;
	if (isolation->directory != NULL)
		exceptions.directory = root =
			open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	TRY(landlock_restrict(abi, &exceptions));
	jailing->report->landlock_abi = abi;
	jailing->report->optional |= JAIL_LANDLOCK_FILES;
	if (abi >= 4)
		jailing->report->optional |= JAIL_LANDLOCK_NETWORK;
	if (abi >= 6)
		jailing->report->optional |= JAIL_LANDLOCK_SCOPE;
	return ERR_OK;
}

/*
 * With a handler for core files, a killed process's memory goes there whatever
 * its limit says, unless it is not dumpable (tried).  Changing user or
 * executing makes a process dumpable again, hence last.
 */
static enum err leave_no_core(const struct jailing *jailing)
{
	if (prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		jailing->report->optional |= JAIL_NO_WRITE_EXECUTE;
	return zero_is_ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

/* spawn_role() asked for it; changing user would have revoked it. */
static enum err check_parent(const struct jailing *jailing)
{
	int signal = 0;

	(void)jailing;
	if (prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) != 0)
		return ERR_UNAVAILABLE;
	return zero_is_ok(signal != SIGKILL);
}

enum err jail_isolate(const struct jail_profile *profile,
		      const struct jail_isolation *isolation,
		      struct jail_report *report)
{
	static const struct measure measures[] = {
		{ JAIL_STEP_ALONE, be_alone },
		{ JAIL_STEP_LIMITS, apply_limits },
		{ JAIL_STEP_DESCRIPTORS, keep_listed_descriptors },
		{ JAIL_STEP_ROOT, take_root },
		{ JAIL_STEP_HOST_NAME, take_host_name },
		{ JAIL_STEP_CAPABILITIES, drop_capabilities },
		{ JAIL_STEP_NO_NEW_PRIVILEGES, refuse_new_privileges },
		{ JAIL_STEP_LANDLOCK, restrict_by_landlock },
		{ JAIL_STEP_DUMPABLE, leave_no_core },
		{ JAIL_STEP_PARENT, check_parent },
	};
	struct jailing jailing = { .profile = profile,
				   .isolation = isolation,
				   .report = report };

	*report = (struct jail_report){ 0 };
	return take_all(measures, COUNT_OF(measures), &jailing);
}

/* As an ordinary user it has none to begin with. */
static enum err keep_to_supervise(const struct jailing *jailing)
{
	uint64_t kept = CAPABILITY_SUPERVISE;

	(void)jailing;
	if (!capability_has(CAPABILITY_SUPERVISE))
		return capability_keep(0);
	if (capability_has(CAPABILITY_PRIORITY))
		kept |= CAPABILITY_PRIORITY;
	TRY(capability_bound(kept));
	return capability_keep(kept);
}

enum err jail_supervise(const struct jail_profile *profile,
			struct jail_report *report)
{
	static const struct measure measures[] = {
		{ JAIL_STEP_LIMITS, apply_limits },
		{ JAIL_STEP_CAPABILITIES, keep_to_supervise },
		{ JAIL_STEP_NO_NEW_PRIVILEGES, refuse_new_privileges },
		{ JAIL_STEP_DUMPABLE, leave_no_core },
	};
	struct jailing jailing = { .profile = profile, .report = report };

	*report = (struct jail_report){ 0 };
	return take_all(measures, COUNT_OF(measures), &jailing);
}

static enum err expect_socket(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return ERR_UNAVAILABLE;
	errno = ENOTSOCK;
	return zero_is_ok(!S_ISSOCK(status.st_mode));
}

static enum err close_descriptors(const struct jailing *jailing)
{
	if (jailing->profile->descriptors == JAIL_DESCRIPTORS_STAY)
		return ERR_OK;
	TRY(expect_socket(JAIL_FD_FRONT));
	TRY(expect_socket(JAIL_FD_KEEPER));
	TRY(close_between(0, JAIL_FD_FRONT));
	return close_between(JAIL_FD_KEEPER + 1, ~0u);
}

static enum err stay_out_of_cores(const struct jailing *jailing)
{
	(void)jailing;
	return zero_is_ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

static enum err close_filter(const struct jailing *jailing)
{
	return filter_install(jailing->filter);
}

enum err jail_enter(const struct jail_filter *filter,
		    struct jail_report *report)
{
	static const struct measure measures[] = {
		{ JAIL_STEP_LIMITS, apply_limits },
		{ JAIL_STEP_DESCRIPTORS, close_descriptors },
		{ JAIL_STEP_NO_NEW_PRIVILEGES, refuse_new_privileges },
		{ JAIL_STEP_DUMPABLE, stay_out_of_cores },
		{ JAIL_STEP_FILTER, close_filter },
	};
	struct jailing jailing = { .profile = filter->profile,
				   .filter = filter,
				   .report = report };

	return take_all(measures, COUNT_OF(measures), &jailing);
}
