/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing from around a node gets into it, and it reaches for nothing. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define REQUESTS 100
#define TRACE_MAX (1u << 20)

/* What loaders, allocators and libraries listen to. */
static const char *const hostile[] = {
	"LD_PRELOAD=/nonexistent.so",
	"LD_LIBRARY_PATH=/nonexistent",
	"LD_AUDIT=/nonexistent.so",
	"LD_BIND_NOW=",
	"LD_BIND_NOT=1",
	"LD_DYNAMIC_WEAK=1",
	"LD_ORIGIN_PATH=/nonexistent",
	"LD_POINTER_GUARD=0",
	"LD_PROFILE=libc.so.6",
	"LD_PROFILE_OUTPUT=/nonexistent",
	"LD_HWCAP_MASK=0",
	"LD_SHOW_AUXV=",
	"LD_USE_LOAD_BIAS=1",
	"LD_PREFER_MAP_32BIT_EXEC=1",
	"GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=170",
	"MALLOC_CHECK_=3",
	"MALLOC_PERTURB_=170",
	"MALLOC_ARENA_MAX=1",
	"MALLOC_ARENA_TEST=1",
	"MALLOC_MMAP_MAX_=0",
	"MALLOC_MMAP_THRESHOLD_=1",
	"MALLOC_TOP_PAD_=1",
	"MALLOC_TRIM_THRESHOLD_=1",
	"MALLOC_TRACE=/tmp/pcc-closed-trace",
	"GCONV_PATH=/nonexistent",
	"GETCONF_DIR=/nonexistent",
	"HOSTALIASES=/nonexistent",
	"LOCALDOMAIN=example.org",
	"LOCPATH=/nonexistent",
	"NIS_PATH=/nonexistent",
	"NLSPATH=/nonexistent",
	"RESOLV_HOST_CONF=/nonexistent",
	"RES_OPTIONS=debug",
	"TMPDIR=/nonexistent",
	"TZDIR=/nonexistent",
	"TZ=Pacific/Kiritimati",
	"LC_ALL=tr_TR.UTF-8",
	"LANG=de_DE.UTF-8",
	"OPENSSL_CONF=/nonexistent",
	"OPENSSL_MODULES=/nonexistent",
	"OPENSSL_ENGINES=/nonexistent",
	"OPENSSL_ia32cap=0",
	"SSL_CERT_FILE=/nonexistent",
	"SSL_CERT_DIR=/nonexistent",
	"OPENBLAS_NUM_THREADS=64",
	"OPENBLAS_CORETYPE=Prescott",
	"OMP_NUM_THREADS=64",
	"GRPC_VERBOSITY=debug",
	"GRPC_TRACE=all",
	"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=/nonexistent",
	"http_proxy=http://127.0.0.1:1",
	"PATH=/nonexistent",
	"HOME=/nonexistent",
	NULL,
};

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(closed, .fini = stop, .timeout = 180);

/* What the loader says of such variables before there is a node. */
static const char *const complaints[] = { "ERROR: ld.so: object '/nonexistent",
					  "/nonexistent/", NULL };

static void start(const char *const *environment)
{
	struct policy policy = system_policy();

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	system_surround(environment);
	journal_expect(environment == hostile ? complaints : NULL);
	system_start_or_skip(&policy, &pcc);
	cr_assert_geq(openai_await_answer(pcc.client, 20000), 0);
}

static void ask(struct openai_answer *out)
{
	const struct openai_question question = {
		.prompt = "Once upon a time",
		.form = OPENAI_STREAMED,
		.max_tokens = 24,
		.seed = 7,
	};

	openai_complete(pcc.client, &question, out);
	cr_assert(openai_is_whole(out));
}

static const char *const nothing[] = { NULL };

