/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hardware: what the supervisor opens of the machine for the attester, while it
 * still may: the TPM, a report of configfs-tsm, TDX's register, event logs.
 *
 * Everything that was asked for has to be there, or the node does not start:
 * there is no falling back from one kind of evidence to a weaker one.
 */
#ifndef NODE_HARDWARE_H
#define NODE_HARDWARE_H

#include "node/options.h"
#include "node/setup.h"

struct hardware {
	uint32_t evidence;	/* bits 1 << enum bundle_evidence_type */
	const char *tpm_socket; /* path; NULL: tpm is a device, or none */
	int tpm, rtmr;		/* -1: none */
	char reports[SETUP_REPORTS_MAX]; /* a report's directory, or empty */
	char ak_certificate[SETUP_PEM_MAX];
	struct setup_event_log event_logs[SETUP_LOGS];
};

/* Open what these options name; die with its name where it cannot be. */
void hardware_open(const struct options *options, struct hardware *out);

/* Connect to a TPM, "unix:PATH" or a device; ERR_UNAVAILABLE: see errno. */
MUST_CHECK enum err hardware_open_tpm(const char *address, int *out);

/* Tell an attester of all of it. */
MUST_CHECK enum err hardware_send(const struct hardware *hardware, int control);

/* Take the report's directory away again. */
void hardware_close(const struct hardware *hardware);

#endif
