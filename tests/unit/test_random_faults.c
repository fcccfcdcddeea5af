/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's generator that fails: whoever needs it refuses, and never makes do.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hpke.h"
#include "crypto/random.h"
#include "tests/figure.h"

enum fault {
	SOUND,
	REFUSES, /* an error */
	NOTHING, /* no byte */
	STUCK,	 /* the same bytes again and again */
	ZEROS,
	INTERRUPTED, /* now and then */
	SHORT,	     /* one byte at a time */
	FAULTS
};

static enum fault fault;
static unsigned sound_calls; /* before it begins */
static unsigned calls;

ssize_t getrandom(void *out, size_t len, unsigned flags);

/* In place of libc's. */
ssize_t getrandom(void *out, size_t len, unsigned flags)
{
	enum fault now = calls++ < sound_calls ? SOUND : fault;

	switch (now) {
	case REFUSES:
		errno = ENOSYS;
		return -1;
	case NOTHING:
		return 0;
	case STUCK:
		memset(out, 0xa5, len);
		return (ssize_t)len;
	case ZEROS:
		memset(out, 0, len);
		return (ssize_t)len;
	case INTERRUPTED:
		if (calls % 2 == 1) {
			errno = EINTR;
			return -1;
		}
		break;
	case SHORT:
		len = 1;
		break;
	case SOUND:
	case FAULTS:
		break;
	}
	return syscall(SYS_getrandom, out, len, flags);
}

static void make_keys(void)
{
	struct hpke_private_key private_key;
	struct hpke_public_key public_key;

	for (int i = 0; i < 3; i++)
		if (hpke_key_generate(HPKE_KEM_X25519, &private_key,
				      &public_key) != ERR_OK)
			_exit(EXIT_FAILURE);
}

/* Whether a process that makes keys says no; 1 is what refusing ends with. */
static bool is_refused(enum fault which, unsigned after)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fault = which;
		calls = 0;
		sound_calls = after;
		make_keys();
		_exit(42);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "it was ended by signal %d",
		  WTERMSIG(status));
	return WEXITSTATUS(status) == EXIT_FAILURE;
}

Test(random_faults, no_key_is_made_where_the_generator_fails_at_once_or_later)
{
	static const enum fault failing[] = { REFUSES, NOTHING, STUCK, ZEROS };
	uint64_t made = 0, tries = 0, sound = 0;

	for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		/* Each of three keys takes three calls; of the last one nobody
		   can say that it comes again. */
		for (unsigned after = 0; after < 7; after++) {
			made += !is_refused(failing[i], after);
			tries++;
		}
	}
	for (enum fault which = INTERRUPTED; which <= SHORT; which++)
		sound += !is_refused(which, 0);
	sound += !is_refused(SOUND, 0);
	cr_assert_eq(sound, 3, "what is sound was refused");
	figure_none("L3", "keys made of a generator that fails", made, tries,
		    sound);
}

Test(random_faults, a_few_bytes_at_a_time_are_as_good)
{
	uint8_t first[64], second[64], none[64] = { 0 };

	fault = SHORT;
	random_bytes(first, sizeof(first));
	fault = INTERRUPTED;
	random_bytes(second, sizeof(second));
	cr_assert_neq(memcmp(first, second, sizeof(first)), 0);
	cr_assert_neq(memcmp(first + 32, none, 32), 0);
	cr_assert_neq(memcmp(second + 32, none, 32), 0);
}
