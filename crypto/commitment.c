/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/commitment.h"

#include "base/secret.h"

static const struct bytes labels[] = {
	[COMMITMENT_REQUEST] = BYTES_LITERAL("request\0"),
	[COMMITMENT_RESPONSE] = BYTES_LITERAL("response\0"),
};

void commitment_salt(const struct hpke_context *context,
		     struct commitment_salt *out)
{
	hpke_export(context, BYTES_LITERAL("pcc-node/v1 receipt salt"),
		    out->bytes, sizeof(out->bytes));
}

void commitment_salt_wipe(struct commitment_salt *salt)
{
	secret_wipe(salt, sizeof(*salt));
}

void commitment_begin(enum commitment_of of, const struct commitment_salt *salt,
		      struct hash_stream *stream)
{
	hash_stream_begin(stream);
	hash_stream_add(stream, BYTES_ARRAY(salt->bytes));
	hash_stream_add(stream, labels[of]);
}

void commitment_make(enum commitment_of of, const struct commitment_salt *salt,
		     struct bytes data, uint8_t out[static COMMITMENT_BYTES])
{
	SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream = { 0 };

	commitment_begin(of, salt, &stream);
	hash_stream_add(&stream, data);
	hash_stream_end(&stream, out);
}

struct bytes commitment_unpadded(struct bytes request)
{
	while (request.len > 0 && request.data[request.len - 1] == 0)
		request.len--;
	return request;
}
