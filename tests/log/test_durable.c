/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "log/durable.h"
#include "log/keys.h"
#include "tests/log/scratch_log.h"

static struct scratch scratch;

static void setup(void)
{
	scratch = scratch_make();
}

static void teardown(void)
{
	scratch_remove(&scratch);
}

TestSuite(durable, .init = setup, .fini = teardown, .timeout = 10);

/* Whoever may write to the folder may have put it there, and hold it open. */
Test(durable, a_secret_goes_into_no_file_that_was_there_before)
{
	SCOPED_FD held = open(scratch_path(&scratch, "key.new"),
			      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	struct stat info;

	cr_assert_geq(held, 0);
	cr_assert_eq(fchmod(held, 0666), 0);
	cr_assert_eq(keys_create(scratch_path(&scratch, "key"),
				 BYTES_LITERAL("a.example/w"),
				 NOTE_COSIGNATURE),
		     ERR_OK);
	cr_assert_eq(fstat(held, &info), 0);
	cr_assert_eq(info.st_size, 0, "it holds %lld bytes of the key",
		     (long long)info.st_size);
	cr_assert_eq(stat(scratch_path(&scratch, "key"), &info), 0);
	cr_assert_eq(info.st_mode & 0777, 0600);
	cr_assert_gt(info.st_size, 0);
}
