/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: the gateway's log: events and bounded numbers (base/log.h).
 *
 * A request leaves its HTTP status and how long it took, in a bucket; not when
 * it came, to which node it went, nor how large it was.
 */
#ifndef GATEWAY_JOURNAL_H
#define GATEWAY_JOURNAL_H

#include <stdint.h>

void journal_started(uint64_t nodes, uint64_t connections_max);
void journal_request(unsigned status, uint64_t duration_ms);

/* A node's bundle was not verified; the exit code of such a verdict. */
void journal_node_refused(uint64_t exit_code);

/* The answer began and did not come to its end. */
void journal_cut(uint64_t duration_ms);
void journal_stopped(void);

#endif
