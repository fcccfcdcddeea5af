/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that shows its release: measured, put into a log by the tools that an
 * operator has, carried in its bundle, and demanded by its clients.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/policy.h"
#include "tests/system.h"

#define DAY 86400
#define SCRIPT_MAX 4096
#define TRUST_MAX 1024

static char folder[] = "/tmp/pcc-published-XXXXXX";
static struct system pcc;
static char release[128];

static void stop(void)
{
	char command[128];

	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(published, .fini = stop, .timeout = 120);

/* Run a script in the folder, where $N, $L and $V are programs; its status. */
__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char node[SYSTEM_BUILT_MAX], log[SYSTEM_BUILT_MAX];
	char verify[SYSTEM_BUILT_MAX], model[PATH_MAX];
	char line[SCRIPT_MAX], script[3 * SCRIPT_MAX + PATH_MAX];
	va_list arguments;
	int status;

	cr_assert(system_built("pcc-node", node));
	cr_assert(system_built("pcc-log", log));
	cr_assert(system_built("pcc-verify", verify));
	cr_assert_not_null(realpath(system_model(), model));
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	snprintf(script, sizeof(script),
		 "N=$(realpath %s) L=$(realpath %s) V=$(realpath %s) M=%s\n"
		 "cd %s && { %s\n}",
		 getenv("PCC_NODE") != NULL ? getenv("PCC_NODE") : node, log,
		 verify, model, folder, line);
	status = system(script);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void save_policy(const struct policy *policy)
{
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);
	char path[64];
	FILE *file;

	cr_assert_eq(policy_write(policy, &text), ERR_OK);
	snprintf(path, sizeof(path), "%s/policy", folder);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text.data, 1, text.len, file), text.len);
	fclose(file);
}

/*
 * What an operator does before a roll-out: measure, log, prove.  `change` is a
 * filter over what was measured.
 */
static void publish(const struct policy *policy, long begin, long end,
		    const char *change)
{
	cr_assert_not_null(mkdtemp(folder));
	save_policy(policy);
	cr_assert_eq(
		run("$N --measure --model $M --policy policy 2>log | "
		    "sed -n 's/^--accept-log /grammar=/;"
		    "s/^--accept-\\([a-z]*\\) /\\1=/;/=/p' | "
		    "grep -v command= | %s >digests && "
		    "$L create --log log.d --key key --origin example.org/pcc "
		    ">/dev/null && "
		    "$L entry release name=pcc-node version=1 $(cat digests) "
		    "manifest=$(printf %%064d 1) not-before=%ld not-after=%ld "
		    ">entry && "
		    "$L append --log log.d --key key entry >/dev/null && "
		    "$L prove --log log.d --log-key log.d/key --entry entry "
		    ">proof && "
		    "$L publish --entry entry --proof proof "
		    "--log-key log.d/key >release",
		    change, begin, end),
		0);
	snprintf(release, sizeof(release), "%s/release", folder);
}

/* A node that shows it, and a client that trusts nothing but that log. */
static void start(const struct policy *policy)
{
	static const char *arguments[] = { "--release", release, NULL };
	static char path[64];
	char trust[TRUST_MAX], key[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/log.d/key", folder);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	cr_assert_not_null(fgets(key, sizeof(key), file));
	fclose(file);
	key[strcspn(key, "\n")] = '\0';
	snprintf(trust, sizeof(trust), "evidence software\nrelease-log %s\n",
		 key);
	snprintf(path, sizeof(path), "%s/trust", folder);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(trust, file);
	fclose(file);
	system_tell(arguments, path);
	system_start_or_skip(policy, &pcc);
}

static void skip_without_system(void)
{
	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
}

/* A node does not start with this release; what it says is in "said". */
static void expect_refusal(const char *words)
{
	cr_assert_eq(
		run("timeout 30 $N --model $M --policy policy "
		    "--listen unix:node.sock --release release >said 2>&1"),
		1);
	cr_assert_eq(run("grep -q '%s' said || { cat said; false; }", words),
		     0);
}

Test(published, a_node_shows_its_release_and_clients_demand_it)
{
	struct policy policy = system_policy();
	long now = (long)time(NULL);

	skip_without_system();
	publish(&policy, now - DAY, now + 30 * DAY, "cat");
	start(&policy);
	cr_assert_eq(run("$V bundle --gateway %s --trust trust >checks && "
			 "grep -q '^PASS  release ' checks && "
			 "grep -q '^PASS  release-match ' checks && "
			 "grep -q '^PASS  release-time ' checks",
			 pcc.gateway),
		     0);
	/* Whoever trusts another log refuses the same node. */
	cr_assert_eq(run("$L create --log other.d --key other --origin "
			 "example.org/pcc >/dev/null; "
			 "echo evidence software >trust2; "
			 "echo release-log $(cat other.d/key) >>trust2; "
			 "$V bundle --gateway %s --trust trust2 >checks",
			 pcc.gateway),
		     10);
}

Test(published, a_node_starts_as_no_other_release_than_its_own)
{
	struct policy policy = system_policy();
	long now = (long)time(NULL);

	skip_without_system();
	publish(&policy, now - DAY, now + DAY, "sed s/^jail=./jail=0/");
	/* One in sixteen would be the same by chance. */
	if (run("grep -q '^jail=00' digests") == 0)
		cr_skip_test("the digest begins with a zero anyway");
	expect_refusal("this node.s jail is not that of");
}

Test(published, a_node_refuses_to_start_past_the_end_of_its_release)
{
	struct policy policy = system_policy();
	long now = (long)time(NULL);

	skip_without_system();
	publish(&policy, now - 2 * DAY, now - DAY, "cat");
	expect_refusal("its time is over");
}

Test(published, a_node_refuses_to_start_before_its_release_may_run)
{
	struct policy policy = system_policy();
	long now = (long)time(NULL);

	skip_without_system();
	publish(&policy, now + DAY, now + 2 * DAY, "cat");
	expect_refusal("its time has not come");
}

/* Its end comes while it runs: what runs is finished, and it stops. */
Test(published, a_node_stops_when_the_time_of_its_release_is_over)
{
	struct policy policy = system_policy();
	long now = (long)time(NULL);

	skip_without_system();
	publish(&policy, now - DAY, now + 12, "cat");
	start(&policy);
	cr_assert_geq(system_await_end(&pcc, SYSTEM_NODE, 30000), 0);
}
