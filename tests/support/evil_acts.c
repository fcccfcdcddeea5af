/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/evil_acts.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/selftest_acts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE 4096

/* Newer than the headers of Debian 12. */
#define CALL_MSEAL 462
#define CALL_MAP_SHADOW_STACK 453
#define CALL_FUTEX_WAKE 454
#define CALL_STATMOUNT 457
#define CALL_LSM_SELF 459

static uint8_t scratch[4 * PAGE] __attribute__((aligned(PAGE)));
static struct iovec vector = { scratch, 1 };
static const struct sockaddr_un nowhere = { .sun_family = AF_UNIX };
static struct mmsghdr messages[1];
static const struct timespec no_time;
static const struct timeval now_at_once = { .tv_sec = 0 };
static const struct itimerval no_timer;
static const struct clone_args clone_plainly = { .exit_signal = SIGCHLD };
static const struct open_how to_read = { .flags = O_RDONLY };
static const struct sched_param no_priority;
static struct __user_cap_header_struct capabilities = {
	.version = _LINUX_CAPABILITY_VERSION_3
};
static struct __user_cap_data_struct held[2];
static struct sock_filter allow[] = { { BPF_RET | BPF_K, 0, 0,
					SECCOMP_RET_ALLOW } };
static struct sock_fprog allow_all = { 1, allow };
static struct perf_event_attr event = { .size = sizeof(event),
					.type = PERF_TYPE_SOFTWARE,
					.exclude_kernel = 1,
					.exclude_hv = 1 };

/* As a front does it: a descriptor beside the bytes. */
static int take_a_descriptor(void)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr with = { .msg_iov = &vector,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof(control) };

	if (syscall(SYS_recvmsg, JAIL_FD_FRONT, &with, MSG_DONTWAIT) < 0)
		return -1;
	return with.msg_controllen > 0 ? 0 : -1;
}

static int signal_a_thread(void)
{
	return (int)syscall(SYS_tgkill, getpid(), gettid(), 0);
}

static int compare_kernel_objects(void)
{
	return (int)syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0);
}

static int own_descriptor_of_a_process(void)
{
	return (int)syscall(SYS_pidfd_open, getpid(), 0) < 0 ? -1 : 0;
}

static int fork_as_of_old(void)
{
	long pid = syscall(SYS_fork);

	if (pid == 0)
		for (;;)
			syscall(SYS_exit_group, 0);
	return pid < 0 ? -1 : 0;
}

static int fork_anew(void)
{
	long pid = syscall(SYS_clone3, &clone_plainly, sizeof(clone_plainly));

	if (pid == 0)
		for (;;)
			syscall(SYS_exit_group, 0);
	return pid < 0 ? -1 : 0;
}

static int close_another_filter(void)
{
	if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
			    &allow_all);
}

#define FRONT JAIL_FD_FRONT
#define NOBODY ((uint64_t)-1)

