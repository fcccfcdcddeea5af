/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of memory fails once, in turn. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kem.h"
#include "tests/figure.h"

static unsigned long calls, failing; /* which one; 0: none */

#ifndef __SANITIZE_ADDRESS__

/* In place of libc's, for the library as well; these are libc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool is_to_fail(void)
{
	return failing != 0 && ++calls == failing;
}

void *malloc(size_t size)
{
	return is_to_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return is_to_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return is_to_fail() ? NULL : __libc_realloc(old, size);
}

#endif

/* What keepers and workers do; an error is an answer, a wrong result is not. */
static enum err work(void)
{
	struct aead_key key = { .aead = HPKE_AES_128_GCM };
	const uint8_t nonce[AEAD_NONCE_BYTES] = { 0 };
	uint8_t sealed_bytes[64], opened_bytes[64], digest[HASH_SHA256_BYTES];
	struct writer sealed = WRITER_OVER(sealed_bytes);
	struct writer opened = WRITER_OVER(opened_bytes);
	struct hpke_private_key private_key;
	struct hpke_public_key public_key;
	struct hash_stream stream;

	hash_sha256(BYTES_LITERAL("abc"), digest);
	hash_stream_begin(&stream);
	hash_stream_add(&stream, BYTES_ARRAY(digest));
	hash_stream_end(&stream, digest);
	TRY(kem_generate(HPKE_KEM_P256, &private_key, &public_key));
	TRY(kem_generate(HPKE_KEM_X25519, &private_key, &public_key));
	TRY(aead_seal(&key, nonce, BYTES_LITERAL("to"), BYTES_LITERAL("text"),
		      &sealed));
	TRY(aead_open(&key, nonce, BYTES_LITERAL("to"), bytes_written(&sealed),
		      &opened));
	if (!bytes_equal(bytes_written(&opened), BYTES_LITERAL("text")))
		abort();
	return ERR_OK;
}

struct outcome {
	bool is_over;  /* so many calls there are not */
	bool is_bad;   /* a crash, or it does not work the next time */
	bool was_told; /* an error, or the process's end */
};

static struct outcome try(unsigned long which)
{
	struct outcome outcome = { false, false, false };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		enum err err;

		failing = which;
		err = work();
		if (calls < which)
			_exit(8);
		failing = 0;
		if (work() != ERR_OK)
			_exit(7);
		_exit(err == ERR_OK ? 0 : 6);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	outcome.is_over = status == 8 << 8;
	outcome.is_bad = !WIFEXITED(status) || WEXITSTATUS(status) == 7;
	outcome.was_told =
		WIFEXITED(status) && (WEXITSTATUS(status) == 6 ||
				      WEXITSTATUS(status) == EXIT_FAILURE);
	if (outcome.is_bad)
		cr_log_info("allocation %lu: status %#x", which,
			    (unsigned)status);
	return outcome;
}

Test(no_memory, whichever_allocation_fails_nothing_crashes, .timeout = 300)
{
	unsigned long tries = 0, bad = 0, told = 0;

#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("a sanitizer has an allocator of its own");
#endif
	/* As each role does before it closes its jail. */
	hash_warm();
	aead_warm();
	cr_assert_eq(work(), ERR_OK);
	for (unsigned long which = 1;; which++) {
		struct outcome outcome = try(which);

		if (outcome.is_over)
			break;
		tries++;
		bad += outcome.is_bad;
		told += outcome.was_told;
	}
	figure_none("L2", "crashes after a failed allocation", bad, tries,
		    told);
}
