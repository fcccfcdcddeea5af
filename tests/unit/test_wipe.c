/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wiped stays wiped, whatever the compiler thinks of it: a program that
 * forgets secrets as the product does (tests/vectors/wipe/wiped.c) is compiled
 * here with the product's sources, and finds none in its memory.  With memset in
 * the place of each wipe it does.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/figure.h"

#define SOURCES                                                         \
	"tests/vectors/wipe/wiped.c sandbox/needle.c sandbox/scan.c "   \
	"base/arena.c base/bytes.c base/err.c base/fd.c base/secret.c " \
	"crypto/aead.c crypto/hash.c crypto/hkdf.c crypto/hpke.c "      \
	"crypto/kem.c crypto/p256.c crypto/random.c crypto/x25519.c "   \
	"-lsodium -lcrypto"

struct result {
	unsigned long ways, left;
};

/* Compile it like this, and run it. */
static struct result result_of(const char *options)
{
	struct result result = { 0, 0 };
	char program[] = "/tmp/pcc-wiped.XXXXXX", line[1024];
	FILE *output;
	int file;

	if (access("base/secret.c", R_OK) != 0)
		cr_skip_test("the sources are not in this folder");
	if (system("cc --version >/dev/null 2>&1") != 0)
		cr_skip_test("there is no compiler");
	file = mkstemp(program);
	cr_assert_geq(file, 0);
	close(file);
	snprintf(line, sizeof(line),
		 "cc -std=c11 -D_GNU_SOURCE -I. %s -o %s " SOURCES, options,
		 program);
	cr_assert_eq(system(line), 0, "%s", line);
	snprintf(line, sizeof(line), "%s 2>/dev/null", program);
	output = popen(line, "re");
	cr_assert_not_null(output);
	cr_assert_eq(fscanf(output, "%lu %lu", &result.ways, &result.left), 2);
	cr_assert_eq(pclose(output), 0);
	unlink(program);
	return result;
}

static void survive(const char *what, const char *options)
{
	struct result wiped = result_of(options);
	struct result plain;
	char with[128];

	snprintf(with, sizeof(with), "%s -DPLAIN", options);
	plain = result_of(with);
	cr_expect_eq(plain.ways, wiped.ways);
	figure_none("F5", what, wiped.left, wiped.ways, plain.left);
}

Test(wipe, survives_the_optimiser, .timeout = 300)
{
	survive("ways of wiping that -O2 undid", "-O2");
}

Test(wipe, survives_the_optimiser_that_sees_the_whole_program, .timeout = 300)
{
	survive("ways of wiping that -O3 -flto undid", "-O3 -flto");
}
