/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's TPM against one in software; what it quotes is judged by OpenSSL,
 * and by the tools of the TPM's own makers.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/hash.h"
#include "crypto/kem.h"
#include "node/chip_context.h"
#include "tests/support/swtpm.h"

static struct swtpm machine;
static struct chip *chip;
static int fd = -1;

static void plug(void)
{
	fd = swtpm_connect(&machine);
	cr_assert_eq(chip_open(fd, &chip), ERR_OK);
}

static void unplug(void)
{
	chip_close(chip);
	chip = NULL;
	fd_close(&fd);
}

static void stop(void)
{
	unplug();
	swtpm_stop(&machine);
}

TestSuite(chip, .fini = stop, .timeout = 60);

static void start(void)
{
	swtpm_start(SWTPM_BLANK, &machine);
	plug();
}

static struct statement sample(void)
{
	struct statement statement = { .key_expiry = 1 };

	memset(statement.binary_digest, 2, STATEMENT_DIGEST_BYTES);
	memset(statement.model_root, 3, STATEMENT_DIGEST_BYTES);
	return statement;
}

static void expect_pcr(const struct statement *statement)
{
	uint8_t expected[IDENTITY_PCR_BYTES];
	struct chip_pcrs pcrs;

	identity_pcr(statement, expected);
	cr_assert_eq(chip_read_pcrs(chip, &pcrs), ERR_OK);
	cr_assert_eq(memcmp(pcrs.values[IDENTITY_PCR], expected, 32), 0);
}

Test(chip, pcr_14_is_what_the_statement_alone_says)
{
	struct statement statement = sample();

	start();
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	expect_pcr(&statement);
}

Test(chip, a_second_start_of_the_same_release_goes_on)
{
	struct statement statement = sample();

	start();
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	unplug();
	plug();
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	expect_pcr(&statement);
}

Test(chip,
     another_release_in_the_same_boot_is_refused_and_after_a_boot_it_is_not)
{
	struct statement statement = sample();

	start();
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	statement.policy_digest[31] ^= 1;
	cr_assert_eq(chip_measure(chip, &statement), ERR_DENIED);
	unplug();
	swtpm_restart(&machine);
	plug();
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	expect_pcr(&statement);
}

Test(chip, the_attestation_key_is_the_same_at_every_start)
{
	uint8_t memory[2][CHIP_PUBLIC_MAX];
	struct writer first = WRITER_OVER(memory[0]);
	struct writer second = WRITER_OVER(memory[1]);

	start();
	cr_assert_eq(chip_ak_public(chip, &first), ERR_OK);
	unplug();
	swtpm_restart(&machine);
	plug();
	cr_assert_eq(chip_ak_public(chip, &second), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&first), bytes_written(&second)));
	cr_assert_gt(first.len, 80);
}

/* Three are all that this one can hold: a fourth start would fail. */
Test(chip, what_a_process_that_died_left_loaded_is_flushed)
{
	start();
	for (int i = 0; i < 6; i++) {
		struct chip *left;
		int status;
		pid_t pid = fork();

		/* Not closed: as a process that was killed leaves it. */
		if (pid == 0)
			_exit(chip_open(fd, &left) == ERR_OK ? 0 : 1);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0, "start %d", i);
	}
}

Test(chip, a_tpm_that_goes_away_is_an_error_and_nothing_worse)
{
	static struct chip_quoted quoted;
	const uint8_t data[32] = { 1 };
	struct statement statement = sample();

	start();
	cr_assert_eq(chip_quote(chip, data, &quoted), ERR_OK);
	kill(machine.pid, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	cr_expect_eq(chip_quote(chip, data, &quoted), ERR_UNAVAILABLE);
	cr_expect_eq(chip_measure(chip, &statement), ERR_UNAVAILABLE);
}

/* ---- keys to be encapsulated to */

static void make_peer(struct hpke_private_key *peer,
		      struct hpke_public_key *point)
{
	cr_assert_eq(kem_generate(HPKE_KEM_P256, peer, point), ERR_OK);
}

/* Both halves of Diffie-Hellman, in the TPM and by OpenSSL. */
static void expect_shared(const uint8_t seed[static 32])
{
	struct hpke_private_key peer;
	struct hpke_public_key point;
	uint8_t own[CHIP_KEM_POINT_BYTES], here[32], there[32];

	make_peer(&peer, &point);
	cr_assert_eq(chip_kem_public(chip, seed, own), ERR_OK);
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, there), ERR_OK);
	cr_assert_eq(kem_dh(&peer, BYTES_ARRAY(own), here), ERR_OK);
	cr_assert_eq(memcmp(here, there, sizeof(here)), 0);
}

