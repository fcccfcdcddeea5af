/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/saboteur.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/tracer.h"
#include "tests/system.h"

#ifndef __x86_64__
#error "a saboteur has to know the registers of this processor"
#endif

#define WAYS_MAX 4
#define THREADS_MAX 512
#define SHORT (-1) /* a way: half of it */
#define HLT 0xf4   /* the instruction that abort() ends with */
#define OPTIONS                                                             \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

/* The ways in which the kernel may let a call fail, to be coped with. */
static const struct faulty {
	long call;
	int ways[WAYS_MAX]; /* errors, ended by 0 */
} faulty[] = {
	{ SYS_brk, { ENOMEM } },
	{ SYS_mmap, { ENOMEM } },
	{ SYS_mremap, { ENOMEM } },
	{ SYS_mprotect, { ENOMEM } },
	{ SYS_mlock, { ENOMEM, EPERM } },
	{ SYS_memfd_create, { EMFILE, ENOMEM } },
	{ SYS_memfd_secret, { EMFILE, ENOMEM, ENOSYS } },
	{ SYS_ftruncate, { ENOSPC, EINTR } },
	{ SYS_open, { EMFILE, EINTR } },
	{ SYS_openat, { EMFILE, EINTR } },
	{ SYS_read, { EINTR, EIO, SHORT } },
	{ SYS_pread64, { EIO, SHORT } },
	{ SYS_write, { ENOSPC, EINTR, EAGAIN, SHORT } },
	{ SYS_clone, { EAGAIN, ENOMEM } },
	{ SYS_clone3, { EAGAIN, ENOMEM } },
	{ SYS_execveat, { ENOMEM } },
	{ SYS_getrandom, { EINTR, ENOSYS, SHORT } },
	{ SYS_socket, { EMFILE, ENOMEM } },
	{ SYS_socketpair, { EMFILE, ENOMEM } },
	{ SYS_accept4, { EMFILE, ECONNABORTED, EAGAIN } },
	{ SYS_sendmsg, { ENOBUFS, EAGAIN, EINTR, EPIPE } },
	{ SYS_recvmsg, { EINTR, ENOMEM, ECONNRESET } },
	{ SYS_epoll_create1, { EMFILE } },
	{ SYS_epoll_ctl, { ENOMEM, ENOSPC } },
	{ SYS_epoll_wait, { EINTR } },
	{ SYS_eventfd2, { EMFILE } },
	{ SYS_signalfd4, { EMFILE } },
	{ SYS_poll, { EINTR, ENOMEM } },
	{ SYS_dup2, { EMFILE } },
	{ SYS_fcntl, { EMFILE } },
	{ SYS_pidfd_open, { EMFILE } },
	{ SYS_wait4, { EINTR } },
};

/* One thread of a node, and what has to be put right at its call's exit. */
struct thread {
	pid_t pid, process;
	enum jail_role role;
	bool is_hit;	/* a call of its process failed by us */
	bool is_closed; /* or was told so */
	enum {
		SOUND,
		FAILED,
		CUT,
		SKIPPED
	} strike;
	struct user_regs_struct before;
};

/* What test and tracers share. */
static struct {
	struct saboteur_plan plan;
	volatile bool is_armed;
	volatile pid_t target; /* SABOTEUR_STARTING: once it has begun */
	volatile struct saboteur_deed deed;
	volatile uint64_t crashes, aborts, loader_faults;
	volatile bool counts_filters;
	enum jail_role filter_role;
	uint64_t void_filter;
	volatile struct saboteur_filters filters;
	volatile bool has_clock; /* its own: no vDSO */
	volatile bool is_frozen;
	volatile int64_t offset_s;
	volatile int64_t frozen_s;
} * shared;

static struct thread threads[THREADS_MAX]; /* pid 0: none */

static struct thread *find(pid_t pid)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (threads[i].pid == pid)
			return &threads[i];
	return NULL;
}

static pid_t number_in_status(pid_t pid, const char *name)
{
	char path[64], line[128];
	pid_t found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			found = (pid_t)strtol(line + strlen(name), NULL, 10);
	if (file != NULL)
		fclose(file);
	return found;
}

