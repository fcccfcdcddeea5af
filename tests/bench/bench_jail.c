/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What isolation costs: once at a role's start, and for each request.  Each
 * figure is the median of many rounds: one line of name, value and unit.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/jail.h"
#include "sandbox/memory.h"
#include "sandbox/selftest.h"
#include "sandbox/spawn.h"
#include "tests/support/timed.h"

#define STARTS 100
#define FORKS 1000
#define ARENA ((size_t)64 << 20)

/* What the role measured of itself. */
struct start_cost {
	double isolate_us;
	double close_us; /* the zygote's filter: compiled and installed */
};

static struct jail_filter filter;
static struct jail_report report;

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static void must(enum err err)
{
	invariant(err == ERR_OK);
}

static void print_median(const char *name, double *values, size_t count)
{
	printf("%s %.1f us\n", name, timed_quantile(values, count, 0.5));
}

/* This program as a role: isolate, close, tell what it took, end. */
_Noreturn static void be_a_role(void)
{
	const int control[] = { JAIL_FD_FIRST };
	const struct jail_isolation isolation = { .descriptors = control,
						  .descriptor_count = 1 };
	struct start_cost cost;
	double start = now_us();

	must(jail_isolate(profile_of(JAIL_ZYGOTE), &isolation, &report));
	cost.isolate_us = now_us() - start;
	start = now_us();
	must(filter_compile(profile_of(JAIL_ZYGOTE), &filter));
	must(jail_enter(&filter, &report));
	cost.close_us = now_us() - start;
	must(fd_write_all(JAIL_FD_FIRST, (struct bytes){ (const uint8_t *)&cost,
							 sizeof(cost) }));
	_exit(EXIT_SUCCESS);
}

static double start_a_role(int executable, struct start_cost *cost)
{
	char *const arguments[] = { (char[]){ "role" }, NULL };
	int pair[2], status;
	struct spawn_child child;
	double start = now_us();

	must(fd_pair(pair));
	must(spawn_role(&(struct spawn_start){ profile_of(JAIL_ZYGOTE),
					       executable, arguments, &pair[1],
					       1 },
			&child, &report));
	invariant(read(pair[0], cost, sizeof(*cost)) == sizeof(*cost));
	start = now_us() - start;
	must(spawn_reap(&child, &status));
	invariant(status == 0);
	close(pair[0]);
	close(pair[1]);
	return start;
}

static void bench_roles(void)
{
	static double whole[STARTS], isolate[STARTS], closing[STARTS];
	int executable;

	must(spawn_executable(&executable));
	for (size_t i = 0; i < STARTS; i++) {
		struct start_cost cost;

		whole[i] = start_a_role(executable, &cost);
		isolate[i] = cost.isolate_us;
		closing[i] = cost.close_us;
	}
	print_median("jail_role_from_spawn_to_jailed", whole, STARTS);
	print_median("jail_role_isolate", isolate, STARTS);
	print_median("jail_role_compile_and_enter", closing, STARTS);
}

/* A worker without work: with its channels, and a jail if there is one. */
static double fork_and_reap(const struct jail_filter *jail, double *enter_us)
{
	double start = now_us();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int pair[2];

		must(fd_pair(pair));
		if (jail != NULL && (dup2(pair[0], JAIL_FD_FRONT) < 0 ||
				     dup2(pair[0], JAIL_FD_KEEPER) < 0))
			_exit(EXIT_FAILURE);
		*enter_us = now_us();
		if (jail != NULL)
			must(jail_enter(jail, &report));
		*enter_us = now_us() - *enter_us;
		_exit(EXIT_SUCCESS);
	}
	invariant(waitpid(pid, &status, 0) == pid && status == 0);
	return now_us() - start;
}

static void bench_workers(void)
{
	static double bare[FORKS], jailed[FORKS], enter[FORKS];
	double *enter_us = mmap(NULL, sizeof(*enter_us), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	invariant(enter_us != MAP_FAILED);
	must(filter_compile(profile_of(JAIL_WORKER), &filter));
	for (size_t i = 0; i < FORKS; i++) {
		bare[i] = fork_and_reap(NULL, enter_us);
		jailed[i] = fork_and_reap(&filter, enter_us);
		enter[i] = *enter_us;
	}
	print_median("jail_worker_bare", bare, FORKS);
	print_median("jail_worker_jailed", jailed, FORKS);
	print_median("jail_worker_enter", enter, FORKS);
}

static void bench_arena(void)
{
	double open_us[9];
	struct arena arena;

	for (size_t i = 0; i < 9; i++) {
		open_us[i] = now_us();
		must(memory_arena_open(ARENA, &arena));
		open_us[i] = now_us() - open_us[i];
		memory_arena_close(&arena);
	}
	print_median("jail_arena_open_64_mib", open_us, 9);
}

int main(int argc, char **argv)
{
	struct selftest_result result;
	double start;

	if (argc == 1 && strcmp(argv[0], "role") == 0)
		be_a_role();
	bench_roles();
	bench_workers();
	start = now_us();
	must(selftest_run(&filter, &result));
	printf("jail_selftest %.1f us\n", now_us() - start);
	printf("jail_selftest_acts %zu acts\n", result.tried);
	bench_arena();
	return 0;
}
