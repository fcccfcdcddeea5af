/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is planted is found: in every encoding, in every place.  Where these
 * find nothing, "nothing is left" means nothing.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/scan.h"
#include "tests/figure.h"
#include "tests/support/canary.h"
#include "tests/system.h"

/* "sixteen letters!" as others encode it (coreutils, Python). */
static const struct {
	const char *text;
	size_t len;
} planted[] = {
#define PLANT(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}
	PLANT("sixteen letters!"),
	PLANT("7369787465656e206c65747465727321"),
	PLANT("7369787465656E206C65747465727321"),
	PLANT("c2l4dGVlbiBsZXR0ZXJzIf7+/v7+"),
	PLANT("/3NpeHRlZW4gbGV0dGVycyH+/v7+/g=="),
	PLANT("//9zaXh0ZWVuIGxldHRlcnMh/v7+/v4="),
	PLANT("_3NpeHRlZW4gbGV0dGVycyH-_v7-_g=="),
	PLANT("s\0i\0x\0t\0e\0e\0n\0 \0l\0e\0t\0t\0e\0r\0s\0!\0"),
	PLANT("\0s\0i\0x\0t\0e\0e\0n\0 \0l\0e\0t\0t\0e\0r\0s\0!"),
	PLANT("\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10\0"),
	PLANT("\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0\7\0\0\0\10\0"
	      "\0"),
	PLANT("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0"
	      "\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\10\0\0\0\0\0"
	      "\0"
	      "\0"),
};

#define PLANTED (sizeof(planted) / sizeof(planted[0]))

static const uint32_t tokens[] = { 9, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11 };

static size_t find_in_memory(const struct needles *needles, const void *bytes,
			     size_t len)
{
	struct scan_finding finding = { 0 };
	uint8_t memory[512] = { 0 };

	memcpy(memory + 100, bytes, len);
	scan_memory(needles, BYTES_ARRAY(memory), "memory", &finding);
	return finding.hits;
}

Test(scan, every_encoding_of_a_planted_word_is_found)
{
	static struct needles needles;
	size_t found = 0;

	needle_add(&needles, BYTES_LITERAL("sixteen letters!"));
	needle_add_tokens(&needles, tokens, 11);
	for (size_t i = 0; i < PLANTED; i++) {
		size_t hits = find_in_memory(&needles, planted[i].text,
					     planted[i].len + 1);

		cr_expect_gt(hits, 0, "%zu", i);
		found += hits > 0;
	}
	cr_expect_eq(find_in_memory(&needles, "sixteen letters?", 16), 0);
	cr_expect_eq(
		find_in_memory(&needles, "\1\0\2\0\3\0\4\0\5\0\6\0\7\0", 15),
		0);
	figure_all("F1", "forms of a planted word, found", found, PLANTED);
}

Test(scan, any_thirty_one_bytes_of_a_text_are_found)
{
	static struct needles needles;
	uint8_t inverted[CANARY_BYTES];
	char text[CANARY_BYTES + 1];

	canary_invent(inverted);
	canary_reveal(inverted, text);
	canary_look_for(&needles, text);
	for (size_t at = 0; at + 31 <= CANARY_BYTES; at++)
		cr_expect_gt(find_in_memory(&needles, text + at, 31), 0, "%zu",
			     at);
	cr_expect_eq(find_in_memory(&needles, text, 15), 0);
	/* In whole pieces every needle is found as it was written out. */
	for (size_t i = 0; i < needles.count; i++) {
		uint8_t out[NEEDLE_MAX];
		size_t len = needle_reveal(&needles, i, out);

		cr_expect_gt(find_in_memory(&needles, out, len), 0, "%zu", i);
	}
}

static struct needles needles;
static uint8_t inverted[CANARY_BYTES];
static char text[CANARY_BYTES + 1];

static void invent(void)
{
	canary_invent(inverted);
	canary_reveal(inverted, text);
	canary_look_for(&needles, text);
}

TestSuite(scan, .init = invent);

/* A process that has this somewhere until it is killed. */
static pid_t keep(void (*put)(int ready), int *ready)
{
	int pair[2];
	char byte;
	pid_t child;

	cr_assert_eq(pipe(pair), 0);
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(text, 0, sizeof(text));
		put(pair[1]);
		close(pair[1]);
		for (;;)
			pause();
	}
	cr_assert_gt(child, 0);
	close(pair[1]);
	cr_assert_eq(read(pair[0], &byte, 1), 0); /* it has closed its end */
	*ready = pair[0];
	return child;
}

