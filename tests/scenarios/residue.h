/* SPDX-License-Identifier: Apache-2.0 */
/*
 * residue: a system, what it was told, and every place that may still have it.
 *
 * The system's folder lies on a disk of its own where the machine lets root
 * make one (an image behind a loop device), so that deleted files are looked at
 * as well.
 */
#ifndef TESTS_SCENARIOS_RESIDUE_H
#define TESTS_SCENARIOS_RESIDUE_H

#include "tests/scenarios/process.h"
#include "tests/support/canary.h"
#include "tests/system.h"

/* Frames of an answer, 25 ms each. */
#define RESIDUE_FRAMES 96
#define RESIDUE_TICK_MS 25

struct residue {
	struct system pcc;
	unsigned workers;
	char image[CANARY_PATH_MAX]; /* empty: there is no disk */
	char disk[CANARY_PATH_MAX];
};

/* A paced policy of so many workers, two threads each. */
struct policy residue_policy(unsigned workers);

/* Start one; the test is skipped where memory cannot be read.  Whether there is
 * a disk to look at is a figure of the claim's. */
void residue_start(struct residue *residue, const char *claim,
		   const struct policy *policy);
void residue_stop(struct residue *residue);

/*
 * Until a worker has it, in the middle of its answer: how often, and which
 * worker.  The test fails where none has it in time: it would be blind.
 */
size_t residue_await(const struct residue *residue,
		     const struct needles *needles, pid_t *holder);

/* In the memory of a process, which has to be readable. */
size_t residue_in_process(const struct needles *needles, pid_t pid);

/*
 * All that is left once the workers are new: in memory, queues and files of the
 * node's processes and the gateway, in the system's folder and its disk's raw
 * bytes, in shared memory, and where cores go.
 */
struct scan_finding residue_everywhere(const struct residue *residue,
				       const struct needles *needles);

#endif