static const struct selftest_act acts[] = {
	/* every way to a file */
	CALL("open as of old", open, AT("/"), O_RDONLY),
	CALL("open with more to say", openat2, ANYWHERE, AT("/"), AT(&to_read),
	     sizeof(to_read)),
	CALL("stat as of old", stat, AT("/"), AT(scratch)),
	CALL("stat a channel", fstat, FRONT, AT(scratch)),
	CALL("stat with more to say", statx, ANYWHERE, AT("/"), 0,
	     STATX_BASIC_STATS, AT(scratch)),
	CALL("ask whether it may", access, AT("/"), F_OK),
	CALL("look at a file system", statfs, AT("/"), AT(scratch)),
	CALL("change the working directory", chdir, AT("/")),
	CALL("change what new files are", umask, 022),
	CALL("read a channel at a place", readv, FRONT, AT(&vector), 0),
	MAYBE("create a file", SYS_creat, AT("/pcc-evil"), 0600),
	MAYBE("make a directory", SYS_mkdirat, ANYWHERE, AT("/pcc-evil"), 0700),
	MAYBE("make a link", SYS_symlinkat, AT("/"), ANYWHERE, AT("/pcc-evil")),
	MAYBE("remove a file", SYS_unlinkat, ANYWHERE, AT("/pcc-evil"), 0),
	MAYBE("name a file by handle", SYS_name_to_handle_at, ANYWHERE, AT("/"),
	      AT(scratch), AT(scratch), 0),
	MAYBE("open by handle", SYS_open_by_handle_at, ANYWHERE, AT(scratch),
	      O_RDONLY),
	MAYBE("send a file", SYS_sendfile, FRONT, FRONT, 0, 1),
	MAYBE("splice channels", SYS_splice, FRONT, 0, FRONT, 0, 1, 0),
	MAYBE("give pages to a pipe", SYS_vmsplice, FRONT, AT(&vector), 1, 0),
	/* Where much is unwritten, outside it takes longer than an act may. */
	MAYBE("write all there is", SYS_sync, 0),
	/* peers of every family, and descriptors that come along */
	CALL("make a socket of IPv6", socket, AF_INET6, SOCK_DGRAM, 0),
	CALL("make a socket of netlink", socket, AF_NETLINK, SOCK_RAW, 0),
	MAYBE("make a socket of packets", SYS_socket, AF_PACKET, SOCK_RAW, 0),
	MAYBE("make a socket to the host", SYS_socket, AF_VSOCK, SOCK_STREAM,
	      0),
	MAYBE("make a socket of kernel crypto", SYS_socket, AF_ALG,
	      SOCK_SEQPACKET, 0),
	MAYBE("make a socket of XDP", SYS_socket, AF_XDP, SOCK_RAW, 0),
	MAYBE("make a raw socket", SYS_socket, AF_INET, SOCK_RAW, 1),
	SPECIAL("take a descriptor from its channel", take_a_descriptor),
	MAYBE("accept a peer on its channel", SYS_accept4, FRONT, 0, 0, 0),
	MAYBE("connect its channel elsewhere", SYS_connect, FRONT, AT(&nowhere),
	      sizeof(nowhere)),
	CALL("send many messages", sendmmsg, FRONT, AT(messages), 1,
	     MSG_DONTWAIT),
	MAYBE("receive many messages", SYS_recvmmsg, FRONT, AT(messages), 1,
	      MSG_DONTWAIT, 0),
	CALL("set an option of a channel", setsockopt, FRONT, SOL_SOCKET,
	     SO_SNDBUF, AT(scratch), 4),
	CALL("put a channel elsewhere", dup3, FRONT, 40, 0),
	CALL("wait by select", select, 0, 0, 0, 0, AT(&now_at_once)),
	CALL("wait by ppoll", ppoll, 0, 0, AT(&no_time), 0, 8),
	CALL("make a queue of calls", io_setup, 1, AT(scratch + 2 * PAGE)),
	CALL("make a queue of messages", msgget, 0, 01600),
	MAYBE("open a queue of messages", SYS_mq_open, AT("pcc-evil"), O_RDWR,
	      0, 0),
	/* processes */
	SPECIAL("fork as of old", fork_as_of_old),
	SPECIAL("fork as of late", fork_anew),
	MAYBE("trace the first process", SYS_ptrace, PTRACE_SEIZE, 1, 0, 0),
	CALL("signal its group", kill, 0, 0),
	SPECIAL("signal a thread", signal_a_thread),
	MAYBE_SPECIAL("compare kernel objects", compare_kernel_objects),
	SPECIAL("hold a process by descriptor", own_descriptor_of_a_process),
	MAYBE("advise on another's memory", SYS_process_madvise, NOBODY,
	      AT(&vector), 1, MADV_COLD, 0),
	MAYBE("take another's descriptor", SYS_pidfd_getfd, FRONT, 0, 0),
	MAYBE("signal by descriptor", SYS_pidfd_send_signal, FRONT, 0, 0, 0),
	MAYBE("wait for a child", SYS_wait4, NOBODY, 0, 1, 0),
	CALL("become nicer", setpriority, PRIO_PROCESS, 0, 19),
	CALL("choose a processor", sched_setaffinity, 0, 8, AT(scratch)),
	CALL("change its scheduling", sched_setscheduler, 0, SCHED_BATCH,
	     AT(&no_priority)),
	CALL("begin a session", setsid, 0),
	CALL("name its parent", getppid, 0),
	/* power */
	CALL("change its user", setresuid, NOBODY, NOBODY, NOBODY),
	CALL("change its group", setresgid, NOBODY, NOBODY, NOBODY),
	MAYBE("become root", SYS_setuid, 0),
	CALL("set its capabilities", capset, AT(&capabilities), AT(held)),
	SPECIAL("close another filter", close_another_filter),
	CALL("read its filter's mode", prctl, PR_GET_SECCOMP, 0, 0, 0, 0),
	MAYBE("go back to no filter", SYS_prctl, PR_SET_SECCOMP, 0, 0, 0, 0),
	MAYBE("make a user namespace", SYS_unshare, CLONE_NEWUSER),
	MAYBE("enter a namespace", SYS_setns, FRONT, 0),
	MAYBE("mount", SYS_mount, AT("none"), AT("/"), AT("tmpfs"), 0, 0),
	MAYBE("unmount", SYS_umount2, AT("/"), MNT_DETACH),
	MAYBE("take another root", SYS_pivot_root, AT("."), AT(".")),
	MAYBE("take a root below", SYS_chroot, AT("/")),
	MAYBE("hold a tree of mounts", SYS_open_tree, ANYWHERE, AT("/"), 0),
	MAYBE("load a program into the kernel", SYS_bpf, 0, AT(scratch), 128),
	MAYBE("watch performance", SYS_perf_event_open, AT(&event), 0, NOBODY,
	      NOBODY, 0),
	MAYBE("hold the kernel still", SYS_userfaultfd, O_CLOEXEC | 1),
	MAYBE("use the kernel's keys", SYS_keyctl, 0, NOBODY, 0),
	MAYBE("add a key", SYS_add_key, AT("user"), AT("x"), AT("y"), 1,
	      (uint64_t)-2),
	MAYBE("make rules of access", SYS_landlock_create_ruleset, 0, 0, 1),
	MAYBE("load a module", SYS_init_module, AT(scratch), 0, AT("")),
	MAYBE("read the kernel's log", SYS_syslog, 10, 0, 0),
	MAYBE("use hardware", SYS_iopl, 3),
	MAYBE("watch the machine's files", SYS_fanotify_init, 0, 0),
	MAYBE("enter a ring of calls", SYS_io_uring_enter, FRONT, 0, 0, 0, 0),
	MAYBE("name itself to security", CALL_LSM_SELF, 100, AT(scratch),
	      AT(scratch), 0),
	MAYBE("look at mounts", CALL_STATMOUNT, AT(scratch), AT(scratch), PAGE,
	      0),
	/* memory */
	CALL("move memory", mremap, AT(scratch + PAGE), PAGE, PAGE, 0),
	CALL("lock memory", mlock, AT(scratch), 1),
	CALL("unlock memory", munlock, AT(scratch), 1),
	CALL("make memory writable", mprotect, AT(scratch + PAGE), PAGE,
	     PROT_READ | PROT_WRITE),
	MAYBE("make code of data by key", SYS_pkey_mprotect, AT(scratch + PAGE),
	      PAGE, PROT_READ | PROT_EXEC, NOBODY),
	MAYBE("make a key of memory", SYS_pkey_alloc, 0, 0),
	MAYBE("take shared memory", SYS_shmat, 0, 0, 0),
	MAYBE("reorder pages", SYS_remap_file_pages, AT(scratch), PAGE, 0, 0,
	      0),
	MAYBE("seal memory", CALL_MSEAL, AT(scratch), 0, 0),
	MAYBE("make a shadow stack", CALL_MAP_SHADOW_STACK, 0, PAGE, 0),
	CALL("move its segments", arch_prctl, ARCH_GET_GS, AT(scratch)),
	MAYBE("ask for more registers", SYS_arch_prctl, 0x1022, AT(scratch)),
	MAYBE("change descriptors of segments", SYS_modify_ldt, 0, AT(scratch),
	      PAGE),
	CALL("turn address randomisation off", personality,
	     ADDR_NO_RANDOMIZE | 0ull),
	/* time, threads */
	CALL("make a timer that signals", timer_create, CLOCK_MONOTONIC, 0,
	     AT(scratch)),
	CALL("set an alarm", alarm, 0),
	CALL("set an interval timer", setitimer, ITIMER_VIRTUAL, AT(&no_timer),
	     0),
	CALL("sleep by a clock", clock_nanosleep, CLOCK_MONOTONIC, 0,
	     AT(&no_time), 0),
	CALL("ask for the time of day", gettimeofday, AT(scratch), 0),
	CALL("ask for times used", times, AT(scratch)),
	CALL("ask for resources used", getrusage, RUSAGE_SELF, AT(scratch)),
	MAYBE("set the clock", SYS_clock_settime, CLOCK_REALTIME, 0),
	CALL("set its list of locks", set_robust_list, AT(scratch), 24),
	CALL("set where its end is told", set_tid_address, AT(scratch)),
	MAYBE("change its restartable code", SYS_rseq, AT(scratch), 32, 0, 0),
	MAYBE("order all processors", SYS_membarrier, 0, 0, 0),
	MAYBE("wake by a newer call", CALL_FUTEX_WAKE, AT(scratch), 1, 1, 0x82),
	CALL("use another stack for signals", sigaltstack, 0, AT(scratch)),
	MAYBE("come back from no signal", SYS_rt_sigreturn, 0),
	MAYBE("wait for a signal", SYS_rt_sigtimedwait, AT(scratch), 0,
	      AT(&no_time), 8),
};

const struct selftest_act *evil_acts(size_t *count)
{
	/* To be had by whoever asks for any processor. */
	memset(scratch, 0xff, 8);
	*count = COUNT_OF(acts);
	return acts;
}
