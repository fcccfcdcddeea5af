/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "sandbox/capability.h"
#include "sandbox/priority.h"

#define NAMESPACES                                                  \
	(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

/* Beyond every number that a role is given. */
#define ASIDE (JAIL_FD_FIRST + SPAWN_DESCRIPTORS_MAX)
#define ID_MAP_MAX 64
#define EXECUTE_MS 5000 /* from its clone to its execution */

enum power {
	POWER_ROOT, /* can become another user and make namespaces */
	POWER_USER, /* can do either in a user namespace of its own */
};

/*
 * What the child knows.  It runs on a copy of the parent's memory with libc's
 * idea of its thread id out of date, so until it executes it makes system calls
 * and takes no lock.
 */
struct child {
	const struct spawn_start *start;
	enum power power;
	uid_t caller_uid;
	gid_t caller_gid;
	int parent_gate; /* not the child's to have */
	int gate;	 /* one byte in: go; a struct refusal out: it failed */
	int executable;
};

struct refusal {
	enum jail_step step;
	int error;
};

enum err spawn_executable(int *out)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ERR_UNAVAILABLE;
	*out = fd;
	return ERR_OK;
}

static enum err write_file(const char *path, const char *text)
{
	SCOPED_FD file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return ERR_UNAVAILABLE;
	return fd_write_all(file, bytes_of_string(text));
}

/* Out of the way of the numbers that the role's own descriptors will have. */
static enum err set_aside(struct child *child)
{
	close(child->parent_gate);
	child->gate = fcntl(child->gate, F_DUPFD_CLOEXEC, ASIDE);
	child->executable =
		fcntl(child->start->executable, F_DUPFD_CLOEXEC, ASIDE);
	return child->gate >= 0 && child->executable >= 0 ? ERR_OK
							  : ERR_UNAVAILABLE;
}

static unsigned role_id(const struct child *child)
{
	return JAIL_ID_BASE + (unsigned)child->start->profile->role;
}

static enum err map_ids(const struct child *child)
{
	char map[ID_MAP_MAX];

