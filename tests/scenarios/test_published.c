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
#include "tests/figure.h"
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
static void publish_in(long begin, long end, const char *change)
{
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

static void publish(const struct policy *policy, long begin, long end,
		    const char *change)
{
	cr_assert_not_null(mkdtemp(folder));
	save_policy(policy);
	publish_in(begin, end, change);
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
static void expect_refusal_of(const char *model, const char *words)
{
	cr_assert_eq(run("timeout 30 $N --model %s --policy policy "
			 "--listen unix:node.sock --release release >said 2>&1",
			 model),
		     1);
	cr_assert_eq(run("grep -q '%s' said || { cat said; false; }", words),
		     0);
}

static void expect_refusal(const char *words)
{
	expect_refusal_of("$M", words);
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

/* Copy the model into the folder, with one bit of it another one. */
static void change_model(double where, unsigned bit)
{
	char path[64];
	FILE *file;
	long size, at;
	int byte;

	cr_assert_eq(run("cp $M changed && chmod u+w changed"), 0);
	snprintf(path, sizeof(path), "%s/changed", folder);
	file = fopen(path, "r+");
	cr_assert_not_null(file);
	cr_assert_eq(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	at = (long)((double)(size - 1) * where);
	cr_assert_eq(fseek(file, at, SEEK_SET), 0);
	byte = fgetc(file);
	cr_assert_eq(fseek(file, at, SEEK_SET), 0);
	cr_assert_neq(fputc(byte ^ (1 << bit), file), EOF);
	cr_assert_eq(fclose(file), 0);
}

/* Low bits, which leave a weight that is a number. */
Test(published, a_node_does_not_start_with_a_bit_of_its_model_changed)
{
	static const double places[] = { 0.3, 0.5, 0.7, 0.9, 1 };
	struct policy policy = system_policy();
	long now = (long)time(NULL);
	size_t refused = 0;

	skip_without_system();
	publish(&policy, now - DAY, now + DAY, "cat");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		change_model(places[i], 0);
		expect_refusal_of("changed", "this node.s model");
		refused++;
	}
	policy.queue++;
	save_policy(&policy);
	expect_refusal("this node.s policy is not that of");
	figure_all("I1",
		   "starts refused with a bit of the model or the policy "
		   "changed",
		   refused + 1, refused + 1);
}

/* The clock is as far off as somebody likes. */
Test(published, a_node_starts_at_no_time_that_is_ten_years_away)
{
	struct policy policy = system_policy();
	long now = (long)time(NULL);

	skip_without_system();
	publish(&policy, now - 3653L * DAY - DAY, now - 3653L * DAY, "cat");
	expect_refusal("its time is over");
	cr_assert_eq(run("find . -mindepth 1 ! -name policy -delete"), 0);
	publish_in(now + 3653L * DAY, now + 3654L * DAY, "cat");
	expect_refusal("its time has not come");
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
