/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "log/audit.h"
#include "log/options.h"
#include "tests/log/scratch_log.h"

/* One log that goes on in two ways from the fifth entry. */
static struct scratch one, other;

static void set_up(void)
{
	one = scratch_make();
	other = scratch_make();
	scratch_begin(&one, 5);
	scratch_copy(&one, &other);
}

static void tear_down(void)
{
	scratch_remove(&one);
	scratch_remove(&other);
}

TestSuite(audit, .init = set_up, .fini = tear_down, .timeout = 60);

/* Audit what is in a folder, remembering in `one`. */
static int audit(const struct scratch *shown)
{
	char words[][SCRATCH_BELOW] = { "audit",     "--log",	   "",
					"--log-key", "",	   "--state",
					"",	     "--evidence", "" };
	char *arguments[10] = { NULL };
	int out = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY);
	int code;

	snprintf(words[2], SCRATCH_BELOW, "%s", scratch_path(shown, "log"));
	snprintf(words[4], SCRATCH_BELOW, "%s", scratch_path(&one, "log/key"));
	snprintf(words[6], SCRATCH_BELOW, "%s", scratch_path(&one, "seen"));
	snprintf(words[8], SCRATCH_BELOW, "%s", scratch_path(&one, "evidence"));
	for (size_t i = 0; i < 9; i++)
		arguments[i] = words[i];
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	code = audit_run(9, arguments);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(null);
	return code;
}

static bool has_evidence(uint64_t seen, uint64_t served)
{
	char name[128];
	bool both = true;

	for (int i = 0; i < 2; i++) {
		struct merkle_head head;

		snprintf(name, sizeof(name), "fork-%llu-%llu.%s",
			 (unsigned long long)seen, (unsigned long long)served,
			 i == 0 ? "seen" : "served");
		if (access(scratch_path(&one, "evidence"), F_OK) != 0)
			return false;
		/* Signed by the log, each of them. */
		head = scratch_head(&one, "evidence", name);
		both = both && head.size == (i == 0 ? seen : served);
	}
	return both;
}

static void append(const struct scratch *scratch, size_t count,
		   const char *tail)
{
	cr_assert_eq(scratch_try_append(scratch, count, tail), ERR_OK);
}

Test(audit, a_log_that_grows_is_followed)
{
	cr_assert_eq(audit(&one), OPTIONS_OK);
	for (size_t i = 0; i < 4; i++) {
		append(&one, 1 + 100 * i, "");
		cr_assert_eq(audit(&one), OPTIONS_OK);
		cr_assert_eq(audit(&one), OPTIONS_OK);
	}
	cr_assert_eq(scratch_head(&one, ".", "seen").size, 5 + 4 + 600);
	cr_assert_neq(access(scratch_path(&one, "evidence"), F_OK), 0);
}

Test(audit, another_head_of_the_same_size_is_a_fork_with_its_evidence)
{
	append(&one, 3, "");
	append(&other, 3, " other");
	cr_assert_eq(audit(&one), OPTIONS_OK);
	cr_assert_eq(audit(&other), OPTIONS_NOT_VERIFIED);
	cr_assert(has_evidence(8, 8));
	/* The state stays with the history that was seen first. */
	cr_assert_eq(audit(&one), OPTIONS_OK);
}

Test(audit, a_greater_head_of_another_history_is_a_fork_with_its_evidence)
{
	append(&one, 3, "");
	append(&other, 300, " other");
	cr_assert_eq(audit(&one), OPTIONS_OK);
	cr_assert_eq(audit(&other), OPTIONS_NOT_VERIFIED);
	cr_assert(has_evidence(8, 305));
}

Test(audit, a_smaller_head_of_another_history_is_a_fork_with_its_evidence)
{
	append(&one, 3, "");
	append(&other, 1, " other");
	cr_assert_eq(audit(&one), OPTIONS_OK);
	/* It still shows the files of the other. */
	scratch_put(scratch_path(&other, "log/checkpoint"),
		    scratch_path(&one, "log/checkpoint"));
	cr_assert_eq(audit(&one), OPTIONS_NOT_VERIFIED);
	cr_assert(has_evidence(8, 6));
}

Test(audit, a_log_that_lost_what_it_showed_is_told_with_its_evidence)
{
	append(&one, 3, "");
	cr_assert_eq(audit(&one), OPTIONS_OK);
	cr_assert_eq(audit(&other), OPTIONS_NOT_VERIFIED);
	cr_assert(has_evidence(8, 5));
}

Test(audit, an_older_copy_of_the_head_is_stale_and_no_fork)
{
	append(&one, 3, "");
	cr_assert_eq(audit(&one), OPTIONS_OK);
	scratch_put(scratch_path(&other, "log/checkpoint"),
		    scratch_path(&one, "log/checkpoint"));
	cr_assert_eq(audit(&one), OPTIONS_STALE);
	cr_assert_neq(access(scratch_path(&one, "evidence"), F_OK), 0);
}

static void change_byte(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

Test(audit, every_byte_of_every_file_that_the_head_covers_counts)
{
	static const char *const files[] = { "log/tile/0/000", "log/tile/0/001",
					     "log/tile/1/000.p/2",
					     "log/tile/entries/000",
					     "log/tile/entries/001" };
	size_t noticed = 0;

	append(&one, 507, "");
	for (size_t i = 0; i < 5; i++) {
		struct stat info;

		scratch_copy(&one, &other);
		cr_assert_eq(stat(scratch_path(&one, files[i]), &info), 0);
		for (off_t at = 0; at < info.st_size; at += 251, noticed++) {
			change_byte(scratch_path(&one, files[i]), at);
			cr_assert_eq(audit(&one), OPTIONS_NOT_VERIFIED,
				     "%s %ld", files[i], (long)at);
			change_byte(scratch_path(&one, files[i]), at);
		}
	}
	cr_assert_gt(noticed, 100);
	cr_assert_eq(audit(&one), OPTIONS_OK);
	cr_assert_neq(access(scratch_path(&one, "evidence"), F_OK), 0);
}

Test(audit, what_is_no_entry_is_told)
{
	struct keys keys;
	struct store store;
	struct bytes entry = BYTES_LITERAL("no entry of ours");

	cr_assert_eq(keys_open(scratch_path(&one, "key"), &keys), ERR_OK);
	cr_assert_eq(store_open(scratch_path(&one, "log"), &keys, &store),
		     ERR_OK);
	cr_assert_eq(store_append(&store, &entry, 1), ERR_OK);
	store_close(&store);
	keys_close(&keys);
	cr_assert_eq(audit(&one), OPTIONS_NOT_VERIFIED);
}

Test(audit, a_head_that_another_key_signed_is_refused)
{
	scratch_remove(&other);
	other = scratch_make();
	scratch_begin(&other, 5);
	cr_assert_eq(audit(&other), OPTIONS_NOT_VERIFIED);
}

Test(audit, a_state_that_is_damaged_is_of_no_use)
{
	cr_assert_eq(audit(&one), OPTIONS_OK);
	change_byte(scratch_path(&one, "seen"), 2);
	cr_assert_neq(audit(&one), OPTIONS_OK);
	cr_assert_eq(truncate(scratch_path(&one, "seen"), 0), 0);
	cr_assert_neq(audit(&one), OPTIONS_OK);
}
