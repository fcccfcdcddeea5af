/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node tries its jails before it serves: each time it starts a child enters a
 * jail for each forbidden act and dies of it; and where the kernel says of one
 * filter that it is closed and it is not, the node says so and does not serve.
 *
 * Which children those are, and that a filter is none, is a tracer's doing.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "sandbox/selftest.h"
#include "tests/figure.h"
#include "tests/support/saboteur.h"
#include "tests/system.h"

#define JAILS 4 /* that the supervisor tries: front's to attester's */
#define STARTS 2

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(tried, .fini = stop, .timeout = 300);

static void begin(void)
{
	saboteur_begin_or_skip();
}

/* Acts that no role may do, and where the one of this name is among them or
 * among all. */
static size_t count_everybodys(void)
{
	size_t count, found = 0;
	const struct selftest_act *acts = selftest_acts(&count);

	for (size_t i = 0; i < count; i++)
		found += acts[i].is_everybodys;
	return found;
}

static size_t place_of(const char *name, bool is_worker)
{
	size_t count, place = 0;
	const struct selftest_act *acts = selftest_acts(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(acts[i].name, name) == 0)
			return place;
		place += is_worker || acts[i].is_everybodys;
	}
	cr_assert_fail("no act is called \"%s\"", name);
	return 0;
}

static const char *start(enum jail_role role, uint64_t filter)
{
	struct policy policy = system_policy();

	saboteur_void_filter(role, filter);
	return system_start(&policy, SYSTEM_AS_CALLER, &pcc);
}

/* Whether a node with this one filter void said so and did not serve. */
static bool is_refused(enum jail_role role, uint64_t filter, const char *said)
{
	const char *wrong = start(role, filter);
	bool is_good;

	if (wrong == NULL) {
		(void)system_stop(&pcc);
		return false;
	}
	is_good = strstr(wrong, said) != NULL &&
		  strstr(wrong, "node_ready") == NULL;
	cr_expect(is_good, "%s", wrong);
	return is_good;
}

/* All of its tries, at each of several starts, of one who starts nothing. */
static void try_starts(enum jail_role role, size_t least,
		       struct saboteur_filters *sum)
{
	for (int i = 0; i < STARTS; i++) {
		const char *wrong = start(role, SABOTEUR_NO_FILTER);
		struct saboteur_filters filters = saboteur_filters();

		cr_assert_null(wrong, "%s", wrong);
		cr_expect_geq(filters.closed, least, "%lu of %zu",
			      filters.closed, least);
		sum->closed += filters.closed;
		sum->survived += filters.survived;
		system_stop_or_fail(&pcc);
	}
}

Test(tried, a_node_tries_each_jail_at_every_start_and_serves_with_no_hole)
{
	const size_t everybodys = count_everybodys();
	const size_t look = place_of("open a directory", false);
	const size_t wait = place_of("wait for descriptors", true);
	struct saboteur_filters tries = { 0 };
	uint64_t refused = 0, control;
	size_t all;

	begin();
	selftest_acts(&all);
	try_starts(JAIL_SUPERVISOR, JAILS * everybodys, &tries);
	try_starts(JAIL_WORKER, all, &tries);
	for (size_t i = 0; i < JAILS; i++)
		refused += is_refused(JAIL_SUPERVISOR, i * everybodys + look,
				      "a forbidden act works in a role's jail");
	control = saboteur_filters().survived;
	/* One that the zygote's own filter, which a worker has too, lets by. */
	refused += is_refused(JAIL_WORKER, wait,
			      "a forbidden act works in the worker's jail");
	figure_none("E9", "forbidden acts that worked when a node started",
		    tries.survived, tries.closed, control);
	figure_all("E9",
		   "nodes that said so and did not serve where one filter of "
		   "one try was void, each role's in turn",
		   refused, JAILS + 1);
}
