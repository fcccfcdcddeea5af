/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/puppet.h"

#include <errno.h>
#include <linux/filter.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECCOMP_GET_FILTER 0x420c /* PTRACE_SECCOMP_GET_FILTER */
#define OPTIONS (PTRACE_O_TRACESYSGOOD)
#define AT_A_CALL (SIGTRAP | 0x80)
#define WORD sizeof(long)

size_t puppet_filter(const struct puppet *puppet, unsigned index,
		     struct writer *out)
{
	struct sock_filter *code = (struct sock_filter *)(out->data + out->len);
	long count = ptrace(SECCOMP_GET_FILTER, puppet->thread, index, NULL);

	if (count <= 0 || (size_t)count * sizeof(*code) > out->max - out->len ||
	    ptrace(SECCOMP_GET_FILTER, puppet->thread, index, code) != count)
		return 0;
	out->len += (size_t)count * sizeof(*code);
	return (size_t)count * sizeof(*code);
}

/* Wait for what it does next; false: it is dead. */
static bool await(struct puppet *puppet)
{
	int status;

	if (waitpid(puppet->thread, &status, __WALL) != puppet->thread) {
		puppet->is_dead = true;
		return false;
	}
	if (WIFSTOPPED(status))
		return true;
	puppet->is_dead = true;
	puppet->status = status;
	return false;
}

bool puppet_write(struct puppet *puppet, uint64_t at, struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i += WORD) {
		size_t len = bytes.len - i < WORD ? bytes.len - i : WORD;
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, puppet->thread, at + i, NULL);
		if (errno != 0)
			return false;
		memcpy(&word, bytes.data + i, len);
		if (ptrace(PTRACE_POKEDATA, puppet->thread, at + i, word) != 0)
			return false;
	}
	return true;
}

bool puppet_read(struct puppet *puppet, uint64_t at, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i += WORD) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, puppet->thread, at + i, NULL);
		if (errno != 0)
			return false;
		memcpy(out + i, &word, len - i < WORD ? len - i : WORD);
	}
	return true;
}

#ifndef __x86_64__

bool puppet_works(void)
{
	return false;
}

bool puppet_take(pid_t thread, struct puppet *out)
{
	(void)thread;
	(void)out;
	return false;
}

long puppet_call(struct puppet *puppet, long number,
		 const uint64_t arguments[static 6])
{
	(void)puppet;
	(void)number;
	(void)arguments;
	return -ENOSYS;
}

bool puppet_run(struct puppet *puppet, struct bytes code, uint64_t pointer,
		uint64_t length)
{
	(void)puppet;
	(void)code;
	(void)pointer;
	(void)length;
	return false;
}

void puppet_let_go(struct puppet *puppet)
{
	(void)puppet;
}

#else

#define CALL_BYTES 2 /* 0f 05 */
#define RED_ZONE 512 /* below its stack, what it may use all the same */

_Static_assert(sizeof(struct user_regs_struct) <=
		       sizeof(((struct puppet *)0)->was),
	       "there is room for all registers");

/* A child of ours is less than what is wanted, but tells whether there is
 * anything to be had. */
bool puppet_works(void)
{
	struct puppet puppet;
	bool taken;
	pid_t pid;

	if (geteuid() != 0)
		return false;
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		return false;
	taken = puppet_take(pid, &puppet);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return taken;
}

bool puppet_take(pid_t thread, struct puppet *out)
{
	struct puppet puppet = { .thread = thread };
	struct user_regs_struct now;
	uint8_t code[CALL_BYTES];

	if (ptrace(PTRACE_SEIZE, thread, NULL, OPTIONS) != 0)
		return false;
	if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
	    !await(&puppet) || ptrace(PTRACE_GETREGS, thread, NULL, &now) != 0)
		return false;
	puppet.place = now.rip - CALL_BYTES;
	puppet.stack = now.rsp - RED_ZONE;
	memcpy(puppet.was, &now, sizeof(now));
	/* It slept in a call: just behind the instruction. */
	puppet.is_in_a_call =
		(long)now.orig_rax >= 0 &&
		puppet_read(&puppet, puppet.place, code, sizeof(code)) &&
		memcmp(code, "\x0f\x05", CALL_BYTES) == 0;
	*out = puppet;
	return true;
}

static void load(const struct puppet *puppet, struct user_regs_struct *out)
{
	memcpy(out, puppet->was, sizeof(*out));
	/* So that the kernel does not go on with the call that it was in. */
	out->orig_rax = (unsigned long long)-1;
	out->rip = puppet->place;
}

/* Until it stops again; one that somebody kills meanwhile is not there to go on,
 * and how it ended is heard all the same. */
static bool go_on(struct puppet *puppet, enum __ptrace_request request)
{
	if (ptrace(request, puppet->thread, NULL, 0) != 0 && errno != ESRCH)
		return false;
	return await(puppet);
}

long puppet_call(struct puppet *puppet, long number,
		 const uint64_t arguments[static 6])
{
	struct user_regs_struct registers;

	if (!puppet->is_in_a_call)
		return -EINVAL;
	puppet->is_changed = true;
	load(puppet, &registers);
	registers.rax = (unsigned long long)number;
	registers.rdi = arguments[0];
	registers.rsi = arguments[1];
	registers.rdx = arguments[2];
	registers.r10 = arguments[3];
	registers.r8 = arguments[4];
	registers.r9 = arguments[5];
	if (ptrace(PTRACE_SETREGS, puppet->thread, NULL, &registers) != 0)
		return -EFAULT;
	/* To its entry, and to its exit, if there is one. */
	for (int stop = 0; stop < 2; stop++) {
		if (!go_on(puppet, PTRACE_SYSCALL))
			return 0;
	}
	if (ptrace(PTRACE_GETREGS, puppet->thread, NULL, &registers) != 0)
		return go_on(puppet, PTRACE_SINGLESTEP) ? -EFAULT : 0;
	/* A filter's verdict is carried out on the way back: one step more. */
	if (!go_on(puppet, PTRACE_SINGLESTEP))
		return 0;
	return (long)registers.rax;
}

bool puppet_run(struct puppet *puppet, struct bytes code, uint64_t pointer,
		uint64_t length)
{
	struct user_regs_struct registers;

	load(puppet, &registers);
	registers.rdi = pointer;
	registers.rcx = length;
	return puppet->is_in_a_call &&
	       puppet_write(puppet, puppet->place, code) &&
	       ptrace(PTRACE_SETREGS, puppet->thread, NULL, &registers) == 0 &&
	       ptrace(PTRACE_DETACH, puppet->thread, NULL, NULL) == 0;
}

void puppet_let_go(struct puppet *puppet)
{
	struct user_regs_struct registers;

	if (puppet->is_dead)
		return;
	if (puppet->is_changed) {
		struct user_regs_struct was;

		memcpy(&was, puppet->was, sizeof(was));
		load(puppet, &registers);
		registers.rax = was.orig_rax;
		ptrace(PTRACE_SETREGS, puppet->thread, NULL, &registers);
	}
	ptrace(PTRACE_DETACH, puppet->thread, NULL, NULL);
}

#endif
