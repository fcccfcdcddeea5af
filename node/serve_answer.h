/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_answer: an answer's way from its worker to its caller, in the policy's
 * shape.
 *
 *     tick        n         n+1       n+2
 *     worker    ◀ pull   ◀ pull    ◀ pull
 *               frame ▶  frame ▶
 *     caller             ◀ frame   ◀ frame     "paced": the frame of the tick
 *                                               before leaves
 *
 * The shape is held here and not in the worker, which parses a stranger's
 * bytes: a frame of another size, or one that nobody asked for, is not sent.
 */
#ifndef NODE_SERVE_ANSWER_H
#define NODE_SERVE_ANSWER_H

#include "node/serve_stream.h"

/* A caller that reads slower than this many frames is not given more yet. */
#define SERVE_ANSWER_BACKLOG 16

void serve_answer_init(const struct policy *policy);

/* Whether one frame leaves at a tick. */
bool serve_answer_is_paced(void);

/* Hear what the worker says: a frame, or why there is none. */
void serve_answer_hear(struct serve_stream *stream);

/* A worker that takes nothing more may have said why: that is heard. */
void serve_answer_hear_last(struct serve_stream *stream);

/* Ask for what is due next.  A full channel is tried again at the next tick. */
void serve_answer_pull(struct serve_stream *stream);

/* One tick: the frame of the last one leaves, and the next is asked for. */
void serve_answer_tick(struct serve_stream *stream);

#endif
