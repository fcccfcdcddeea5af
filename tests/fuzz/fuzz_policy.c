/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is accepted is within the limits, and its canonical form reads back
 * as the same policy; whatever is refused says where and why, and changes
 * nothing.
 */
#include <string.h>

#include "policy/limits.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_limits(const struct policy *policy)
{
	invariant(policy->workers >= 1 && policy->workers <= LIMIT_WORKERS);
	invariant(policy->warm_workers <= policy->workers);
	invariant(policy->threads >= 1 && policy->threads <= LIMIT_THREADS);
	invariant(policy->workers * policy->threads <= LIMIT_ENGINE_THREADS);
	invariant(policy->queue <= LIMIT_QUEUE);
	invariant(policy->context_tokens <= LIMIT_CONTEXT_TOKENS);
	invariant(policy->output_tokens_max <= policy->context_tokens);
	invariant(policy->output_tokens_max <= LIMIT_OUTPUT_TOKENS);
	invariant(policy->request_ms_max <= LIMIT_REQUEST_MS);
	invariant(policy->key_lifetime_s <= KEY_LIFETIME_S);
	invariant(policy->key_rotation_s <= policy->key_lifetime_s);
	invariant(policy->total_bucket_count >= 1);
	invariant(policy->total_bucket_count <= POLICY_BUCKETS_MAX);
	for (uint32_t i = 1; i < policy->total_bucket_count; i++)
		invariant(policy->total_buckets[i - 1] <
			  policy->total_buckets[i]);
	invariant(memchr(policy->model_name, 0, sizeof(policy->model_name)) !=
		  NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer out = WRITER_OVER(memory);
	struct policy policy, again;
	struct policy_fault where = { 0 };

	/* Padding and unused fields too, so that memcmp() can compare. */
	memset(&policy, 0x5a, sizeof(policy));
	again = policy;
	if (policy_parse((struct bytes){ data, size }, &policy, &where) !=
	    ERR_OK) {
		invariant(where.line > 0 && where.reason != NULL);
		invariant(memcmp(&policy, &again, sizeof(policy)) == 0);
		return 0;
	}
	check_limits(&policy);
	invariant(policy_write(&policy, &out) == ERR_OK);
	invariant(policy_parse(bytes_written(&out), &again, &where) == ERR_OK);
	invariant(memcmp(&policy, &again, sizeof(policy)) == 0);
	return 0;
}
