/* SPDX-License-Identifier: Apache-2.0 */
#include "node/published.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/release_match.h"
#include "base/fd.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "tlog/tlog_proof.h"
#include "wire/release.h"

static enum err parse(struct published *published)
{
	struct release release;
	struct tlog_proof proof;

	TRY(release_parse((struct bytes){ published->bytes, published->len },
			  &release));
	TRY(log_entry_parse(release.entry, &published->entry));
	TRY(tlog_proof_parse(release.proof, &proof));
	if (published->entry.kind != LOG_ENTRY_RELEASE)
		return ERR_UNSUPPORTED;
	hash_sha256(proof.note.text, published->checkpoint);
	return ERR_OK;
}

bool published_has_ended(const struct published *published, uint64_t now)
{
	return published->len > 0 && now > published->entry.not_after;
}

void published_load(const char *path, uint64_t now, struct published *out)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct writer text = WRITER_OVER(out->bytes);

	if (fd < 0 || fd_read_all(fd, &text) != ERR_OK)
		die(path);
	errno = 0;
	out->len = text.len;
	if (parse(out) != ERR_OK)
		die("--release: the file holds no release with its proof");
	if (now < out->entry.not_before)
		die("--release: its time has not come");
	if (published_has_ended(out, now))
		die("--release: its time is over, a newer one has to run");
}

void published_check(const struct published *published,
		     const struct setup_digests *digests)
{
	struct statement statement;
	enum log_entry_digest differs;

	if (published->len == 0)
		return;
	setup_state(digests, &statement);
	if (release_match(&published->entry, &statement, &differs) == ERR_OK)
		return;
	fprintf(stderr,
		"pcc-node: --release: this node's %s is not that of "
		"release %.*s %.*s\n",
		log_entry_digest_name(differs), (int)published->entry.name.len,
		(const char *)published->entry.name.data,
		(int)published->entry.version.len,
		(const char *)published->entry.version.data);
	exit(EXIT_FAILURE);
}

enum err published_send(const struct published *published, int control)
{
	uint8_t memory[SETUP_DIGEST_BYTES + RELEASE_BYTES_MAX];
	struct writer body = WRITER_OVER(memory);

	if (published->len == 0)
		return ERR_OK;
	TRY(bytes_put(&body, BYTES_ARRAY(published->checkpoint)));
	TRY(bytes_put(&body,
		      (struct bytes){ published->bytes, published->len }));
	return channel_send(control,
			    &(struct message){ .kind = MESSAGE_RELEASE,
					       .body = bytes_written(&body) },
			    -1);
}
