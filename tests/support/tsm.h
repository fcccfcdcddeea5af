/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsm: stands in for Linux's configfs-tsm and its files of RTMRs, in a folder.
 *
 *     folder/report/pcc-node/{provider,generation,inblob,outblob,auxblob}
 *           /measurements/rtmr3:sha384
 *
 * A thread plays the kernel's side: an inblob that was written and closed
 * becomes an outblob and the next generation, what is written to a register
 * extends it.  Other than the kernel it does so a moment later, its report is
 * there before mkdir, and no file of it is ever busy.
 */
#ifndef TESTS_SUPPORT_TSM_H
#define TESTS_SUPPORT_TSM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TSM_PATH_MAX 128
#define TSM_QUOTE_PREFIX "a quote of "

enum tsm_manner {
	TSM_IN_ORDER,
	TSM_SHARED_TWICE, /* another writes too, at the first two times */
	TSM_SHARED,	  /* another always does */
	TSM_DEAF,	  /* takes no inblob */
	TSM_WORDY,	  /* a quote larger than there may be */
};

struct tsm {
	char folder[32];
	char reports[TSM_PATH_MAX];	 /* for --tsm */
	char report[TSM_PATH_MAX];	 /* the node's own */
	char measurements[TSM_PATH_MAX]; /* for --tsm-measurements */
	enum tsm_manner manner;
	uint64_t generation;
	unsigned quotes; /* made so far */
	uint8_t rtmr[48];
	pthread_t thread;
	atomic_bool is_over;
};

/* `provider` as the kernel names it: "sev_guest", "tdx_guest". */
void tsm_start(const char *provider, enum tsm_manner manner, struct tsm *out);
void tsm_stop(struct tsm *tsm);

#endif
