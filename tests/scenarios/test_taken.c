/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers of a node that serves, taken over by an attacker: whatever they do
 * then, it is the last thing that they do, and the node serves on.
 *
 * They are the node's own, in the jails that it put them in; we are the
 * attacker, by ptrace(2), which only root can.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/scenarios/jailed.h"
#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/talk.h"
#include "tests/support/puppet.h"
#include "wire/message.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PATIENCE_MS 10000
#define HEARD_MS 20
#define SHORT_MS 200
#define SCRATCH 8192 /* below its stack */
#define MAPPINGS_MAX 1024

/* Newer than the headers of Debian 12. */
#define CALL_MSEAL 462

static struct system pcc;
static pid_t front, keeper, zygote;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(taken, .fini = stop, .timeout = 300);

static void start(void)
{
	if (!puppet_works())
		cr_skip_test("only root takes a process over");
	jailed_start(SYSTEM_AS_CALLER, &pcc);
	front = process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT);
	keeper = process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER);
	zygote = process_role(pcc.pids[SYSTEM_NODE], JAIL_ZYGOTE);
}

static pid_t worker(size_t index)
{
	struct process_list workers;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, JAILED_WORKERS);
	return workers.pids[index];
}

/* A thread of a worker that waits for its request; 0 is the first. */
static void take(pid_t pid, size_t thread, struct puppet *out)
{
	struct process_list threads;

	process_threads(pid, &threads);
	cr_assert_lt(thread, threads.count);
	cr_assert(puppet_take(threads.pids[thread], out));
	cr_assert(out->is_in_a_call);
}

/* Both workers are there, nobody else was lost, and an answer comes. */
static bool serves_on(void)
{
	pid_t node = pcc.pids[SYSTEM_NODE];

	return openai_await_answer(pcc.client, PATIENCE_MS) >= 0 &&
	       process_await_node(node, JAILED_WORKERS, PATIENCE_MS) &&
	       process_role(node, JAIL_FRONT) == front &&
	       process_role(node, JAIL_KEEPER) == keeper &&
	       process_role(node, JAIL_ZYGOTE) == zygote;
}

/* ---- calls */

#define TEXT "/etc/passwd"
#define AT_TEXT UINT64_MAX	   /* the address of a text like that */
#define AT_ZEROS (UINT64_MAX - 1)  /* of zeros */
#define OF_KEEPER (UINT64_MAX - 2) /* its number, as we see it */
#define NONE (UINT64_MAX - 3)	   /* -1 */

