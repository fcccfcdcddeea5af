/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "tlog/tlog_hashes.h"
#include "wire/base64.h"

/* A line that says something. */
static enum err take_line(struct bytes *in, struct bytes *out)
{
	TRY(tlog_hashes_take_line(in, out));
	return out->len == 0 ? ERR_MALFORMED : ERR_OK;
}

enum err tlog_checkpoint_number(struct bytes digits, uint64_t *out)
{
	if (digits.len > 1 && digits.data[0] == '0')
		return ERR_MALFORMED;
	if (decimal_parse(digits, 0, MERKLE_PROOF_SIZE_MAX, out) != ERR_OK)
		return ERR_MALFORMED;
	return ERR_OK;
}

enum err tlog_checkpoint_parse(struct bytes text, struct tlog_checkpoint *out)
{
	struct tlog_checkpoint found;
	struct writer root = WRITER_OVER(found.head.root.bytes);
	struct bytes size, letters, line;

	TRY(take_line(&text, &found.origin));
	TRY(take_line(&text, &size));
	TRY(tlog_checkpoint_number(size, &found.head.size));
	TRY(take_line(&text, &letters));
	if (base64_decode_standard(letters, &root) != ERR_OK ||
	    root.len != MERKLE_HASH_BYTES)
		return ERR_MALFORMED;
	found.extensions = text;
	while (text.len > 0)
		TRY(take_line(&text, &line));
	*out = found;
	return ERR_OK;
}

enum err tlog_checkpoint_put(struct writer *out,
			     const struct tlog_checkpoint *head)
{
	struct writer whole = *out;
	char size[32];

	if (head->origin.len == 0 ||
	    memchr(head->origin.data, '\n', head->origin.len) != NULL)
		return ERR_MALFORMED;
	snprintf(size, sizeof(size), "\n%llu\n",
		 (unsigned long long)head->head.size);
	TRY(bytes_put(&whole, head->origin));
	TRY(bytes_put(&whole, bytes_of_string(size)));
	TRY(base64_put_standard(&whole, BYTES_ARRAY(head->head.root.bytes)));
	TRY(bytes_put_u8(&whole, '\n'));
	TRY(bytes_put(&whole, head->extensions));
	*out = whole;
	return ERR_OK;
}
