/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/release_match.h"

#include <string.h>

static const struct {
	enum log_entry_digest digest;
	size_t offset;
} shared[RELEASE_MATCH_DIGESTS] = {
	{ LOG_ENTRY_PROGRAM, offsetof(struct statement, binary_digest) },
	{ LOG_ENTRY_MODEL_ROOT, offsetof(struct statement, model_root) },
	{ LOG_ENTRY_TOKENIZER, offsetof(struct statement, tokenizer_digest) },
	{ LOG_ENTRY_POLICY_DIGEST, offsetof(struct statement, policy_digest) },
	{ LOG_ENTRY_JAIL, offsetof(struct statement, jail_digest) },
	{ LOG_ENTRY_GRAMMAR, offsetof(struct statement, log_digest) },
};

_Static_assert(STATEMENT_DIGEST_BYTES == LOG_ENTRY_DIGEST_BYTES,
	       "both have SHA-256");

enum err release_match(const struct log_entry *release,
		       const struct statement *statement,
		       enum log_entry_digest *differs)
{
	for (size_t i = 0; i < RELEASE_MATCH_DIGESTS; i++) {
		const uint8_t *found =
			(const uint8_t *)statement + shared[i].offset;

		if (memcmp(release->digests[shared[i].digest], found,
			   STATEMENT_DIGEST_BYTES) != 0) {
			*differs = shared[i].digest;
			return ERR_DENIED;
		}
	}
	return ERR_OK;
}
