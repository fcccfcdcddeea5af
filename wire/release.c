/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/release.h"

#include "wire/cbor.h"

#define PARTS 2

enum err release_write(const struct release *release, struct writer *out)
{
	struct writer whole = *out;

	TRY(cbor_put_array(&whole, PARTS));
	TRY(cbor_put_bytes(&whole, release->entry));
	TRY(cbor_put_bytes(&whole, release->proof));
	if (whole.len - out->len > RELEASE_BYTES_MAX)
		return ERR_TOO_LARGE;
	*out = whole;
	return ERR_OK;
}

enum err release_parse(struct bytes in, struct release *out)
{
	struct release release;
	size_t count;

	if (in.len > RELEASE_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(cbor_take_array(&in, PARTS, &count));
	if (count != PARTS)
		return ERR_MALFORMED;
	TRY(cbor_take_bytes(&in, &release.entry));
	TRY(cbor_take_bytes(&in, &release.proof));
	TRY(bytes_expect_end(&in));
	*out = release;
	return ERR_OK;
}
