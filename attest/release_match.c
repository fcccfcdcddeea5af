/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/release_match.h"

#include <string.h>

/* The command line is a deployment's, and in no release. */
static const struct {
	enum log_entry_digest digest;
	enum statement_digest which;
} shared[RELEASE_MATCH_DIGESTS] = {
	{ LOG_ENTRY_PROGRAM, STATEMENT_PROGRAM },
	{ LOG_ENTRY_MODEL_ROOT, STATEMENT_MODEL },
	{ LOG_ENTRY_TOKENIZER, STATEMENT_TOKENIZER },
	{ LOG_ENTRY_POLICY_DIGEST, STATEMENT_POLICY },
	{ LOG_ENTRY_JAIL, STATEMENT_JAIL },
	{ LOG_ENTRY_GRAMMAR, STATEMENT_LOG },
};

_Static_assert(STATEMENT_DIGEST_BYTES == LOG_ENTRY_DIGEST_BYTES,
	       "both have SHA-256");

enum err release_match(const struct log_entry *release,
		       const struct statement *statement,
		       enum log_entry_digest *differs)
{
	for (size_t i = 0; i < RELEASE_MATCH_DIGESTS; i++) {
		const uint8_t *found =
			statement_digest(statement, shared[i].which);

		if (memcmp(release->digests[shared[i].digest], found,
			   STATEMENT_DIGEST_BYTES) != 0) {
			*differs = shared[i].digest;
			return ERR_DENIED;
		}
	}
	return ERR_OK;
}
