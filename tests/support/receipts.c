/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/receipts.h"

#include <string.h>

struct receipt receipts_sample(void)
{
	struct receipt sample = {
		.answer = { .sampling = { .temperature = 0.7F,
					  .top_p = 0.9F,
					  .top_k = 40,
					  .tokens_max = 256,
					  .context_max = 4096,
					  .numerics = RECEIPT_BF16_PROMPTS },
			    .prompt_tokens = 11,
			    .answer_tokens = 22,
			    .finish = RECEIPT_FINISH_STOP,
			    .arena = RECEIPT_ARENA_ZERO },
		.node = { .shape = { STATEMENT_MODE_PACED, 512, 25 },
			  .key_id = 200,
			  .evidence_kinds = 3,
			  .assurance = STATEMENT_TPM2,
			  .time = 1800000000 },
	};

	memset(sample.answer.request, 1, RECEIPT_DIGEST_BYTES);
	memset(sample.answer.response, 2, RECEIPT_DIGEST_BYTES);
	memset(sample.answer.seed, 3, RECEIPT_DIGEST_BYTES);
	memset(sample.node.model_root, 4, RECEIPT_DIGEST_BYTES);
	memset(sample.node.tokenizer_digest, 5, RECEIPT_DIGEST_BYTES);
	memset(sample.node.policy_digest, 6, RECEIPT_DIGEST_BYTES);
	memset(sample.node.jail_digest, 7, RECEIPT_DIGEST_BYTES);
	memset(sample.node.node_id, 8, RECEIPT_DIGEST_BYTES);
	memset(sample.node.evidence_digest, 9, RECEIPT_DIGEST_BYTES);
	return sample;
}
