/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/events.h"
#include "tests/figure.h"

#define MOST 1000000

Test(events, a_bucket_is_the_next_of_1_2_5)
{
	static const uint64_t pairs[][2] = {
		{ 0, 0 },	    { 1, 1 },
		{ 2, 2 },	    { 3, 5 },
		{ 5, 5 },	    { 6, 10 },
		{ 10, 10 },	    { 11, 20 },
		{ 21, 50 },	    { 51, 100 },
		{ 499, 500 },	    { 501, 1000 },
		{ MOST, MOST },	    { MOST - 1, MOST },
		{ MOST + 1, MOST }, { UINT64_MAX, MOST },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		cr_expect_eq(events_bucket(pairs[i][0]), pairs[i][1], "%ju",
			     (uintmax_t)pairs[i][0]);
}

Test(events, buckets_are_few_and_never_less_than_the_value)
{
	uint64_t last = 0;
	size_t count = 1;

	for (uint64_t value = 0; value <= MOST; value++) {
		uint64_t bucket = events_bucket(value);

		cr_assert_geq(bucket, value);
		cr_assert_geq(bucket, last);
		cr_assert_eq(events_bucket(bucket), bucket);
		count += bucket != last;
		last = bucket;
	}
	cr_assert_eq(count, 20);
}

Test(events, every_event_has_a_form_of_plain_names)
{
	for (unsigned event = 0; event < EVENT_COUNT; event++) {
		const struct log_form *form = events_form((enum event)event);
		size_t count = log_field_count(form);

		cr_assert_not_null(form->event);
		cr_expect_gt(count, 0);
		for (const char *at = form->event; *at != '\0'; at++)
			cr_expect(islower(*at) || *at == '_');
		for (size_t i = 0; i < count; i++) {
			const char *name = form->fields[i].name;

			for (const char *at = name; *at != '\0'; at++)
				cr_expect(islower(*at) || *at == '_');
		}
		for (unsigned other = 0; other < event; other++)
			cr_expect_str_neq(
				form->event,
				events_form((enum event)other)->event);
	}
}

/* What log_line() writes to standard error, caught in a pipe. */
static void catch_log(int caught[2])
{
	cr_assert_eq(pipe(caught), 0);
	cr_assert_geq(dup2(caught[1], STDERR_FILENO), 0);
}

static void expect_line(int caught[2], const char *expected)
{
	char line[512] = "";

	cr_assert_gt(read(caught[0], line, sizeof(line) - 1), 0);
	cr_expect_str_eq(line, expected);
}

Test(events, a_line_has_rounded_times_and_clamped_counts)
{
	int caught[2];

	catch_log(caught);
	EVENTS_LOG(EVENT_REQUEST_DONE, EVENT_OUTCOME_ANSWERED, 1234, 63);
	expect_line(caught, "request_done outcome=0 ms=2000 frames=100\n");
	EVENTS_LOG(EVENT_LOAD, 1u << 30, 0);
	expect_line(caught, "load running=64 queued=0\n");
	EVENTS_LOG(EVENT_WORKER_ENDED, EVENT_HOW_SIGNAL, SIGSYS,
		   EVENT_ARENA_ZERO);
	expect_line(caught, "worker_ended how=3 signal=31 arena=0\n");
}

Test(events, a_code_that_does_not_exist_is_a_bug, .signal = SIGABRT)
{
	EVENTS_LOG(EVENT_REQUEST_REFUSED, EVENT_REASON_COUNT);
}

Test(events, a_value_too_few_is_a_bug, .signal = SIGABRT)
{
	EVENTS_LOG(EVENT_REQUEST_DONE, EVENT_OUTCOME_ANSWERED, 1);
}

Test(events, a_value_too_many_is_a_bug, .signal = SIGABRT)
{
	EVENTS_LOG(EVENT_DRAIN_DONE, 0, 0);
}

Test(events, the_grammar_is_the_one_that_auditors_read)
{
	SCOPED_FD file = open("policy/log.grammar", O_RDONLY);
	uint8_t published[EVENTS_GRAMMAR_MAX], written[EVENTS_GRAMMAR_MAX];
	struct writer text = WRITER_OVER(published);
	struct writer grammar = WRITER_OVER(written);

	cr_assert_geq(file, 0, "run from the root of the repository");
	cr_assert_eq(fd_read_all(file, &text), ERR_OK);
	cr_assert_eq(events_grammar_write(&grammar), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&text), bytes_written(&grammar)));
}

