/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_witness.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "tlog/tlog_hashes.h"

#define OLD BYTES_LITERAL("old ")

enum err tlog_witness_parse(struct bytes in, struct tlog_witness_request *out)
{
	struct tlog_witness_request found;
	struct bytes line, word;

	if (in.len > TLOG_WITNESS_REQUEST_MAX)
		return ERR_TOO_LARGE;
	TRY(tlog_hashes_take_line(&in, &line));
	if (bytes_take(&line, OLD.len, &word) != ERR_OK ||
	    !bytes_equal(word, OLD))
		return ERR_MALFORMED;
	TRY(tlog_checkpoint_number(line, &found.old_size));
	TRY(tlog_hashes_take(&in, TLOG_WITNESS_LINES_MAX, &found.growth));
	TRY(note_parse(in, &found.note));
	TRY(tlog_checkpoint_parse(found.note.text, &found.checkpoint));
	*out = found;
	return ERR_OK;
}

enum err tlog_witness_put(struct writer *out, uint64_t old_size,
			  const struct merkle_proof *growth,
			  struct bytes checkpoint)
{
	struct writer whole = *out;
	char line[64];

	if (growth->count > TLOG_WITNESS_LINES_MAX)
		return ERR_TOO_LARGE;
	snprintf(line, sizeof(line), "old %llu\n",
		 (unsigned long long)old_size);
	TRY(bytes_put(&whole, bytes_of_string(line)));
	TRY(tlog_hashes_put(&whole, growth));
	TRY(bytes_put(&whole, checkpoint));
	*out = whole;
	return ERR_OK;
}

static bool is_signed(const struct tlog_witness_request *request,
		      const struct note_key *log)
{
	struct note_finding finding;

	return note_verify(&request->note, log, 1, &finding) == ERR_OK &&
	       finding.mark == NOTE_SIGNED;
}

/* From nothing every tree grows, which needs no proof and allows none. */
static bool grew(const struct tlog_witness_request *request,
		 const struct merkle_head *last)
{
	const struct merkle_head *head = &request->checkpoint.head;
	struct merkle_hash nothing;

	if (last->size == 0) {
		hash_sha256((struct bytes){ NULL, 0 }, nothing.bytes);
		return request->growth.count == 0 &&
		       (head->size != 0 ||
			memcmp(head->root.bytes, nothing.bytes,
			       MERKLE_HASH_BYTES) == 0);
	}
	return merkle_proof_consistency(last, head, &request->growth) == ERR_OK;
}

enum tlog_witness_status
tlog_witness_judge(const struct tlog_witness_request *request,
		   const struct note_key *log, const struct merkle_head *last)
{
	const struct merkle_head *head = &request->checkpoint.head;

	if (log == NULL)
		return TLOG_WITNESS_NO_LOG;
	if (!is_signed(request, log))
		return TLOG_WITNESS_NO_SIGNATURE;
	if (request->old_size > head->size)
		return TLOG_WITNESS_MALFORMED;
	if (request->old_size != last->size)
		return TLOG_WITNESS_CONFLICT;
	if (last->size != 0 && head->size == last->size &&
	    memcmp(head->root.bytes, last->root.bytes, MERKLE_HASH_BYTES) != 0)
		return TLOG_WITNESS_CONFLICT;
	return grew(request, last) ? TLOG_WITNESS_SIGN : TLOG_WITNESS_NO_PROOF;
}
