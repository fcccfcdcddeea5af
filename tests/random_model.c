/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random_model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system.h"

static _Noreturn void become_maker(const char *shape, const char *format,
				   const char *path)
{
	char program[SYSTEM_BUILT_MAX];
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (!system_built("pcc-model", program) || dup2(quiet, 1) < 0 ||
	    dup2(quiet, 2) < 0)
		_exit(126);
	execl(program, "pcc-model", "make-random", "--shape", shape, "--format",
	      format, "--seed", "1", "-o", path, (char *)NULL);
	_exit(127);
}

static bool make(const char *shape, const char *format, const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become_maker(shape, format, path);
	/* Another test may have been first: what is there is not replaced. */
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       access(path, R_OK) == 0;
}

const char *random_model(const char *shape, const char *format)
{
	static char path[SYSTEM_BUILT_MAX + 256];
	const char *folder = getenv("BENCH_MODELS");
	char built[SYSTEM_BUILT_MAX];

	if (folder == NULL && system_built("bench_models", built))
		folder = built;
	if (folder == NULL || (mkdir(folder, 0755) != 0 && errno != EEXIST))
		return NULL;
	snprintf(path, sizeof(path), "%.1000s/%.100s-%.100s.gguf", folder,
		 shape, format);
	if (access(path, R_OK) == 0 || make(shape, format, path))
		return path;
	return NULL;
}
