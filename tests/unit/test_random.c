/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

Test(random, every_byte_is_filled_at_every_length)
{
	for (size_t len = 0; len <= 64; len++) {
		uint8_t ever[65] = { 0 };

		/* A byte that stays zero 16 times was not filled: 2^-128. */
		for (int i = 0; i < 16; i++) {
			uint8_t bytes[65] = { 0 };

			random_bytes(bytes, len);
			for (size_t at = 0; at < sizeof(bytes); at++)
				ever[at] |= bytes[at];
		}
		for (size_t at = 0; at < len; at++)
			cr_assert_neq(ever[at], 0);
		cr_assert_eq(ever[len], 0, "wrote beyond what was asked");
	}
}

Test(random, a_request_larger_than_the_kernel_gives_at_once_is_filled)
{
	static uint8_t bytes[1 << 20];

	random_bytes(bytes, sizeof(bytes));
	cr_assert_not(secret_is_zero(bytes + sizeof(bytes) - 32, 32));
}

Test(random, parent_and_child_draw_different_bytes_after_a_fork)
{
	uint8_t ours[32];
	uint8_t theirs[32];
	int ends[2];
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	random_bytes(ours, sizeof(ours));
	if (child == 0) {
		ssize_t written = write(ends[1], ours, sizeof(ours));

		_exit(written == sizeof(ours) ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert_eq(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	cr_assert_not(secret_equal(ours, theirs, sizeof(ours)));
}
