/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: how the memory of one request is laid out.
 *
 *     | opened request | opener | engine | JSON | answer | frames | scratch |
 *
 * The zygote reserves one arena a slot and wipes it after each worker; the
 * worker takes all its pieces from it.  All sizes follow from the policy and
 * the model, so that they are known before the first request.
 */
#ifndef NODE_PLAN_H
#define NODE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "inference/generate.h"
#include "policy/policy.h"

struct plan {
	size_t request_bytes; /* the most of a request, opened */
	size_t text_bytes;    /* the most of an answer's text */
	size_t answer_bytes; /* between the computing thread and the sealing one */
	size_t json_bytes;   /* wire/json.h's memory */
	size_t engine_bytes; /* what the model needs for its context */
	size_t arena_bytes;  /* all together */
};

/* What the policy asks of an engine. */
struct generate_room plan_room(const struct policy *policy);

/* Whether so many arenas go into the memory that there is. */
bool plan_fits(const struct plan *plan, size_t workers, size_t available);

/* The plan for this policy and an engine that needs so many bytes. */
struct plan plan_for(const struct policy *policy, size_t engine_bytes);

#endif