Test(chip, a_key_in_the_tpm_shares_what_openssl_computes)
{
	uint8_t seed[CHIP_KEM_SEED_BYTES];

	start();
	/* Leading zeros come once in 256. */
	for (int i = 0; i < 300; i++) {
		memset(seed, i / 100 + 1, sizeof(seed));
		expect_shared(seed);
	}
}

Test(chip, a_seed_is_the_same_key_in_one_boot_and_another_after_it)
{
	const uint8_t seed[CHIP_KEM_SEED_BYTES] = { 1 };
	uint8_t first[CHIP_KEM_POINT_BYTES], again[CHIP_KEM_POINT_BYTES];

	start();
	cr_assert_eq(chip_kem_public(chip, seed, first), ERR_OK);
	unplug();
	plug();
	cr_assert_eq(chip_kem_public(chip, seed, again), ERR_OK);
	cr_assert_eq(memcmp(first, again, sizeof(first)), 0);
	unplug();
	swtpm_restart(&machine);
	plug();
	cr_assert_eq(chip_kem_public(chip, seed, again), ERR_OK);
	cr_assert_neq(memcmp(first, again, sizeof(first)), 0);
}

Test(chip, once_a_register_has_changed_a_key_opens_nothing)
{
	const uint8_t seed[CHIP_KEM_SEED_BYTES] = { 1 };
	struct statement statement = sample();
	struct hpke_private_key peer;
	struct hpke_public_key point;
	uint8_t dh[CHIP_KEM_DH_BYTES];

	start();
	make_peer(&peer, &point);
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh), ERR_OK);
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh), ERR_UNAVAILABLE);
}

Test(chip, a_peer_off_the_curve_is_refused_and_the_next_one_is_served)
{
	const uint8_t seed[CHIP_KEM_SEED_BYTES] = { 1 };
	struct hpke_private_key peer;
	struct hpke_public_key point;
	uint8_t dh[CHIP_KEM_DH_BYTES];

	start();
	make_peer(&peer, &point);
	for (size_t i = 0; i < 64; i++) {
		point.bytes[1 + i] ^= 1;
		cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh),
			     ERR_MALFORMED);
		point.bytes[1 + i] ^= 1;
	}
	memset(point.bytes + 1, 0, 64);
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh), ERR_MALFORMED);
	memset(point.bytes + 1, 0xff, 64);
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh), ERR_MALFORMED);
	point.bytes[0] = 2;
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh), ERR_MALFORMED);
	expect_shared(seed);
}

/* How often these bytes, each with a bit changed, are in the heap. */
static size_t count_in_heap(const uint8_t changed[static CHIP_KEM_DH_BYTES])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	size_t found = 0;

	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from, to;

		if (strstr(line, "[heap]") == NULL ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (const uint8_t *at = (const uint8_t *)from;
		     at + CHIP_KEM_DH_BYTES <= (const uint8_t *)to; at++) {
			size_t same = 0;

			while (same < CHIP_KEM_DH_BYTES &&
			       (at[same] ^ 1) == changed[same])
				same++;
			found += same == CHIP_KEM_DH_BYTES;
		}
	}
	fclose(maps);
	return found;
}

/* It is what a request's keys are made from. */
Test(chip, nothing_of_a_shared_secret_is_left_with_its_attester)
{
	const uint8_t seed[CHIP_KEM_SEED_BYTES] = { 1 };
	struct hpke_private_key peer;
	struct hpke_public_key point;
	uint8_t dh[CHIP_KEM_DH_BYTES];
	uint8_t *planted;

#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("a sanitizer keeps the heap elsewhere");
#endif
	start();
	make_peer(&peer, &point);
	cr_assert_eq(chip_kem_dh(chip, seed, point.bytes, dh), ERR_OK);
	planted = malloc(sizeof(dh));
	cr_assert_not_null(planted);
	memcpy(planted, dh, sizeof(dh));
	for (size_t i = 0; i < sizeof(dh); i++)
		dh[i] ^= 1;
	cr_assert_eq(count_in_heap(dh), 1, "%zu", count_in_heap(dh));
	memset(planted, 0, sizeof(dh));
	cr_assert_eq(count_in_heap(dh), 0);
	free(planted);
}

