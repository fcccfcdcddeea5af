/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine says of itself, from files made up for it.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/machine.h"
#include "tests/figure.h"

#define TITLES "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static char root[64];
static struct machine machine;

static void path_of(const char *name, char path[static 160])
{
	snprintf(path, 160, "%s%s", root, name);
}

static void put(const char *name, const char *text)
{
	char path[160];
	FILE *file;

	path_of(name, path);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	fclose(file);
}

static void take_away(const char *name)
{
	char path[160];

	path_of(name, path);
	cr_assert_eq(unlink(path), 0);
}

static void make(void)
{
	static const char *const folders[] = { "/proc", "/proc/sys",
					       "/proc/sys/kernel" };

	snprintf(root, sizeof(root), "/tmp/pcc-machine.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	machine.root = root;
	for (size_t i = 0; i < 3; i++) {
		char path[160];

		path_of(folders[i], path);
		cr_assert_eq(mkdir(path, 0700), 0);
	}
	put("/proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 4096 kB\n");
	put("/proc/swaps", TITLES);
	put("/proc/sys/kernel/core_pattern", "core\n");
}

static void drop(void)
{
	char line[160];

	snprintf(line, sizeof(line), "rm -r %s", root);
	(void)!system(line);
}

TestSuite(machine, .init = make, .fini = drop);

static enum machine_verdict verdict_of(const char *name)
{
	for (size_t i = 0; i < machine_rows(); i++) {
		struct machine_finding finding;

		machine_look(&machine, i, &finding);
		if (strcmp(finding.name, name) != 0)
			continue;
		cr_expect_gt(strlen(finding.found), 0, "%s", name);
		cr_expect_eq(finding.verdict == MACHINE_OK,
			     finding.advice[0] == '\0', "%s", name);
		return finding.verdict;
	}
	cr_assert_fail("no row %s", name);
	return MACHINE_REFUSED;
}

static bool is_good_enough(void)
{
	struct machine_finding finding;

	return machine_needed(&machine, &finding) == ERR_OK;
}

Test(machine, without_swap_and_with_plain_cores_a_node_may_start)
{
	cr_assert(is_good_enough());
	cr_assert_eq(verdict_of("swap"), MACHINE_OK);
	cr_assert_eq(verdict_of("core pattern"), MACHINE_OK);
}

Test(machine, whatever_swap_there_is_stops_a_node)
{
	static const char *const devices[] = {
		"/dev/sda2 partition 8388604 0 -2\n",
		"/swapfile file 2097148 524288 -2\n",
		"/dev/zram0 partition 4194300 0 100\n",
		"/dev/dm-1\\040(deleted) partition 1 1 -3\n",
	};
	uint64_t refused = 0;

	for (size_t i = 0; i < 4; i++) {
		char text[256];

		snprintf(text, sizeof(text), TITLES "%s", devices[i]);
		put("/proc/swaps", text);
		cr_expect_eq(verdict_of("swap"), MACHINE_REFUSED, "%zu", i);
		refused += !is_good_enough();
	}
	figure_all("F6", "kinds of swap, refused", refused, 4);
}

Test(machine, a_handler_of_cores_stops_a_node)
{
	static const char *const handlers[] = {
		"|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h\n",
		"|/usr/share/apport/apport -p%p -s%s\n",
		"|/bin/false\n",
		"|\n",
		"@/run/cores.sock\n",
		"@@/run/cores.sock\n",
	};
	const size_t count = sizeof(handlers) / sizeof(handlers[0]);
	uint64_t refused = 0;

	for (size_t i = 0; i < count; i++) {
		put("/proc/sys/kernel/core_pattern", handlers[i]);
		cr_expect_eq(verdict_of("core pattern"), MACHINE_REFUSED);
		refused += !is_good_enough();
	}
	figure_all("F6", "handlers of cores, refused", refused, count);
	put("/proc/sys/kernel/core_pattern", "/var/cores/%p|x@y\n");
	cr_assert(is_good_enough());
	put("/proc/sys/kernel/core_pattern", "\n");
	cr_assert(is_good_enough());
}

Test(machine, what_cannot_be_known_stops_a_node)
{
	put("/proc/swaps", "");
	cr_expect_not(is_good_enough());
	put("/proc/swaps", "Something else\n");
	cr_expect_not(is_good_enough());
	/* A kernel that was built without has no such file... */
	take_away("/proc/swaps");
	cr_expect(is_good_enough());
	take_away("/proc/sys/kernel/core_pattern");
	cr_expect(is_good_enough());
	/* ...but a /proc. */
	take_away("/proc/meminfo");
	cr_expect_not(is_good_enough());
}

Test(machine, memory_is_held_against_what_is_needed)
{
	machine.needed_memory = 3u << 20;
	cr_expect_eq(verdict_of("memory"), MACHINE_OK);
	machine.needed_memory = 5u << 20;
	cr_expect_eq(verdict_of("memory"), MACHINE_WARNING);
}

Test(machine, each_row_says_what_it_found)
{
	for (size_t i = 0; i < machine_rows(); i++) {
		struct machine_finding finding;

		machine_look(&machine, i, &finding);
		cr_expect_gt(strlen(finding.found), 0, "%s", finding.name);
		cr_expect_not_null(finding.advice);
	}
}
