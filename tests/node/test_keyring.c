/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/kem.h"
#include "node/keyring.h"
#include "policy/limits.h"

static const struct keyring_times times = { .rotation_s = 100,
					    .lifetime_s = 200,
					    .grace_s = 10 };
#define START 1000000u

static struct keyring *ring;

static void open_ring(void)
{
	cr_assert_eq(keyring_open(&times, START, &ring), ERR_OK);
}

static void close_ring(void)
{
	keyring_close(ring);
}

static struct ohttp_key_config current_config(void)
{
	uint8_t memory[512];
	struct writer out = WRITER_OVER(memory);
	struct ohttp_key_config config;
	size_t count;

	cr_assert_eq(keyring_configs(ring, &out), ERR_OK);
	cr_assert_eq(ohttp_keys_parse(bytes_written(&out), &config, 1, &count),
		     ERR_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(config.key_id, keyring_current_id(ring));
	return config;
}

static struct ohttp_exchange seal_to(const struct ohttp_key_config *config)
{
	struct ohttp_exchange exchange;

	cr_assert_eq(ohttp_send(config, config->symmetric[0], OHTTP_CHUNKED,
				&exchange),
		     ERR_OK);
	return exchange;
}

static enum failure receive(const struct ohttp_exchange *exchange, uint64_t now)
{
	struct hpke_context context;

	return keyring_receive(ring, now, OHTTP_CHUNKED, &exchange->header,
			       &context);
}

TestSuite(keyring, .init = open_ring, .fini = close_ring);

Test(keyring, both_ends_come_to_the_same_keys)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);
	struct hpke_context context;

	cr_assert_eq(keyring_receive(ring, START, OHTTP_CHUNKED,
				     &exchange.header, &context),
		     FAILURE_NONE);
	cr_assert_eq(memcmp(&context.key, &exchange.context.key,
			    sizeof(context.key)),
		     0);
}

Test(keyring, the_forms_do_not_open_each_other)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);
	struct hpke_context context;

	cr_assert_eq(keyring_receive(ring, START, OHTTP_UNCHUNKED,
				     &exchange.header, &context),
		     FAILURE_NONE);
	cr_assert_neq(memcmp(&context.key, &exchange.context.key,
			     sizeof(context.key)),
		      0);
}

Test(keyring, a_request_is_received_once)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);

	cr_assert_eq(receive(&exchange, START), FAILURE_NONE);
	cr_assert_eq(receive(&exchange, START), FAILURE_REPLAYED);
	cr_assert_eq(receive(&exchange, START + 1), FAILURE_REPLAYED);
}

Test(keyring, a_key_that_was_not_offered_is_unknown)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);

	exchange.header.key_id ^= 1;
	cr_assert_eq(receive(&exchange, START), FAILURE_KEY_UNKNOWN);
}

Test(keyring, a_suite_that_is_not_offered_is_refused)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);

	exchange.header.suite.aead = 0x7777;
	cr_assert_eq(receive(&exchange, START), FAILURE_UNSUPPORTED);
}

Test(keyring, an_encapsulated_key_of_small_order_is_refused)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);

	memset(exchange.header.enc, 0, sizeof(exchange.header.enc));
	cr_assert_eq(receive(&exchange, START), FAILURE_MALFORMED);
}

Test(keyring, after_rotation_the_key_before_still_opens)
{
	struct ohttp_key_config old = current_config();
	struct ohttp_exchange before = seal_to(&old);
	bool changed;

	cr_assert_eq(keyring_tick(ring, START + 99, &changed), ERR_OK);
	cr_assert_not(changed);
	cr_assert_eq(keyring_tick(ring, START + 100, &changed), ERR_OK);
	cr_assert(changed);
	cr_assert_neq(keyring_current_id(ring), old.key_id);

	struct ohttp_key_config new = current_config();
	struct ohttp_exchange after = seal_to(&new);

	cr_assert_eq(receive(&before, START + 100), FAILURE_NONE);
	cr_assert_eq(receive(&after, START + 100), FAILURE_NONE);
	cr_assert_eq(receive(&before, START + 100), FAILURE_REPLAYED);
}

Test(keyring, after_its_end_and_grace_a_key_opens_nothing)
{
	struct ohttp_key_config old = current_config();
	struct ohttp_exchange in_grace = seal_to(&old);
	struct ohttp_exchange too_late = seal_to(&old);
	bool changed;

	cr_assert_eq(keyring_tick(ring, START + 100, &changed), ERR_OK);
	cr_assert_eq(receive(&in_grace, START + 209), FAILURE_NONE);
	/* Even before the tick that wipes it. */
	cr_assert_eq(receive(&too_late, START + 210), FAILURE_KEY_UNKNOWN);
	cr_assert_eq(keyring_tick(ring, START + 210, &changed), ERR_OK);
	cr_assert_eq(receive(&too_late, START + 150), FAILURE_KEY_UNKNOWN);
}

