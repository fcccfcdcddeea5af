/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read can be put together anew as what was signed; what is written
 * here is read and is good, and with a bit of it changed it is not.
 *
 *     message, or: "w" | headers:u8 | bytes of them | payload
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/cose.h"

#define MESSAGE_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_private_key private_key;
static struct signature_key key;

static void prepare(void)
{
	static const uint8_t seed[SIGN_SEED_BYTES] = { 7 };
	struct sign_public_key public_key;

	if (key.key != NULL)
		return;
	sign_key_from_seed(seed, &private_key, &public_key);
	invariant(signature_key_from_ed25519(BYTES_ARRAY(public_key.bytes),
					     &key) == ERR_OK);
}

static void read_message(struct bytes in)
{
	static uint8_t memory[COSE_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct cose_sign1 message;
	struct cbor_item item;

	if (cose_sign1_parse(in, COSE_TAG_OPTIONAL, &message) != ERR_OK)
		return;
	if (message.kind == COSE_PAYLOAD_DETACHED)
		invariant(cose_sign1_check(&message, &key, in) ==
			  ERR_UNAUTHENTIC);
	if (cose_sign1_to_be_signed(&message, in, &out) == ERR_OK) {
		invariant(cbor_item_parse(bytes_written(&out), &item) ==
			  ERR_OK);
		invariant(item.number == 4);
	}
	invariant(cose_sign1_check(&message, &key, in) != ERR_OK);
}

static void write_message(struct bytes in)
{
	static uint8_t memory[MESSAGE_MAX];
	struct writer out = WRITER_OVER(memory);
	struct cose_draft draft = { .kind = COSE_PAYLOAD_ATTACHED,
				    .external = in };
	struct cose_sign1 message;
	uint8_t len;

	draft.protected_headers = COSE_PROTECTED_EDDSA;
	if (bytes_take_u8(&in, &len) != ERR_OK ||
	    bytes_take(&in, len, &draft.headers) != ERR_OK)
		return;
	draft.payload = in;
	if (cose_sign1_write(&draft, &private_key, &out) != ERR_OK)
		return;
	invariant(cose_sign1_parse(bytes_written(&out), COSE_TAG_NEEDED,
				   &message) == ERR_OK);
	invariant(bytes_equal(message.payload, draft.payload));
	invariant(cose_sign1_check(&message, &key, draft.external) == ERR_OK);
	memory[out.len - 1] ^= 1;
	invariant(cose_sign1_check(&message, &key, draft.external) ==
		  ERR_UNAUTHENTIC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };

	prepare();
	read_message(in);
	if (size > 0 && data[0] == 'w')
		write_message((struct bytes){ data + 1, size - 1 });
	return 0;
}
