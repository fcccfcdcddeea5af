/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to a witness that parses is written again as it was, and is never
 * one to sign for a log whose key nobody has.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "tlog/tlog_witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct tlog_witness_request *request,
			struct bytes in)
{
	struct writer out = { malloc(in.len + 1), 0, in.len };
	size_t note_len = in.len - (size_t)(request->note.text.data - in.data);

	invariant(tlog_witness_put(&out, request->old_size, &request->growth,
				   (struct bytes){ request->note.text.data,
						   note_len }) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), in));
	free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note_signer log;
	static bool is_ready;
	struct merkle_head last = { .size = 0 };
	struct tlog_witness_request request;
	struct bytes in = { data, size };

	if (!is_ready)
		invariant(note_signer_generate(BYTES_LITERAL("log.example"),
					       NOTE_ED25519, &log) == ERR_OK);
	is_ready = true;
	if (tlog_witness_parse(in, &request) != ERR_OK)
		return 0;
	write_again(&request, in);
	invariant(tlog_witness_judge(&request, &log.key, &last) !=
		  TLOG_WITNESS_SIGN);
	return 0;
}
