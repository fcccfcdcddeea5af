/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: what the kernel says of a node's processes, read from /proc.
 *
 *     supervisor ─┬─ pcc-node: front
 *                 ├─ pcc-node: keeper
 *                 └─ pcc-node: zygote ── workers
 */
#ifndef TESTS_SCENARIOS_PROCESS_H
#define TESTS_SCENARIOS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/profile.h"

#define PROCESS_MAX 128
#define PROCESS_VALUE_MAX 64

struct process_list {
	pid_t pids[PROCESS_MAX];
	size_t count;
};

/* The children of a process, threads' children included. */
void process_children(pid_t parent, struct process_list *out);

/* The process of a role below this supervisor; 0 where there is none now. */
pid_t process_role(pid_t supervisor, enum jail_role role);

/* The workers that live now, idle and busy. */
void process_workers(pid_t supervisor, struct process_list *out);

/* The same once there is one; the running test fails where none comes. */
void process_await_workers(pid_t supervisor, struct process_list *out);

/* Supervisor, roles and workers, all that live now. */
void process_node(pid_t supervisor, struct process_list *out);

/* Whether at this moment every role is there, and just so many workers, each in
 * its jail. */
bool process_is_complete(pid_t supervisor, size_t workers);

/*
 * Wait until every role is there and just `workers` workers are, each in its
 * jail.  Returns whether they came in time.
 */
bool process_await_node(pid_t supervisor, size_t workers, unsigned timeout_ms);

/* The threads of a process. */
void process_threads(pid_t pid, struct process_list *out);

/*
 * The value of a line of /proc/PID/status, its first word, such as "2" for
 * "Seccomp"; empty when there is no such process.
 */
void process_status(pid_t pid, const char *name,
		    char value[static PROCESS_VALUE_MAX]);

/* Identity of a namespace, such as "net"; 0 where we may not look. */
ino_t process_namespace(pid_t pid, const char *kind);

/* Processor time that all its threads have used, in milliseconds. */
uint64_t process_used_ms(pid_t pid);

/* A limit that the kernel calls this, such as "Max cpu time"; UINT64_MAX: none.
 * False: there is no such process or limit. */
struct process_limit {
	uint64_t soft, hard;
};
bool process_limit(pid_t pid, const char *name, struct process_limit *out);

/* The most processor time it may use, in seconds; 0 if unlimited. */
uint64_t process_allowed_s(pid_t pid);

/* The most memory that it may lock; 0 if unlimited. */
uint64_t process_locked_bytes(pid_t pid);

/* The most that the stack of its first thread may grow to; 0 if unlimited. */
uint64_t process_stack_bytes(pid_t pid);

/* Numbers of the open descriptors, ascending; -1 where we may not look. */
ssize_t process_descriptors(pid_t pid, int *out, size_t max);

/* How many there are. */
size_t process_descriptor_count(pid_t pid);

/* Bytes of environment and the like: the length of /proc/PID/name, or -1. */
ssize_t process_file_bytes(pid_t pid, const char *name);

/* A line of /proc/PID/smaps_rollup in KiB, such as "Pss"; 0 if unreadable. */
uint64_t process_memory_kib(pid_t pid, const char *name);

/* A line of /proc/PID/maps. */
struct process_mapping {
	uint64_t start, end;
	char rights[5]; /* such as "rw-s" */
	uint64_t
		inode; /* 0: of no file; "/dev/zero" for memory that is shared */
	char name[PROCESS_VALUE_MAX];
};

/* All of them, as many as there is room for; -1 where we may not look. */
ssize_t process_mappings(pid_t pid, struct process_mapping *out, size_t max);

/* Whether it is gone or waits to be reaped. */
bool process_is_gone(pid_t pid);

/* Wait for that; milliseconds it took, or -1 when the time was over. */
int process_await_end(pid_t pid, unsigned timeout_ms);

#endif
