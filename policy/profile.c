/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/profile.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/err.h"
#include "policy/limits.h"

/* Newer than the headers of Debian 12. */
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* One line a permission: what, under which condition, why. */
#define RULE(call, action, test, argument, value, why)             \
	{                                                          \
		SYS_##call, action, { test, argument, value }, why \
	}
#define ALLOW(call, why) RULE(call, JAIL_ALLOW, JAIL_ANY, 0, 0, why)
#define ALLOW_IF(call, argument, value, why) \
	RULE(call, JAIL_ALLOW, JAIL_EQUAL, argument, value, why)
#define ALLOW_WITHOUT(call, argument, bits, why) \
	RULE(call, JAIL_ALLOW, JAIL_CLEAR, argument, bits, why)
#define REFUSE(call, why) RULE(call, JAIL_REFUSE, JAIL_ANY, 0, 0, why)
#define ABSENT(call, why) RULE(call, JAIL_ABSENT, JAIL_ANY, 0, 0, why)
#define KILL(call, why) RULE(call, JAIL_KILL, JAIL_ANY, 0, 0, why)
#define KILL_IF(call, argument, value, why) \
	RULE(call, JAIL_KILL, JAIL_EQUAL, argument, value, why)
#define KILL_WITHOUT(call, argument, bits, why) \
	RULE(call, JAIL_KILL, JAIL_CLEAR, argument, bits, why)

/* Exactly what libc's fork() and pthread_create() pass, so no namespace. */
#define FORK_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)
#define THREAD_FLAGS                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
	 CLONE_CHILD_CLEARTID)

#define WAIT_CLOCKED (FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME)

/* What front, keeper, zygote and attester have in common. */
static const struct jail_rule common_rules[] = {
	ALLOW(brk, "the heap grows"),
	ALLOW_WITHOUT(mmap, 2, PROT_EXEC, "more memory, never code"),
	ALLOW_WITHOUT(mprotect, 2, PROT_EXEC, "guard pages, never code"),
	ALLOW(munmap, "memory goes back"),
	ALLOW(mremap, "a heap block grows in place"),
	ALLOW(madvise, "unused pages go back, key pages are not inherited"),
	ALLOW(mlock, "keys and arenas do not reach a swap device"),
	ALLOW(clock_gettime, "deadlines, where the vDSO cannot"),
	ALLOW(restart_syscall, "a wait goes on after a stop"),
	ALLOW(sendmsg, "messages to the other roles"),
	ALLOW(recvmsg, "messages from the other roles"),
	ALLOW(read, "the same, and the end of a descriptor"),
	ALLOW(write, "the same, and the log"),
	ALLOW(poll, "wait for the first of several peers"),
	ALLOW(close, "a peer that is done with"),
	ALLOW(fcntl, "whether a descriptor blocks"),
	ALLOW(futex, "locks, in our code and in the libraries"),
	ALLOW(getrandom, "keys, nonces, libc's heap"),
	ALLOW(getpid, "OpenSSL asks whether it was forked"),
	ALLOW(gettid, "libc, when it must abort"),
	ALLOW(tgkill, "libc, when it must abort"),
	ALLOW(rt_sigprocmask, "libc, there and around a new thread"),
	ALLOW(exit_group, "end"),
};

/*
 * The worker holds one user's plaintext and answers a stranger's bytes, so it
 * can speak to two descriptors, wait for its own other threads, and die.
 * Futexes are the private kind without priorities or requeueing: the rest of
 * that call is where the kernel's exploits were.
 */
static const struct jail_rule worker_rules[] = {
	ALLOW_IF(read, 0, JAIL_FD_FRONT, "sealed request chunks, ticks"),
	ALLOW_IF(read, 0, JAIL_FD_KEEPER, "the keys of this request"),
	ALLOW_IF(write, 0, JAIL_FD_FRONT, "sealed response frames"),
	ALLOW_IF(write, 0, JAIL_FD_KEEPER, "the encapsulated key"),
	ALLOW_IF(futex, 1, FUTEX_WAIT_PRIVATE, "a thread waits for work"),
	ALLOW_IF(futex, 1, FUTEX_WAIT_BITSET_PRIVATE, "the same, by libc"),
	ALLOW_IF(futex, 1, WAIT_CLOCKED, "the same, by libc, wall clock"),
	ALLOW_IF(futex, 1, FUTEX_WAKE_PRIVATE, "a thread has work for it"),
	ALLOW(exit_group, "die after one request"),
};

