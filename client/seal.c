/* SPDX-License-Identifier: Apache-2.0 */
#include "client/seal.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/ohttp_sealer.h"
#include "policy/limits.h"
#include "wire/bhttp_write.h"
#include "wire/padding.h"

#define HEAD_MAX 1024 /* of an inner request, all but its content */
#define CHUNK LIMIT_CHUNK_PLAINTEXT

/*
 * No header but the type: a user agent or a language would be one more thing to
 * tell users apart by, if ever a node were dishonest.
 */
static enum err write_inner(const struct exchange_request *request,
			    struct writer *out)
{
	static const struct bhttp_field lines[] = {
		{ BYTES_LITERAL("content-type"),
		  BYTES_LITERAL("application/json") },
	};
	struct bhttp_control control = {
		.method = bytes_of_string(request->method),
		.scheme = BYTES_LITERAL("https"),
		.path = bytes_of_string(request->path),
	};
	struct bhttp_write_fields fields = { lines, request->content.len != 0
							    ? 1
							    : 0 };
	size_t size;

	TRY(bhttp_write_request(out, &control, fields, request->content));
	TRY(padding_size_class(out->len, &size));
	return bhttp_write_padding(out, size);
}

/* Chunks of one size, so that their number tells the class and no more. */
static enum err seal_all(struct bytes plaintext, struct ohttp_sealer *sealer,
			 struct writer *out)
{
	struct bytes piece;

	TRY(ohttp_sealer_begin(sealer, out));
	while (plaintext.len > CHUNK) {
		TRY(bytes_take(&plaintext, CHUNK, &piece));
		TRY(ohttp_sealer_put(sealer, OHTTP_CHUNK_MORE, piece, out));
	}
	return ohttp_sealer_put(sealer, OHTTP_CHUNK_FINAL, plaintext, out);
}

/* The first pair of a key config is the one that its node likes best. */
static enum err seal(const struct ohttp_key_config *key, struct bytes plaintext,
		     struct ohttp_exchange *exchange, struct writer *out)
{
	SCOPED_WIPE(ohttp_sealer_wipe) struct ohttp_sealer sealer = { 0 };

	TRY(ohttp_send(key, key->symmetric[0], OHTTP_CHUNKED, exchange));
	ohttp_sealer_init_request(&sealer, exchange);
	return seal_all(plaintext, &sealer, out);
}

/* Memory for the largest class that the content can fall into. */
static enum err room_for(size_t content, size_t *out)
{
	if (content > LIMIT_REQUEST_BYTES)
		return ERR_TOO_LARGE;
	return padding_size_class(content + HEAD_MAX, out);
}

enum trouble seal_request(const struct exchange_request *request,
			  const struct exchange_target *to,
			  struct ohttp_exchange *exchange, struct proof *proof,
			  struct seal_sealed *out)
{
	struct writer inner = { 0 };
	struct writer sealed = { .max = LIMIT_REQUEST_BYTES };
	enum err err;

	if (room_for(request->content.len, &inner.max) != ERR_OK)
		return TROUBLE_TOO_LARGE;
	inner.data = malloc(inner.max);
	sealed.data = malloc(sealed.max);
	err = inner.data == NULL || sealed.data == NULL
		      ? ERR_UNAVAILABLE
		      : write_inner(request, &inner);
	if (err == ERR_OK)
		err = seal(&to->key, bytes_written(&inner), exchange, &sealed);
	if (err == ERR_OK)
		err = proof_begin(proof, &to->node, &exchange->context,
				  bytes_written(&inner));
	if (inner.data != NULL)
		secret_wipe(inner.data, inner.max);
	free(inner.data);
	if (err != ERR_OK) {
		free(sealed.data);
		return err == ERR_TOO_LARGE ? TROUBLE_TOO_LARGE
					    : TROUBLE_INTERNAL;
	}
	*out = (struct seal_sealed){ sealed.data, sealed.len };
	return TROUBLE_NONE;
}