Test(keyring,
     a_key_opens_until_its_grace_is_over_though_the_next_but_one_is_made)
{
	struct ohttp_key_config old = current_config();
	struct ohttp_exchange in_grace = seal_to(&old);
	bool changed;

	/* The default: a lifetime is two rotations, so that the third key is
	   made at the second in which the grace of the first begins. */
	cr_assert_eq(keyring_tick(ring, START + 100, &changed), ERR_OK);
	cr_assert_eq(keyring_tick(ring, START + 200, &changed), ERR_OK);
	cr_assert(changed);
	cr_assert_eq(keyring_live(ring), 3);
	cr_assert_eq(receive(&in_grace, START + 209), FAILURE_NONE);
	cr_assert_eq(keyring_tick(ring, START + 210, &changed), ERR_OK);
	cr_assert_eq(keyring_live(ring), 2);
}

Test(keyring, a_clock_that_goes_back_ends_the_key)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);
	bool changed;

	cr_assert_eq(receive(&exchange, START - 1), FAILURE_KEY_UNKNOWN);
	cr_assert_eq(keyring_tick(ring, START - 1, &changed), ERR_OK);
	cr_assert(changed);
}

Test(keyring, a_clock_that_jumps_ten_years_ahead_ends_every_key)
{
	struct ohttp_key_config config = current_config();
	struct ohttp_exchange exchange = seal_to(&config);
	uint64_t later = START + 10ull * 365 * 86400;
	bool changed;

	cr_assert_eq(keyring_tick(ring, later, &changed), ERR_OK);
	cr_assert(changed);
	cr_assert_eq(receive(&exchange, later), FAILURE_KEY_UNKNOWN);
}

/* ---- keys that a TPM makes; here it is a private key of the test's */

static struct hpke_private_key outside;

static void open_elsewhere(void)
{
	cr_assert_eq(keyring_open_elsewhere(&times, &ring), ERR_OK);
}

static void add_key(uint64_t now, uint8_t mark)
{
	uint8_t seed[KEYRING_SEED_BYTES];
	struct hpke_public_key point;

	memset(seed, mark, sizeof(seed));
	cr_assert_eq(kem_generate(HPKE_KEM_P256, &outside, &point), ERR_OK);
	cr_assert_eq(keyring_add(ring, now, seed, &point), ERR_OK);
}

TestSuite(keyring_elsewhere, .init = open_elsewhere, .fini = close_ring);

Test(keyring_elsewhere, a_request_is_admitted_once_and_both_ends_agree)
{
	struct ohttp_key_config config;
	struct ohttp_exchange exchange;
	struct keyring_received received;
	struct hpke_context context;
	uint8_t dh[KEM_DH_BYTES];
	struct bytes enc;

	add_key(START, 7);
	config = current_config();
	cr_assert_eq(config.public_key.kem, HPKE_KEM_P256);
	exchange = seal_to(&config);
	cr_assert_eq(keyring_admit(ring, START, OHTTP_CHUNKED, &exchange.header,
				   &received),
		     FAILURE_NONE);
	cr_assert_eq(received.seed[0], 7);
	enc = (struct bytes){ received.header.enc, received.header.enc_len };
	cr_assert_eq(kem_dh(&outside, enc, dh), ERR_OK);
	cr_assert_eq(keyring_finish(&received, dh, &context), FAILURE_NONE);
	cr_assert_eq(
		memcmp(context.key, exchange.context.key, sizeof(context.key)),
		0);
	cr_assert_eq(memcmp(context.exporter_secret,
			    exchange.context.exporter_secret,
			    sizeof(context.exporter_secret)),
		     0);
	cr_assert_eq(keyring_admit(ring, START, OHTTP_CHUNKED, &exchange.header,
				   &received),
		     FAILURE_REPLAYED);
}

Test(keyring_elsewhere, it_needs_keys_as_other_rings_do_and_makes_none)
{
	bool changed = true;

	cr_assert(keyring_needs_key(ring, START));
	cr_assert_eq(keyring_tick(ring, START, &changed), ERR_OK);
	cr_assert_not(changed);
	cr_assert_eq(keyring_live(ring), 0);
	add_key(START, 1);
	cr_assert_not(keyring_needs_key(ring, START + 99));
	cr_assert(keyring_needs_key(ring, START + 100));
	for (uint8_t i = 2; i < 9; i++)
		add_key(START + 100, i);
	cr_assert_eq(keyring_live(ring), KEYS_LIVE_MAX);
	cr_assert_eq(keyring_tick(ring, START + 320, &changed), ERR_OK);
	cr_assert_eq(keyring_live(ring), 1);
}

Test(keyring_elsewhere, another_suite_than_the_keys_is_refused)
{
	struct keyring_received received;
	struct ohttp_header header = { 0 };

	add_key(START, 1);
	header.key_id = keyring_current_id(ring);
	header.suite = (struct hpke_suite){ HPKE_KEM_X25519, HPKE_HKDF_SHA256,
					    HPKE_AES_128_GCM };
	header.enc_len = 32;
	cr_assert_eq(
		keyring_admit(ring, START, OHTTP_CHUNKED, &header, &received),
		FAILURE_UNSUPPORTED);
}
