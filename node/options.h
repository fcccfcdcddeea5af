/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line of pcc-node.
 */
#ifndef NODE_OPTIONS_H
#define NODE_OPTIONS_H

#include "policy/policy.h"

enum options_task {
	OPTIONS_SERVE,
	OPTIONS_MEASURE,  /* print what a statement would say, and end */
	OPTIONS_DESCRIBE, /* print what its digests stand for, and end */
	OPTIONS_ENROL_REQUEST,
	OPTIONS_ENROL_FINISH,
	OPTIONS_DOCTOR, /* look at the machine, and end */
	OPTIONS_DOCTOR_CANARY,
};

#define OPTIONS_MEASURE_WORD "--measure" /* no part of the digest */

/* Where evidence is looked for; an event log may be missing there. */
#define OPTIONS_TPM "/dev/tpmrm0"
#define OPTIONS_EVENT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define OPTIONS_REPORTS "/sys/kernel/config/tsm/report"
#define OPTIONS_MEASUREMENTS "/sys/devices/virtual/misc/tdx_guest/measurements"
#define OPTIONS_CCEL "/sys/firmware/acpi/tables/data/CCEL"

struct options {
	char **arguments; /* as given, borrowed; ended by NULL */
	enum options_task task;
	const char *model;	/* path of the GGUF file */
	const char *policy;	/* path, or NULL for the defaults */
	const char *release;	/* path of an entry and its proof, or NULL */
	const char *listen;	/* unix:PATH, or HOST:PORT of the loopback */
	const char *listen_tls; /* HOST:PORT, or NULL */
	const char *tls_certificate, *tls_key, *tls_client_roots; /* paths */
	uint32_t evidence; /* bits 1 << enum bundle_evidence_type; never 0 */
	/* Paths for evidence, or NULL for those below. */
	const char *tpm, *event_log, *ak_certificate;
	const char *reports, *measurements, *ccel;
	const char *enrol_request, *enrol_finish; /* files to write, to read */
};

/*
 * Read the command line; on --help, --version or a mistake, say what there is
 * to say and exit.
 */
void options_parse(int argc, char **argv, struct options *out);

/* The policy that they name, or the default one; or why not, and exit. */
void options_read_policy(const struct options *options, struct policy *out);

#endif
