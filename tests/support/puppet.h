/* SPDX-License-Identifier: Apache-2.0 */
/*
 * puppet: a thread of a process that runs, taken over as an attacker would who
 * found a way in: it makes the calls and writes the memory that we like, behind
 * whatever its jail is.  Root alone can do this from outside, by ptrace(2).
 *
 *     puppet_take     it stands still
 *     puppet_call     a system call of ours; the process may die of it
 *     puppet_write    into its memory
 *     puppet_run      let it go at code of ours, and leave it
 *     puppet_let_go   as if nothing had been
 */
#ifndef TESTS_SUPPORT_PUPPET_H
#define TESTS_SUPPORT_PUPPET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

struct puppet {
	pid_t thread;
	bool is_in_a_call; /* asleep in one: we have its instruction */
	bool is_changed;
	uint64_t place; /* of a call's instruction, in its own code */
	uint64_t stack; /* the least that is in use */
	bool is_dead;
	int status;	  /* then: as waitpid(2) gives it */
	uint8_t was[256]; /* its registers */
};

/* Whether we may, and know the registers: a test is skipped otherwise. */
bool puppet_works(void);

/* A thread.  False: it could not be taken. */
bool puppet_take(pid_t thread, struct puppet *out);

/* Of one that slept in a call: the kernel's answer, an error as a negative
 * number; 0 where it died of it. */
long puppet_call(struct puppet *puppet, long number,
		 const uint64_t arguments[static 6]);

/* False where that is no memory of its. */
bool puppet_write(struct puppet *puppet, uint64_t at, struct bytes bytes);
bool puppet_read(struct puppet *puppet, uint64_t at, uint8_t *out, size_t len);

/*
 * These instructions are written over its own, and it goes on at them with a
 * pointer in rdi and a length in rcx, without us.  For it alone: its code is
 * copied when it is written.
 */
bool puppet_run(struct puppet *puppet, struct bytes code, uint64_t pointer,
		uint64_t length);

/* Its filters, the first that it closed at index 0: the length in bytes, or 0
 * with errno ENOENT behind the last. */
size_t puppet_filter(const struct puppet *puppet, unsigned index,
		     struct writer *out);

/* It goes on as it did; nothing where it is dead. */
void puppet_let_go(struct puppet *puppet);

#endif
