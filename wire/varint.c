/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/varint.h"

size_t varint_size(uint64_t value)
{
	if (value < UINT64_C(1) << 6)
		return 1;
	if (value < UINT64_C(1) << 14)
		return 2;
	return value < UINT64_C(1) << 30 ? 4 : 8;
}

size_t varint_size_of(uint8_t first)
{
	return (size_t)1 << (first >> 6);
}

enum err varint_take(struct bytes *in, uint64_t *out)
{
	struct bytes raw;
	uint64_t value;

	if (in->len == 0)
		return ERR_TRUNCATED;
	TRY(bytes_take(in, varint_size_of(in->data[0]), &raw));

	value = raw.data[0] & 0x3f;
	for (size_t i = 1; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	*out = value;
	return ERR_OK;
}

enum err varint_put_in(struct writer *out, uint64_t value, size_t size)
{
	invariant(size >= varint_size(value));
	switch (size) {
	case 1:
		return bytes_put_u8(out, (uint8_t)value);
	case 2:
		return bytes_put_u16(out, (uint16_t)(0x4000 | value));
	case 4:
		return bytes_put_u32(out, 0x80000000u | (uint32_t)value);
	default:
		invariant(size == 8);
		return bytes_put_u64(out, UINT64_C(3) << 62 | value);
	}
}

enum err varint_put(struct writer *out, uint64_t value)
{
	if (value > VARINT_MAX)
		return ERR_TOO_LARGE;
	return varint_put_in(out, value, varint_size(value));
}