static void in_its_heap(int ready)
{
	char *memory = malloc(CANARY_BYTES + 1);

	(void)ready;
	canary_reveal(inverted, memory);
	__asm__ volatile("" ::"r"(memory) : "memory");
}

/* On the stack it is for a moment only. */
static void send_it(int file)
{
	char memory[CANARY_BYTES + 1];

	canary_reveal(inverted, memory);
	(void)!write(file, memory, CANARY_BYTES);
	explicit_bzero(memory, sizeof(memory));
}

static void in_a_pipe(int ready)
{
	int pair[2];

	(void)ready;
	if (pipe(pair) == 0)
		send_it(pair[1]);
}

static void in_a_socket(int ready)
{
	int pair[2];

	(void)ready;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return;
	(void)!write(pair[1], "first", 5);
	send_it(pair[1]);
}

static void in_a_stream(int ready)
{
	int pair[2];

	(void)ready;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		send_it(pair[1]);
}

static void in_a_file_of_memory(int ready)
{
	(void)ready;
	send_it(memfd_create("planted", 0));
}

static void in_a_file_without_a_name(int ready)
{
	(void)ready;
	send_it(open("/tmp", O_TMPFILE | O_RDWR, 0600));
}

static void in_a_log(int ready)
{
	char path[64];
	int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	(void)ready;
	send_it(file);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	(void)!open(path, O_WRONLY);
	close(file);
}

static struct scan_finding look_at(void (*put)(int), bool in_descriptors)
{
	struct scan_finding finding = { 0 };
	int ready;
	pid_t child = keep(put, &ready);

	if (in_descriptors)
		scan_descriptors(&needles, child, &finding);
	else
		scan_process(&needles, child, &finding);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready);
	if (finding.is_refused)
		cr_skip_test("another process cannot be looked at here");
	return finding;
}

/* As numbers are that are small: its last bytes are zero, or its first. */
Test(scan, what_begins_or_ends_in_zeros_is_found_at_an_edge_of_them)
{
	static const uint32_t last_zero[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint32_t first_zero[] = { 0, 0x100, 3, 4, 5, 6, 7, 8 };
	static struct needles small;
	static uint8_t memory[3 * 4096];
	uint64_t found = 0, tries = 0;
	size_t before = 0;

	needle_add_tokens(&small, last_zero, 8);
	needle_add_tokens(&small, first_zero, 8);
	for (size_t i = 0; i < small.count; i++) {
		uint8_t needle[NEEDLE_MAX];
		size_t len = needle_reveal(&small, i, needle);

		/* Wherever it lies across the first border of pages. */
		for (size_t at = 4096 - len; at <= 4096; at++) {
			struct scan_finding finding = { 0 };

			memset(memory, 0, sizeof(memory));
			memcpy(memory + at, needle, len);
			scan_memory(&small, BYTES_ARRAY(memory), "", &finding);
			found += finding.hits == 1;
			before += finding.bytes;
			tries++;
		}
	}
	cr_expect_eq(before, tries * sizeof(memory));
	figure_all("F1", "numbers across edges of empty pages, found", found,
		   tries);
}

/* Small numbers, the zeros of the last on a page that nobody touches. */
static void at_the_end_of_used_memory(int ready)
{
	uint8_t *memory = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)ready;
	if (memory == MAP_FAILED ||
	    madvise(memory, 3 * 4096, MADV_NOHUGEPAGE) != 0)
		return;
	for (size_t i = 0; i < NEEDLE_TOKENS; i++)
		memory[2 * 4096 - 29 + 4 * i] = inverted[i];
	__asm__ volatile("" ::"r"(memory) : "memory");
}

Test(scan, what_ends_in_zeros_is_found_before_memory_that_was_never_used)
{
	uint32_t numbers[NEEDLE_TOKENS];

	for (size_t i = 0; i < NEEDLE_TOKENS; i++)
		numbers[i] = inverted[i];
	needle_add_tokens(&needles, numbers, NEEDLE_TOKENS);
	explicit_bzero(numbers, sizeof(numbers));
	cr_assert_eq(look_at(in_a_pipe, false).hits, 0);
	cr_assert_eq(look_at(at_the_end_of_used_memory, false).hits, 1);
}

