/* SPDX-License-Identifier: Apache-2.0 */
/* Event logs beside quotes. */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/event_log_replay.h"
#include "tests/unit/tdx_platform.h"
#include "tests/unit/tdx_sample.h"
#include "tests/vector.h"

#define LOG_MAX (80u << 10)

/* A platform whose RTMRs are those that a log leads to. */
struct booted {
	struct tdx_platform platform;
	uint8_t log[LOG_MAX];
	size_t len;
};

static void boot(struct booted *booted, const char *path)
{
	struct bytes log = vector_file(path);
	struct event_log_replay replay;

	cr_assert(log.len < sizeof(booted->log));
	memcpy(booted->log, log.data, log.len);
	booted->len = log.len;
	cr_assert_eq(event_log_replay(log, EVENT_LOG_CC, &replay), ERR_OK);
	tdx_platform_open(&booted->platform);
	for (int i = 0; i < APPRAISAL_RTMRS; i++)
		memcpy(booted->platform.body + TDX_BODY_RTMR + 48 * i,
		       replay.banks[HASH_SHA384][i + 1], 48);
	tdx_platform_sign(&booted->platform);
	booted->platform.policy.reference_count = 0;
}

static void appraise_log(const struct booted *booted, size_t len,
			 struct appraisal *out)
{
	tdx_appraise(tdx_sample_evidence(booted->platform.quote,
					 (struct bytes){ booted->log, len }),
		     &booted->platform.policy, out);
}

static const char *const logs[] = { "eventlog/ccel/CCEL_data_ovmf",
				    "eventlog/ccel/CCEL_data_grub" };

Test(tdx_events, a_log_that_leads_to_the_rtmrs_passes_and_any_other_does_not)
{
	static struct booted booted;

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct appraisal out;

		boot(&booted, logs[i]);
		appraise_log(&booted, booted.len, &out);
		tdx_sample_expect(&out, APPRAISAL_EVENTS, RECORD_PASS,
				  "lead to the four RTMRs");
		cr_assert(appraisal_holds(
			&out, TDX_NEEDED | UINT32_C(1) << APPRAISAL_EVENTS));
		for (int rtmr = 0; rtmr < APPRAISAL_RTMRS; rtmr++) {
			uint8_t *at = booted.platform.body + TDX_BODY_RTMR +
				      48 * rtmr;

			at[47] ^= 1;
			tdx_platform_sign(&booted.platform);
			appraise_log(&booted, booted.len, &out);
			tdx_sample_expect(&out, APPRAISAL_EVENTS, RECORD_FAIL,
					  "does not lead to RTMR");
			cr_assert_not(appraisal_holds(&out, TDX_NEEDED));
			at[47] ^= 1;
		}
		tdx_platform_close(&booted.platform);
		vector_forget();
	}
}

/* Where digests and sizes stand; data that nobody hashes may say anything. */
Test(tdx_events, a_cut_log_passes_nowhere_but_in_its_filling)
{
	static struct booted booted;
	struct appraisal out;
	size_t passed = 0;
	size_t least = SIZE_MAX;

	boot(&booted, logs[0]);
	for (size_t len = 1; len < booted.len; len += 1 + booted.len / 1500) {
		appraise_log(&booted, len, &out);
		if (out.records[APPRAISAL_EVENTS].mark == RECORD_PASS) {
			passed++;
			if (len < least)
				least = len;
		}
		vector_forget();
	}
	/* Once all events are there, what follows is filling. */
	for (size_t i = least; passed > 0 && i < booted.len; i++)
		cr_assert_eq(booted.log[i], booted.log[booted.len - 1]);
	tdx_platform_close(&booted.platform);
}

Test(tdx_events, what_is_no_log_is_refused)
{
	static struct booted booted;
	struct appraisal out;

	tdx_platform_open(&booted.platform);
	memset(booted.log, 0, 100);
	appraise_log(&booted, 100, &out);
	tdx_sample_expect(&out, APPRAISAL_EVENTS, RECORD_FAIL,
			  "cannot be replayed");
	appraise_log(&booted, 0, &out);
	tdx_sample_expect(&out, APPRAISAL_EVENTS, RECORD_SKIP, "No event log");
	tdx_platform_close(&booted.platform);
	vector_forget();
}