static const struct jail_limit worker_limits[] = {
	{ RLIMIT_CORE, 0, "plaintext must not reach a file" },
	{ RLIMIT_FSIZE, 0, "nor may anything else" },
	{ RLIMIT_NOFILE, 0, "the two descriptors it has are all" },
	{ RLIMIT_NPROC, 0, "its threads are made before this" },
	{ RLIMIT_MSGQUEUE, 0, "no message queues" },
	{ RLIMIT_CPU, (LIMIT_THREADS + UINT64_C(1)) * (LIMIT_REQUEST_MS / 1000),
	  "all its threads for the longest request, then SIGKILL" },
};

/*
 * The zygote forks workers, wipes what they leave and starts anew.  It never
 * reads a byte of a request, and its filter is also the workers' first one, so
 * it has what a worker needs to close its own.
 */
static const struct jail_rule zygote_rules[] = {
	ALLOW(socketpair, "a new worker's two channels"),
	ABSENT(clone3, "its flags cannot be checked; libc takes clone"),
	ALLOW_IF(clone, 0, FORK_FLAGS, "fork a worker, in no new namespace"),
	ALLOW_IF(clone, 0, THREAD_FLAGS, "a worker's other threads"),
	ALLOW(set_robust_list, "libc, in a new process or thread"),
	ALLOW(rseq, "libc, in a new thread"),
	ALLOW(rt_sigaction, "a worker drops the zygote's handlers"),
	ALLOW(wait4, "reap a worker"),
	ALLOW(pidfd_open, "notice the end of a worker"),
	ALLOW(pidfd_send_signal, "end a worker that is no longer wanted"),
	ALLOW(setsid, "a worker's processor time is a share of its own"),
	ALLOW(dup2, "put a worker's channels at 3 and 4"),
	ALLOW_IF(newfstatat, 3, 0x1000, "see that a channel is a socket"),
	ALLOW(close_range, "a worker keeps two descriptors"),
	ALLOW(mseal, "weights stay where and what they are"),
	ALLOW(prlimit64, "a worker lowers its limits"),
	ALLOW_IF(setpriority, 0, PRIO_PROCESS, "its computing comes last"),
	ALLOW_IF(prctl, 0, PR_SET_DUMPABLE, "a worker leaves no core"),
	ALLOW_IF(prctl, 0, PR_SET_NO_NEW_PRIVS, "a worker's filter needs it"),
	ALLOW_IF(seccomp, 0, SECCOMP_SET_MODE_FILTER, "a worker closes"),
};

static const struct jail_limit zygote_limits[] = {
	{ RLIMIT_CORE, 0, "arenas and keys pass through its workers" },
	{ RLIMIT_MSGQUEUE, 0, "no message queues" },
	{ RLIMIT_RTPRIO, 0, "it and its workers wait their turn" },
	{ RLIMIT_STACK, LIMIT_STACK_BYTES, "its workers', whose own it is" },
	{ RLIMIT_NPROC, LIMIT_ENGINE_THREADS + 4ul * LIMIT_WORKERS,
	  "workers, their threads, slack" },
	{ RLIMIT_NOFILE, 16ul * LIMIT_WORKERS, "a few descriptors a worker" },
};

/*
 * The keeper holds the private keys.  It answers short questions over sockets
 * that it is handed, and can neither make nor find another peer.
 */
static const struct jail_rule keeper_rules[] = {
	ALLOW(memfd_secret, "pages for a new key"),
	ALLOW(ftruncate, "their size"),
};

static const struct jail_limit keeper_limits[] = {
	{ RLIMIT_CORE, 0, "keys must not reach a file" },
	{ RLIMIT_STACK, LIMIT_STACK_BYTES, "it wipes 128 KiB of its own" },
	{ RLIMIT_MSGQUEUE, 0, "no message queues" },
	{ RLIMIT_RTPRIO, 0, "it waits its turn" },
	{ RLIMIT_NPROC, 0, "it neither forks nor makes threads" },
	{ RLIMIT_NOFILE, 8ul * LIMIT_WORKERS, "one descriptor a worker" },
};

/*
 * The attester has others' code read what a TPM answers.  It holds no key and
 * sees no request; it asks the device that it is handed, or the one directory
 * that is its root, for evidence.
 */
static const struct jail_rule attester_rules[] = {
	ALLOW_IF(openat, 0, JAIL_FD_REPORTS,
		 "a report's files, by their names"),
};

static const struct jail_limit attester_limits[] = {
	{ RLIMIT_CORE, 0, "no process of the node leaves one" },
	{ RLIMIT_MSGQUEUE, 0, "no message queues" },
	{ RLIMIT_RTPRIO, 0, "it waits its turn" },
	{ RLIMIT_NPROC, 0, "it neither forks nor makes threads" },
	{ RLIMIT_NOFILE, 16, "supervisor, keeper, device, a report's file" },
};

