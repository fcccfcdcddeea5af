/* SPDX-License-Identifier: Apache-2.0 */
#include "node/plan.h"

#include "crypto/ohttp.h"
#include "inference/generate.h"
#include "node/frames.h"
#include "policy/limits.h"
#include "wire/chat.h"
#include "wire/json.h"
#include "wire/receipt.h"

/*
 * A context of n tokens holds no more than n tokens' worth of text.  32 bytes
 * a token is beyond any language; a request that is longer yet would be refused
 * for its context anyway, and now is before it is parsed.
 */
#define TOKEN_BYTES 32
#define REQUEST_BYTES_MIN (64u << 10)

/* An answer in JSON: its text escaped, and what stands around it. */
#define AROUND_ANSWER 4096

_Static_assert(CHAT_STOPS_MAX <= GENERATE_STOPS_MAX &&
		       LIMIT_STOP_BYTES <= GENERATE_STOP_BYTES_MAX,
	       "what the API takes the engine has to take");

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct generate_room plan_room(const struct policy *policy)
{
	return (struct generate_room){
		.context_max = policy->context_tokens,
		.threads = policy->threads,
		.numerics = policy->numerics == POLICY_NUMERICS_BF16_PROMPTS
				    ? GENERATE_BF16_PROMPTS
				    : GENERATE_INTEGERS,
	};
}

struct plan plan_for(const struct policy *policy, size_t engine_bytes)
{
	struct plan plan = { .engine_bytes = engine_bytes };

	plan.request_bytes =
		least(LIMIT_REQUEST_BYTES,
		      REQUEST_BYTES_MIN +
			      TOKEN_BYTES * (size_t)policy->context_tokens);
	plan.text_bytes = TOKEN_BYTES * (size_t)policy->output_tokens_max;
	plan.answer_bytes = 2 * plan.text_bytes + AROUND_ANSWER;
	plan.json_bytes = JSON_MEMORY_FOR(plan.request_bytes);
	plan.arena_bytes = 4 * plan.request_bytes /* opened, opener, content */
			   +
			   4 * plan.answer_bytes /* text, event, ring, whole */
			   + plan.json_bytes + engine_bytes +
			   frames_memory(policy, plan.answer_bytes) +
			   RECEIPT_FIELD_VALUE_MAX + ARENA_ALIGNMENT +
			   (size_t)4 * LIMIT_FIELD_BYTES + LIMIT_MESSAGE_BYTES;
	return plan;
}

bool plan_fits(const struct plan *plan, size_t workers, size_t available)
{
	size_t wanted;

	return !__builtin_mul_overflow(plan->arena_bytes, workers, &wanted) &&
	       wanted <= available;
}
