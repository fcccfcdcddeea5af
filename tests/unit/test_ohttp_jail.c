/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker opens a request and seals its response when it may do nothing but
 * read, write and exit: what sandbox/ leaves it is more than crypto/ needs.
 */
#include <criterion/criterion.h>
#include <linux/prctl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/ohttp.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"

/* Mode 1 of seccomp(2): read, write, exit, and a SIGKILL for all else. */
#define SECCOMP_STRICT 1

static void jail(void)
{
	if (syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_STRICT) != 0)
		_exit(99);
}

/* As a worker's start does: the heap has room, and gives none back. */
static void warm(void)
{
	void *room;

#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("the sanitizer's heap makes system calls of its own");
#endif
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, -1);
	room = malloc(1 << 20);
	cr_assert_not_null(room);
	memset(room, 1, 1 << 20);
	free(room);
	aead_warm();
	hash_warm();
}

/* A request of four chunks as it lies on the wire, and its exchange. */
struct request {
	struct ohttp_exchange exchange;
	uint8_t bytes[4096];
	size_t len;
};

static void seal_request(uint16_t aead, enum ohttp_form form,
			 struct request *request)
{
	struct hpke_private_key key;
	struct ohttp_key_config config = {
		.symmetric = { { HPKE_HKDF_SHA256, aead } },
		.symmetric_count = 1,
	};
	struct writer out = WRITER_OVER(request->bytes);
	struct ohttp_sealer sealer;

	cr_assert_eq(
		hpke_key_generate(HPKE_KEM_X25519, &key, &config.public_key),
		ERR_OK);
	cr_assert_eq(ohttp_send(&config, config.symmetric[0], form,
				&request->exchange),
		     ERR_OK);
	ohttp_sealer_init_request(&sealer, &request->exchange);
	cr_assert_eq(ohttp_sealer_begin(&sealer, &out), ERR_OK);
	for (int i = 0; form == OHTTP_CHUNKED && i < 3; i++)
		cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
					      BYTES_LITERAL("a prompt"), &out),
			     ERR_OK);
	cr_assert_eq(ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL,
				      BYTES_LITERAL("its end"), &out),
		     ERR_OK);
	request->len = out.len;
}

/* In a process of its own, so that sealing it warms nothing in this one. */
static struct request *make_request(uint16_t aead, enum ohttp_form form)
{
	struct request *request =
		mmap(NULL, sizeof(*request), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	cr_assert_neq(request, MAP_FAILED);
	child = fork();
	if (child == 0) {
		seal_request(aead, form, request);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert_gt(request->len, 0);
	return request;
}

static enum err open_request(const struct request *request, struct writer *text)
{
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	struct bytes in = { request->bytes, request->len };
	struct ohttp_header header;
	uint8_t scratch[1024];

	TRY(ohttp_header_take(&in, &header));
	ohttp_opener_init(&opener, OHTTP_REQUEST, &request->exchange,
			  WRITER_OVER(scratch));
	TRY(ohttp_opener_push(&opener, in, text));
	return ohttp_opener_finish(&opener, text);
}

static enum err seal_response(const struct request *request, struct writer *out)
{
	SCOPED_WIPE(ohttp_sealer_wipe) struct ohttp_sealer sealer;
	const uint8_t entropy[OHTTP_NONCE_MAX] = { 0 };

	ohttp_sealer_init_response(&sealer, &request->exchange, entropy);
	TRY(ohttp_sealer_begin(&sealer, out));
	for (int i = 0; request->exchange.form == OHTTP_CHUNKED && i < 100; i++)
		TRY(ohttp_sealer_put(&sealer, OHTTP_CHUNK_MORE,
				     BYTES_LITERAL("an answer"), out));
	return ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL,
				BYTES_LITERAL("and no more"), out);
}

static enum err serve(const struct request *request)
{
	uint8_t memory[16384];
	struct writer out = WRITER_OVER(memory);
	uint8_t digest[64];

	TRY(open_request(request, &out));
	TRY(seal_response(request, &out));
	/* What a receipt needs besides. */
	hash_sha256(bytes_written(&out), digest);
	hash_sha512(bytes_written(&out), digest);
	return ERR_OK;
}

enum task {
	SERVE = 1,
	BREAK_OUT,
};

static int status_of_jailed(const struct request *request, enum task task)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		jail();
		if (task == BREAK_OUT)
			syscall(SYS_getpid);
		syscall(SYS_exit, (int)serve(request));
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return status;
}

Test(ohttp_jail, a_request_is_served_with_read_write_and_exit_alone)
{
	warm();
	for (uint16_t aead = HPKE_AES_128_GCM; aead <= HPKE_CHACHA20_POLY1305;
	     aead++) {
		struct request *chunked = make_request(aead, OHTTP_CHUNKED);
		struct request *whole = make_request(aead, OHTTP_UNCHUNKED);

		cr_assert_eq(status_of_jailed(chunked, SERVE), 0);
		cr_assert_eq(status_of_jailed(whole, SERVE), 0);
	}
}

Test(ohttp_jail, a_forged_request_is_refused_in_the_jail_without_a_system_call)
{
	struct request *request = make_request(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	int status;

	warm();
	request->bytes[60] ^= 1;
	status = status_of_jailed(request, SERVE);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), ERR_UNAUTHENTIC);
}

Test(ohttp_jail, the_jail_of_this_test_does_kill)
{
	struct request *request = make_request(HPKE_AES_128_GCM, OHTTP_CHUNKED);
	int status;

	status = status_of_jailed(request, BREAK_OUT);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGKILL);
}
