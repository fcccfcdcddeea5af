/* SPDX-License-Identifier: Apache-2.0 */
#include "node/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "node/canary.h"
#include "node/plan.h"
#include "sandbox/machine.h"

static const char *const verdicts[] = {
	[MACHINE_OK] = "ok",
	[MACHINE_WARNING] = "warning",
	[MACHINE_REFUSED] = "refused",
};

/* The file once, and the arenas but for what the model itself takes of them. */
static size_t memory_for(const struct options *options,
			 const struct policy *policy)
{
	const struct plan plan = plan_for(policy, 0);
	struct stat status;
	size_t file = 0;

	if (options->model != NULL) {
		if (stat(options->model, &status) != 0)
			die(options->model);
		file = (size_t)status.st_size;
	}
	return file + policy->workers * plan.arena_bytes;
}

static size_t print_rows(const struct machine *machine)
{
	size_t refused = 0;

	for (size_t i = 0; i < machine_rows(); i++) {
		struct machine_finding finding;

		machine_look(machine, i, &finding);
		printf("%-8s %-14s %s\n", verdicts[finding.verdict],
		       finding.name, finding.found);
		if (finding.verdict != MACHINE_OK)
			printf("%24s%s\n", "", finding.advice);
		refused += finding.verdict == MACHINE_REFUSED;
	}
	fflush(stdout);
	return refused;
}

int doctor_run(const struct options *options)
{
	struct machine machine = { .root = "" };
	struct policy policy;

	options_read_policy(options, &policy);
	machine.needed_memory = memory_for(options, &policy);
	if (print_rows(&machine) > 0)
		return EXIT_FAILURE;
	if (options->task == OPTIONS_DOCTOR_CANARY &&
	    canary_run(options, &policy) != ERR_OK)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