static const struct {
	const char *name;
	long number;
	uint64_t arguments[6];
} calls[] = {
	{ "open a file", SYS_openat, { NONE, AT_TEXT, O_RDONLY } },
	{ "open as of old", SYS_open, { AT_TEXT, O_RDONLY } },
	{ "execute", SYS_execve, { AT_TEXT, AT_ZEROS, AT_ZEROS } },
	{ "make a socket", SYS_socket, { AF_INET, SOCK_STREAM } },
	{ "connect", SYS_connect, { JAIL_FD_FRONT, AT_ZEROS, 16 } },
	{ "send a message", SYS_sendmsg, { JAIL_FD_KEEPER, AT_ZEROS } },
	{ "take a descriptor", SYS_recvmsg, { JAIL_FD_KEEPER, AT_ZEROS } },
	{ "write the log", SYS_write, { STDERR_FILENO, AT_TEXT, 4 } },
	{ "read what it has not", SYS_read, { 5, AT_ZEROS, 1 } },
	{ "trace the keeper", SYS_ptrace, { PTRACE_SEIZE, OF_KEEPER } },
	{ "read the keeper", SYS_process_vm_readv, { OF_KEEPER, AT_ZEROS, 1 } },
	{ "kill the keeper", SYS_kill, { OF_KEEPER, SIGKILL } },
	{ "kill everybody", SYS_kill, { NONE, SIGKILL } },
	{ "kill the zygote", SYS_kill, { 1, SIGKILL } },
	{ "fork", SYS_clone, { SIGCHLD } },
	{ "fork as of late", SYS_clone3, { AT_ZEROS, 88 } },
	{ "make a namespace", SYS_unshare, { CLONE_NEWUSER } },
	{ "mount", SYS_mount, { AT_ZEROS, AT_TEXT, AT_ZEROS } },
	{ "map code",
	  SYS_mmap,
	  { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, NONE,
	    0 } },
	{ "make code of its stack",
	  SYS_mprotect,
	  { AT_ZEROS, 4096, PROT_READ | PROT_EXEC } },
	{ "make a file in memory", SYS_memfd_create, { AT_TEXT } },
	{ "make a ring", SYS_io_uring_setup, { 1, AT_ZEROS } },
	{ "load a program", SYS_bpf, { 0, AT_ZEROS, 8 } },
	{ "hold the kernel still", SYS_userfaultfd, { 0 } },
	{ "watch performance", SYS_perf_event_open, { AT_ZEROS, 0, NONE } },
	{ "use keys", SYS_keyctl, { 0, NONE } },
	{ "be dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
	{ "change its filter", SYS_seccomp, { SECCOMP_SET_MODE_STRICT } },
	{ "become root", SYS_setuid, { 0 } },
	{ "lift a limit", SYS_prlimit64, { 0, 0, AT_ZEROS } },
	{ "ask for the time", SYS_clock_gettime, { 0, AT_ZEROS } },
	{ "set a timer", SYS_timer_create, { 0, 0, AT_ZEROS } },
	{ "call by another number", SYS_getpid | 0x40000000, { 0 } },
};

static uint64_t mean(uint64_t argument, uint64_t scratch)
{
	switch (argument) {
	case AT_TEXT:
		return scratch;
	case AT_ZEROS:
		return scratch + 256;
	case OF_KEEPER:
		return (uint64_t)keeper;
	case NONE:
		return UINT64_MAX;
	default:
		return argument;
	}
}

static bool is_killed_by(const struct puppet *puppet, int signal)
{
	return WIFSIGNALED(puppet->status) &&
	       WTERMSIG(puppet->status) == signal;
}

/* By any of its threads: whether all of the worker died of it. */
static bool dies_of(size_t call, size_t thread)
{
	uint64_t arguments[6], scratch;
	struct puppet puppet;
	pid_t pid = worker(call % JAILED_WORKERS);

	take(pid, thread, &puppet);
	scratch = (puppet.stack - SCRATCH) & ~7ull;
	cr_assert(puppet_write(
		&puppet, scratch,
		(struct bytes){ (const uint8_t *)TEXT, sizeof(TEXT) }));
	for (size_t i = 0; i < COUNT_OF(arguments); i++)
		arguments[i] = mean(calls[call].arguments[i], scratch);
	(void)puppet_call(&puppet, calls[call].number, arguments);
	if (!puppet.is_dead) {
		puppet_let_go(&puppet);
		return false;
	}
	return is_killed_by(&puppet, SIGSYS) &&
	       process_await_end(pid, PATIENCE_MS) >= 0;
}

/* That what we do is done at all: the calls that it has are carried out. */
static uint64_t count_what_it_may(void)
{
	const uint64_t nothing[] = { JAIL_FD_FRONT, 0, 0, 0, 0, 0 };
	uint64_t good = 0;

	for (size_t thread = 0; thread < JAILED_THREADS + 1; thread++) {
		struct puppet puppet;

		take(worker(0), thread, &puppet);
		good += puppet_call(&puppet, SYS_read, nothing) == 0;
		cr_expect_not(puppet.is_dead);
		puppet_let_go(&puppet);
	}
	return good;
}

Test(taken, whatever_a_worker_calls_kills_it_and_the_next_request_is_good)
{
	static char log[SYSTEM_LOG_MAX];
	uint64_t survived = 0, served = 0, control;

	start();
	control = count_what_it_may();
	cr_expect_eq(control, JAILED_THREADS + 1);
	cr_assert(serves_on());
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		if (!dies_of(i, i % (JAILED_THREADS + 1))) {
			survived++;
			cr_expect_fail("it could %s", calls[i].name);
		}
		served += serves_on();
	}
	figure_none("E6",
		    "forbidden calls that a taken worker of a node survives",
		    survived, COUNT_OF(calls), control);
	figure_all("E6",
		   "good answers of the node after a worker died of its act",
		   served, COUNT_OF(calls));
	(void)system_log(&pcc, SYSTEM_NODE, log);
	/* How it ended, by which signal, and that its arena was wiped. */
	cr_expect_eq(journal_count(log, "worker_ended how=3 signal=31 arena=0"),
		     COUNT_OF(calls));
}

/* ---- words: what it may write, where it may */

static uint8_t word_memory[2 * MESSAGE_BYTES_MAX];

static struct bytes word_of(const struct message *message)
{
	struct writer out = WRITER_OVER(word_memory);

	cr_assert_eq(message_put(message, &out), ERR_OK);
	return bytes_written(&out);
}

static struct bytes zeros_of(size_t len)
{
	memset(word_memory, 0, len);
	return (struct bytes){ word_memory, len };
}

static struct bytes of_kind(enum message_kind kind, size_t body)
{
	static uint8_t memory[MESSAGE_BODY_MAX];

	return word_of(&(struct message){ .kind = kind,
					  .number = { 1, 1, 1 },
					  .body = { memory, body } });
}

