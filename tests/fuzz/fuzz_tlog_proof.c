/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proof that parses is written again as it was, but for its extra data; and
 * none is proven, since nobody guesses a signature.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "tlog/tlog_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct tlog_proof *proof, struct bytes in)
{
	struct writer out = { malloc(in.len + 1), 0, in.len };
	size_t note_len = in.len - (size_t)(proof->note.text.data - in.data);

	invariant(tlog_proof_put(&out, proof->index, &proof->path,
				 (struct bytes){ proof->note.text.data,
						 note_len }) == ERR_OK);
	invariant(proof->extra.data != NULL ||
		  bytes_equal(bytes_written(&out), in));
	free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note_signer log;
	static bool is_ready;
	struct bytes in = { data, size };
	struct tlog_policy policy = { .log = &log.key };
	struct tlog_proof proof;

	if (!is_ready)
		invariant(note_signer_generate(BYTES_LITERAL("log.example/pcc"),
					       NOTE_ED25519, &log) == ERR_OK);
	is_ready = true;
	if (tlog_proof_parse(in, &proof) == ERR_OK)
		write_again(&proof, in);
	invariant(tlog_proof_verify(in, BYTES_LITERAL("entry"), &policy) !=
		  TLOG_PROVEN);
	return 0;
}
