/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has secrets, forgets them in the ways in which the product does, and looks for
 * them in all its memory.  tests/unit/test_wipe.c compiles it with the sources
 * of the product, by several compilers and with several optimisations; and with
 * PLAIN, where a memset stands in the place of each wipe.
 *
 * Prints how many ways there are, and after how many of them anything was left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/secret.h"
#include "crypto/hpke.h"
#include "sandbox/scan.h"

#define BYTES ((size_t)64)
#define HEAP_BYTES ((size_t)96 << 10) /* not mapped on its own */
#define DEPTH ((size_t)64 << 10)      /* below what the search itself uses */

#ifdef PLAIN
static inline void forget(void *memory, size_t len)
{
	memset(memory, 0, len);
}

static inline void forget_32(struct secret32 *secret)
{
	memset(secret, 0, sizeof(*secret));
}

static inline void forget_context(struct hpke_context *context)
{
	memset(context, 0, sizeof(*context));
}

static inline void forget_key(struct hpke_private_key *key)
{
	memset(key, 0, sizeof(*key));
}
#define FORGET_STACK() ((void)0)
#else
#define forget secret_wipe
#define forget_32 secret_wipe_32
#define forget_context hpke_context_wipe
#define forget_key hpke_private_key_wipe
#define FORGET_STACK() secret_wipe_stack()
#endif

static struct needles needles;
static volatile uint8_t seed = 1; /* which no compiler can foresee */
static volatile uint8_t sink;
static uint8_t *volatile place;

/* Bytes that are nowhere in this program. */
static void fill(uint8_t *memory, size_t len)
{
	uint32_t state = seed * 2654435761u;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525u + 1013904223u;
		memory[i] = (uint8_t)(state >> 24);
	}
}

/* Something that depends on all of it. */
static void use(const uint8_t *memory, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum * 31 + memory[i]);
	sink = sum;
}

static void look_for(const uint8_t *memory, size_t len)
{
	needle_add_pieces(&needles, (struct bytes){ memory, len });
}

static void scoped(void)
{
	__attribute__((cleanup(forget_32))) struct secret32 secret;

	fill(secret.bytes, sizeof(secret.bytes));
	look_for(secret.bytes, sizeof(secret.bytes));
	use(secret.bytes, sizeof(secret.bytes));
}

static void on_the_stack(void)
{
	uint8_t secret[BYTES];

	fill(secret, sizeof(secret));
	look_for(secret, sizeof(secret));
	use(secret, sizeof(secret));
	forget(secret, sizeof(secret));
}

static void in_the_heap(void)
{
	uint8_t *secret = malloc(HEAP_BYTES);
	uint8_t *end = secret + HEAP_BYTES - BYTES;

	if (secret == NULL)
		abort();
	/* Far behind what the search itself writes into free memory. */
	fill(end, BYTES);
	look_for(end, BYTES);
	use(end, BYTES);
	forget(secret, HEAP_BYTES);
	free(secret);
}

/* Whose memory nobody reads again. */
static void in_an_arena(void)
{
	void *memory = aligned_alloc(ARENA_ALIGNMENT, HEAP_BYTES);
	struct arena arena = { .base = memory, .size = HEAP_BYTES };
	uint8_t *secret;

	if (memory == NULL)
		abort();
	memset(memory, 0, HEAP_BYTES);
	(void)arena_alloc(&arena, 1, HEAP_BYTES / 2);
	secret = arena_alloc(&arena, 1, BYTES);
	fill(secret, BYTES);
	look_for(secret, BYTES);
	use(secret, BYTES);
#ifdef PLAIN
	memset(arena.base, 0, arena.size);
#else
	arena_wipe(&arena);
#endif
	free(memory);
}

/* The keys of a request, as a worker and a keeper have them. */
static void of_a_request(void)
{
	static const struct hpke_suite suite = { HPKE_KEM_X25519,
						 HPKE_HKDF_SHA256,
						 HPKE_AES_128_GCM };
	__attribute__((cleanup(forget_key))) struct hpke_private_key key;
	__attribute__((cleanup(forget_context))) struct hpke_context context;
	struct hpke_public_key public_key;
	uint8_t memory[HPKE_ENC_MAX];
	struct writer enc = WRITER_OVER(memory);
	struct hpke_received received = { .suite = suite,
					  .info = BYTES_LITERAL("info") };

	if (hpke_key_generate(HPKE_KEM_X25519, &key, &public_key) != ERR_OK ||
	    hpke_setup_sender(suite, &public_key, BYTES_LITERAL("info"),
			      &context, &enc) != ERR_OK)
		abort();
	received.enc = bytes_written(&enc);
	if (hpke_setup_receiver(&received, &key, &public_key, &context) !=
	    ERR_OK)
		abort();
	look_for(key.bytes + 1, sizeof(key.bytes) - 2);
	look_for(context.key, 16);
	look_for(context.exporter_secret, sizeof(context.exporter_secret));
	use((const uint8_t *)&context, sizeof(context));
}

static void (*volatile const ways[])(void) = { scoped, on_the_stack,
					       in_the_heap, in_an_arena,
					       of_a_request };

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static __attribute__((noinline)) void go_down(void (*way)(void))
{
	uint8_t deep[DEPTH];

	place = deep;
	way();
	FORGET_STACK();
	place = NULL;
}

int main(void)
{
	size_t left = 0;

	for (size_t i = 0; i < WAYS; i++) {
		struct scan_finding finding = { 0 };

		memset(&needles, 0, sizeof(needles));
		seed++;
		go_down(ways[i]);
		scan_process(&needles, getpid(), &finding);
		if (finding.is_refused)
			return EXIT_FAILURE;
		left += finding.hits > 0;
		fprintf(stderr, "%zu: %zu hits as %s in %s\n", i, finding.hits,
			finding.encoding == NULL ? "-" : finding.encoding,
			finding.where);
	}
	printf("%zu %zu\n", WAYS, left);
	return EXIT_SUCCESS;
}
