/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "sandbox/memory.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* What a child that runs `read_it` ends with: its status. */
static int in_a_fork(int (*act)(void *), void *memory)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* no sanitizer's own end */
		_exit(act(memory));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int read_it(void *memory)
{
	return *(volatile uint8_t *)memory;
}

static int write_it(void *memory)
{
	*(volatile uint8_t *)memory = 42;
	return 0;
}

static bool faulted(int status)
{
	/* A sanitizer reports the fault itself and exits. */
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) ||
	       (WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* ---- weights */

static struct memory_weights filled(size_t size)
{
	struct memory_weights weights;

	cr_assert_eq(memory_weights_open(size, &weights), ERR_OK);
	for (size_t i = 0; i < size; i++)
		weights.writable[i] = (uint8_t)(i * 7);
	return weights;
}

Test(memory, sealed_weights_read_as_they_were_filled)
{
	struct memory_weights weights = filled(3 * HUGE_PAGE - 1);
	const uint8_t *mapped;
	size_t size;

	cr_assert_eq(weights.size, 3 * HUGE_PAGE);
	cr_assert_eq(memory_weights_seal(&weights), ERR_OK);
	cr_assert_null(weights.writable);
	cr_assert_eq(memory_weights_map(weights.fd, &size, &mapped), ERR_OK);
	memory_weights_close(&weights);
	cr_assert_eq(weights.fd, -1);
	cr_assert_eq(size, 3 * HUGE_PAGE);
	cr_assert_eq((uintptr_t)mapped % HUGE_PAGE, 0);
	for (size_t i = 0; i < size - 1; i++)
		cr_assert_eq(mapped[i], (uint8_t)(i * 7));
	cr_assert_eq(mapped[size - 1], 0);
}

Test(memory, sealed_weights_cannot_be_changed)
{
	struct memory_weights weights = filled(HUGE_PAGE);
	const uint8_t *mapped;
	size_t size;

	cr_assert_eq(memory_weights_seal(&weights), ERR_OK);
	cr_assert_eq(memory_weights_map(weights.fd, &size, &mapped), ERR_OK);
	cr_expect_eq(write(weights.fd, "x", 1), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(weights.fd, 1), -1);
	cr_expect_eq(ftruncate(weights.fd, 8 * (off_t)HUGE_PAGE), -1);
	cr_expect_eq(mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  weights.fd, 0),
		     MAP_FAILED);
	cr_expect_eq(mprotect((void *)(uintptr_t)mapped, size,
			      PROT_READ | PROT_WRITE),
		     -1);
	cr_expect_eq(fcntl(weights.fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	cr_expect(faulted(in_a_fork(write_it, (void *)(uintptr_t)mapped)));
	cr_expect_eq(WEXITSTATUS(in_a_fork(read_it,
					   (void *)(uintptr_t)(mapped + 1))),
		     7);
}

/* Weights that are mapped, and of which only the first bytes are kept. */
static const uint8_t *kept(size_t size, size_t keep)
{
	struct memory_weights weights = filled(size);
	const uint8_t *mapped;
	size_t mapped_size;

	cr_assert_eq(memory_weights_seal(&weights), ERR_OK);
	cr_assert_eq(memory_weights_map(weights.fd, &mapped_size, &mapped),
		     ERR_OK);
	memory_weights_close(&weights);
	cr_assert_eq(memory_weights_keep(mapped, mapped_size, keep), ERR_OK);
	return mapped;
}

/* What could be done to read-only memory, one by one; how much of it was. */
static unsigned undo(uint8_t *memory, size_t size)
{
	void *elsewhere =
		mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned done = 0;

	done += mprotect(memory, size, PROT_READ | PROT_WRITE) == 0;
	done += mremap(memory, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       elsewhere) != MAP_FAILED;
	done += mmap(memory, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) != MAP_FAILED;
	done += munmap(memory, size) == 0;
	return done;
}

static int undo_all(void *memory)
{
	return (int)undo(memory, HUGE_PAGE);
}

Test(memory, sealed_memory_stays_what_and_where_it_is_also_in_forks)
{
	uint8_t *sealed, *plain;

	cr_assert_eq(memory_shared_open(HUGE_PAGE, &sealed), ERR_OK);
	cr_assert_eq(memory_shared_open(HUGE_PAGE, &plain), ERR_OK);
	sealed[7] = 42;
	cr_assert_eq(memory_shared_close_to_writing(sealed, HUGE_PAGE), ERR_OK);
	cr_assert_eq(memory_shared_close_to_writing(plain, HUGE_PAGE), ERR_OK);
	if (memory_seal(sealed, 100) == MEMORY_SEAL_NONE)
		cr_skip_test("this kernel seals no memory");
	cr_expect_eq(WEXITSTATUS(in_a_fork(undo_all, sealed)), 0);
	cr_expect_eq(undo(sealed, HUGE_PAGE), 0);
	cr_expect_eq(undo(plain, HUGE_PAGE), 4);
	cr_expect_eq(sealed[7], 42);
	cr_expect_eq(WEXITSTATUS(in_a_fork(read_it, sealed + 7)), 42);
	cr_expect_eq(memory_seal(sealed, 0), MEMORY_SEAL_REFUSED);
	cr_expect_eq(memory_seal(NULL, 1), MEMORY_SEAL_REFUSED);
	cr_expect_eq(munmap(plain, HUGE_PAGE), 0);
	cr_expect_eq(memory_seal(plain, HUGE_PAGE), MEMORY_SEAL_REFUSED);
}

static bool is_mapped(const uint8_t *page)
{
	unsigned char there;

	return mincore((void *)(uintptr_t)page, 1, &there) == 0;
}

Test(memory, of_weights_that_are_not_needed_the_first_bytes_stay_in_place)
{
	const uint8_t *mapped = kept(5 * HUGE_PAGE, HUGE_PAGE + 1000);
	void *place = (void *)(uintptr_t)mapped;

	for (size_t i = 0; i < HUGE_PAGE + 1000; i++)
		cr_assert_eq(mapped[i], (uint8_t)(i * 7));
	for (size_t at = 0; at < 5; at++)
		cr_expect_eq(is_mapped(mapped + at * HUGE_PAGE), at < 2);
	cr_expect(faulted(in_a_fork(write_it, place)));
	cr_expect_eq(WEXITSTATUS(in_a_fork(read_it, (uint8_t *)place + 1)), 7);
}

Test(memory, weights_of_which_all_is_needed_stay_as_they_are)
{
	const uint8_t *mapped = kept(3 * HUGE_PAGE, 2 * HUGE_PAGE + 1);

	for (size_t i = 0; i < 3 * HUGE_PAGE; i++)
		cr_assert_eq(mapped[i], (uint8_t)(i * 7));
	cr_expect(faulted(
		in_a_fork(write_it, (void *)(uintptr_t)(mapped + HUGE_PAGE))));
}

Test(memory, weights_that_are_not_sealed_are_not_mapped)
{
	struct memory_weights weights = filled(HUGE_PAGE);
	const uint8_t *mapped = NULL;
	size_t size = 77;

	cr_expect_eq(memory_weights_map(weights.fd, &size, &mapped),
		     ERR_DENIED);
	cr_expect_eq(fcntl(weights.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	cr_expect_eq(memory_weights_map(weights.fd, &size, &mapped),
		     ERR_DENIED);
	cr_expect_eq(memory_weights_map(STDIN_FILENO, &size, &mapped),
		     ERR_DENIED);
	cr_expect_eq(memory_weights_map(-1, &size, &mapped), ERR_DENIED);
	cr_expect_null(mapped);
	cr_expect_eq(size, 77);
	memory_weights_close(&weights);
}

Test(memory, weights_of_no_size_or_too_large_are_refused)
{
	struct memory_weights weights = { .fd = -7 };

	cr_expect_eq(memory_weights_open(0, &weights), ERR_UNAVAILABLE);
	cr_expect_eq(memory_weights_open(SIZE_MAX, &weights), ERR_UNAVAILABLE);
	cr_expect_eq(memory_weights_open(SIZE_MAX - 2 * HUGE_PAGE, &weights),
		     ERR_UNAVAILABLE);
	cr_expect_eq(weights.fd, -7);
}

/* Kilobytes on huge pages by the kernel's own account of this mapping. */
static size_t huge_kilobytes(const void *mapping)
{
	static const char *const names[] = {
		"ShmemPmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:"
	};
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[256], head[32];
	size_t kilobytes = 0, value;
	bool inside = false;

	snprintf(head, sizeof(head), "%jx-", (uintmax_t)mapping);
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (strncmp(line, head, strlen(head)) == 0)
			inside = true;
		for (size_t i = 0; inside && i < 3; i++) {
			size_t len = strlen(names[i]);

			if (strncmp(line, names[i], len) == 0 &&
			    sscanf(line + len, "%zu", &value) == 1)
				kilobytes += value;
		}
		if (strncmp(line, "VmFlags:", 8) == 0)
			inside = false;
	}
	fclose(smaps);
	return kilobytes;
}

Test(memory, the_page_size_told_is_the_one_the_kernel_gave)
{
	struct memory_weights weights = filled(4 * HUGE_PAGE);
	const uint8_t *mapped;
	size_t size;

	cr_assert_eq(memory_weights_seal(&weights), ERR_OK);
	cr_assert_eq(memory_weights_map(weights.fd, &size, &mapped), ERR_OK);
	if (weights.pages == MEMORY_PAGES_4K)
		cr_expect_eq(huge_kilobytes(mapped), 0);
	else
		cr_expect_eq(huge_kilobytes(mapped), size >> 10);
}

/* ---- arenas */

Test(memory, an_arena_is_zero_aligned_and_rounded_up)
{
	struct arena arena;

	cr_assert_eq(memory_arena_open(HUGE_PAGE + 1, &arena), ERR_OK);
	cr_expect_eq((uintptr_t)arena.base % HUGE_PAGE, 0);
	cr_expect_eq(arena.size, 2 * HUGE_PAGE);
	cr_expect_eq(arena.used, 0);
	cr_expect(arena_is_zero(&arena));
	memory_arena_close(&arena);
	cr_expect_eq(memory_arena_open(0, &arena), ERR_UNAVAILABLE);
	cr_expect_eq(memory_arena_open(SIZE_MAX, &arena), ERR_UNAVAILABLE);
}

Test(memory, a_fork_has_an_arena_only_when_it_is_shared)
{
	struct arena arena;

	cr_assert_eq(memory_arena_open(HUGE_PAGE, &arena), ERR_OK);
	cr_expect(faulted(in_a_fork(read_it, arena.base)));
	cr_assert_eq(memory_inherit(&arena, MEMORY_INHERIT_SHARED), ERR_OK);
	cr_expect_eq(in_a_fork(write_it, arena.base), 0);
	/* The parent sees, and so can wipe, what the child left. */
	cr_expect_eq(arena.base[0], 42);
	arena_wipe(&arena);
	cr_expect(arena_is_zero(&arena));
	cr_assert_eq(memory_inherit(&arena, MEMORY_INHERIT_NOTHING), ERR_OK);
	cr_expect(faulted(in_a_fork(read_it, arena.base)));
	memory_arena_close(&arena);
}

/* Writes on to where its memory ends, and ends of it. */
static int write_all_there_is(void *memory)
{
	for (volatile uint8_t *byte = memory;; byte++)
		*byte = 42;
	return 0;
}

/* Nothing that could be written may lie past what is looked at here. */
static uint8_t *inaccessible_page_after(const struct arena *arena)
{
	uint8_t *end = arena->base + arena->size;
	void *page =
		mmap(end, 4096, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	/* Taken already: by another's mapping, or by more of the arena. */
	cr_assert_eq(page, end);
	return page;
}

Test(memory, of_all_that_a_worker_can_write_past_its_arena_nothing_is_left)
{
	static const size_t sizes[] = { 1, HUGE_PAGE - 1, HUGE_PAGE + 12345 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct arena arena;
		uint8_t *after;

		cr_assert_eq(memory_arena_open(sizes[i], &arena), ERR_OK);
		after = inaccessible_page_after(&arena);
		cr_assert_eq(memory_inherit(&arena, MEMORY_INHERIT_SHARED),
			     ERR_OK);
		cr_expect(faulted(in_a_fork(write_all_there_is, arena.base)));
		cr_expect_eq(after[-1], 42, "the way to look works");
		cr_expect_not(arena_is_zero(&arena));
		arena_wipe(&arena);
		cr_expect(arena_is_zero(&arena));
		for (const uint8_t *byte = arena.base; byte < after; byte++)
			cr_assert_eq(*byte, 0);
		munmap(after, 4096);
		memory_arena_close(&arena);
	}
}

Test(memory, what_is_available_is_a_part_of_what_the_machine_has)
{
	size_t all =
		(size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);

	cr_expect_gt(memory_available(), HUGE_PAGE);
	cr_expect_leq(memory_available(), all);
}

/* ---- secrets */

/* How often the kernel has to enter pages while all of them are read, or 99;
 * a sanitizer would read, and enter, pages of its own. */
__attribute__((no_sanitize("address"))) static int read_all(uint8_t *shared,
							    size_t size)
{
	struct rusage before, after;
	long faults;

	cr_assert_eq(getrusage(RUSAGE_SELF, &before), 0);
	for (size_t at = 0; at < size; at += 4096)
		(void)*(volatile uint8_t *)(shared + at);
	cr_assert_eq(getrusage(RUSAGE_SELF, &after), 0);
	faults = after.ru_minflt - before.ru_minflt;
	return faults < 99 ? (int)faults : 99;
}

static int read_unprepared(void *shared)
{
	return read_all(shared, 8 * HUGE_PAGE);
}

static int read_entered(void *shared)
{
	memory_enter(shared, 8 * HUGE_PAGE, MEMORY_USE_READ);
	return read_all(shared, 8 * HUGE_PAGE);
}

Test(memory, shared_pages_that_a_fork_has_entered_are_there_at_once)
{
	uint8_t *shared;

	cr_assert_eq(memory_shared_open(8 * HUGE_PAGE, &shared), ERR_OK);
	/* Eight faults at least, on huge pages; a few are the reader's own. */
	cr_expect_geq(WEXITSTATUS(in_a_fork(read_unprepared, shared)), 8);
	cr_expect_leq(WEXITSTATUS(in_a_fork(read_entered, shared)), 4);
}

Test(memory, a_secret_is_zero_and_not_inherited)
{
	void *secret;

	cr_assert_eq(memory_secret_open(100, &secret), ERR_OK);
	cr_expect(secret_is_zero(secret, 4096));
	memset(secret, 7, 100);
	cr_expect(faulted(in_a_fork(read_it, secret)));
	cr_expect_eq(*(uint8_t *)secret, 7);
	memory_secret_close(secret, 100);
	cr_expect_eq(memory_secret_open(0, &secret), ERR_UNAVAILABLE);
	cr_expect_eq(memory_secret_open(SIZE_MAX, &secret), ERR_UNAVAILABLE);
}

Test(memory, nobody_reads_a_secret_from_outside_where_the_kernel_can)
{
	int memory = open("/proc/self/mem", O_RDONLY);
	uint8_t plain = 9, byte = 0;
	void *secret;

	if (memory_secret_kind() != MEMORY_SECRECY_KERNEL)
		cr_skip_test("this kernel has no secret pages");
	cr_assert_eq(memory_secret_open(1, &secret), ERR_OK);
	*(uint8_t *)secret = 9;
	cr_expect_eq(pread(memory, &byte, 1, (off_t)(uintptr_t)&plain), 1);
	cr_expect_eq(byte, 9, "the way to look works");
	cr_expect_eq(pread(memory, &byte, 1, (off_t)(uintptr_t)secret), -1);
	memory_secret_close(secret, 1);
}
