/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote: holds the weights and forks a worker for each request.
 *
 *   holds   the model, read-only and sealed; one arena a slot
 *   sees    nothing of a request but the arena that it wipes
 *   never   the network, a key, a byte that a peer sent
 *   jail    profile_of(JAIL_ZYGOTE)
 *   fds     3 supervisor; then, as they come: front, keeper; for each running
 *           worker a pidfd
 *
 *     supervisor ── MESSAGE_MODEL ──▶ zygote ── MESSAGE_MEASURED ──▶ supervisor
 *     zygote ── MESSAGE_WORKER_KEYS + channel ──▶ keeper
 *     zygote ── MESSAGE_WORKER_READY + channel ──▶ front
 *     front  ── MESSAGE_WORKER_TAKEN, _KILL ──▶ zygote
 *     zygote ── MESSAGE_WORKER_ENDED ──▶ front
 *
 * A slot is one arena and at most one worker:
 *
 *     empty ── fork ──▶ warm ── taken ──▶ busy ── ends ──▶ wiped, checked:
 * empty
 */
#ifndef NODE_ZYGOTE_H
#define NODE_ZYGOTE_H

/* The role's whole life. */
_Noreturn void zygote_run(void);

#endif