/*
 * The front speaks gRPC with the gateway and sees ciphertext alone.  Its list
 * is what the gRPC core was seen to need once it serves, all features and the
 * drain included; it listens before the filter closes.
 */
static const struct jail_rule front_rules[] = {
	ALLOW(accept4, "the gateway connects"),
	ALLOW(shutdown, "the gateway's connection ends"),
	ALLOW(getsockname, "gRPC names a connection"),
	ALLOW(getpeername, "gRPC names a connection"),
	ALLOW(setsockopt, "no delay, keepalive"),
	ALLOW(getsockopt, "the error of a connection"),
	ALLOW(epoll_wait, "gRPC's event loop"),
	ALLOW(epoll_ctl, "gRPC's event loop"),
	ALLOW(eventfd2, "gRPC's wake-ups"),
	ALLOW(gettimeofday, "gRPC's clock, where the vDSO cannot"),
	ALLOW(nanosleep, "gRPC's back-off"),
	ALLOW(clock_nanosleep, "gRPC's back-off, by newer libraries"),
	ALLOW(sched_yield, "gRPC's spinning locks"),
	ABSENT(clone3, "its flags cannot be checked; libc takes clone"),
	ALLOW_IF(clone, 0, THREAD_FLAGS, "gRPC's pool grows; never a process"),
	ALLOW(set_robust_list, "libc, in a new thread"),
	ALLOW(rseq, "libc, in a new thread"),
	ALLOW(exit, "a thread of gRPC's pool ends"),
	ALLOW(sched_getparam, "libc, for a new thread's attributes"),
	ALLOW(sched_getscheduler, "libc, for a new thread's attributes"),
	ALLOW(sched_getaffinity, "gRPC counts processors"),
	ALLOW(rt_sigtimedwait, "the main thread waits for its end"),
	ALLOW(lseek, "libc, at the end, on the standard streams"),
	ALLOW_IF(newfstatat, 3, 0x1000, "libc, on the standard streams"),
	REFUSE(openat, "libc looks for a time zone, gRPC for a limit"),
	REFUSE(uname, "gRPC asks whether the kernel has a newer feature"),
	REFUSE(prctl, "gRPC names its threads"),
};

static const struct jail_limit front_limits[] = {
	{ RLIMIT_CORE, 0, "it holds the TLS key" },
	{ RLIMIT_MSGQUEUE, 0, "no message queues" },
	{ RLIMIT_RTPRIO, 0, "the one that paces has it by now" },
	{ RLIMIT_RTTIME, 500000, "a thread that paces and never sleeps" },
	{ RLIMIT_NPROC, 256, "gRPC's threads" },
	{ RLIMIT_NOFILE, 4096, "connections and workers" },
};

/*
 * The supervisor starts roles, and a role passes through the loader and its own
 * set-up under the supervisor's filter.  So this one is the other way round:
 * what no process of the node ever has a reason for, from the first moment on.
 */
static const struct jail_rule supervisor_rules[] = {
	KILL(execve, "roles are executed by descriptor, never by a path"),
	KILL_WITHOUT(execveat, 4, 0x1000, "the same"),
	KILL(ptrace, "reads another process"),
	KILL(process_vm_readv, "reads another process"),
	KILL(process_vm_writev, "writes another process"),
	KILL(process_madvise, "changes another process"),
	KILL(pidfd_getfd, "takes another process's descriptor"),
	KILL(kcmp, "looks into another process"),
	KILL(move_pages, "changes another process"),
	KILL(migrate_pages, "changes another process"),
	KILL(perf_event_open, "watches other processes"),
	KILL(bpf, "code in the kernel"),
	KILL(init_module, "code in the kernel"),
	KILL(finit_module, "code in the kernel"),
	KILL(delete_module, "code in the kernel"),
	KILL(kexec_load, "another kernel"),
	KILL(kexec_file_load, "another kernel"),
	KILL(reboot, "ends the machine"),
	KILL(userfaultfd, "holds the kernel still, for exploits"),
	KILL(io_uring_setup, "calls that no filter sees"),
	KILL(io_uring_enter, "calls that no filter sees"),
	KILL(io_uring_register, "calls that no filter sees"),
	KILL(add_key, "a store that outlives the process"),
	KILL(request_key, "runs a helper of the machine"),
	KILL(keyctl, "a store that outlives the process"),
	KILL(unshare, "namespaces are made by clone3 alone"),
	KILL(setns, "no way into another namespace"),
	KILL(open_by_handle_at, "opens past every mount"),
	KILL(fanotify_init, "watches the machine's files"),
	KILL(mknodat, "devices"),
	KILL(mknod, "devices"),
	KILL(iopl, "hardware"),
	KILL(ioperm, "hardware"),
	KILL(modify_ldt, "segments, for exploits"),
	KILL(personality, "turns address randomisation off"),
	KILL(swapon, "secrets would reach a disk"),
	KILL(swapoff, "not ours"),
	KILL(acct, "not ours"),
	KILL(quotactl, "not ours"),
	KILL(syslog, "not ours"),
	KILL(settimeofday, "expiry depends on the clock"),
	KILL(clock_settime, "expiry depends on the clock"),
	KILL(clock_adjtime, "expiry depends on the clock"),
	KILL(adjtimex, "expiry depends on the clock"),
	KILL_IF(ioctl, 1, TIOCSTI, "types into the operator's terminal"),
	KILL_IF(ioctl, 1, TIOCLINUX, "types into the operator's terminal"),
	KILL_IF(socket, 0, AF_PACKET, "sees other programs' traffic"),
	KILL_IF(socket, 0, AF_ALG, "a store of keys in the kernel"),
	KILL_IF(socket, 0, AF_VSOCK, "a way to the host"),
	KILL_IF(socket, 0, AF_XDP, "sees other programs' traffic"),
};

