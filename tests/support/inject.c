/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/inject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#ifndef __x86_64__

bool inject(pid_t pid, enum inject_act act)
{
	(void)pid;
	(void)act;
	return false;
}

bool inject_read(pid_t pid, uint64_t address, uint8_t *out, size_t len)
{
	(void)pid;
	(void)address;
	(void)out;
	(void)len;
	return false;
}

bool inject_copies(pid_t pid, size_t pages)
{
	(void)pid;
	(void)pages;
	return false;
}

#else

#define WORD 8
#define CALL 0x050f    /* syscall */
#define ILLEGAL 0x0b0f /* ud2 */
#define LOAD 0x078b48  /* mov (%rdi), %rax */
#define CALL_BYTES 2
#define LOAD_BYTES 3
#define PAGE 4096

struct stopped {
	pid_t pid;
	struct user_regs_struct registers;
	long word; /* where it goes on */
};

/* Whoever traces one that dies has to take note of it before its parent can. */
static bool let_go(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_DETACH, pid, NULL, 0) == 0)
		return true;
	(void)waitpid(pid, &status, __WALL);
	return false;
}

static bool halt(pid_t pid, struct stopped *out)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
	    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &out->registers) != 0)
		return false;
	errno = 0;
	out->word = ptrace(PTRACE_PEEKTEXT, pid, out->registers.rip, NULL);
	return errno == 0;
}

static bool stop(pid_t pid, struct stopped *out)
{
	out->pid = pid;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		return false;
	if (halt(pid, out))
		return true;
	(void)let_go(pid);
	return false;
}

static bool put_code(const struct stopped *stopped, long code, unsigned bytes)
{
	long mask = (1l << 8 * bytes) - 1;

	return ptrace(PTRACE_POKETEXT, stopped->pid, stopped->registers.rip,
		      (stopped->word & ~mask) | code) == 0;
}

bool inject(pid_t pid, enum inject_act act)
{
	struct stopped stopped;
	struct user_regs_struct changed;
	bool done;

	if (!stop(pid, &stopped))
		return false;
	changed = stopped.registers;
	changed.orig_rax = (unsigned long long)-1; /* no call is gone on with */
	if (act == INJECT_FAULT)
		changed.rip = 0;
	changed.rax = SYS_ptrace;
	done = (act == INJECT_FAULT ||
		put_code(&stopped, act == INJECT_CALL ? CALL : ILLEGAL,
			 CALL_BYTES)) &&
	       ptrace(PTRACE_SETREGS, pid, NULL, &changed) == 0;
	/* A first process of a namespace dies of it once nobody traces it. */
	return let_go(pid) && done;
}

static bool step(const struct stopped *stopped, uint64_t address, uint8_t *out)
{
	struct user_regs_struct registers = stopped->registers;
	int status;

	registers.orig_rax = (unsigned long long)-1;
	registers.rdi = address;
	if (ptrace(PTRACE_SETREGS, stopped->pid, NULL, &registers) != 0 ||
	    ptrace(PTRACE_SINGLESTEP, stopped->pid, NULL, NULL) != 0 ||
	    waitpid(stopped->pid, &status, __WALL) != stopped->pid ||
	    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP ||
	    ptrace(PTRACE_GETREGS, stopped->pid, NULL, &registers) != 0)
		return false;
	memcpy(out, &registers.rax, WORD);
	return true;
}

bool inject_read(pid_t pid, uint64_t address, uint8_t *out, size_t len)
{
	struct stopped stopped;
	bool done;

	if (!stop(pid, &stopped))
		return false;
	done = put_code(&stopped, LOAD, LOAD_BYTES);
	for (size_t at = 0; done && at + WORD <= len; at += WORD)
		done = step(&stopped, address + at, out + at);
	/* Its own call, if it was in one, begins anew. */
	done = ptrace(PTRACE_POKETEXT, pid, stopped.registers.rip,
		      stopped.word) == 0 &&
	       ptrace(PTRACE_SETREGS, pid, NULL, &stopped.registers) == 0 &&
	       done;
	return let_go(pid) && done;
}

/* Where the program that it is in the middle of begins, in whole pages. */
static bool find_code(pid_t pid, uint64_t rip, uint64_t *from, uint64_t *to)
{
	char path[64], line[512];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps != NULL && !found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%lx-%lx r-x", from, to) == 2 &&
			rip >= *from && rip < *to;
	if (maps != NULL)
		fclose(maps);
	return found;
}

bool inject_copies(pid_t pid, size_t pages)
{
	struct stopped stopped;
	uint64_t from, to;
	bool done;

	if (!stop(pid, &stopped))
		return false;
	done = find_code(pid, stopped.registers.rip, &from, &to);
	for (size_t i = 0; done && i < pages && from < to; i++, from += PAGE) {
		long word = ptrace(PTRACE_PEEKTEXT, pid, from, NULL);

		done = ptrace(PTRACE_POKETEXT, pid, from, word) == 0;
	}
	return let_go(pid) && done;
}

#endif
