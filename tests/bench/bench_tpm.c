/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a private key in a TPM costs, against one in memory: the Diffie-Hellman
 * of one request, and one quote.  The TPM is $PCC_TPM ("unix:PATH" or a device,
 * which nobody else may use meanwhile), else one in software, so that these are
 * the costs of the way to it: a chip adds its own 50 to 300 ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/kem.h"
#include "node/chip_kem.h"
#include "node/hardware.h"
#include "tests/support/swtpm.h"
#include "tests/support/timed.h"

#define ROUNDS 5
#define IN_MEMORY 200 /* operations a round */
#define IN_TPM 20

static struct chip *chip;
static const uint8_t seed[CHIP_KEM_SEED_BYTES] = { 1 };
static struct hpke_private_key own;
static struct hpke_public_key peer;

static void share_in_memory(void)
{
	uint8_t dh[KEM_DH_BYTES];

	timed_must(kem_dh(&own, (struct bytes){ peer.bytes, peer.len }, dh));
}

static void share_in_tpm(void)
{
	uint8_t dh[CHIP_KEM_DH_BYTES];

	timed_must(chip_kem_dh(chip, seed, peer.bytes, dh));
}

static void quote(void)
{
	static struct chip_quoted quoted;

	timed_must(chip_quote(chip, seed, &quoted));
}

static void make_keys(uint16_t kem)
{
	struct hpke_private_key other;
	struct hpke_public_key unused;

	timed_must(kem_generate(kem, &own, &unused));
	timed_must(kem_generate(kem, &other, &peer));
}

static void measure(const char *name, size_t count, void (*run)(void))
{
	double rounds[ROUNDS];

	run(); /* the first makes a key */
	for (size_t i = 0; i < ROUNDS; i++) {
		double began = timed_now();

		for (size_t j = 0; j < count; j++)
			run();
		rounds[i] = (double)count / (timed_now() - began);
	}
	printf("%s %.0f 1/s\n", name, timed_median(rounds, ROUNDS));
}

static void measure_tpm(const char *address)
{
	int fd;

	timed_must(hardware_open_tpm(address, &fd));
	timed_must(chip_open(fd, &chip));
	measure("dh_p256_tpm", IN_TPM, share_in_tpm);
	measure("tpm_quote", IN_TPM, quote);
	chip_close(chip);
	close(fd);
}

int main(void)
{
	const char *named = getenv("PCC_TPM");
	char address[SWTPM_PATH_MAX + 8];
	struct swtpm software;

	make_keys(HPKE_KEM_X25519);
	measure("dh_x25519_memory", IN_MEMORY, share_in_memory);
	make_keys(HPKE_KEM_P256);
	measure("dh_p256_memory", IN_MEMORY, share_in_memory);
	if (named != NULL) {
		measure_tpm(named);
		return 0;
	}
	if (swtpm_obstacle() != NULL)
		return 0;
	swtpm_start(SWTPM_BLANK, &software);
	snprintf(address, sizeof(address), "unix:%s", software.socket);
	measure_tpm(address);
	swtpm_stop(&software);
	return 0;
}