/* A byte that is no kind; a packet larger than any; what others may say and a
 * worker may not; what it may say, but not now. */
static struct bytes word(size_t index)
{
	switch (index) {
	case 0:
		return zeros_of(1);
	case 1:
		return zeros_of(MESSAGE_BYTES_MAX + 1);
	case 2:
		return of_kind(MESSAGE_FRAME, 511);
	case 3:
		return of_kind(MESSAGE_LAST, 512);
	case 4:
		return of_kind(MESSAGE_WORKER_KILL, 0);
	case 5:
		return of_kind(MESSAGE_READY, 0);
	case 6:
		return of_kind(MESSAGE_OPEN, 39);
	case 7:
		return of_kind(MESSAGE_RECEIPT, 200);
	case 8:
		return of_kind(MESSAGE_NONCE, 32);
	default:
		return of_kind(MESSAGE_DRAINED, 0);
	}
}

#define WORDS 10

/* Say it so often, wait as if nothing had been, and end: whether it was sent at
 * all. */
static bool say(pid_t pid, int channel, struct bytes said, unsigned times)
{
	uint64_t arguments[6] = { (uint64_t)channel, 0, said.len, 0, 0, 0 };
	struct process_mapping mappings[MAPPINGS_MAX];
	struct puppet puppet;
	ssize_t count = process_mappings(pid, mappings, MAPPINGS_MAX);
	bool is_sent = false;

	/* Its arena has room for the largest. */
	for (ssize_t i = 0; i < count; i++)
		if (strcmp(mappings[i].rights, "rw-s") == 0)
			arguments[1] = mappings[i].end - (256u << 10);
	cr_assert_neq(arguments[1], 0);
	take(pid, 0, &puppet);
	cr_assert(puppet_write(&puppet, arguments[1], said));
	for (unsigned i = 0; i < times && !puppet.is_dead; i++)
		is_sent = puppet_call(&puppet, SYS_write, arguments) ==
				  (long)said.len ||
			  is_sent;
	/* Whoever hears it may well end the worker before it is back, or leave it
	   alone, so that it ends; its filter would have kept it from saying it. */
	if (puppet.is_dead && !is_killed_by(&puppet, SIGSYS))
		is_sent = true;
	puppet_let_go(&puppet);
	system_sleep_ms(HEARD_MS);
	kill(pid, SIGKILL);
	return is_sent;
}

Test(taken, whatever_a_worker_says_to_front_and_keeper_the_next_request_is_good)
{
	static const int channels[] = { JAIL_FD_FRONT, JAIL_FD_KEEPER };
	uint64_t served = 0, tries = 0, sent = 0;

	start();
	for (size_t i = 0; i < COUNT_OF(channels); i++) {
		for (size_t j = 0; j < WORDS; j++) {
			sent += say(worker(0), channels[i], word(j),
				    j % 2 == 0 ? 1 : 4);
			served += serves_on();
			tries++;
		}
	}
	figure_all("E6", "words that a taken worker got sent", sent, tries);
	figure_all("E6",
		   "good answers of the node, front and keeper the same, "
		   "after a taken worker said something to one of them",
		   served, tries);
}

#define FRAMES 256
#define TICK_MS 25

/* Its answer takes seconds. */
static void start_slow(void)
{
	struct policy policy = system_policy();

	if (!puppet_works())
		cr_skip_test("only root takes a process over");
	policy.workers = 1;
	policy.warm_workers = 1;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
}

/* In the middle of an answer, where frames are what a worker may say. */
static void say_within_an_answer(struct bytes said, struct talk *talk)
{
	const struct openai_question question = { .prompt = "Once upon a time",
						  .form = OPENAI_STREAMED,
						  .max_tokens = 16 };
	struct process_list workers;

	talk_begin(talk, pcc.client, &question);
	talk_await(talk);
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, 1);
	cr_expect(say(workers.pids[0], JAIL_FD_FRONT, said, 1));
	talk_end(talk);
}

Test(taken, a_frame_of_another_size_cuts_an_answer_and_reaches_nobody)
{
	static struct talk talk;

	start_slow();
	say_within_an_answer(of_kind(MESSAGE_FRAME, 511), &talk);
	cr_expect_eq(talk.answer.end, FETCH_CUT);
	cr_expect_not(talk.answer.is_done);
	cr_expect_str_eq(talk.answer.error_code, "stream_cut");
	say_within_an_answer(of_kind(MESSAGE_LAST, 513), &talk);
	cr_expect_eq(talk.answer.end, FETCH_CUT);
	cr_expect_not(talk.answer.is_done);
}

/* ---- memory of others */

