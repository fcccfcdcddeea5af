/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can befall an append: a kill at any system call, a disk that is full or
 * broken, bits that change.  Whatever it is, no head that covers what is not
 * there is ever signed, none shrinks, and the log goes on.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/figure.h"
#include "tests/log/scratch_log.h"
#include "tests/support/tracer.h"

#define MORE 3 /* entries that the append adds */

static struct scratch base, now;

static void set_up(void)
{
	base = scratch_make();
	now = scratch_make();
}

static void tear_down(void)
{
	scratch_remove(&base);
	scratch_remove(&now);
}

TestSuite(crash, .init = set_up, .fini = tear_down, .timeout = 300);

static int append_more(void *context)
{
	(void)context;
	return (int)scratch_try_append(&now, MORE, "");
}

/* What is shown is sound, is all there, and did not shrink. */
static struct merkle_head check_shown(uint64_t size)
{
	struct merkle_head shown = scratch_head(&now, "log", "checkpoint");
	struct merkle_head last = scratch_head(&now, ".", "key.head");

	cr_assert(shown.size == size || shown.size == size + MORE);
	cr_assert_geq(last.size, shown.size);
	cr_assert_eq(scratch_walk(&now, &shown), ERR_OK);
	/* What was signed and not shown is all there, too. */
	cr_assert_eq(scratch_walk(&now, &last), ERR_OK);
	cr_assert(scratch_grew(&now, &shown, &last));
	return last;
}

/* Other entries than those of the append that ended early. */
static void check_goes_on(const struct merkle_head *last)
{
	struct merkle_head next;

	cr_assert_eq(scratch_try_append(&now, 2, " later"), ERR_OK);
	next = scratch_head(&now, "log", "checkpoint");
	cr_assert_eq(next.size, last->size + 2);
	cr_assert_eq(scratch_walk(&now, &next), ERR_OK);
	cr_assert(scratch_grew(&now, last, &next));
}

static void check_all(uint64_t size)
{
	struct merkle_head last = check_shown(size);

	check_goes_on(&last);
}

static unsigned strike_everywhere(uint64_t size, struct tracer_plan plan)
{
	struct tracer_result result;

	for (plan.at = 0;; plan.at++) {
		scratch_copy(&base, &now);
		result = tracer_run(append_more, NULL, &plan);
		if (!result.happened) {
			/* The control: left alone it works. */
			cr_assert_eq(result.code, ERR_OK);
			check_all(size);
			return plan.at;
		}
		if (result.code == ERR_OK) {
			struct merkle_head head =
				scratch_head(&now, "log", "checkpoint");

			cr_assert_eq(head.size, size + MORE);
		}
		check_all(size);
	}
}

static void begin(size_t count)
{
	if (!tracer_works())
		cr_skip_test("processes may not be traced here");
	scratch_begin(&base, count);
}

static void kill_everywhere(size_t count)
{
	unsigned calls;

	begin(count);
	calls = strike_everywhere(
		count, (struct tracer_plan){ TRACER_ALL, TRACER_KILL, 0, 0 });
	cr_assert_gt(calls, 100);
	figure_all("K2", "logs sound after a kill at a system call", calls,
		   calls);
}

Test(crash, killed_at_any_system_call_a_first_append_leaves_a_sound_log)
{
	kill_everywhere(0);
}

Test(crash, killed_at_any_system_call_an_append_leaves_a_sound_log)
{
	kill_everywhere(5);
}

Test(crash, killed_at_any_system_call_while_tiles_fill_it_leaves_a_sound_log)
{
	kill_everywhere(254);
}

/* Every write, synchronisation and rename gives this error, one by one. */
static void fail_everywhere(size_t count, int error)
{
	static const enum tracer_calls kinds[] = { TRACER_WRITES, TRACER_SYNCS,
						   TRACER_RENAMES, TRACER_MAKES,
						   TRACER_READS };
	unsigned calls = 0;

	begin(count);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		calls += strike_everywhere(
			count, (struct tracer_plan){ kinds[i], TRACER_FAIL, 0,
						     error });
	cr_assert_gt(calls, 50);
	figure_all("K3", "logs sound after a call that failed", calls, calls);
}

Test(crash, on_a_full_disk_no_bad_head_is_signed)
{
	fail_everywhere(254, ENOSPC);
}

Test(crash, on_a_broken_disk_no_bad_head_is_signed)
{
	fail_everywhere(254, EIO);
}

Test(crash, short_writes_and_reads_are_gone_on_with)
{
	unsigned calls;

	begin(254);
	calls = strike_everywhere(
		254, (struct tracer_plan){ TRACER_WRITES, TRACER_SHORT, 0, 0 });
	calls += strike_everywhere(
		254, (struct tracer_plan){ TRACER_READS, TRACER_SHORT, 0, 0 });
	cr_assert_gt(calls, 20);
}

Test(crash, a_bit_that_changes_on_its_way_to_the_disk_is_noticed)
{
	struct tracer_plan plan = { TRACER_WRITES, TRACER_FLIP, 0, 0 };
	struct tracer_result result;

	begin(254);
	for (;; plan.at++) {
		scratch_copy(&base, &now);
		result = tracer_run(append_more, NULL, &plan);
		if (!result.happened)
			break;
		cr_assert_eq(result.code, ERR_UNAVAILABLE, "%u", plan.at);
		check_all(254);
	}
	cr_assert_eq(result.code, ERR_OK);
	cr_assert_gt(plan.at, 5);
}

