/* SPDX-License-Identifier: Apache-2.0 */
#include "log/publish.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "log/proven.h"
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

static int publish(struct bytes proof, struct bytes entry_bytes,
		   const struct tlog_policy *policy)
{
	static uint8_t memory[RELEASE_BYTES_MAX];
	const struct release release = { .entry = entry_bytes, .proof = proof };
	struct writer out = WRITER_OVER(memory);
	struct log_entry entry;
	enum err err = log_entry_parse(entry_bytes, &entry);
	int code;

	if (err == ERR_OK && entry.kind != LOG_ENTRY_RELEASE)
		err = ERR_DENIED;
	if (err != ERR_OK)
		return options_complain("no entry of a release", "--entry",
					err);
	code = proven_judge(proof, entry_bytes, policy);
	if (code != OPTIONS_OK)
		return code;
	err = release_write(&release, &out);
	if (err == ERR_OK)
		err = fd_write_all(STDOUT_FILENO, bytes_written(&out));
	if (err != ERR_OK)
		return options_complain("cannot write", "the release", err);
	return OPTIONS_OK;
}

int publish_run(int argc, char **argv)
{
	return proven_run(argc, argv, help, publish);
}
