/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_hashes.h"

#include <string.h>

#include "wire/base64.h"

enum err tlog_hashes_take_line(struct bytes *in, struct bytes *out)
{
	const uint8_t *end =
		in->len == 0 ? NULL : memchr(in->data, '\n', in->len);
	struct bytes newline;

	if (end == NULL)
		return ERR_MALFORMED;
	TRY(bytes_take(in, (size_t)(end - in->data), out));
	return bytes_take(in, 1, &newline);
}

enum err tlog_hashes_take(struct bytes *in, size_t max,
			  struct merkle_proof *out)
{
	struct merkle_proof proof = { .count = 0 };
	struct bytes rest = *in;
	struct bytes line;

	invariant(max <= MERKLE_PROOF_MAX);
	for (;;) {
		struct writer hash;

		TRY(tlog_hashes_take_line(&rest, &line));
		if (line.len == 0)
			break;
		if (proof.count == max)
			return ERR_MALFORMED;
		hash = (struct writer)WRITER_OVER(
			proof.hashes[proof.count++].bytes);
		if (base64_decode_standard(line, &hash) != ERR_OK ||
		    hash.len != MERKLE_HASH_BYTES)
			return ERR_MALFORMED;
	}
	*in = rest;
	*out = proof;
	return ERR_OK;
}

enum err tlog_hashes_put(struct writer *out, const struct merkle_proof *proof)
{
	struct writer whole = *out;

	for (size_t i = 0; i < proof->count; i++) {
		TRY(base64_put_standard(&whole,
					BYTES_ARRAY(proof->hashes[i].bytes)));
		TRY(bytes_put_u8(&whole, '\n'));
	}
	TRY(bytes_put_u8(&whole, '\n'));
	*out = whole;
	return ERR_OK;
}
