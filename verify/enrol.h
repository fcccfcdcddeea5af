/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrol: `pcc-verify enrol`, the operator's answer to a TPM that asks for a
 * certificate of its attestation key (attest/enrolment.h).
 */
#ifndef VERIFY_ENROL_H
#define VERIFY_ENROL_H

int enrol_run(int argc, char **argv);

#endif
