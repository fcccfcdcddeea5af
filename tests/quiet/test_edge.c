/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who connects to a gateway and means no good: what it costs the gateway, and
 * what those notice who are answered meanwhile.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/crowd.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/siege.h"
#include "tests/system.h"

#define TOKENS 8
#define OTHERS 2       /* good clients, beside an attack */
#define ATTACK_MS 3000 /* each; in the long form 10 s */
#define IDLE_MS 4000   /* that the others are watched without one */
#define LOOK_MS 100
#define BACK_MS 15000 /* until all is as before: the idle time, and some */
#define GROWTH_MIB 16.0
#define SLOWER_MAX 2.0
#define ROOM 1024      /* of a gateway that was told nothing */
#define HEAD_MS 10000  /* gateway/edge.c, */
#define CONNECTS 10000 /* in a round */
#define MUCH 40000

#define POST_HEAD                        \
	"POST / HTTP/1.1\r\nHost: x\r\n" \
	"Content-Type: message/ohttp-chunked-req\r\n"
#define CHUNKED POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define GET_NODES "GET /v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n"

static struct system pcc;
static struct crowd_lesson lesson;

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	struct policy policy = system_policy();

	(void)tests;
	criterion_options.jobs = 1;
	policy.shape = POLICY_SHAPE_OFF; /* so that a delay shows */
	policy.threads = 1;
	system_share(&policy);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	system_unshare();
}

static uint16_t gateway_port(void)
{
	return (uint16_t)strtoul(strrchr(pcc.gateway, ':') + 1, NULL, 10);
}

/* What gateway and front have, together. */
struct holding {
	double mib;
	size_t descriptors, threads;
};

static struct holding hold(void)
{
	pid_t pids[] = { pcc.pids[SYSTEM_GATEWAY],
			 process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT) };
	struct holding sum = { 0 };

	for (size_t i = 0; i < 2; i++) {
		struct process_list threads;

		process_threads(pids[i], &threads);
		sum.threads += threads.count;
		sum.descriptors += process_descriptor_count(pids[i]);
		sum.mib += (double)process_memory_kib(pids[i], "Rss") / 1024;
	}
	return sum;
}

/* What the others are answered for so long, and the most memory meanwhile. */
static struct crowd_result watch(unsigned ms, double *most_mib)
{
	struct crowd_plan plan = {
		.clients = OTHERS,
		.until_ms = system_now_ms() + ms,
		.seed = effort_seed(),
	};
	struct crowd crowd;

	crowd_begin(&lesson, &plan, &crowd);
	while (system_now_ms() < plan.until_ms) {
		double mib = hold().mib;

		*most_mib = mib > *most_mib ? mib : *most_mib;
		system_sleep_ms(LOOK_MS);
	}
	return crowd_end(&crowd);
}

static double idle_p99;
static size_t idle_descriptors;

/* The others without an attack. */
static void learn(void)
{
	const char *wrong = crowd_learn(pcc.gateway, TOKENS, &lesson);
	double mib = 0;

	cr_assert_null(wrong, "%s", wrong);
	(void)watch(IDLE_MS / 4, &mib); /* what is made once is made now */
	idle_p99 = watch(IDLE_MS, &mib).total_p99;
	system_sleep_ms(LOOK_MS);
	idle_descriptors = hold().descriptors;
}

static void adopt(void)
{
	system_adopt(&pcc);
}

TestSuite(edge, .init = adopt, .timeout = 36000);

/* Descriptors come back when the library has read what was sent to the end. */
static size_t await_descriptors(size_t expected)
{
	uint64_t end = system_now_ms() + BACK_MS;

	while (hold().descriptors > expected && system_now_ms() < end)
		system_sleep_ms(LOOK_MS);
	return hold().descriptors;
}

struct attack {
	const char *name;
	struct siege_plan plan;
};

/* The worst of several attacks. */
struct worst {
	double growth_mib, slower;
	uint64_t longest_ms, served, lost, refused, closed;
};

static void withstand(const struct attack *attack, struct worst *worst)
{
	struct holding before = hold();
	struct siege_plan plan = attack->plan;
	size_t left;
	struct crowd_result others;
	struct siege_count seen;
	struct siege siege;
	double most = 0, slower;

	plan.port = gateway_port();
	siege_begin(&plan, &siege);
	others = watch(effort_is_long() ? 10000 : ATTACK_MS, &most);
	seen = siege_end(&siege);
	slower = others.total_p99 / idle_p99;
	cr_log_info("%s: %lu connections, %lu closed, the longest after %lu "
		    "ms; others %lu, p50 %.1f p99 %.1f ms (%.2f); +%.1f MiB",
		    attack->name, seen.opened, seen.closed, seen.longest_ms,
		    others.whole, others.total_p50, others.total_p99, slower,
		    most - before.mib);
	cr_assert_gt(others.whole, 0, "%s", attack->name);
	left = await_descriptors(idle_descriptors);
	cr_assert_leq(left, idle_descriptors, "%s: %zu", attack->name, left);
	if (most - before.mib > worst->growth_mib)
		worst->growth_mib = most - before.mib;
	if (slower > worst->slower)
		worst->slower = slower;
	if (seen.longest_ms > worst->longest_ms)
		worst->longest_ms = seen.longest_ms;
	worst->served += others.whole;
	worst->lost += others.lost + others.corrupted;
	worst->refused += others.refused;
	worst->closed += seen.closed;
}

