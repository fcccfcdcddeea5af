/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/residue.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/figure.h"

#define AWAIT_MS 8000

struct policy residue_policy(unsigned workers)
{
	struct policy policy = system_policy();

	policy.workers = workers;
	policy.warm_workers = workers;
	policy.threads = 2; /* whose stacks are looked through as well */
	policy.tick_ms = RESIDUE_TICK_MS;
	policy.total_buckets[0] = RESIDUE_FRAMES;
	policy.total_bucket_count = 1;
	return policy;
}

void residue_start(struct residue *residue, const char *claim,
		   const struct policy *policy)
{
	if (geteuid() != 0)
		cr_skip_test("only root may read other processes' memory");
	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	residue->workers = policy->workers;
	if (canary_make_disk(residue->image, residue->disk))
		cr_assert_eq(setenv("TMPDIR", residue->disk, 1), 0);
	else
		residue->image[0] = '\0';
	system_start_or_skip(policy, &residue->pcc);
	cr_assert(process_await_node(residue->pcc.pids[SYSTEM_NODE],
				     policy->workers, AWAIT_MS));
	figure_of(claim,
		  "the raw disk below its files was searched: 1, or not: 0",
		  residue->image[0] != '\0', "");
}

void residue_stop(struct residue *residue)
{
	system_stop_or_fail(&residue->pcc);
	if (residue->image[0] != '\0')
		canary_remove_disk(residue->image, residue->disk);
}

size_t residue_in_process(const struct needles *needles, pid_t pid)
{
	struct scan_finding finding = { 0 };

	scan_process(needles, pid, &finding);
	/* Of one that has ended meanwhile there was no more to be seen. */
	if (finding.is_refused && !process_is_gone(pid))
		cr_skip_test("not all memory of a process can be read");
	return finding.hits;
}

static size_t in_workers(const struct residue *residue,
			 const struct needles *needles, pid_t *holder)
{
	struct process_list workers;
	size_t hits = 0;

	process_workers(residue->pcc.pids[SYSTEM_NODE], &workers);
	for (size_t i = 0; i < workers.count; i++) {
		size_t here = residue_in_process(needles, workers.pids[i]);

		if (here > 0)
			*holder = workers.pids[i];
		hits += here;
	}
	return hits;
}

size_t residue_await(const struct residue *residue,
		     const struct needles *needles, pid_t *holder)
{
	uint64_t end = system_now_ms() + AWAIT_MS;
	size_t hits = 0;

	while (hits == 0 && system_now_ms() < end)
		hits = in_workers(residue, needles, holder);
	cr_assert_gt(hits, 0, "no worker has it: the test is blind");
	return hits;
}

static void look_at_processes(const struct residue *residue,
			      const struct needles *needles,
			      struct scan_finding *finding)
{
	struct process_list all;

	process_node(residue->pcc.pids[SYSTEM_NODE], &all);
	cr_assert_eq(all.count, 1 + 3 + residue->workers);
	all.pids[all.count++] = residue->pcc.pids[SYSTEM_GATEWAY];
	for (size_t i = 0; i < all.count; i++) {
		uint64_t before = finding->bytes;

		scan_process(needles, all.pids[i], finding);
		cr_assert_gt(finding->bytes - before, 100000,
			     "%d was not looked at", all.pids[i]);
		scan_descriptors(needles, all.pids[i], finding);
	}
	cr_assert_not(finding->is_refused);
}

/* Cores go beside the process, unless the machine says where. */
static void look_at_cores(const struct residue *residue,
			  const struct needles *needles,
			  struct scan_finding *finding)
{
	char path[256] = "", *slash;
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

	(void)residue;
	if (file != NULL && fgets(path, sizeof(path), file) != NULL &&
	    path[0] == '/' && (slash = strrchr(path, '/')) != path) {
		*slash = '\0';
		scan_folder(needles, path, finding);
	}
	if (file != NULL)
		fclose(file);
	scan_file(needles, "core", finding);
}

struct scan_finding residue_everywhere(const struct residue *residue,
				       const struct needles *needles)
{
	struct scan_finding finding = { 0 };
	size_t places;

	cr_assert(process_await_node(residue->pcc.pids[SYSTEM_NODE],
				     residue->workers, AWAIT_MS));
	look_at_processes(residue, needles, &finding);
	places = finding.places;
	scan_folder(needles, residue->pcc.folder, &finding);
	cr_assert_geq(finding.places, places + 4, "logs were not looked at");
	if (access("/dev/shm", R_OK) == 0)
		scan_folder(needles, "/dev/shm", &finding);
	look_at_cores(residue, needles, &finding);
	/* All that was on the disk, whether it still has a name or not. */
	if (residue->image[0] != '\0')
		canary_scan_disk(needles, residue->image, residue->disk,
				 &finding);
	return finding;
}