Test(events, a_grammar_without_room_leaves_the_writer_alone)
{
	uint8_t memory[EVENTS_GRAMMAR_MAX];
	struct writer whole = WRITER_OVER(memory);

	cr_assert_eq(events_grammar_write(&whole), ERR_OK);
	for (size_t room = 0; room < whole.len; room += 7) {
		struct writer out = { memory, 0, room };

		cr_assert_eq(events_grammar_write(&out), ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}

/* ---- the checker, on logs good and spoilt */

static int check(const char *log)
{
	int feed[2], status;
	pid_t pid;

	cr_assert_eq(pipe(feed), 0);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(feed[0], STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(feed[1]);
		execl("tools/log_check.py", "log_check.py", "-", NULL);
		_exit(127);
	}
	close(feed[0]);
	cr_assert_eq(write(feed[1], log, strlen(log)), (ssize_t)strlen(log));
	close(feed[1]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2,
		  "the checker did not run");
	return WEXITSTATUS(status);
}

Test(events, the_checker_accepts_what_the_node_writes)
{
	cr_expect_eq(check(""), 0);
	cr_expect_eq(check("request_done outcome=0 ms=2000 frames=100\n"
			   "load running=64 queued=0\n"
			   "worker_ended how=3 signal=31 arena=0\n"
			   "replays_refused count=1000000000\n"),
		     0);
}

Test(events, the_checker_rejects_every_other_line)
{
	static const char *const bad[] = {
		"load running=64 queued=0", /* no end */
		"\n",
		"hello\n",
		"load running=65 queued=0\n",
		"load running=-1 queued=0\n",
		"load running=01 queued=0\n",
		"load running=1\n",
		"load queued=0 running=1\n",
		"load running=1 queued=0 more=1\n",
		"load running=1  queued=0\n",
		"load running=1 queued=0 \n",
		"load running=one queued=0\n",
		"load running=1 queued=0\r\n",
		" load running=1 queued=0\n",
		"request_done outcome=5 ms=2000 frames=100\n",
		"request_done outcome=0 ms=1999 frames=100\n",
		"request_done outcome=0 ms=2000 frames=3\n",
		"request_done outcome=0 ms=2000 frames=\xd9\xa1\n",
		"load running=1 queued=0\nprompt\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(check(bad[i]), 1, "%s", bad[i]);
}

/* ---- how much a line of one request can tell */

/* How many values a field of the grammar can have, counted one by one. */
static size_t values_of(const char *kind, uint64_t max)
{
	uint64_t last = 0;
	size_t count = 1; /* 0 */

	/* A count is the node's own: no line of a request may have one. */
	cr_assert_str_neq(kind, "count");
	if (strcmp(kind, "code") == 0)
		return (size_t)max + 1;
	for (uint64_t value = 1; value <= 2 * max; value++) {
		uint64_t bucket = events_bucket(value);

		count += bucket != last;
		last = bucket;
	}
	return count;
}

/* Bits of all lines that one request can leave, from the grammar's text. */
static double bits_of_requests(void)
{
	uint8_t memory[EVENTS_GRAMMAR_MAX + 1];
	struct writer grammar = { memory, 0, EVENTS_GRAMMAR_MAX };
	bool is_request = false;
	double bits = 0;

	cr_assert_eq(events_grammar_write(&grammar), ERR_OK);
	memory[grammar.len] = '\0';
	for (char *line = strtok((char *)memory, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		char kind[16];
		unsigned long max;

		if (strncmp(line, "event ", 6) == 0)
			is_request = strstr(line, " request") != NULL;
		else if (is_request &&
			 sscanf(line, "field %*s %15s %lu", kind, &max) == 2)
			bits += log2((double)values_of(kind, max));
	}
	return bits;
}

/* What the tool prints for whoever reads the grammar alone. */
static double bits_that_are_printed(void)
{
	FILE *tool = popen("tools/log_check.py --bits", "r");
	char line[256];
	double bits = 0;

	cr_assert_not_null(tool);
	while (fgets(line, sizeof(line), tool) != NULL)
		(void)sscanf(line, "all of them %lf", &bits);
	cr_assert_eq(pclose(tool), 0);
	return bits;
}

Test(events, what_a_request_can_tell_the_log_is_computed_and_printed)
{
	double bits = bits_of_requests();

	cr_assert_float_eq(bits_that_are_printed(), bits, 0.06);
	/* The gateway's one line: a status below 600, and a time. */
	figure_at_most("J2", "all lines of one request in a node's log", bits,
		       "bits", 24);
	figure_at_most("J2", "its line in a gateway's",
		       log2(600 * (double)values_of("bucket", MOST)), "bits",
		       14);
}