/* ---- the tools of others */

static void put_file(const char *name, struct bytes data)
{
	char path[SWTPM_PATH_MAX + 16];
	SCOPED_FD file = -1;

	snprintf(path, sizeof(path), "%s/%s", machine.folder, name);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_eq(fd_write_all(file, data), ERR_OK);
}

static int run_tool(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && ( %s ) >>tools.log 2>&1",
		 machine.folder, command);
	return system(line); /* NOLINT: a fixed command of a test */
}

/* TPMT_PUBLIC to PEM, by the TPM's own tool. */
static void write_ak(void)
{
	uint8_t memory[CHIP_PUBLIC_MAX];
	struct writer out = WRITER_OVER(memory);
	uint8_t sized[CHIP_PUBLIC_MAX + 2];
	struct writer whole = WRITER_OVER(sized);

	cr_assert_eq(chip_ak_public(chip, &out), ERR_OK);
	cr_assert_eq(bytes_put_u16(&whole, (uint16_t)out.len), ERR_OK);
	cr_assert_eq(bytes_put(&whole, bytes_written(&out)), ERR_OK);
	put_file("ak.tss", bytes_written(&whole));
	cr_assert_eq(
		run_tool("tpm2_print -t TPM2B_PUBLIC -f pem ak.tss >ak.pem"),
		0);
}

/* As tpm2_quote writes them: the structures as they lie in memory. */
static void write_values(const struct chip_pcrs *pcrs)
{
	static struct {
		TPML_PCR_SELECTION selection;
		UINT32 count;
		TPML_DIGEST lists[2];
	} file;
	size_t at = 0;

	file.selection = chip_selection(CHIP_QUOTED);
	file.count = 2;
	for (size_t i = 0; i < CHIP_PCRS; i++) {
		TPML_DIGEST *list = &file.lists[at / 8];

		if ((CHIP_QUOTED & 1u << i) == 0)
			continue;
		list->count = at % 8 + 1;
		list->digests[at % 8].size = CHIP_PCR_BYTES;
		memcpy(list->digests[at % 8].buffer, pcrs->values[i],
		       CHIP_PCR_BYTES);
		at++;
	}
	put_file("pcrs", (struct bytes){ (uint8_t *)&file, sizeof(file) });
}

static void write_quote(const struct chip_quoted *quoted)
{
	write_values(&quoted->pcrs);
	put_file("message",
		 (struct bytes){ quoted->attest, quoted->attest_len });
	put_file("signature",
		 (struct bytes){ quoted->signature, quoted->signature_len });
}

#define CHECK_QUOTE                                                            \
	"tpm2_checkquote -u ak.pem -m message -s signature -g sha256 -f pcrs " \
	"-q "

Test(chip, a_quote_is_good_for_the_tools_of_others_and_for_its_data_alone)
{
	static struct chip_quoted quoted;
	struct statement statement = sample();
	uint8_t data[32];

	start();
	if (access("/usr/bin/tpm2_checkquote", X_OK) != 0)
		cr_skip_test("tpm2-tools is not installed");
	memset(data, 0x5a, sizeof(data));
	cr_assert_eq(chip_measure(chip, &statement), ERR_OK);
	cr_assert_eq(chip_quote(chip, data, &quoted), ERR_OK);
	write_ak();
	write_quote(&quoted);
#define NONCE_31 \
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
	cr_expect_eq(run_tool(CHECK_QUOTE NONCE_31 "5a"), 0);
	cr_expect_neq(run_tool(CHECK_QUOTE NONCE_31 "5b"), 0);
	quoted.pcrs.values[IDENTITY_PCR][0] ^= 1;
	write_quote(&quoted);
	cr_expect_neq(run_tool(CHECK_QUOTE NONCE_31 "5a"), 0);
}
