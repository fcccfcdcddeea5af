/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: holds the node's private keys and decapsulates, a request at a time.
 *
 *   holds   HPKE private keys and their replay sets, the node's identity, the
 *           key that signs receipts
 *   sees    encapsulated keys
 *   never   the network, a ciphertext, a prompt
 *   jail    profile_of(JAIL_KEEPER)
 *   fds     3 supervisor; then, as they come: zygote, front, attester, and for
 *           each worker one channel for its two questions
 *
 *     zygote ── MESSAGE_WORKER_KEYS + channel ──▶ keeper
 *     worker ── MESSAGE_OPEN ──▶ keeper ── MESSAGE_KEYS | REFUSED ──▶ worker
 *     worker ── MESSAGE_RECEIPT ──▶ keeper ── MESSAGE_RECEIPT ──▶ worker
 *     front  ── MESSAGE_NONCE ──▶ keeper ── MESSAGE_BUNDLE | UNPROVEN ──▶ front
 *     keeper ── MESSAGE_QUOTE ──▶ attester ── MESSAGE_EVIDENCE | UNPROVEN ──▶ keeper
 *
 * A worker asks for a receipt only once its request was opened, and once; the
 * keeper then drops the channel.  All that a receipt says of the node the keeper
 * says itself (wire/receipt.h); of receipts it keeps nothing.
 *
 * It waits for nobody: what is asked of the attester is taken up when its answer
 * comes (node/proofs.h).  A new bundle is sent to the front without being asked
 * for when keys rotate.
 */
#ifndef NODE_KEEPER_H
#define NODE_KEEPER_H

/* The role's whole life. */
_Noreturn void keeper_run(void);

#endif
