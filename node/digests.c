/* SPDX-License-Identifier: Apache-2.0 */
#include "node/digests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "node/options.h"
#include "policy/events.h"
#include "sandbox/filter.h"

static void hash_file(int fd, uint8_t digest[static HASH_SHA256_BYTES])
{
	SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream = { 0 };
	static uint8_t piece[64 << 10];
	off_t at = 0;

	hash_stream_begin(&stream);
	for (;;) {
		ssize_t got = pread(fd, piece, sizeof(piece), at);

		if (got < 0)
			die("cannot read the running program");
		if (got == 0)
			break;
		hash_stream_add(&stream, (struct bytes){ piece, (size_t)got });
		at += got;
	}
	hash_stream_end(&stream, digest);
}

/* The filters of all six processes, in the order of enum jail_role. */
static void hash_filters(uint8_t digest[static HASH_SHA256_BYTES])
{
	SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream = { 0 };
	static struct jail_filter filter;

	hash_stream_begin(&stream);
	for (int role = 0; role < JAIL_ROLES; role++) {
		if (filter_compile(profile_of((enum jail_role)role), &filter) !=
		    ERR_OK)
			die("a system call filter does not compile");
		hash_stream_add(&stream, filter_bytes(&filter));
	}
	hash_stream_end(&stream, digest);
}

/*
 * How this node was started, argv joined by zero bytes.  --measure asks what a
 * node would say that is started without it.
 */
static void hash_command(char *const *arguments,
			 uint8_t digest[static HASH_SHA256_BYTES])
{
	SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream = { 0 };

	hash_stream_begin(&stream);
	for (size_t i = 0; arguments[i] != NULL; i++) {
		if (strcmp(arguments[i], OPTIONS_MEASURE_WORD) == 0)
			continue;
		if (i > 0)
			hash_stream_add(&stream, BYTES_LITERAL("\0"));
		hash_stream_add(&stream, bytes_of_string(arguments[i]));
	}
	hash_stream_end(&stream, digest);
}

void digests_of_self(int executable, const struct policy *policy,
		     char *const *arguments, struct setup_digests *out)
{
	static uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);

	hash_file(executable, out->binary);
	if (policy_write(policy, &text) != ERR_OK)
		die("the policy has no canonical form");
	hash_sha256(bytes_written(&text), out->policy);
	text.len = 0;
	if (events_grammar_write(&text) != ERR_OK)
		die("the log grammar does not fit");
	hash_sha256(bytes_written(&text), out->grammar);
	hash_filters(out->jail);
	hash_command(arguments, out->command);
}

static void print_digest(const char *name,
			 const uint8_t digest[static SETUP_DIGEST_BYTES])
{
	printf("--accept-%s ", name);
	for (size_t i = 0; i < SETUP_DIGEST_BYTES; i++)
		printf("%02x", digest[i]);
	printf("\n");
}

void digests_print(const struct setup_digests *digests)
{
	print_digest("program", digests->binary);
	print_digest("model", digests->model_root);
	print_digest("tokenizer", digests->tokenizer);
	print_digest("policy", digests->policy);
	print_digest("jail", digests->jail);
	print_digest("log", digests->grammar);
	print_digest("command", digests->command);
}
