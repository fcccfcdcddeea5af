/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attestation: the method pcc.node.v1.Node/GetAttestation.
 *
 * The keeper makes bundles; the front keeps the newest one without a nonce and
 * hands it out.  A caller's nonce goes to the keeper with a ticket, and the
 * bundle that comes back under that ticket is the answer.
 *
 * Everything here runs under the server's lock.
 */
#ifndef NODE_ATTESTATION_H
#define NODE_ATTESTATION_H

#include "node/server.h"
#include "wire/message.h"

extern const struct server_service attestation_service;

/* A new keeper, or -1 for none: what waits for the last one is refused. */
void attestation_attach(int keeper);

/* MESSAGE_BUNDLE.  ERR_MALFORMED: the keeper breaks the rules. */
MUST_CHECK enum err attestation_bundle(const struct message *message);

/* How many bundles were on offer until now. */
uint32_t attestation_offer(void);

/* MESSAGE_UNPROVEN: whoever asked under this ticket is put off. */
void attestation_unproven(uint64_t ticket);

#endif