/* The kernel's word for what it has mapped like that. */
static struct process_mapping mapping_of(pid_t pid, const char *rights)
{
	static struct process_mapping mappings[MAPPINGS_MAX];
	ssize_t count = process_mappings(pid, mappings, MAPPINGS_MAX);

	for (ssize_t i = 0; i < count; i++)
		if (strcmp(mappings[i].rights, rights) == 0 &&
		    strncmp(mappings[i].name, "/dev/zero", 9) == 0)
			return mappings[i];
	cr_assert_fail("%d has nothing that is %s", pid, rights);
	return (struct process_mapping){ 0 };
}

/* mov (%rdi),%al; movb $0,(%rdi); and then it turns on the spot */
static const uint8_t read_once[] = { 0x8a, 0x07, 0xeb, 0xfe };
static const uint8_t write_once[] = { 0xc6, 0x07, 0x00, 0xeb, 0xfe };

/* Whether it ended of it within that time. */
static bool faults(pid_t pid, struct bytes code, uint64_t at, unsigned ms)
{
	struct puppet puppet;
	bool ended;

	take(pid, 0, &puppet);
	cr_assert(puppet_run(&puppet, code, at, 0));
	ended = process_await_end(pid, ms) >= 0;
	kill(pid, SIGKILL);
	return ended;
}

Test(taken, a_worker_reaches_no_memory_of_another_and_writes_no_weights)
{
	const struct bytes look = { read_once, sizeof(read_once) };
	const struct bytes spoil = { write_once, sizeof(write_once) };
	static char log[SYSTEM_LOG_MAX];
	uint64_t worked = 0, control = 0;

	start();
	/* That it does what we say: in its own arena it may. */
	control += !faults(worker(0), spoil,
			   mapping_of(worker(0), "rw-s").start, SHORT_MS);
	cr_assert(serves_on());
	control += !faults(worker(0), look, mapping_of(worker(0), "r--s").start,
			   SHORT_MS);
	cr_assert(serves_on());
	worked += !faults(worker(0), look, mapping_of(worker(1), "rw-s").start,
			  PATIENCE_MS);
	cr_assert(serves_on());
	worked += !faults(worker(0), spoil, mapping_of(worker(1), "rw-s").start,
			  PATIENCE_MS);
	cr_assert(serves_on());
	worked += !faults(worker(0), spoil, mapping_of(worker(0), "r--s").start,
			  PATIENCE_MS);
	cr_assert(serves_on());
	/* Of bad accesses, and the two that were let do it of none. */
	(void)system_log(&pcc, SYSTEM_NODE, log);
	cr_expect_eq(journal_count(log, "worker_ended how=3 signal=11 arena=0"),
		     3);
	figure_none("E6",
		    "reads and writes of another's arena, and writes of the "
		    "weights, by a taken worker",
		    worked, 3, control);
}

/* ---- the zygote: what it may not do either */

/* Of its own calls, on weights that workers compute with. */
static uint64_t count_undone(struct puppet *puppet,
			     struct process_mapping weights)
{
	const uint64_t len = weights.end - weights.start;
	const struct {
		long number;
		uint64_t arguments[6];
	} tries[] = {
		{ SYS_mprotect,
		  { weights.start, len, PROT_READ | PROT_WRITE, 0, 0, 0 } },
		{ SYS_munmap, { weights.start, len, 0, 0, 0, 0 } },
		{ SYS_mmap,
		  { weights.start, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0 } },
	};
	uint64_t done = 0;

	for (size_t i = 0; i < COUNT_OF(tries); i++)
		done += puppet_call(puppet, tries[i].number,
				    tries[i].arguments) != -EPERM;
	cr_expect_not(puppet->is_dead);
	return done;
}

Test(taken, a_zygote_changes_moves_and_removes_no_weights)
{
	static struct process_mapping mappings[MAPPINGS_MAX];
	uint64_t done = 0, tries = 0, control;
	struct puppet puppet;
	ssize_t count;

	start();
	if (syscall(CALL_MSEAL, 0, 0, 0) != 0)
		cr_skip_test("this kernel seals no memory");
	count = process_mappings(zygote, mappings, MAPPINGS_MAX);
	take(zygote, 0, &puppet);
	for (ssize_t i = 0; i < count; i++) {
		if (strcmp(mappings[i].rights, "r--s") != 0)
			continue;
		done += count_undone(&puppet, mappings[i]);
		tries += 3;
	}
	/* What it can do to its own arena ends nobody but itself. */
	control = count_undone(&puppet, mapping_of(zygote, "rw-s"));
	puppet_let_go(&puppet);
	figure_none("E11", "changes to weights by a taken zygote", done, tries,
		    control);
	cr_assert_geq(openai_await_answer(pcc.client, PATIENCE_MS), 0);
}
