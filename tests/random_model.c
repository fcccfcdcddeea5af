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

#define FOLDER "bench_models"

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

const char *random_model(const char *shape, const char *format)
{
	static char path[SYSTEM_BUILT_MAX];
	char folder[SYSTEM_BUILT_MAX], name[256];
	pid_t pid;
	int status;

	snprintf(name, sizeof(name), FOLDER "/%s-%s.gguf", shape, format);
	if (!system_built(FOLDER, folder) || !system_built(name, path))
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		return NULL;
	pid = fork();
	if (pid == 0)
		become_maker(shape, format, path);
	/* Another test may have been first: what is there is not replaced. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    access(path, R_OK) != 0)
		return NULL;
	return path;
}
