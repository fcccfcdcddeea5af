/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/jailed.h"

#include "tests/scenarios/openai.h"

void jailed_start(enum system_caller caller, struct system *out)
{
	struct policy policy = system_policy();
	const char *wrong = system_obstacle();

	if (caller == SYSTEM_AS_ORDINARY && !system_gives_namespaces())
		cr_skip_test("ordinary users get no namespaces here");
	if (wrong != NULL)
		cr_skip_test("%s", wrong);
	policy.workers = JAILED_WORKERS;
	policy.warm_workers = JAILED_WORKERS;
	policy.threads = JAILED_THREADS;
	policy.tick_ms = 5;
	wrong = system_start(&policy, caller, out);
	cr_assert_null(wrong, "%s", wrong);
	cr_assert(process_await_node(out->pids[SYSTEM_NODE], JAILED_WORKERS,
				     5000));
	/* Of a node that has worked. */
	cr_assert_geq(openai_await_answer(out->client, 10000), 0);
	cr_assert(process_await_node(out->pids[SYSTEM_NODE], JAILED_WORKERS,
				     5000));
}

static void add(struct jailed_list *list, pid_t pid, enum jail_role role)
{
	list->pids[list->count] = pid;
	list->roles[list->count++] = role;
}

void jailed_list(const struct system *system, struct jailed_list *out)
{
	struct process_list workers;

	process_workers(system->pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, JAILED_WORKERS);
	out->count = 0;
	for (size_t i = 0; i < workers.count; i++)
		add(out, workers.pids[i], JAIL_WORKER);
	for (int i = JAIL_FRONT; i <= JAIL_ZYGOTE; i++)
		add(out,
		    process_role(system->pids[SYSTEM_NODE], (enum jail_role)i),
		    (enum jail_role)i);
}