/* --- bits that change where they lie --- */

struct flips {
	size_t files, refused, passed;
	uint64_t size;
	struct merkle_hash expected; /* the root of the log with MORE */
	struct merkle_head before;
};

static void flip_one(const char *path, off_t at, struct flips *flips)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct merkle_head head;
	struct stat info;
	uint8_t byte;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &info), 0);
	cr_assert_eq(pread(fd, &byte, 1, at), 1);
	byte ^= (uint8_t)(1u << at % 8);
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	if (scratch_try_append(&now, MORE, "") != ERR_OK) {
		flips->refused++;
		return;
	}
	/* Then it was a file that the head does not need: nothing is bad. */
	flips->passed++;
	head = scratch_head(&now, "log", "checkpoint");
	cr_assert_eq(head.size, flips->size + MORE);
	cr_assert_arr_eq(head.root.bytes, flips->expected.bytes,
			 MERKLE_HASH_BYTES, "%s", path);
}

/* The public key is never read by an append; it has a test of its own. */
static bool is_meant(const char *path)
{
	size_t len = strlen(path);

	return len < 8 || strcmp(path + len - 8, "/log/key") != 0;
}

static void flip_file(const char *name, struct flips *flips)
{
	struct stat info;

	cr_assert_eq(stat(scratch_path(&base, name), &info), 0);
	flips->files++;
	for (off_t at = 0; at<info.st_size; at += info.st_size> 2048 ? 97 : 1) {
		scratch_copy(&base, &now);
		flip_one(scratch_path(&now, name), at, flips);
	}
}

static void flip_below(const char *name, struct flips *flips)
{
	DIR *open = opendir(scratch_path(&base, name));
	const struct dirent *entry;

	cr_assert_not_null(open);
	while ((entry = readdir(open)) != NULL) {
		char below[SCRATCH_PATH];
		struct stat info;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%.100s/%.100s", name,
			 entry->d_name);
		cr_assert_eq(stat(scratch_path(&base, below), &info), 0);
		if (S_ISDIR(info.st_mode))
			flip_below(below, flips);
		else if (is_meant(below))
			flip_file(below, flips);
	}
	closedir(open);
}

Test(crash, after_a_flipped_bit_in_any_file_no_bad_head_is_signed)
{
	struct flips flips = { .size = 258 };

	scratch_begin(&base, 255);
	cr_assert_eq(scratch_try_append(&base, 3, ""), ERR_OK);
	flips.expected = scratch_root(0, 258 + MORE, "");
	flip_below(".", &flips);
	cr_assert_geq(flips.files, 10);
	cr_assert_gt(flips.passed, 100);
	figure_none("K3", "bad heads signed after a bit had flipped", 0,
		    flips.refused + flips.passed, flips.refused);
}

/* --- histories that are not ours --- */

Test(crash, a_folder_that_went_back_is_not_appended_to)
{
	scratch_begin(&base, 5);
	scratch_copy(&base, &now);
	cr_assert_eq(scratch_try_append(&now, 3, ""), ERR_OK);
	/* The folder of before, the key of after: a copy was put back. */
	scratch_put(scratch_path(&base, "log"), scratch_path(&now, "log"));
	cr_assert_neq(scratch_try_append(&now, 1, " other"), ERR_OK);
	cr_assert_eq(scratch_head(&now, ".", "key.head").size, 8);
}

Test(crash, a_record_that_went_back_is_not_appended_to)
{
	scratch_begin(&base, 5);
	scratch_copy(&base, &now);
	cr_assert_eq(scratch_try_append(&now, 3, ""), ERR_OK);
	scratch_put(scratch_path(&base, "key.head"),
		    scratch_path(&now, "key.head"));
	cr_assert_eq(scratch_try_append(&now, 1, " other"), ERR_UNAUTHENTIC);
	cr_assert_eq(unlink(scratch_path(&now, "key.head")), 0);
	cr_assert_eq(scratch_try_append(&now, 1, " other"), ERR_UNAVAILABLE);
}

Test(crash, a_checkpoint_that_is_changed_meanwhile_is_not_written_over)
{
	uint8_t memory[SCRATCH_ENTRY_MAX];
	struct keys keys;
	struct store store;
	struct bytes entry;

	scratch_begin(&base, 5);
	cr_assert_eq(keys_open(scratch_path(&base, "key"), &keys), ERR_OK);
	cr_assert_eq(store_open(scratch_path(&base, "log"), &keys, &store),
		     ERR_OK);
	/* Nobody else gets in by the rules. */
	cr_assert_eq(scratch_try_append(&base, 1, ""), ERR_UNAVAILABLE);
	entry = scratch_entry(5, "", memory);
	cr_assert_eq(truncate(scratch_path(&base, "log/checkpoint"), 30), 0);
	cr_assert_eq(store_append(&store, &entry, 1), ERR_DENIED);
	store_close(&store);
	keys_close(&keys);
	cr_assert_eq(scratch_head(&base, ".", "key.head").size, 5);
}

Test(crash, a_key_that_others_may_read_is_not_used)
{
	scratch_begin(&base, 1);
	cr_assert_eq(chmod(scratch_path(&base, "key"), 0640), 0);
	cr_assert_eq(scratch_try_append(&base, 1, ""), ERR_DENIED);
	cr_assert_eq(chmod(scratch_path(&base, "key"), 0600), 0);
	cr_assert_eq(scratch_try_append(&base, 1, ""), ERR_OK);
}
