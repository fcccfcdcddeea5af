/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/hold.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/* Whoever traces a thread that dies has to take note of it before its parent
 * can. */
static void let_go(pid_t thread)
{
	int status;

	if (ptrace(PTRACE_DETACH, thread, NULL, NULL) != 0)
		(void)waitpid(thread, &status, __WALL);
}

static void hold_thread(pid_t thread, struct hold *hold)
{
	int status;

	if (hold->count == HOLD_THREADS_MAX ||
	    ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
		return;
	if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0 &&
	    waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status))
		hold->threads[hold->count++] = thread;
	else
		let_go(thread);
}

void hold_begin(pid_t pid, struct hold *out)
{
	char path[64];
	struct dirent *entry;
	DIR *threads;

	out->count = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	while (threads != NULL && (entry = readdir(threads)) != NULL) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		if (thread > 0)
			hold_thread(thread, out);
	}
	if (threads != NULL)
		closedir(threads);
}

void hold_end(struct hold *hold)
{
	while (hold->count > 0)
		let_go(hold->threads[--hold->count]);
}