static void tell(const char *what, const char *who, double value,
		 const char *unit, double limit)
{
	char text[160];

	snprintf(text, sizeof(text), "%s: %s", who, what);
	figure_at_most("C1", text, value, unit, limit);
}

static struct worst withstand_all(const char *who, const struct attack *attacks,
				  size_t count)
{
	struct worst worst = { 0 };

	learn();
	for (size_t i = 0; i < count; i++)
		withstand(&attacks[i], &worst);
	cr_assert_eq(worst.lost, 0);
	cr_assert_eq(worst.refused, 0);
	tell("more memory", who, worst.growth_mib, "MiB", GROWTH_MIB);
	tell("others' p99, of idle", who, worst.slower, "", SLOWER_MAX);
	return worst;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A body that a node hears of, and that then does not come. */
static const char *much(void)
{
	static char text[MUCH + sizeof(POST_HEAD) + 64];

	strcpy(text, POST_HEAD "Content-Length: 1000000\r\n\r\n");
	memset(text + strlen(text), 'a', MUCH);
	return text;
}

Test(edge, clients_that_say_little_cost_others_nothing)
{
	const struct attack attacks[] = {
		{ "silent", { .connections = 300 } },
		{ "headers a byte at a time",
		  { .connections = 300,
		    .opening = "GET / HTTP/1.1\r\nX: ",
		    .refrain = "a",
		    .drip_ms = 300 } },
		{ "bodies a byte at a time",
		  { .connections = 300,
		    .opening = POST_HEAD "Content-Length: 100000\r\n\r\n",
		    .refrain = "a",
		    .drip_ms = 300 } },
		{ "bodies that stop",
		  { .connections = 100,
		    .opening = much(),
		    .refrain = "a",
		    .drip_ms = 300 } },
		{ "answers that nobody reads",
		  { .connections = 300,
		    .opening = GET_NODES,
		    .manner = SIEGE_DEAF } },
	};

	(void)withstand_all("300 that say little", attacks, COUNT(attacks));
}

/* Who comes finds a place, since who has been waited for longest makes room. */
Test(edge, more_clients_than_there_is_room_for_shut_nobody_out)
{
	const struct attack attacks[] = {
		{ "silent", { .connections = ROOM * 3 / 2 } },
		{ "headers a byte at a time",
		  { .connections = ROOM * 3 / 2,
		    .opening = "GET / HTTP/1.1\r\nX: ",
		    .refrain = "a",
		    .drip_ms = 300 } },
		{ "bodies a byte at a time",
		  { .connections = ROOM * 3 / 2,
		    .opening = POST_HEAD "Content-Length: 100000\r\n\r\n",
		    .refrain = "a",
		    .drip_ms = 300 } },
		{ "bodies that stop",
		  { .connections = ROOM * 3 / 2,
		    .opening = much(),
		    .refrain = "a",
		    .drip_ms = 300 } },
	};
	struct worst worst = { 0 };

	learn();
	for (size_t i = 0; i < COUNT(attacks); i++)
		withstand(&attacks[i], &worst);
	cr_assert_gt(worst.closed, ROOM / 2, "nobody made room");
	/* Without limits: SECURITY.md claims neither. */
	figure_of("C1", "1,536 at 1,024 places: others' p99, of idle",
		  worst.slower, "");
	figure_of("C1", "1,536 at 1,024 places: more memory", worst.growth_mib,
		  "MiB");
	figure_none("C1", "answers lost to others meanwhile", worst.lost,
		    worst.served, worst.closed);
	figure_of("C1", "the same: of the others told to come again",
		  (double)worst.refused, "");
}

/* What HTTP does not allow is answered, if at all, and closed. */
Test(edge, floods_and_lies_cost_others_nothing_and_are_closed)
{
	const struct attack attacks[] = {
		{ "headers without end",
		  { .connections = 32,
		    .opening = "GET / HTTP/1.1\r\n",
		    .refrain = "X-H: v\r\n" } },
		{ "one header without end",
		  { .connections = 32,
		    .opening = "GET / HTTP/1.1\r\nX: ",
		    .refrain = "a" } },
		{ "a request line without end",
		  { .connections = 32, .refrain = "a" } },
		{ "a size of a chunk without end",
		  { .connections = 32, .opening = CHUNKED, .refrain = "0" } },
		{ "an extension of a chunk without end",
		  { .connections = 32,
		    .opening = CHUNKED "1;",
		    .refrain = "a" } },
		{ "a size of a chunk that no number holds",
		  { .connections = 32,
		    .opening = CHUNKED,
		    .refrain = "FFFFFFFFFFFFFFFFF\r\n" } },
		{ "chunks of a byte",
		  { .connections = 32,
		    .opening = CHUNKED,
		    .refrain = "1\r\na\r\n" } },
		{ "trailers without end",
		  { .connections = 32,
		    .opening = CHUNKED "1\r\na\r\n0\r\n",
		    .refrain = "X: y\r\n" } },
		{ "two lengths",
		  { .connections = 32,
		    .opening = POST_HEAD "Content-Length: 5\r\n"
					 "Content-Length: 500000\r\n\r\n",
		    .refrain = "a" } },
		{ "a length and chunks",
		  { .connections = 32,
		    .opening = POST_HEAD "Content-Length: 5\r\n"
					 "Transfer-Encoding: chunked\r\n\r\n",
		    .refrain = "1\r\na\r\n" } },
		{ "requests one behind another",
		  { .connections = 32, .refrain = GET_NODES } },
		{ "the same, and no answer is read",
		  { .connections = 32,
		    .refrain = GET_NODES,
		    .manner = SIEGE_DEAF } },
	};
	struct worst worst =
		withstand_all("floods and lies", attacks, COUNT(attacks));

	cr_assert_gt(worst.closed, COUNT(attacks) * 32);
	tell("the last one closed after", "floods and lies",
	     (double)worst.longest_ms, "ms", 2000);
}

/* With room for all, so that it is their time that ends them. */
Test(edge, a_client_that_says_little_is_closed_in_its_time)
{
	struct siege_plan plan = { .port = gateway_port(),
				   .connections = 50,
				   .total = 50,
				   .opening = "GET / HTTP/1.1\r\nX: ",
				   .refrain = "a",
				   .drip_ms = 300 };
	struct siege_count seen;
	struct siege siege;

	siege_begin(&plan, &siege);
	cr_assert(siege_await(&siege, HEAD_MS + 2000));
	seen = siege_end(&siege);
	cr_assert_eq(seen.closed, 50);
	figure_at_most("C1", "a client that never ends its headers is closed",
		       (double)seen.longest_ms / 1000, "s", 11);
}

Test(edge, a_thousand_idle_connections_take_little_memory)
{
	struct siege_plan plan = { .port = gateway_port(),
				   .connections = 1000 };
	struct holding before = hold();
	struct siege siege;
	double mib = 0;

	siege_begin(&plan, &siege);
	for (int i = 0; i < 20; i++) {
		double now = hold().mib;

		mib = now > mib ? now : mib;
		system_sleep_ms(LOOK_MS);
	}
	cr_assert_geq(hold().descriptors, before.descriptors + 900);
	cr_assert_geq(siege_end(&siege).opened, 1000);
	figure_at_most("C1", "1,000 idle connections: more memory",
		       mib - before.mib, "MiB", GROWTH_MIB);
	cr_assert_leq(await_descriptors(before.descriptors),
		      before.descriptors);
}

static void storm(enum siege_manner manner)
{
	struct siege_plan plan = { .port = gateway_port(),
				   .connections = 64,
				   .total = CONNECTS,
				   .manner = manner };
	struct siege siege;

	siege_begin(&plan, &siege);
	cr_assert(siege_await(&siege, 120000));
	cr_assert_eq(siege_end(&siege).opened, CONNECTS);
}

/* As full as it can be: an allocator keeps what it once had. */
static void fill(void)
{
	struct siege_plan plan = { .port = gateway_port(),
				   .connections = ROOM * 3 / 2 };
	struct siege siege;

	siege_begin(&plan, &siege);
	system_sleep_ms(ATTACK_MS);
	(void)siege_end(&siege);
}

Test(edge, after_many_connects_everything_is_as_it_was)
{
	struct effort effort = effort_of(1);
	size_t idle = hold().descriptors;
	struct holding before, after;

	fill();
	for (int i = 0; i < 2; i++) {
		storm(SIEGE_RESETS);
		storm(SIEGE_LEAVES);
	}
	(void)await_descriptors(idle);
	before = hold();
	while (effort_more(&effort)) {
		storm(SIEGE_RESETS);
		storm(SIEGE_LEAVES);
	}
	system_sleep_ms(LOOK_MS);
	(void)await_descriptors(before.descriptors);
	after = hold();
	cr_assert_leq(after.descriptors, before.descriptors, "%zu, %zu",
		      after.descriptors, before.descriptors);
	/* gRPC's timer has one more thread now and then. */
	cr_assert_leq(after.threads, before.threads + 1, "%zu, %zu",
		      after.threads, before.threads);
	figure_of("C4", "connects", 2.0 * CONNECTS * (double)effort.done, "");
	/* In the long form that tells a leak from what an allocator keeps. */
	figure_of("C4", "more memory after all of them",
		  100 * (after.mib / before.mib - 1), "%");
	figure_at_most("C4", "more memory after each 20,000",
		       100 * (after.mib / before.mib - 1) / (double)effort.done,
		       "%", 1);
}
