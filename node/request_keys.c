/* SPDX-License-Identifier: Apache-2.0 */
#include "node/request_keys.h"

#include "base/secret.h"

void request_keys_wipe(struct request_keys *keys)
{
	secret_wipe(keys, sizeof(*keys));
}

enum err request_keys_put(const struct request_keys *keys, struct writer *out)
{
	const struct hpke_context *context = &keys->context;

	/* Nothing has been opened yet, so both ends begin at number 0. */
	invariant(context->sequence == 0);
	if (out->max - out->len < REQUEST_KEYS_BYTES)
		return ERR_TOO_LARGE;
	TRY(bytes_put_u16(out, context->suite.kem));
	TRY(bytes_put_u16(out, context->suite.kdf));
	TRY(bytes_put_u16(out, context->suite.aead));
	TRY(bytes_put(out, BYTES_ARRAY(context->key)));
	TRY(bytes_put(out, BYTES_ARRAY(context->base_nonce)));
	TRY(bytes_put(out, BYTES_ARRAY(context->exporter_secret)));
	TRY(bytes_put(out, BYTES_ARRAY(keys->response_nonce)));
	return bytes_put(out, BYTES_ARRAY(keys->seed));
}

enum err request_keys_parse(struct bytes in, struct request_keys *out)
{
	SCOPED_WIPE(request_keys_wipe) struct request_keys keys = { 0 };
	struct hpke_context *context = &keys.context;

	TRY(bytes_take_u16(&in, &context->suite.kem));
	TRY(bytes_take_u16(&in, &context->suite.kdf));
	TRY(bytes_take_u16(&in, &context->suite.aead));
	TRY(bytes_take_into(&in, context->key, sizeof(context->key)));
	TRY(bytes_take_into(&in, context->base_nonce,
			    sizeof(context->base_nonce)));
	TRY(bytes_take_into(&in, context->exporter_secret,
			    sizeof(context->exporter_secret)));
	TRY(bytes_take_into(&in, keys.response_nonce,
			    sizeof(keys.response_nonce)));
	TRY(bytes_take_into(&in, keys.seed, sizeof(keys.seed)));
	TRY(bytes_expect_end(&in));
	*out = keys;
	return ERR_OK;
}
