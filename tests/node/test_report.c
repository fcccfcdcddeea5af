/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "node/report.h"
#include "node/rtmr.h"
#include "tests/support/tsm.h"

static struct tsm tsm;
static struct report report;

static void stop(void)
{
	tsm_stop(&tsm);
}

TestSuite(report, .fini = stop, .timeout = 60);
TestSuite(rtmr, .fini = stop, .timeout = 60);

static enum err ask(const char *has, enum report_provider wanted,
		    enum tsm_manner manner, const uint8_t data[static 64])
{
	SCOPED_FD directory = -1;

	tsm_start(has, manner, &tsm);
	directory = open(tsm.report, O_PATH | O_DIRECTORY);
	return report_make(directory, wanted, data, &report);
}

static void expect_quote_of(const uint8_t data[static 64])
{
	size_t prefix = sizeof(TSM_QUOTE_PREFIX) - 1;

	cr_assert_eq(report.out_len, prefix + 64);
	cr_assert_eq(memcmp(report.out, TSM_QUOTE_PREFIX, prefix), 0);
	cr_assert_eq(memcmp(report.out + prefix, data, 64), 0);
}

Test(report, a_quote_is_of_the_bytes_that_were_written)
{
	uint8_t data[64];

	memset(data, 0x5a, sizeof(data));
	cr_assert_eq(ask("sev_guest", REPORT_SEV_GUEST, TSM_IN_ORDER, data),
		     ERR_OK);
	expect_quote_of(data);
	cr_assert_eq(report.aux_len, strlen("certificates"));
	cr_assert_eq(tsm.quotes, 1);
}

Test(report, tdx_brings_no_certificates)
{
	const uint8_t data[64] = { 1 };

	cr_assert_eq(ask("tdx_guest", REPORT_TDX_GUEST, TSM_IN_ORDER, data),
		     ERR_OK);
	expect_quote_of(data);
	cr_assert_eq(report.aux_len, 0);
}

Test(report, a_machine_of_another_kind_is_refused)
{
	const uint8_t data[64] = { 1 };

	cr_assert_eq(ask("tdx_guest", REPORT_SEV_GUEST, TSM_IN_ORDER, data),
		     ERR_UNSUPPORTED);
	cr_assert_eq(tsm.quotes, 0);
}

Test(report, another_writer_is_noticed_and_all_begins_again)
{
	const uint8_t data[64] = { 1 };

	cr_assert_eq(ask("sev_guest", REPORT_SEV_GUEST, TSM_SHARED_TWICE, data),
		     ERR_OK);
	expect_quote_of(data);
	cr_assert_eq(tsm.quotes, 3);
}

Test(report, with_a_writer_that_never_stops_it_gives_up)
{
	const uint8_t data[64] = { 1 };

	cr_assert_eq(ask("sev_guest", REPORT_SEV_GUEST, TSM_SHARED, data),
		     ERR_UNAVAILABLE);
	cr_assert_leq(tsm.quotes, 16);
}

/* close(2) does not tell that an inblob was refused: the generation does. */
Test(report, an_inblob_that_was_not_taken_gives_no_quote)
{
	const uint8_t data[64] = { 1 };

	cr_assert_eq(ask("sev_guest", REPORT_SEV_GUEST, TSM_DEAF, data),
		     ERR_UNAVAILABLE);
}

Test(report, a_quote_without_room_is_refused)
{
	const uint8_t data[64] = { 1 };

	cr_assert_eq(ask("sev_guest", REPORT_SEV_GUEST, TSM_WORDY, data),
		     ERR_TOO_LARGE);
}

Test(report, a_directory_without_its_files_gives_no_quote)
{
	SCOPED_FD directory = open("/", O_PATH | O_DIRECTORY);
	const uint8_t data[64] = { 1 };

	cr_assert_eq(report_make(directory, REPORT_SEV_GUEST, data, &report),
		     ERR_UNAVAILABLE);
}

/* ---- RTMR 3 */

static enum err measure(const struct statement *statement)
{
	char path[TSM_PATH_MAX + 16];
	SCOPED_FD file = -1;

	snprintf(path, sizeof(path), "%s/rtmr3:sha384", tsm.measurements);
	file = open(path, O_RDWR);
	cr_assert_geq(file, 0);
	return rtmr_measure(file, statement);
}

Test(rtmr, rtmr_3_is_what_the_statement_alone_says_and_no_other_release_follows)
{
	struct statement statement = { .key_expiry = 1 };
	uint8_t expected[IDENTITY_RTMR_BYTES];

	tsm_start("tdx_guest", TSM_IN_ORDER, &tsm);
	memset(statement.binary_digest, 7, sizeof(statement.binary_digest));
	identity_rtmr(&statement, expected);
	cr_assert_eq(measure(&statement), ERR_OK);
	cr_assert_eq(memcmp(tsm.rtmr, expected, sizeof(expected)), 0);
	cr_assert_eq(measure(&statement), ERR_OK);
	cr_assert_eq(memcmp(tsm.rtmr, expected, sizeof(expected)), 0);
	statement.model_root[0] ^= 1;
	cr_assert_eq(measure(&statement), ERR_DENIED);
	cr_assert_eq(memcmp(tsm.rtmr, expected, sizeof(expected)), 0);
}
