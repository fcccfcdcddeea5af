/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front: speaks gRPC with the gateway and moves sealed bytes.
 *
 *   holds   the TLS key, where there is one; the gRPC core
 *   sees    ciphertext, its sizes and times
 *   never   a private HPKE key, a plaintext byte
 *   jail    profile_of(JAIL_FRONT); the machine's network
 * *   fds     3 supervisor, the listener; then, as they come: zygote, keeper, a
 *           channel for each worker, gRPC's own and its connections
 *
 * The main thread waits for channels and keeps the shape's clock; the core's
 * threads handle calls; one lock is over both (node/server.h).
 */
#ifndef NODE_FRONT_H
#define NODE_FRONT_H

/* The role's whole life. */
_Noreturn void front_run(void);

#endif
