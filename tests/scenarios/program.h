/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: starts the built programs for a test, and knows where they listen.
 *
 * The build folder is named by PCC_BUILD, or else "build".
 */
#ifndef TESTS_SCENARIOS_PROGRAM_H
#define TESTS_SCENARIOS_PROGRAM_H

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/options.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM_TEXT_MAX 65536

/* One at a time: several processes to a test, and bounds in milliseconds. */
ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	(void)tests;
	criterion_options.jobs = 1;
}

struct program {
	pid_t pid;
	int out; /* its standard output */
};

/* PR_SET_PDEATHSIG, so that a test that fails leaves nobody behind. */
static inline void program_die_with_parent(void)
{
	(void)syscall(SYS_prctl, 1, SIGKILL, 0, 0, 0);
}

static inline uint64_t program_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Start build/NAME with these arguments, of which the last is NULL. */
static inline struct program program_start(const char *name,
					   const char *const *arguments)
{
	const char *folder = getenv("PCC_BUILD");
	char path[512];
	char *words[32] = { path };
	struct program program;
	int pipes[2];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "build", name);
	for (size_t i = 0; arguments[i] != NULL; i++)
		words[i + 1] = strdup(arguments[i]);
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	program.pid = fork();
	cr_assert_geq(program.pid, 0);
	if (program.pid == 0) {
		program_die_with_parent();
		dup2(pipes[1], STDOUT_FILENO);
		execv(path, words);
		_exit(127);
	}
	for (size_t i = 1; words[i] != NULL; i++)
		free(words[i]);
	close(pipes[1]);
	program.out = pipes[0];
	return program;
}

/* Read all that it prints, until it closes or the text is full. */
static inline void program_read(const struct program *program,
				char text[static PROGRAM_TEXT_MAX])
{
	size_t len = 0;
	ssize_t got;

	while (len < PROGRAM_TEXT_MAX - 1 &&
	       (got = read(program->out, text + len,
			   PROGRAM_TEXT_MAX - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
}

/* Wait for its end; the exit code, or minus the signal. */
static inline int program_end(const struct program *program)
{
	int status;

	cr_assert_eq(waitpid(program->pid, &status, 0), program->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The port in its line "...: listening on http://127.0.0.1:PORT". */
static inline uint16_t program_port(const struct program *program)
{
	char line[256] = "";
	size_t len = 0;
	const char *at;

	while (len < sizeof(line) - 1 &&
	       read(program->out, line + len, 1) == 1 && line[len] != '\n')
		len++;
	at = strstr(line, "127.0.0.1:");
	cr_assert_not_null(at, "it printed \"%s\"", line);
	return (uint16_t)atoi(at + strlen("127.0.0.1:"));
}

/* End it by SIGTERM and expect order. */
static inline void program_stop(const struct program *program)
{
	kill(program->pid, SIGTERM);
	cr_assert_eq(program_end(program), 0);
}

#endif
