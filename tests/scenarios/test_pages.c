/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a live node's memory is: whose the private key is, what is locked, left
 * out of cores and of forks, and whether arenas are zero before they are used.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/memory.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/residue.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/inject.h"
#include "tests/support/secret_pages.h"

#define MAPPINGS_MAX 1024
#define PAGE 4096
#define HAND_OUTS 100
#define ROUNDS_MOST 200

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(pages, .fini = stop);

static void start(unsigned workers)
{
	struct policy policy = system_policy();

	if (geteuid() != 0)
		cr_skip_test("only root may look at other processes' memory");
	policy.workers = workers;
	policy.warm_workers = workers;
	policy.threads = 1;
	policy.shape = POLICY_SHAPE_OFF;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], workers, 8000));
}

/* The private half of the key on offer, from the keeper's own registers. */
static void take_key(pid_t keeper, const struct sealed_target *target,
		     uint8_t key[static 32])
{
	struct secret_pages pages;
	bool found = false;

	secret_pages_list(keeper, &pages);
	if (pages.count == 0)
		cr_skip_test("this kernel has no secret pages");
	for (size_t i = 0; i < pages.count && !found; i++) {
		uint8_t memory[512];
		size_t at;

		if (!inject_read(keeper, pages.list[i].from, memory,
				 sizeof(memory)))
			cr_skip_test("the keeper cannot be traced here");
		found = secret_pages_have_key(memory, sizeof(memory),
					      target->key.public_key.bytes,
					      &at);
		if (found)
			memcpy(key, memory + at, 32);
	}
	cr_assert(found, "the keeper does not have it: the test is blind");
}

/*
 * Root reads the key through the keeper's own registers, which is the one way
 * there is, and then looks for it in whatever it can read.
 */
Test(pages, a_private_key_is_in_the_keeper_alone)
{
	static struct needles needles;
	struct scan_finding finding = { 0 }, own = { 0 };
	struct process_list all;
	struct sealed_target target;
	uint8_t key[32];
	pid_t keeper;

	start(2);
	keeper = process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER);
	cr_assert(sealed_find(pcc.gateway, &target));
	for (unsigned i = 0; i < 5; i++)
		cr_assert(sealed_is_answered(&target));
	take_key(keeper, &target, key);
	/* As libraries work with it, but for its first and last byte. */
	needle_add(&needles, (struct bytes){ key + 1, 30 });
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 2, 8000));
	process_node(pcc.pids[SYSTEM_NODE], &all);
	all.pids[all.count++] = pcc.pids[SYSTEM_GATEWAY];
	all.pids[all.count++] = pcc.pids[SYSTEM_CLIENT];
	for (size_t i = 0; i < all.count; i++) {
		scan_process(&needles, all.pids[i], &finding);
		scan_descriptors(&needles, all.pids[i], &finding);
	}
	scan_folder(&needles, pcc.folder, &finding);
	scan_process(&needles, getpid(), &own);
	cr_expect_eq(finding.hits, 0, "as %s in %s", finding.encoding,
		     finding.where);
	/* Its own pages are what nobody could be shown. */
	cr_expect_geq(finding.unreadable, PAGE);
	figure_none("B2", "bytes of a node's memory that have its private key",
		    finding.hits, finding.bytes, own.hits);
	/* And it goes on as if nobody had asked. */
	cr_assert_eq(process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER), keeper);
	cr_assert(sealed_is_answered(&target));
}

struct mapping {
	uint64_t from, to;
	char access[8], name[64];
	char flags[128]; /* of VmFlags, each after a blank */
};

/* All mappings of a process, from /proc/PID/smaps. */
static size_t list_mappings(pid_t pid, struct mapping *out, size_t max)
{
	char path[64], line[512];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "re");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct mapping mapping = { .name = "" };

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %63[^\n]",
			   &mapping.from, &mapping.to, mapping.access,
			   mapping.name) >= 3) {
			cr_assert_lt(count, max);
			out[count++] = mapping;
		} else if (count > 0 && strncmp(line, "VmFlags:", 8) == 0) {
			snprintf(out[count - 1].flags,
				 sizeof(out[count - 1].flags), "%.120s",
				 line + 8);
		}
	}
	fclose(file);
	return count;
}

static bool has(const struct mapping *mapping, const char *flag)
{
	char wanted[8];

	snprintf(wanted, sizeof(wanted), " %s", flag);
	return strstr(mapping->flags, wanted) != NULL;
}

static bool is_arena(const struct mapping *mapping)
{
	return strcmp(mapping->access, "rw-s") == 0 &&
	       strstr(mapping->name, "/dev/zero") != NULL;
}

static struct mapping mappings[MAPPINGS_MAX];

static uint64_t locked_kib(pid_t pid)
{
	char value[PROCESS_VALUE_MAX];

	process_status(pid, "VmLck", value);
	return strtoull(value, NULL, 10);
}

Test(pages, keys_are_locked_and_left_out_of_cores_and_forks)
{
	uint64_t keys = 0, sound = 0;
	size_t count;
	pid_t keeper;

	start(1);
	keeper = process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER);
	count = list_mappings(keeper, mappings, MAPPINGS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (strstr(mappings[i].name, "secretmem") == NULL)
			continue;
		keys++;
		sound += has(&mappings[i], "lo") && has(&mappings[i], "dd") &&
			 has(&mappings[i], "dc");
	}
	if (memory_secret_kind() != MEMORY_SECRECY_KERNEL)
		cr_skip_test("this kernel has no secret pages");
	/* The ring, one key, the key of receipts. */
	cr_expect_geq(keys, 3);
	figure_all("F7",
		   "mappings of keys: secret, locked, in no core, no fork",
		   sound, keys);
	figure_at_least("F7", "locked by the keeper",
			(double)locked_kib(keeper), "KiB", (double)(4 * keys));
	/* Its other memory is as the kernel gives it: the flags mean something.
	 */
	for (size_t i = 0; i < count; i++)
		if (strcmp(mappings[i].name, "[heap]") == 0)
			cr_expect_not(has(&mappings[i], "dd"));
}