/* A thread is of its process's role, a fork of its parent's; but the zygote's
 * forks are workers. */
static void take_role(struct thread *thread)
{
	const struct thread *first, *parent;

	thread->process = number_in_status(thread->pid, "Tgid:");
	first = find(thread->process);
	parent = find(number_in_status(thread->pid, "PPid:"));
	if (first != NULL && first != thread) {
		thread->role = first->role;
		thread->is_hit = first->is_hit;
	} else if (parent != NULL) {
		thread->role = parent->role == JAIL_ZYGOTE ? JAIL_WORKER
							   : parent->role;
	}
}

static void note_beginning(const struct thread *thread)
{
	if (shared->is_armed && shared->target == 0 &&
	    shared->plan.phase == SABOTEUR_STARTING &&
	    shared->plan.role == thread->role)
		shared->target = thread->process;
}

static struct thread *meet(pid_t pid)
{
	struct thread *thread = find(pid);

	if (thread != NULL)
		return thread;
	thread = find(0);
	if (thread == NULL)
		_exit(3); /* and all that we trace dies */
	*thread = (struct thread){ .pid = pid };
	take_role(thread);
	if (thread->role == JAIL_WORKER && thread->process == pid)
		note_beginning(thread);
	return thread;
}

/* Without the kernel's page for it, asking the time is a call. */
static void hide_clock_page(pid_t pid)
{
	struct user_regs_struct registers;
	unsigned long at;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0)
		return;
	at = registers.rsp + sizeof(long);
	for (int nulls = 0; nulls < 2; at += sizeof(long))
		nulls += ptrace(PTRACE_PEEKDATA, pid, at, NULL) == 0;
	for (;; at += 2 * sizeof(long)) {
		long type = ptrace(PTRACE_PEEKDATA, pid, at, NULL);

		if (type == AT_NULL || type == -1)
			return;
		if (type == AT_SYSINFO_EHDR)
			(void)ptrace(PTRACE_POKEDATA, pid, at, AT_IGNORE);
	}
}

static void on_execution(struct thread *thread)
{
	static const char *const titles[JAIL_ROLES] = {
		[JAIL_FRONT] = "pcc-node: front",
		[JAIL_KEEPER] = "pcc-node: keeper",
		[JAIL_ZYGOTE] = "pcc-node: zygote",
		[JAIL_ATTESTER] = "pcc-node: attester",
	};
	char path[64], title[64] = "";
	int file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", thread->pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		(void)!read(file, title, sizeof(title) - 1);
		close(file);
	}
	thread->role = JAIL_SUPERVISOR;
	for (int role = 0; role < JAIL_ROLES; role++)
		if (titles[role] != NULL && strcmp(title, titles[role]) == 0)
			thread->role = (enum jail_role)role;
	note_beginning(thread);
	if (shared->has_clock)
		hide_clock_page(thread->pid);
}

static const struct faulty *faulty_call(long call)
{
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++)
		if (faulty[i].call == call)
			return &faulty[i];
	return NULL;
}

static bool is_meant(const struct thread *thread)
{
	if (!shared->is_armed || thread->role != shared->plan.role)
		return false;
	return shared->plan.phase == SABOTEUR_SERVING ||
	       shared->target == thread->process;
}

static void remember(struct thread *thread, long call, int way)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (threads[i].pid != 0 &&
		    threads[i].process == thread->process)
			threads[i].is_hit = true;
	shared->deed.call = call;
	shared->deed.error = way == SHORT ? 0 : way;
	shared->deed.happened = true;
}

/* A call that every filter knows and that does nothing: it wakes whoever waits
 * at a place on the stack. */
static void do_nothing_instead(struct user_regs_struct *call)
{
	call->orig_rax = SYS_futex;
	call->rdi = call->rsp & ~3ull;
	call->rsi = FUTEX_WAKE_PRIVATE;
	call->rdx = 0;
}