/* The same text, from roles that have no variable at all. */
Test(closed, fifty_hostile_variables_change_no_byte_of_an_answer)
{
	static struct openai_answer clean, surrounded;
	struct process_list all;
	size_t count = 0;

	while (hostile[count] != NULL)
		count++;
	cr_assert_geq(count, 50);
	start(nothing);
	ask(&clean);
	system_stop_or_fail(&pcc);
	start(hostile);
	ask(&surrounded);
	cr_assert_str_eq(clean.text, surrounded.text);
	cr_assert_gt(strlen(clean.text), 0);
	process_node(pcc.pids[SYSTEM_NODE], &all);
	cr_assert_geq(all.count, 4);
	for (size_t i = 0; i < all.count; i++)
		if (all.pids[i] != pcc.pids[SYSTEM_NODE])
			cr_assert_leq(
				process_file_bytes(all.pids[i], "environ"), 0);
	/* The control: they were there, and the supervisor was given them. */
	figure_none("A5", "hostile variables that changed an answer", 0, count,
		    process_file_bytes(pcc.pids[SYSTEM_NODE], "environ") > 500);
}

/* strace on these processes and what they fork; its own process. */
static pid_t trace(const struct process_list *who, const char *path)
{
	static char numbers[PROCESS_MAX][16];
	const char *arguments[2 * PROCESS_MAX + 8];
	size_t count = 0;
	pid_t pid;

	arguments[count++] = "strace";
	arguments[count++] = "-fqq";
	arguments[count++] = "-o";
	arguments[count++] = path;
	arguments[count++] =
		"-etrace=open,openat,openat2,creat,execve,execveat,"
		"connect,socket,bind,listen";
	for (size_t i = 0; i < who->count; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%d",
			 (int)who->pids[i]);
		arguments[count++] = "-p";
		arguments[count++] = numbers[i];
	}
	arguments[count] = NULL;
	pid = fork();
	if (pid == 0) {
		execvp("strace", (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	cr_assert_gt(pid, 0);
	system_sleep_ms(1500); /* attached by then; the control would tell */
	return pid;
}

/* A line of a call that did something: neither refused nor still under way. */
static bool succeeded(const char *line)
{
	return strstr(line, " = ") != NULL && strstr(line, " = -1 ") == NULL;
}

/* Calls that the kernel carried out. */
static size_t end_trace(pid_t tracer, const char *path, char *text)
{
	static char copy[TRACE_MAX];
	FILE *file;
	size_t calls = 0;

	kill(tracer, SIGINT);
	waitpid(tracer, NULL, 0);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	text[fread(text, 1, TRACE_MAX - 1, file)] = '\0';
	fclose(file);
	unlink(path);
	memcpy(copy, text, TRACE_MAX);
	for (char *line = strtok(copy, "\n"); line != NULL;
	     line = strtok(NULL, "\n"))
		calls += succeeded(line);
	return calls;
}

static void skip_without_strace(void)
{
	if (system("command -v strace >/dev/null") != 0)
		cr_skip_test("there is no strace");
	if (geteuid() != 0)
		cr_skip_test("only root may trace a node");
}

Test(closed, in_a_hundred_requests_it_opens_executes_and_connects_to_nothing)
{
	static char text[TRACE_MAX];
	char path[] = "/tmp/pcc-closed-XXXXXX";
	struct process_list all;
	struct process_list control = { .count = 1 };
	pid_t tracer;
	size_t calls;
	int fd = mkstemp(path);

	skip_without_strace();
	close(fd);
	start(nothing);
	process_node(pcc.pids[SYSTEM_NODE], &all);
	tracer = trace(&all, path);
	for (int i = 0; i < REQUESTS; i++)
		cr_assert_geq(openai_await_answer(pcc.client, 20000), 0);
	calls = end_trace(tracer, path, text);
	cr_assert_eq(calls, 0, "%.400s", text);

	/* The same tracer sees the gateway's neighbour: the client connects. */
	control.pids[0] = pcc.pids[SYSTEM_CLIENT];
	tracer = trace(&control, path);
	cr_assert_geq(openai_await_answer(pcc.client, 20000), 0);
	figure_none("A6",
		    "files opened, programs run, peers called in requests",
		    calls, REQUESTS, end_trace(tracer, path, text));
}