Test(pages, arenas_are_locked_as_far_as_may_be_and_left_out_of_cores_and_forks)
{
	uint64_t arenas = 0, kept_out = 0, others = 0, kib = 0;
	struct process_list workers;
	uint64_t limit;
	pid_t zygote;
	size_t count;

	start(1);
	zygote = process_role(pcc.pids[SYSTEM_NODE], JAIL_ZYGOTE);
	count = list_mappings(zygote, mappings, MAPPINGS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!is_arena(&mappings[i]))
			continue;
		arenas++;
		kib += (mappings[i].to - mappings[i].from) >> 10;
		kept_out += has(&mappings[i], "dd") && has(&mappings[i], "dc");
	}
	cr_expect_eq(arenas, 1);
	figure_all("F7", "arenas in the zygote: in no core, no fork", kept_out,
		   arenas);
	limit = process_locked_bytes(zygote);
	if (limit == 0 || limit >> 10 >= kib)
		figure_at_least("F7", "locked by the zygote, of its arenas",
				(double)locked_kib(zygote), "KiB", (double)kib);
	else
		cr_log_warn("an arena of %lu KiB is above the limit of locked "
			    "memory, %lu bytes",
			    kib, limit);
	/* A worker has its own and no other. */
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, 1);
	count = list_mappings(workers.pids[0], mappings, MAPPINGS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (is_arena(&mappings[i])) {
			others++;
			cr_expect(has(&mappings[i], "dd"));
		}
	}
	cr_expect_eq(others, 1);
}

static bool ask(const struct sealed_target *target, struct receipt *receipt)
{
	struct fetch_response *response = fetch_response_new();
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request request;
	bool answered;

	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(target, &request, response);
	answered = sealed_receipt(&request, response, receipt) == ERR_OK;
	sealed_free(&request);
	free(response);
	return answered;
}

/* Each worker but the first has an arena that another has used. */
Test(pages, each_arena_reads_zero_before_it_is_handed_out)
{
	struct effort effort = effort_of(HAND_OUTS);
	struct sealed_target target;
	uint64_t zero = 0;

	start(1);
	cr_assert(sealed_find(pcc.gateway, &target));
	while (effort_more(&effort)) {
		struct receipt receipt;

		cr_assert(ask(&target, &receipt));
		zero += receipt.answer.arena == RECEIPT_ARENA_ZERO;
	}
	figure_all("F4", "workers whose arena read zero before they began",
		   zero, effort.done);
}

/* The arena of the one worker, as root may map it: writable. */
static uint8_t *map_arena(size_t *len)
{
	struct process_list workers;
	char path[128];
	uint8_t *arena;
	size_t count;
	int file;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, 1);
	count = list_mappings(workers.pids[0], mappings, MAPPINGS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!is_arena(&mappings[i]))
			continue;
		*len = mappings[i].to - mappings[i].from;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx",
			 workers.pids[0], mappings[i].from, mappings[i].to);
		file = open(path, O_RDWR | O_CLOEXEC);
		if (file < 0)
			cr_skip_test("another's memory cannot be mapped here");
		arena = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_SHARED,
			     file, 0);
		close(file);
		cr_assert_neq(arena, MAP_FAILED);
		return arena;
	}
	cr_assert_fail("there is no arena");
	return NULL;
}

struct scribbler {
	volatile uint8_t *byte;
	volatile bool is_over;
};

static void *scribble(void *argument)
{
	struct scribbler *scribbler = argument;

	while (!scribbler->is_over)
		*scribbler->byte = 0xa5;
	return NULL;
}

/* Kill the one worker; whether its arena then did not read zero. */
static bool is_noticed(void)
{
	static char log[SYSTEM_LOG_MAX];
	struct process_list workers;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, 1);
	cr_assert_eq(kill(workers.pids[0], SIGKILL), 0);
	cr_assert_geq(process_await_end(workers.pids[0], 8000), 0);
	system_sleep_ms(20);
	(void)system_log(&pcc, SYSTEM_NODE, log);
	return strstr(log, "arena=1") != NULL;
}

/*
 * Somebody writes to it all the time, until a write falls between a wipe and
 * the look after it: its slot, here the only one, is never used again.
 */
Test(pages, an_arena_that_does_not_read_zero_is_never_handed_out)
{
	struct scribbler scribbler = { .is_over = false };
	struct process_list workers;
	struct sealed_target target;
	struct receipt receipt;
	bool noticed = false;
	pthread_t thread;
	uint8_t *arena;
	size_t len;

	start(1);
	cr_assert(sealed_find(pcc.gateway, &target));
	cr_assert(ask(&target, &receipt));
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 8000));
	arena = map_arena(&len);
	scribbler.byte = arena + len - 1;
	cr_assert_not(is_noticed(), "nobody has written yet");
	cr_assert_eq(pthread_create(&thread, NULL, scribble, &scribbler), 0);
	for (unsigned i = 0; i < ROUNDS_MOST && !noticed; i++) {
		noticed = process_await_node(pcc.pids[SYSTEM_NODE], 1, 2000)
				  ? is_noticed()
				  : true;
	}
	scribbler.is_over = true;
	pthread_join(thread, NULL);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "arena=1", 1000));
	system_sleep_ms(200);
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_expect_eq(workers.count, 0);
	cr_expect_not(sealed_is_answered(&target));
	figure_all("F4", "arenas made dirty, refused", workers.count == 0, 1);
	munmap(arena, len);
}