static void strike(struct thread *thread, const struct faulty *call)
{
	struct user_regs_struct now;
	unsigned ways = 0;
	int way;

	while (ways < WAYS_MAX && call->ways[ways] != 0)
		ways++;
	way = call->ways[shared->plan.way % ways];
	if (ptrace(PTRACE_GETREGS, thread->pid, NULL, &now) != 0)
		return;
	thread->before = now;
	thread->strike = way == SHORT || call->call == SYS_brk ? CUT : FAILED;
	if (call->call == SYS_brk) {
		now.rdi = 0; /* as it answers where it cannot */
	} else if (way == SHORT) {
		now.rdx = (now.rdx + 1) / 2;
	} else {
		do_nothing_instead(&now);
	}
	if (ptrace(PTRACE_SETREGS, thread->pid, NULL, &now) != 0)
		thread->strike = SOUND;
	else
		remember(thread, call->call, way);
}

static void on_filter(struct thread *thread)
{
	struct user_regs_struct now;

	if (!shared->counts_filters || thread->role != shared->filter_role)
		return;
	thread->is_closed = true;
	if (shared->filters.closed++ != shared->void_filter ||
	    ptrace(PTRACE_GETREGS, thread->pid, NULL, &now) != 0)
		return;
	thread->before = now;
	thread->strike = SKIPPED;
	do_nothing_instead(&now);
	(void)ptrace(PTRACE_SETREGS, thread->pid, NULL, &now);
}

/* Where a library asks whether there are filters at all, it has none. */
static bool is_a_filter(const struct __ptrace_syscall_info *info)
{
	return info->entry.nr == SYS_seccomp &&
	       info->entry.args[0] == SECCOMP_SET_MODE_FILTER &&
	       info->entry.args[2] != 0;
}

static void on_entry(struct thread *thread, long number)
{
	const struct faulty *call = faulty_call(number);

	if (call == NULL || !is_meant(thread) || shared->deed.happened)
		return;
	if (shared->deed.calls++ == shared->plan.at)
		strike(thread, call);
}

static void put_right(struct thread *thread)
{
	struct user_regs_struct now;

	if (ptrace(PTRACE_GETREGS, thread->pid, NULL, &now) != 0)
		return;
	if (thread->strike == FAILED || thread->strike == SKIPPED) {
		now = thread->before;
		now.rax = thread->strike == SKIPPED
				  ? 0
				  : (unsigned long long)-shared->deed.error;
	} else {
		now.rdi = thread->before.rdi;
		now.rdx = thread->before.rdx;
	}
	thread->strike = SOUND;
	(void)ptrace(PTRACE_SETREGS, thread->pid, NULL, &now);
}

/* A time that was told is made another one; both calls begin with seconds. */
static void change_time(pid_t pid)
{
	struct user_regs_struct now;
	unsigned long at;
	long seconds;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &now) != 0 || now.rax != 0)
		return;
	if (now.orig_rax == SYS_clock_gettime &&
	    (now.rdi == CLOCK_REALTIME || now.rdi == CLOCK_REALTIME_COARSE))
		at = now.rsi;
	else if (now.orig_rax == SYS_gettimeofday)
		at = now.rdi;
	else
		return;
	seconds = shared->is_frozen ? shared->frozen_s
				    : ptrace(PTRACE_PEEKDATA, pid, at, NULL) +
					      shared->offset_s;
	(void)ptrace(PTRACE_POKEDATA, pid, at, seconds);
}

static void on_call(struct thread *thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->pid, sizeof(info), &info) <=
	    0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && is_a_filter(&info))
		on_filter(thread);
	else if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(thread, (long)info.entry.nr);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->strike != SOUND)
		put_right(thread);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && shared->has_clock)
		change_time(thread->pid);
}

static void on_end(struct thread *thread, int status)
{
	shared->crashes += WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS &&
			   thread->is_hit;
	shared->filters.survived += thread->is_closed && WIFEXITED(status) &&
				    WEXITSTATUS(status) == 0;
	thread->pid = 0;
}

