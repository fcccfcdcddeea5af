/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrol: `pcc-node --enrol-request` and `--enrol-finish`, by which the TPM's
 * attestation key comes by a certificate (attest/enrolment.h):
 *
 *     here       pcc-node --enrol-request REQUEST --tpm ...
 *     operator   pcc-verify enrol --request REQUEST ... --out ANSWER
 *     here       pcc-node --enrol-finish ANSWER --ak-certificate PEM --tpm ...
 *
 * Neither file is a secret: the answer opens in the TPM that asked alone.
 */
#ifndef NODE_ENROL_H
#define NODE_ENROL_H

#include "node/options.h"

/* Do the one of both that was asked for; the program's exit status. */
int enrol_run(const struct options *options);

#endif
