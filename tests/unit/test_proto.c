/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proto.h"

#include <criterion/criterion.h>

#include "node.pb-c.h"
#include "tests/vector.h"

#define ARENA_BYTES 4096

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[ARENA_BYTES];
static const ProtobufCMessageDescriptor *const chunk =
	&pcc__node__v1__chunk__descriptor;

static struct arena arena_of(size_t size)
{
	return (struct arena){ memory, size, 0 };
}

Test(proto, a_decoded_message_lies_in_the_arena)
{
	struct arena arena = arena_of(ARENA_BYTES);
	ProtobufCMessage *message;
	const Pcc__Node__V1__Chunk *read;
	struct bytes data;

	cr_assert_eq(proto_decode(vector_hex("0a036162631001"), chunk, &arena,
				  &message),
		     ERR_OK);
	read = (const Pcc__Node__V1__Chunk *)message;
	data = proto_view(read->data);
	cr_assert(bytes_equal(data, BYTES_LITERAL("abc")));
	cr_assert(read->last);
	cr_assert((uint8_t *)message >= memory &&
		  (uint8_t *)message < memory + arena.used);
	cr_assert(data.data >= memory && data.data < memory + arena.used);
}

Test(proto, a_full_arena_is_not_a_malformed_message)
{
	struct bytes good = vector_hex("0a036162631001");
	ProtobufCMessage *message = NULL;

	for (size_t size = 0; size <= 1024; size += ARENA_ALIGNMENT) {
		struct arena arena = arena_of(size);
		enum err err = proto_decode(good, chunk, &arena, &message);

		cr_assert(err == ERR_OK || err == ERR_TOO_LARGE);
		cr_assert_eq(err == ERR_OK, message != NULL);
		cr_assert_leq(arena.used, size);
		message = NULL;
	}
}

Test(proto, a_malformed_message_is_not_a_full_arena)
{
	struct arena arena = arena_of(ARENA_BYTES);
	ProtobufCMessage *message;

	cr_assert_eq(
		proto_decode(vector_hex("0a0461"), chunk, &arena, &message),
		ERR_MALFORMED);
	cr_assert_eq(proto_decode(vector_hex("0b"), chunk, &arena, &message),
		     ERR_MALFORMED);
	cr_assert_eq(proto_decode(vector_hex("0aff"), chunk, &arena, &message),
		     ERR_MALFORMED);
}

Test(proto, encoding_fills_exactly_what_it_needs)
{
	Pcc__Node__V1__Chunk message = PCC__NODE__V1__CHUNK__INIT;
	uint8_t buffer[8] = { 0 };

	message.data = proto_binary(BYTES_LITERAL("abc"));
	message.last = 1;
	for (size_t max = 0; max < 8; max++) {
		struct writer out = { buffer, 0, max };
		enum err err = proto_encode(&message.base, &out);

		cr_assert_eq(err, max < 7 ? ERR_TOO_LARGE : ERR_OK);
		cr_assert_eq(out.len, max < 7 ? 0 : 7);
	}
	vector_expect((struct bytes){ buffer, 7 }, "0a036162631001");
}
