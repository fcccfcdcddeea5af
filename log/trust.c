/* SPDX-License-Identifier: Apache-2.0 */
#include "log/trust.h"

#include <stdio.h>

#include "log/keys.h"

static bool read_witnesses(const struct options *options, struct trust *out,
			   int *code)
{
	for (size_t i = 0; i < options->witness_count; i++) {
		struct note_key *key = &out->witnesses[i];
		enum err err = keys_read_public(options->witnesses[i], key);

		if (err == ERR_OK && key->type != NOTE_COSIGNATURE)
			err = ERR_UNSUPPORTED;
		if (err != ERR_OK) {
			*code = options_complain("no public key of a witness",
						 options->witnesses[i], err);
			return false;
		}
	}
	return true;
}

bool trust_read(const struct options *options, struct trust *out, int *code)
{
	struct tlog_policy *policy = &out->policy;
	uint64_t quorum = options->witness_count;
	const char *path = options->values[OPTIONS_LOG_KEY];
	enum err err;

	*policy = (struct tlog_policy){
		.log = &out->log,
		.witnesses = out->witnesses,
		.witness_count = options->witness_count,
	};
	*code = OPTIONS_USAGE;
	if (!options_now(options, &policy->now) ||
	    !options_number(options, OPTIONS_MAX_AGE, UINT64_MAX,
			    &policy->age_max_s) ||
	    !options_number(options, OPTIONS_QUORUM, options->witness_count,
			    &quorum))
		return false;
	policy->quorum = (size_t)quorum;
	err = keys_read_public(path, &out->log);
	if (err != ERR_OK) {
		*code = options_complain("no public key of a log", path, err);
		return false;
	}
	return read_witnesses(options, out, code);
}