/* It is there until it is waited for, and has nothing any more. */
Test(scan, a_process_that_has_ended_is_refused)
{
	struct scan_finding memory = { 0 }, queues = { 0 }, file = { 0 };
	siginfo_t ended;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	cr_assert_gt(child, 0);
	cr_assert_eq(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	scan_process(&needles, child, &memory);
	scan_descriptors(&needles, child, &queues);
	cr_expect(memory.is_refused);
	cr_expect(queues.is_refused);
	cr_expect_eq(memory.bytes, 0);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	scan_file(&needles, "/tmp/pcc-scan.there-is-none", &file);
	cr_expect(file.is_refused);
}

Test(scan, a_file_that_is_read_on_is_at_the_same_place)
{
	struct scan_finding finding = { 0 };
	int file = memfd_create("planted", 0);

	send_it(file);
	cr_assert_eq(lseek(file, 7, SEEK_SET), 7);
	scan_descriptors(&needles, getpid(), &finding);
	if (finding.is_refused)
		cr_skip_test("this process cannot be looked at here");
	cr_expect_gt(finding.hits, 0);
	cr_expect_eq(lseek(file, 0, SEEK_CUR), 7);
	close(file);
}

Test(scan, a_word_in_the_heap_of_a_live_process_is_found)
{
	cr_assert_gt(look_at(in_its_heap, false).hits, 0);
	cr_assert_eq(look_at(in_a_pipe, false).hits, 0,
		     "what is in a pipe is not in memory, nor anything else");
}

Test(scan, a_word_that_waits_in_a_queue_is_found_and_stays_there)
{
	static void (*const places[])(int) = { in_a_pipe,
					       in_a_socket,
					       in_a_stream,
					       in_a_file_of_memory,
					       in_a_file_without_a_name,
					       in_a_log };
	struct scan_finding finding = { 0 };
	char first[16], second[CANARY_BYTES];
	int pair[2];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		cr_expect_gt(look_at(places[i], true).hits, 0, "%zu", i);
	cr_expect_eq(look_at(in_its_heap, true).hits, 0);

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	(void)!write(pair[1], "first", 5);
	send_it(pair[1]);
	scan_descriptors(&needles, getpid(), &finding);
	cr_expect_gt(finding.hits, 0);
	cr_assert_eq(read(pair[0], first, sizeof(first)), 5);
	cr_assert_eq(read(pair[0], second, sizeof(second)), CANARY_BYTES);
	cr_assert_eq(memcmp(second, text, CANARY_BYTES), 0);
}

Test(scan, a_word_in_a_file_is_found_however_deep)
{
	static const char *const folders[] = { "/tmp", "/dev/shm" };

	for (size_t i = 0; i < 2; i++) {
		struct scan_finding finding = { 0 };
		char folder[64], below[80], path[96];
		int file;

		if (access(folders[i], W_OK) != 0)
			continue;
		snprintf(folder, sizeof(folder), "%s/pcc-scan.XXXXXX",
			 folders[i]);
		cr_assert_not_null(mkdtemp(folder));
		snprintf(below, sizeof(below), "%s/below", folder);
		snprintf(path, sizeof(path), "%s/file", below);
		cr_assert_eq(mkdir(below, 0700), 0);
		file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		cr_assert_geq(file, 0);
		scan_folder(&needles, folder, &finding);
		cr_expect_eq(finding.hits, 0);
		send_it(file);
		close(file);
		scan_folder(&needles, folder, &finding);
		cr_expect_gt(finding.hits, 0);
		cr_expect_eq(finding.places, 2);
		unlink(path);
		rmdir(below);
		rmdir(folder);
	}
}

/* What a file held before it was deleted is still on the disk. */
Test(scan, a_word_in_a_deleted_file_is_found_on_the_raw_disk)
{
	struct scan_finding finding = { 0 };
	char image[CANARY_PATH_MAX], disk[SYSTEM_PATH_MAX], path[128];
	int file;

	if (!canary_make_disk(image, disk))
		cr_skip_test("no disk can be made of a file here");
	snprintf(path, sizeof(path), "%s/file", disk);
	file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(file, 0);
	send_it(file);
	cr_assert_eq(fsync(file), 0);
	close(file);
	cr_assert_eq(unlink(path), 0);
	canary_scan_disk(&needles, image, disk, &finding);
	canary_remove_disk(image, disk);
	cr_assert_gt(finding.hits, 0);
}

Test(scan, the_one_who_looks_has_no_copy_to_be_found)
{
	struct scan_finding finding = { 0 };

	scan_process(&needles, getpid(), &finding);
	if (finding.is_refused)
		cr_skip_test("not all memory can be read: a sanitizer's");
	cr_expect_gt(finding.hits, 0); /* it is in `text` */
	explicit_bzero(text, sizeof(text));
	finding.hits = 0;
	scan_process(&needles, getpid(), &finding);
	cr_assert_eq(finding.hits, 0);
}
