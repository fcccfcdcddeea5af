/* SPDX-License-Identifier: Apache-2.0 */
#include "log/proven.h"

#include <stdio.h>
#include <stdlib.h>

#include "tlog/tlog_tile.h"

int proven_judge(struct bytes proof, struct bytes entry,
		 const struct tlog_policy *policy)
{
	enum tlog_verdict verdict = tlog_proof_verify(proof, entry, policy);

	if (verdict != TLOG_PROVEN)
		fprintf(stderr, "pcc-log: %s: %s\n",
			tlog_proof_verdict_name(verdict),
			tlog_proof_verdict_text(verdict));
	return options_of_verdict(verdict);
}

int proven_run(int argc, char **argv, const char *help,
	       int (*use)(struct bytes proof, struct bytes entry,
			  const struct tlog_policy *policy))
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG_KEY) |
			  OPTIONS_BIT(OPTIONS_ENTRY) |
			  OPTIONS_BIT(OPTIONS_PROOF),
		.allowed = TRUST_OPTIONS | OPTIONS_BIT(OPTIONS_ENTRY) |
			   OPTIONS_BIT(OPTIONS_PROOF),
		.help = help,
	};
	struct options options;
	struct trust trust;
	struct bytes entry, proof;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code) ||
	    !trust_read(&options, &trust, &code))
		return code;
	if (!options_read_file(options.values[OPTIONS_ENTRY],
			       TLOG_ENTRY_BYTES_MAX, &entry))
		return OPTIONS_TROUBLE;
	if (options_read_file(options.values[OPTIONS_PROOF],
			      TLOG_PROOF_BYTES_MAX, &proof)) {
		code = use(proof, entry, &trust.policy);
		free((void *)(uintptr_t)proof.data);
	} else {
		code = OPTIONS_TROUBLE;
	}
	free((void *)(uintptr_t)entry.data);
	return code;
}