/* Whether this address is code of the dynamic loader's. */
static bool is_in_loader(pid_t pid, unsigned long address)
{
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		unsigned long from, to;

		found = found || (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
				  address >= from && address < to &&
				  strstr(line, "/ld-") != NULL);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/*
 * What a bug ends with.  A process that is the first of its namespace is not
 * ended by that while it is traced, so it is here.  The loader, which is not
 * ours, does not look at all that its own calls say.  abort() raises a signal,
 * and where that is not heard it runs into an instruction that it may not use.
 */
static void on_fault(struct thread *thread, int signal)
{
	struct user_regs_struct now;

	if (ptrace(PTRACE_GETREGS, thread->pid, NULL, &now) != 0)
		return;
	if (signal == SIGABRT ||
	    (ptrace(PTRACE_PEEKTEXT, thread->pid, now.rip, NULL) & 0xff) == HLT)
		shared->aborts++;
	else if (is_in_loader(thread->pid, now.rip))
		shared->loader_faults++;
	else
		shared->crashes++;
	kill(thread->process, SIGKILL);
}

static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ||
	       signal == SIGFPE || signal == SIGABRT;
}

static void on_stop(struct thread *thread, int status)
{
	int signal = WSTOPSIG(status);
	int event = status >> 16;
	int deliver = 0;

	if (signal == (SIGTRAP | 0x80))
		on_call(thread);
	else if (event == PTRACE_EVENT_EXEC)
		on_execution(thread);
	else if (event == 0 && is_fault(signal))
		on_fault(thread, signal);
	else if (event == 0)
		deliver = signal;
	(void)ptrace(PTRACE_SYSCALL, thread->pid, NULL, deliver);
}

static _Noreturn void trace(pid_t node, int ready)
{
	pid_t pid;
	int status;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    ptrace(PTRACE_SEIZE, node, NULL, OPTIONS) != 0 ||
	    ptrace(PTRACE_INTERRUPT, node, NULL, NULL) != 0)
		_exit(1);
	(void)!write(ready, "r", 1);
	close(ready);
	meet(node)->role = JAIL_SUPERVISOR;
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct thread *thread = meet(pid);

		if (WIFSTOPPED(status))
			on_stop(thread, status);
		else
			on_end(thread, status);
	}
	_exit(0);
}

static void attend(pid_t node)
{
	int ends[2];
	char ready;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		trace(node, ends[1]);
	}
	cr_assert_gt(pid, 0);
	close(ends[1]);
	cr_assert_eq(read(ends[0], &ready, 1), 1, "the node cannot be traced");
	close(ends[0]);
}

static const char *obstacle(void)
{
	if (system_obstacle() != NULL)
		return system_obstacle();
	if (geteuid() != 0)
		return "only root may trace a node";
	return tracer_works() ? NULL : "nobody is traced here";
}

void saboteur_begin_or_skip(void)
{
	if (obstacle() != NULL)
		cr_skip_test("%s", obstacle());
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
	system_attend(attend);
}

void saboteur_arm(const struct saboteur_plan *plan)
{
	shared->plan = *plan;
	shared->target = 0;
	shared->deed.happened = false;
	shared->deed.calls = 0;
	__sync_synchronize();
	shared->is_armed = true;
}

struct saboteur_deed saboteur_disarm(void)
{
	shared->is_armed = false;
	return shared->deed;
}

void saboteur_void_filter(enum jail_role role, uint64_t at)
{
	shared->filter_role = role;
	shared->void_filter = at;
	shared->filters.closed = 0;
	shared->filters.survived = 0;
	__sync_synchronize();
	shared->counts_filters = true;
}

struct saboteur_filters saboteur_filters(void)
{
	return shared->filters;
}

bool saboteur_has_struck(void)
{
	return shared->deed.happened;
}

uint64_t saboteur_crashes(void)
{
	return shared->crashes;
}

uint64_t saboteur_aborts(void)
{
	return shared->aborts;
}

uint64_t saboteur_loader_faults(void)
{
	return shared->loader_faults;
}

void saboteur_shift_clock(int64_t seconds)
{
	shared->has_clock = true;
	shared->is_frozen = false;
	shared->offset_s = seconds;
}

void saboteur_freeze_clock(void)
{
	shared->has_clock = true;
	shared->frozen_s = time(NULL);
	shared->is_frozen = true;
}
