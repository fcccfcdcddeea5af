/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: opens one request, answers it, and dies.
 *
 *   holds   one request: text, model state and answer in one arena, its keys on
 *           pages that end with it
 *   sees    one request
 *   never   a second request, a file, a socket it was not given, a clock
 *   jail    profile_of(JAIL_WORKER): read, write, futex, exit_group
 *   fds     3 front, 4 keeper, both until the end of this process
 */
#ifndef NODE_WORKER_H
#define NODE_WORKER_H

#include "base/arena.h"
#include "inference/generate.h"
#include "node/plan.h"
#include "policy/policy.h"
#include "sandbox/jail.h"
#include "wire/receipt.h"

/* What the zygote has ready; all of it is shared with every worker. */
struct worker_setup {
	const struct policy *policy;
	const struct plan *plan;
	const struct model *model;
	const struct jail_filter *filter;
	struct arena *arena;  /* this worker's own */
	struct bytes weights; /* where the model's are, in shared memory */
	uint32_t json_seed;   /* random, not zero */
	enum receipt_arena arena_was; /* before anything was put in it */
};

/* What makes the first request as quick as the second: before any fork. */
void worker_warm(void);

/*
 * Become a worker: the rest of this process.  Its descriptors 3 and 4 are in
 * place.  Ends with status 0 when the answer or a failure was told whole.
 */
_Noreturn void worker_run(const struct worker_setup *setup);

#endif
