/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attester: asks the machine for evidence, one question after the other.
 *
 *   holds   a TPM's descriptor, or the directory of one configfs-tsm report
 *   sees    report data, what the machine answers
 *   never   a key of the node, a request, the network; but where private keys
 *           are in the TPM (kem = p256_tpm), the secret of each request that is
 *           shared by them passes through here: then it is trusted as the
 *           keeper is
 *   jail    profile_of(JAIL_ATTESTER); its root is empty, or that directory
 *   fds     3 supervisor, 4 TPM, 5 directory, and then the keeper
 *
 *     keeper ── MESSAGE_QUOTE ──▶ attester ── MESSAGE_EVIDENCE ──▶ keeper
 *     keeper ── MESSAGE_KEM | DH ──▶ attester ── the same ──▶ keeper
 *
 * What the statement names is measured into the machine before it is ready, and
 * the keeper, which has the keys, is started after that.  A machine that does
 * not answer any more ends it: another one begins anew.
 */
#ifndef NODE_ATTESTER_H
#define NODE_ATTESTER_H

/* The role's whole life. */
_Noreturn void attester_run(void);

#endif
