/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat: pcc-client chat: a conversation in the terminal.
 *
 * Answers appear on standard output as they come; what was verified, and
 * troubles, on standard error.  The conversation lives in memory alone and is
 * wiped at the end.
 */
#ifndef CLIENT_CHAT_H
#define CLIENT_CHAT_H

#include "client/options.h"
#include "client/session.h"

/* Talk until the input ends, or once; return the exit code. */
int chat_run(const struct options *options, struct session *session);

#endif
