/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole program, as an operator uses it, and a reader that nobody of ours
 * wrote the parts of: tests/interop/tlog.mjs.
 */
#include <criterion/criterion.h>
#include <libgen.h>
#include <stdarg.h>

#include "tests/log/scratch_log.h"

static struct scratch scratch;
static char program[SCRATCH_BELOW];

/* build/tests/log/test_interop → build/pcc-log, unless PCC_LOG names it. */
static void find_program(void)
{
	const char *named = getenv("PCC_LOG");
	char self[SCRATCH_PATH] = { 0 };

	if (named != NULL) {
		snprintf(program, sizeof(program), "%s", named);
		return;
	}
	cr_assert_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(program, sizeof(program), "%s/../../pcc-log", dirname(self));
}

static void set_up(void)
{
	scratch = scratch_make();
	find_program();
}

static void tear_down(void)
{
	scratch_remove(&scratch);
}

TestSuite(log_interop, .init = set_up, .fini = tear_down, .timeout = 120);

/* A line of sh, in the scratch folder, where $P is the program. */
static int shell(const char *line)
{
	char command[8192];
	char folder[SCRATCH_BELOW];

	cr_assert_not_null(getcwd(folder, sizeof(folder)));
	snprintf(command, sizeof(command),
		 "HERE='%s'; P=$(realpath '%s'); cd '%s' && { %s; }", folder,
		 program, scratch.root, line);
	return WEXITSTATUS(system(command));
}

static void must(const char *line)
{
	cr_assert_eq(shell(line), 0, "%s", line);
}

/* Some 300 entries over two tiles, in heads of several sizes. */
static void make_log(void)
{
	must("Z=$(printf %064d 7); $P create --log L --key K "
	     "--origin log.example/interop >log.pub && "
	     "for i in $(seq 300); do $P entry policy name=$i policy=$Z "
	     ">e$i || exit 1; done && "
	     "$P append --log L --key K e1 >out && "
	     "$P append --log L --key K $(seq -f e%g 2 200) >out && "
	     "$P append --log L --key K --expect-size 200 "
	     "$(seq -f e%g 201 300) >out");
}

#define WITNESSES                                                         \
	"for w in 1 2; do $P key --key W$w --origin w.example/$w --type " \
	"witness >w$w.pub || exit 1; $P witness --key W$w --state S$w "   \
	"--log-key log.pub >w$w.out & echo $! >w$w.pid; done; "           \
	"$P serve --log L >serve.out & echo $! >serve.pid; "              \
	"url() { for i in $(seq 100); do grep -q listening $1 && break; " \
	"sleep 0.05; done; sed 's/.*on //' $1; }; "                       \
	"trap 'kill $(cat w1.pid w2.pid serve.pid)' EXIT; "

Test(log_interop, a_log_is_kept_cosigned_served_proven_and_watched)
{
	make_log();
	must(WITNESSES
	     "$P cosign --log L --witness $(url w1.out)=w1.pub "
	     "--witness $(url w2.out)=w2.pub && "
	     "$P prove --log $(url serve.out) --log-key log.pub --entry e257 "
	     "--witness w1.pub --witness w2.pub --max-age 600 >proof && "
	     "$P audit --log $(url serve.out) --log-key log.pub --state seen "
	     "--witness w1.pub --witness w2.pub >out");
	must("$P check --proof proof --entry e257 --log-key log.pub "
	     "--witness w1.pub --witness w2.pub --max-age 600 >out && "
	     "grep -q ^proven: out");
	cr_assert_eq(shell("$P check --proof proof --entry e258 --log-key "
			   "log.pub >out"),
		     10);
	cr_assert_eq(shell("$P check --proof proof --entry e257 --log-key "
			   "log.pub --witness w1.pub --max-age 600 --now "
			   "2000000000 >out"),
		     20);
	cr_assert_eq(shell("$P check --proof e257 --entry e257 --log-key "
			   "log.pub >out"),
		     30);
	cr_assert_eq(shell("$P check --proof proof 2>out"), 1);
}

Test(log_interop, a_reader_that_shares_no_code_accepts_the_log_and_its_proof)
{
	if (shell("command -v node >/dev/null") != 0)
		cr_skip_test("node is not there");
	make_log();
	must(WITNESSES "$P cosign --log L --witness $(url w1.out)=w1.pub "
		       "--witness $(url w2.out)=w2.pub >out && "
		       "$P prove --log L --log-key log.pub --entry e42 >proof");
	must("node $HERE/tests/interop/tlog.mjs L log.pub proof e42 w1.pub "
	     "w2.pub >out && grep -q '^300 entries' out && "
	     "grep -q '2 witnesses' out");
	/* The control: it would notice. */
	cr_assert_eq(shell("node $HERE/tests/interop/tlog.mjs L log.pub proof "
			   "e43 2>out"),
		     1);
	must("printf x | dd of=L/tile/0/000 bs=1 seek=5000 conv=notrunc "
	     "2>out");
	cr_assert_eq(shell("node $HERE/tests/interop/tlog.mjs L log.pub 2>out"),
		     1);
}

Test(log_interop, receipts_are_exported_and_judged)
{
	make_log();
	must("cp L/checkpoint kept && $P receipt --log L --key K --entry e42 "
	     ">r && $P entry revocation entry=$(printf %064d 1) >e301 && "
	     "$P append --log L --key K e301 >out && "
	     "$P receipt --log L --key K --old 300 >g && "
	     "$P check-receipt --receipt r --log-key log.pub --entry e42 >out "
	     "&& $P check-receipt --receipt g --log-key log.pub --old kept "
	     ">root && test $(cat root) = $(sed -n 3p L/checkpoint | base64 -d "
	     "| od -An -v -tx1 | tr -d ' \\n')");
	cr_assert_eq(shell("$P check-receipt --receipt r --log-key log.pub "
			   "--entry e43 2>out"),
		     10);
	cr_assert_eq(shell("$P check-receipt --receipt r --log-key log.pub "
			   "--old kept 2>out"),
		     30);
	cr_assert_eq(shell("$P receipt --log L --key K --entry log.pub 2>out"),
		     10);
}

Test(log_interop, a_private_key_is_never_printed_and_is_its_owner_s_alone)
{
	must("umask 0; $P create --log L --key K --origin log.example >a "
	     "2>&1; $P key --key W --origin w.example --type witness >b 2>&1; "
	     "test $(stat -c %a K) = 600 && test $(stat -c %a W) = 600 && "
	     "grep -q PRIVATE K && ! grep -rq PRIVATE a b L");
}

Test(log_interop, every_command_has_a_help_that_names_it)
{
	must("for c in create key entry append serve cosign witness show "
	     ""
	     "prove check receipt check-receipt audit; do $P --help | grep -q "
	     "\"^  $c \" && "
	     "$P $c --help | grep -q \"^usage: pcc-log $c \" || exit 1; done");
	cr_assert_eq(shell("$P nothing 2>out"), 1);
	cr_assert_eq(shell("$P append --log L 2>out"), 1);
	cr_assert_eq(shell("$P append --nothing 2>out"), 1);
}

Test(log_interop, what_is_no_entry_is_not_appended)
{
	must("$P create --log L --key K --origin log.example >out && "
	     "echo hello >e");
	cr_assert_eq(shell("$P append --log L --key K e 2>out"), 30);
	cr_assert_eq(shell("$P entry release name=x 2>out"), 1);
	cr_assert_eq(shell("$P entry policy name=x policy=zz 2>out"), 1);
	cr_assert_eq(shell("$P create --log L --key K --origin log.example "
			   "2>out"),
		     10);
}
