/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel runs at every call of a node's processes, read back from the
 * kernel itself, is what the node's statement says of it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "sandbox/filter.h"
#include "tests/figure.h"
#include "tests/scenarios/fetch.h"
#include "tests/scenarios/process.h"
#include "tests/support/puppet.h"
#include "tests/system.h"
#include "wire/base64.h"
#include "wire/bundle.h"
#include "wire/statement.h"

#define WORKERS 2
#define FILTERS_MAX 4

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(installed, .fini = stop, .timeout = 120);

static void start(void)
{
	struct policy policy = system_policy();

	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = 2;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

/* The digest of jails in the bundle that the gateway hands out. */
static void read_stated(uint8_t digest[static STATEMENT_DIGEST_BYTES])
{
	struct fetch_response *response = fetch_response_new();
	static uint8_t bytes[BUNDLE_BYTES_MAX];
	struct writer out = WRITER_OVER(bytes);
	struct statement statement;
	struct bundle bundle;
	const char *letters;
	char url[128];
	json_t *list;

	snprintf(url, sizeof(url), "%s/v1/nodes", pcc.gateway);
	fetch(&(struct fetch_request){ .url = url }, response);
	cr_assert_eq(response->status, 200);
	list = json_loads(response->body, 0, NULL);
	letters = json_string_value(json_object_get(
		json_array_get(json_object_get(list, "nodes"), 0), "bundle"));
	cr_assert_not_null(letters);
	cr_assert_eq(base64_decode(bytes_of_string(letters), &out), ERR_OK);
	cr_assert_eq(bundle_parse(bytes_written(&out), &bundle), ERR_OK);
	cr_assert_eq(statement_parse(bundle.statement, &statement), ERR_OK);
	memcpy(digest, statement.jail_digest, STATEMENT_DIGEST_BYTES);
	json_decref(list);
	free(response);
}

/* All filters of all roles in their order, as node/digests.h says. */
static void hash_all(const struct jail_filter *filters,
		     uint8_t digest[static HASH_SHA256_BYTES])
{
	struct hash_stream stream;

	hash_stream_begin(&stream);
	for (int role = 0; role < JAIL_ROLES; role++)
		hash_stream_add(&stream, filter_bytes(&filters[role]));
	hash_stream_end(&stream, digest);
}

static void compile_all(struct jail_filter *filters)
{
	for (int role = 0; role < JAIL_ROLES; role++)
		cr_assert_eq(filter_compile(profile_of((enum jail_role)role),
					    &filters[role]),
			     ERR_OK);
}

Test(installed, the_statement_has_the_digest_of_the_filters_of_all_roles)
{
	static struct jail_filter filters[JAIL_ROLES];
	uint8_t stated[STATEMENT_DIGEST_BYTES], found[HASH_SHA256_BYTES];
	uint64_t tries = 0, same = 0;

	start();
	read_stated(stated);
	compile_all(filters);
	hash_all(filters, found);
	cr_assert_arr_eq(found, stated, sizeof(stated));
	/* One bit of one instruction of any of them. */
	for (int role = 0; role < JAIL_ROLES; role++) {
		for (size_t i = 0; i < filters[role].len; i++) {
			filters[role].code[i] ^= (uint8_t)(1u << i % 8);
			hash_all(filters, found);
			same += memcmp(found, stated, sizeof(stated)) == 0;
			tries++;
			filters[role].code[i] ^= (uint8_t)(1u << i % 8);
		}
	}
	hash_all(filters, found);
	figure_none("E3", "changed filters with the digest of the statement",
		    same, tries,
		    memcmp(found, stated, sizeof(stated)) == 0 ? 1 : 0);
}

/* Which filters a process of this role has, the first one first. */
static size_t chain_of(enum jail_role role, enum jail_role chain[FILTERS_MAX])
{
	size_t count = 0;

	/* A role begins under its supervisor's, a worker under its zygote's. */
	chain[count++] = JAIL_SUPERVISOR;
	if (role == JAIL_WORKER)
		chain[count++] = JAIL_ZYGOTE;
	if (role != JAIL_SUPERVISOR)
		chain[count++] = role;
	return count;
}

/* A kernel built without this says so of a thread that has a filter. */
static void skip_if_not_given_back(pid_t thread)
{
	static _Alignas(8) uint8_t memory[FILTER_BYTES_MAX];
	struct writer code = WRITER_OVER(memory);
	char mode[PROCESS_VALUE_MAX];
	struct puppet puppet;
	size_t len;
	int error;

	process_status(thread, "Seccomp", mode);
	cr_assert_str_eq(mode, "2");
	cr_assert(puppet_take(thread, &puppet));
	errno = 0;
	len = puppet_filter(&puppet, 0, &code);
	error = errno;
	puppet_let_go(&puppet);
	if (len == 0 && (error == EINVAL || error == EIO))
		cr_skip_test("this kernel gives no filter back");
}

/* How many were compared: none of a thread that has ended meanwhile. */
static size_t expect_chain(pid_t thread, enum jail_role role,
			   const struct jail_filter *filters, uint64_t *good)
{
	static _Alignas(8) uint8_t memory[FILTER_BYTES_MAX];
	enum jail_role chain[FILTERS_MAX];
	size_t count = chain_of(role, chain);
	struct puppet puppet;

	if (!puppet_take(thread, &puppet)) {
		cr_assert(process_is_gone(thread), "thread %d of role %d",
			  thread, role);
		return 0;
	}
	for (unsigned i = 0; i < count; i++) {
		struct writer code = WRITER_OVER(memory);
		bool same = puppet_filter(&puppet, i, &code) != 0 &&
			    bytes_equal(bytes_written(&code),
					filter_bytes(&filters[chain[i]]));

		cr_expect(same, "filter %u of role %d is another", i, role);
		*good += same;
	}
	struct writer more = WRITER_OVER(memory);
	cr_expect(puppet_filter(&puppet, (unsigned)count, &more) == 0 &&
			  errno == ENOENT,
		  "role %d has one filter more", role);
	puppet_let_go(&puppet);
	return count;
}

/* Read and compared: of every thread of one process. */
static void expect_chains(pid_t pid, enum jail_role role,
			  const struct jail_filter *filters, uint64_t *tries,
			  uint64_t *good)
{
	struct process_list threads;

	process_threads(pid, &threads);
	cr_assert_geq(threads.count, 1);
	for (size_t i = 0; i < threads.count; i++)
		*tries += expect_chain(threads.pids[i], role, filters, good);
}

Test(installed, every_thread_of_every_process_runs_the_bytes_that_are_stated)
{
	static struct jail_filter filters[JAIL_ROLES];
	uint8_t stated[STATEMENT_DIGEST_BYTES], found[HASH_SHA256_BYTES];
	uint64_t tries = 0, good = 0;
	struct process_list workers;
	pid_t node;

	if (!puppet_works())
		cr_skip_test("only root may read filters back");
	start();
	node = pcc.pids[SYSTEM_NODE];
	read_stated(stated);
	skip_if_not_given_back(node);
	compile_all(filters);
	hash_all(filters, found);
	cr_assert_arr_eq(found, stated, sizeof(stated));
	expect_chains(node, JAIL_SUPERVISOR, filters, &tries, &good);
	for (int role = JAIL_FRONT; role <= JAIL_ZYGOTE; role++)
		expect_chains(process_role(node, (enum jail_role)role),
			      (enum jail_role)role, filters, &tries, &good);
	process_workers(node, &workers);
	cr_assert_eq(workers.count, WORKERS);
	for (size_t i = 0; i < workers.count; i++)
		expect_chains(workers.pids[i], JAIL_WORKER, filters, &tries,
			      &good);
	figure_all("E3", "filters read back from the kernel, as stated", good,
		   tries);
}
