/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/receipt_file.h"

#include "wire/cbor.h"

enum key {
	KEY_VERSION = 1,
	KEY_BUNDLE,
	KEY_RECEIPT,
	KEY_SALT,
	KEY_REQUEST,
	KEY_RESPONSE,
};

#define FIELDS 6

static enum err put(struct writer *out, enum key key, struct bytes value)
{
	TRY(cbor_put_unsigned(out, key));
	return cbor_put_bytes(out, value);
}

static enum err take(struct bytes *in, enum key key, struct bytes *out)
{
	TRY(cbor_expect_unsigned(in, key));
	return cbor_take_bytes(in, out);
}

enum err receipt_file_write(const struct receipt_file *file, struct writer *out)
{
	struct writer whole = *out;

	TRY(cbor_put_map(&whole, FIELDS));
	TRY(cbor_put_unsigned(&whole, KEY_VERSION));
	TRY(cbor_put_unsigned(&whole, RECEIPT_FILE_VERSION));
	TRY(put(&whole, KEY_BUNDLE, file->bundle));
	TRY(put(&whole, KEY_RECEIPT, file->receipt));
	TRY(put(&whole, KEY_SALT, BYTES_ARRAY(file->salt)));
	TRY(put(&whole, KEY_REQUEST, file->request));
	TRY(put(&whole, KEY_RESPONSE, file->response));
	*out = whole;
	return ERR_OK;
}

enum err receipt_file_parse(struct bytes in, struct receipt_file *out)
{
	struct receipt_file found;

	TRY(cbor_take_versioned_map(&in, KEY_VERSION, RECEIPT_FILE_VERSION,
				    FIELDS));
	TRY(take(&in, KEY_BUNDLE, &found.bundle));
	TRY(take(&in, KEY_RECEIPT, &found.receipt));
	TRY(cbor_expect_unsigned(&in, KEY_SALT));
	TRY(cbor_take_bytes_into(&in, found.salt, sizeof(found.salt)));
	TRY(take(&in, KEY_REQUEST, &found.request));
	TRY(take(&in, KEY_RESPONSE, &found.response));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}