	/* The files of a process that is not dumpable belong to root. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		return ERR_UNAVAILABLE;
	TRY(write_file("/proc/self/setgroups", "deny"));
	snprintf(map, sizeof(map), "%u %u 1", role_id(child),
		 (unsigned)child->caller_uid);
	TRY(write_file("/proc/self/uid_map", map));
	snprintf(map, sizeof(map), "%u %u 1", role_id(child),
		 (unsigned)child->caller_gid);
	return write_file("/proc/self/gid_map", map);
}

/* The system calls themselves: libc's would look for threads to take along. */
static enum err change_ids(const struct child *child)
{
	unsigned id = role_id(child);

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_setgroups, 0, NULL) != 0 ||
	    syscall(SYS_setresgid, id, id, id) != 0 ||
	    syscall(SYS_setresuid, id, id, id) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

static enum err take_ids(struct child *child)
{
	return child->power == POWER_ROOT ? change_ids(child) : map_ids(child);
}

/* By the caller's right, which the role's own user will not have.  A machine
 * that does not permit it has a role that says so. */
static enum err take_priority(struct child *child)
{
	if (child->start->profile->priority == JAIL_PRIORITY_REAL_TIME)
		priority_rise();
	return ERR_OK;
}

static enum err take_capabilities(struct child *child)
{
	(void)child;
	return capability_keep_over_exec(CAPABILITY_ISOLATE);
}

/*
 * A parent that dies before the request for its death's signal would be missed;
 * its byte, read afterwards, says that it lived.  A session of its own keeps
 * the terminal's signals from a role's children.
 */
static enum err follow_parent(struct child *child)
{
	char go;

	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return ERR_UNAVAILABLE;
	errno = ECHILD;
	return read(child->gate, &go, 1) == 1 ? ERR_OK : ERR_UNAVAILABLE;
}

/* Below 3 the descriptors are void and log, whatever the parent had there. */
static enum err place_void(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return ERR_UNAVAILABLE;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

/* Everything is moved aside first, since old and new numbers may overlap. */
static enum err place_descriptors(struct child *child)
{
	const struct spawn_start *start = child->start;
	unsigned end = JAIL_FD_FIRST + (unsigned)start->descriptor_count;
	int aside[SPAWN_DESCRIPTORS_MAX];

	for (size_t i = 0; i < start->descriptor_count; i++) {
		aside[i] = fcntl(start->descriptors[i], F_DUPFD_CLOEXEC, ASIDE);
		if (aside[i] < 0)
			return ERR_UNAVAILABLE;
	}
	for (size_t i = 0; i < start->descriptor_count; i++) {
		if (dup2(aside[i], JAIL_FD_FIRST + (int)i) < 0)
			return ERR_UNAVAILABLE;
	}
	TRY(place_void());
	return syscall(SYS_close_range, end, ~0u, CLOSE_RANGE_CLOEXEC) == 0
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

static enum err execute(struct child *child)
{
	char *const no_environment[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		return ERR_UNAVAILABLE;
	syscall(SYS_execveat, child->executable, "", child->start->arguments,
		no_environment, AT_EMPTY_PATH);
	return ERR_UNAVAILABLE;
}

_Noreturn static void become_role(struct child *child)
{
	static const struct {
		enum jail_step step;
		enum err (*take)(struct child *child);
	} steps[] = {
		{ JAIL_STEP_DESCRIPTORS, set_aside },
		{ JAIL_STEP_NONE, take_priority }, /* never fails */
		{ JAIL_STEP_IDS, take_ids },
		{ JAIL_STEP_AMBIENT, take_capabilities },
		{ JAIL_STEP_PARENT, follow_parent },
		{ JAIL_STEP_DESCRIPTORS, place_descriptors },
		{ JAIL_STEP_EXECUTE, execute },
	};
	size_t i = 0;

	while (steps[i].take(child) == ERR_OK)
		i++; /* the last one returns only when it failed */

	struct refusal refusal = { steps[i].step, errno };
	ssize_t told = write(child->gate, &refusal, sizeof(refusal));
	(void)told; /* the parent sees the exit all the same */
	_exit(EXIT_FAILURE);
}

static void clone_child(const struct child *child, struct spawn_child *out)
{
	struct clone_args arguments = {
		.flags = NAMESPACES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&out->pidfd,
		.exit_signal = SIGCHLD,
	};

	if (child->start->profile->network == JAIL_NETWORK_NONE)
		arguments.flags |= CLONE_NEWNET;
	if (child->power == POWER_USER)
		arguments.flags |= CLONE_NEWUSER;
	out->pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/* Whoever stops the child on its way must not stop its parent with it. */
static bool is_heard(int gate)
{
	struct pollfd end = { .fd = gate, .events = POLLIN };
	int ready;

	do
		ready = poll(&end, 1, EXECUTE_MS);
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* The child's execution closes the gate without a word; a refusal is one. */
static enum err see_it_execute(int gate, struct jail_report *report)
{
	struct refusal refusal;
	ssize_t got;

	/* It may have failed and gone already; its reason is read below. */
	enum err told = fd_send(gate, BYTES_LITERAL("g"), -1);
	(void)told;
	if (!is_heard(gate)) {
		*report = (struct jail_report){ .failed = JAIL_STEP_EXECUTE,
						.error = ETIMEDOUT };
		return ERR_UNAVAILABLE;
	}
	/* A child that went without reading the go resets the gate first. */
	do
		got = read(gate, &refusal, sizeof(refusal));
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got == 0)
		return ERR_OK;
	report->failed = JAIL_STEP_CLONE;
	if (got == sizeof(refusal)) {
		report->failed = refusal.step;
		report->error = refusal.error;
	}
	return ERR_UNAVAILABLE;
}

enum err spawn_role(const struct spawn_start *start, struct spawn_child *out,
		    struct jail_report *report)
{
	int gates[2];
	struct spawn_child made;

	invariant(start->descriptor_count <= SPAWN_DESCRIPTORS_MAX);
	*report = (struct jail_report){ .failed = JAIL_STEP_CLONE };
	TRY(fd_pair(gates));
	SCOPED_FD parent_gate = gates[0];
	SCOPED_FD gate = gates[1];
	struct child child = {
		.start = start,
		.power = capability_has(CAPABILITY_SUPERVISE) ? POWER_ROOT
							      : POWER_USER,
		.caller_uid = geteuid(),
		.caller_gid = getegid(),
		.parent_gate = parent_gate,
		.gate = gate,
	};

	clone_child(&child, &made);
	if (made.pid == 0)
		become_role(&child);
	report->error = errno;
	if (made.pid < 0)
		return ERR_UNAVAILABLE;
	*report = (struct jail_report){ 0 };
	fd_close(&gate);
	if (see_it_execute(parent_gate, report) != ERR_OK) {
		int status;

		spawn_kill(&made);
		TRY(spawn_reap(&made, &status));
		return ERR_UNAVAILABLE;
	}
	*out = made;
	return ERR_OK;
}

void spawn_kill(const struct spawn_child *child)
{
	/* By the descriptor, so that no other process can be meant. */
	syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
}

enum err spawn_reap(struct spawn_child *child, int *status)
{
	int ended;
	pid_t pid;

	do
		pid = waitpid(child->pid, &ended, 0);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return ERR_UNAVAILABLE;
	fd_close(&child->pidfd);
	*status = ended;
	return ERR_OK;
}