static const struct jail_limit supervisor_limits[] = {
	{ RLIMIT_CORE, 0, "no process of the node leaves one" },
	{ RLIMIT_MSGQUEUE, 0, "no message queues" },
};

#define COMMON .common = common_rules, .common_count = COUNT_OF(common_rules)
#define OWN(role)                                                 \
	.own = role##_rules, .own_count = COUNT_OF(role##_rules), \
	.limits = role##_limits, .limit_count = COUNT_OF(role##_limits)

static const struct jail_profile profiles[JAIL_ROLES] = {
	[JAIL_SUPERVISOR] = {
		.name = "supervisor",
		.role = JAIL_SUPERVISOR,
		.network = JAIL_NETWORK_HOST,
		.otherwise = JAIL_ALLOW,
		OWN(supervisor),
	},
	[JAIL_FRONT] = {
		.name = "front",
		.role = JAIL_FRONT,
		.network = JAIL_NETWORK_HOST,
		.priority = JAIL_PRIORITY_REAL_TIME,
		.otherwise = JAIL_KILL,
		OWN(front),
		COMMON,
	},
	[JAIL_KEEPER] = {
		.name = "keeper",
		.role = JAIL_KEEPER,
		.network = JAIL_NETWORK_NONE,
		.otherwise = JAIL_KILL,
		OWN(keeper),
		COMMON,
	},
	[JAIL_ZYGOTE] = {
		.name = "zygote",
		.role = JAIL_ZYGOTE,
		.network = JAIL_NETWORK_NONE,
		.otherwise = JAIL_KILL,
		OWN(zygote),
		COMMON,
	},
	[JAIL_ATTESTER] = {
		.name = "attester",
		.role = JAIL_ATTESTER,
		.network = JAIL_NETWORK_NONE,
		.otherwise = JAIL_KILL,
		OWN(attester),
		COMMON,
	},
	[JAIL_WORKER] = {
		.name = "worker",
		.role = JAIL_WORKER,
		.network = JAIL_NETWORK_NONE,
		.descriptors = JAIL_DESCRIPTORS_CHANNELS,
		.otherwise = JAIL_KILL,
		OWN(worker),
	},
};

const struct jail_profile *profile_of(enum jail_role role)
{
	invariant((size_t)role < JAIL_ROLES);
	return &profiles[role];
}

size_t profile_rule_count(const struct jail_profile *profile)
{
	return profile->own_count + profile->common_count;
}

const struct jail_rule *profile_rule(const struct jail_profile *profile,
				     size_t index)
{
	invariant(index < profile_rule_count(profile));
	if (index < profile->own_count)
		return &profile->own[index];
	return &profile->common[index - profile->own_count];
}

static size_t first_rule_allowing(const struct jail_profile *profile,
				  int number)
{
	size_t index = 0;

	while (profile_rule(profile, index)->number != number ||
	       profile_rule(profile, index)->action != JAIL_ALLOW)
		index++;
	return index;
}

size_t profile_allowed_calls(const struct jail_profile *profile)
{
	size_t count = 0;

	for (size_t i = 0; i < profile_rule_count(profile); i++) {
		const struct jail_rule *rule = profile_rule(profile, i);

		if (rule->action == JAIL_ALLOW &&
		    first_rule_allowing(profile, rule->number) == i)
			count++;
	}
	return count;
}
