/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a private key is while it lives, and that it is nowhere after its end:
 * looked for in all memory of the process that had it, its secret pages and its
 * stack included.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/kem.h"
#include "node/keyring.h"
#include "sandbox/memory.h"
#include "sandbox/scan.h"
#include "tests/figure.h"
#include "tests/support/secret_pages.h"

#define START 1000000u
#define ROUNDS 20

static const struct keyring_times times = { .rotation_s = 100,
					    .lifetime_s = 200,
					    .grace_s = 10 };

/* As libraries work with it: its first and last byte have bits set for them. */
static struct bytes middle(const uint8_t *key)
{
	return (struct bytes){ key + 1, HPKE_PRIVATE_KEY_BYTES - 2 };
}

static struct ohttp_key_config offered(const struct keyring *ring)
{
	uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);
	struct ohttp_key_config config;
	size_t count;

	cr_assert_eq(keyring_configs(ring, &out), ERR_OK);
	cr_assert_eq(ohttp_keys_parse(bytes_written(&out), &config, 1, &count),
		     ERR_OK);
	return config;
}

/* The private half is on one of this process's own secret pages. */
static bool find_key(const struct ohttp_key_config *config,
		     struct needles *needles)
{
	struct secret_pages pages;
	bool found = false;

	secret_pages_list(getpid(), &pages);
	for (size_t i = 0; i < pages.count && !found; i++) {
		const uint8_t *page =
			(const uint8_t *)(uintptr_t)pages.list[i].from;
		size_t at;

		found = secret_pages_have_key(page, pages.list[i].len,
					      config->public_key.bytes, &at);
		if (found)
			needle_add(needles, middle(page + at));
	}
	secret_wipe_stack();
	return found;
}

/* In ordinary memory, as anybody who may read it would see it. */
static size_t in_memory(const struct needles *needles)
{
	struct scan_finding finding = { 0 };

	scan_process(needles, getpid(), &finding);
	if (finding.is_refused)
		cr_skip_test("not all memory can be read: a sanitizer's");
	return finding.hits;
}

/* On the pages that are nobody else's to read. */
static size_t in_secret_pages(const struct needles *needles)
{
	struct scan_finding finding = { 0 };
	struct secret_pages pages;

	secret_pages_list(getpid(), &pages);
	for (size_t i = 0; i < pages.count; i++)
		scan_memory(
			needles,
			(struct bytes){
				(const uint8_t *)(uintptr_t)pages.list[i].from,
				pages.list[i].len },
			"secret", &finding);
	return finding.hits;
}

static struct ohttp_exchange seal_to(const struct ohttp_key_config *config)
{
	struct ohttp_exchange exchange;

	cr_assert_eq(ohttp_send(config, config->symmetric[0], OHTTP_CHUNKED,
				&exchange),
		     ERR_OK);
	return exchange;
}

static enum failure receive(struct keyring *ring,
			    const struct ohttp_exchange *exchange, uint64_t now)
{
	struct hpke_context context;
	enum failure failure = keyring_receive(ring, now, OHTTP_CHUNKED,
					       &exchange->header, &context);

	secret_wipe_stack();
	return failure;
}

Test(key_memory, after_its_epoch_a_key_is_in_no_memory_and_opens_nothing)
{
	uint64_t left = 0, held = 0, opened = 0, beside = 0;

	if (memory_secret_kind() != MEMORY_SECRECY_KERNEL)
		cr_skip_test("this kernel has no secret pages");
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct needles *needles = calloc(1, sizeof(*needles));
		struct ohttp_exchange early, late;
		struct ohttp_key_config config;
		struct keyring *ring;
		bool changed;

		cr_assert_not_null(needles);
		cr_assert_eq(keyring_open(&times, START, &ring), ERR_OK);
		config = offered(ring);
		early = seal_to(&config);
		late = seal_to(&config);
		cr_assert_eq(receive(ring, &early, START + 1), FAILURE_NONE);
		cr_assert(find_key(&config, needles));
		held += in_secret_pages(needles);
		beside += in_memory(needles);
		/* A new one beside it; then its end, and its grace's. */
		cr_assert_eq(keyring_tick(ring, START + 150, &changed), ERR_OK);
		cr_assert_eq(keyring_live(ring), 2);
		cr_assert_eq(keyring_tick(ring, START + 211, &changed), ERR_OK);
		left += in_secret_pages(needles) + in_memory(needles);
		opened += receive(ring, &late, START + 211) == FAILURE_NONE;
		keyring_close(ring);
		free(needles);
	}
	figure_none("B3", "of keys that ended, found in memory", left, ROUNDS,
		    held);
	figure_none("B3", "requests that an ended key opened", opened, ROUNDS,
		    ROUNDS);
	figure_none("B2", "of live keys, found beside their page", beside,
		    ROUNDS, held);
}
