/* SPDX-License-Identifier: Apache-2.0 */
#include "log/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "log/trust.h"
#include "wire/log_entry.h"
#include "wire/release.h"

static const char help[] =
	"usage: pcc-log publish --entry FILE --proof FILE --log-key FILE [...] "
	"> RELEASE\n"
	"\n"
	"Writes what `pcc-node --release` takes: an entry of kind release, and "
	"the proof\n"
	"that it is in the log, once it passes the same checks as `pcc-log "
	"check` would\n"
	"make.\n"
	"  --entry FILE      the entry\n"
	"  --proof FILE      as `pcc-log prove` wrote it\n" TRUST_HELP;

static int publish(const struct release *release,
		   const struct tlog_policy *policy)
{
	static uint8_t memory[RELEASE_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct log_entry entry;
	enum tlog_verdict verdict;
	enum err err = log_entry_parse(release->entry, &entry);

	if (err == ERR_OK && entry.kind != LOG_ENTRY_RELEASE)
		err = ERR_DENIED;
	if (err != ERR_OK)
		return options_complain("no entry of a release", "--entry",
					err);
	verdict = tlog_proof_verify(release->proof, release->entry, policy);
	if (verdict != TLOG_PROVEN) {
		fprintf(stderr, "pcc-log: %s: %s\n",
			tlog_proof_verdict_name(verdict),
			tlog_proof_verdict_text(verdict));
		return options_of_verdict(verdict);
	}
	err = release_write(release, &out);
	if (err == ERR_OK)
		err = fd_write_all(STDOUT_FILENO, bytes_written(&out));
	if (err != ERR_OK)
		return options_complain("cannot write", "the release", err);
	return OPTIONS_OK;
}

int publish_run(int argc, char **argv)
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
	struct release release;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code) ||
	    !trust_read(&options, &trust, &code))
		return code;
	if (!options_read_file(options.values[OPTIONS_ENTRY],
			       LOG_ENTRY_BYTES_MAX, &release.entry))
		return OPTIONS_TROUBLE;
	if (options_read_file(options.values[OPTIONS_PROOF],
			      TLOG_PROOF_BYTES_MAX, &release.proof)) {
		code = publish(&release, &trust.policy);
		free((void *)(uintptr_t)release.proof.data);
	} else {
		code = OPTIONS_TROUBLE;
	}
	free((void *)(uintptr_t)release.entry.data);
	return code;
}
