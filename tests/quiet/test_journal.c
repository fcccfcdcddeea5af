/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every log of every system that any test of this run has started, chaos
 * included: system_stop() held each against its grammar and kept count.  This
 * program runs when all of them are done.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/system.h"

#define REQUESTS 20

/* Lines that look as if they might pass, and may not. */
static const char *const wrong[] = {
	"hello",
	"Once upon a time",
	"request_done",
	"request_done outcome=0",
	"request_done outcome=0 ms=3 frames=2",
	"request_done outcome=0 ms=2 frames=2 prompt=hello",
	"request_done outcome=0 ms=2 frames=2 ",
	" request_done outcome=0 ms=2 frames=2",
	"request_done outcome=00 ms=2 frames=2",
	"request_done outcome=-1 ms=2 frames=2",
	"request_done outcome=5 ms=2 frames=2",
	"request_done ms=2 outcome=0 frames=2",
	"request_done outcome=0 ms=2000000 frames=2",
	"request_refused reason=hello",
	"request_refused reason=8",
	"load running=1 queued=0\r",
	"gateway_request status=200 ms=7",
	"pcc-node: hello there, says a prompt",
	"pcc-node: keeper: Once upon a time: Permission denied",
	/* Keys and digests, whose letters stand in any program. */
	"pcc-node: 3a9f0c1d2e",
	"pcc-node: 3a9f0c1d2e5b7788a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3",
	"pcc-node: keeper: 9f3bca0417de55c1f00d",
	"pcc-node: keeper 0a1b2c3d4e",
	"pcc-node: q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
	"pcc-node: keeper: zT4x/9Qb+1g=: Permission denied",
	/* The loader's, where nobody provoked it. */
	"hello /nonexistent",
	"ERROR: ld.so: object '/nonexistent.so' from LD_PRELOAD",
	"hello: error while loading shared libraries: hello",
	"pcc-node: error while loading shared libraries: hello",
	"pcc-node",
	"pcc-node: ",
	"",
};

#define WRONG (sizeof(wrong) / sizeof(wrong[0]))

/* A log of one such line behind a good one: whether it is refused. */
static bool is_refused(const char *line, struct bytes program)
{
	struct journal_tally tally = { 0 };
	char path[] = "/tmp/pcc-journal-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	bool refused;

	cr_assert_not_null(file);
	fprintf(file, "request_done outcome=0 ms=2 frames=2\n%s\n", line);
	fclose(file);
	refused = journal_stray_in(SYSTEM_NODE, path, program, &tally) != NULL;
	cr_assert_eq(tally.strays, refused ? 1 : 0);
	unlink(path);
	return refused;
}

static size_t count_refused(void)
{
	/* What a program has ready, letters of every kind included; the rest
	 * is anybody's. */
	static const char program[] =
		"the jail cannot be closed\0keeper\0line %zu (%u to %u)\0"
		"0123456789+/=abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ de ca bca fa ab cd ef";
	size_t refused = 0;

	for (size_t i = 0; i < WRONG; i++) {
		bool seen = is_refused(wrong[i], BYTES_ARRAY(program));

		cr_expect(seen, "\"%s\" passed", wrong[i]);
		refused += seen;
	}
	cr_assert_not(is_refused("pcc-node: keeper: the jail cannot be closed: "
				 "Operation not permitted",
				 BYTES_ARRAY(program)));
	cr_assert_not(is_refused("pcc-node: line 12 (1 to 64)",
				 BYTES_ARRAY(program)));
	cr_assert_not(
		is_refused("load running=1 queued=0", BYTES_ARRAY(program)));
	return refused;
}

/* So that there is a log, whatever else ran. */
static void run_a_system(char log[static SYSTEM_LOG_MAX])
{
	struct policy policy = system_policy();
	struct openai_answer answer;
	struct system pcc;

	policy.shape = POLICY_SHAPE_OFF;
	system_start_or_skip(&policy, &pcc);
	for (unsigned i = 0; i < REQUESTS; i++) {
		struct openai_question question = { .prompt = "hello",
						    .max_tokens = i % 4 + 1 };

		openai_complete(pcc.client, &question, &answer);
		cr_assert(openai_is_whole(&answer));
		openai_post(pcc.client, "/v1/completions", "{\"none\":1}",
			    &answer);
		cr_assert_geq(answer.status, 400);
	}
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "node_stopped", 10000));
	(void)system_log(&pcc, SYSTEM_NODE, log);
	system_stop_or_fail(&pcc);
}

/* What somebody with the grammar's file alone says of a log; exit status. */
static int checked_by_its_file(const char *log, const char *more)
{
	FILE *tool = popen("python3 tools/log_check.py - >/dev/null 2>&1", "w");

	cr_assert_not_null(tool);
	fputs(log, tool);
	fputs(more, tool);
	return WEXITSTATUS(pclose(tool));
}

Test(journal, every_log_of_this_run_is_of_its_grammar, .timeout = 120)
{
	static char log[SYSTEM_LOG_MAX];
	struct journal_tally all;

	run_a_system(log);
	all = journal_kept();
	cr_assert_gt(all.logs, 0);
	figure_of("J1", "logs held against their grammars", (double)all.logs,
		  "");
	figure_of("J1", "bytes of them", (double)all.bytes, "");
	figure_of("J1", "lines that are a text of the program's own",
		  (double)all.texts, "");
	figure_none("J1", "lines that are not of the grammar", all.strays,
		    all.lines, count_refused());
}

Test(journal, a_second_reader_with_the_grammar_alone_says_the_same,
     .timeout = 120)
{
	static char log[SYSTEM_LOG_MAX];

	if (system("python3 -c 'import re' >/dev/null 2>&1") != 0)
		cr_skip_test("there is no Python");
	run_a_system(log);
	cr_assert_gt(strlen(log), 100);
	cr_assert_eq(checked_by_its_file(log, ""), 0);
	cr_assert_eq(checked_by_its_file(log, "hello\n"), 1);
}
