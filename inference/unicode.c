/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/unicode.h"

#include <string.h>

#include "inference/unicode_table.h"

/* Entries of every table begin as a range. */
_Static_assert(offsetof(struct unicode_range, last) ==
			       offsetof(struct unicode_stride, last) &&
		       offsetof(struct unicode_range, last) ==
			       offsetof(struct unicode_lower, last),
	       "found by it");

/* The entry, of `size` bytes, whose range holds a code, or NULL.  The first
 * that ends at or after the code is the only one it can be in. */
static inline const void *find(const void *table, size_t count, size_t size,
			       uint32_t code)
{
	const uint8_t *low = table;
	struct unicode_range range;

	while (count > 1) {
		size_t half = count / 2;

		memcpy(&range, low + (half - 1) * size, sizeof(range));
		if (range.last < code) {
			low += half * size;
			count -= half;
		} else {
			count = half;
		}
	}
	memcpy(&range, low, sizeof(range));
	return range.first <= code && code <= range.last ? low : NULL;
}

#define FIND(table, code) find(table, table##_count, sizeof((table)[0]), code)

static bool is_step(const struct unicode_stride *stride, uint32_t code)
{
	return stride != NULL && (code - stride->first) % stride->step == 0;
}

/* White_Space; few enough to be listed. */
static bool is_space(uint32_t code)
{
	return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 ||
	       code == 0xa0 || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f ||
	       code == 0x3000;
}

enum unicode_kind unicode_kind_of(uint32_t code)
{
	if (is_space(code))
		return UNICODE_SPACE;
	if (FIND(unicode_table_letters, code) != NULL)
		return UNICODE_LETTER;
	if (FIND(unicode_table_numbers, code) != NULL)
		return UNICODE_NUMBER;
	return UNICODE_OTHER;
}

enum unicode_case unicode_case_of(uint32_t code)
{
	if (FIND(unicode_table_letters, code) != NULL) {
		if (is_step(FIND(unicode_table_smalls, code), code))
			return UNICODE_CASE_SMALL;
		if (is_step(FIND(unicode_table_capitals, code), code))
			return UNICODE_CASE_CAPITAL;
		return UNICODE_CASE_EITHER;
	}
	if (FIND(unicode_table_marks, code) != NULL)
		return UNICODE_CASE_EITHER;
	return UNICODE_CASE_NONE;
}

uint32_t unicode_lower(uint32_t code)
{
	const struct unicode_lower *run = FIND(unicode_table_lower, code);

	if (run == NULL || (code - run->first) % run->step != 0)
		return code;
	return (uint32_t)((int64_t)code + run->difference);
}

/* What the first byte says: the bytes that follow it, and its own bits. */
static enum err read_lead(uint8_t lead, size_t *more, uint32_t *code)
{
	if (lead < 0x80) {
		*more = 0;
		*code = lead;
	} else if (lead >= 0xc2 && lead <= 0xdf) {
		*more = 1;
		*code = lead & 0x1fu;
	} else if (lead >= 0xe0 && lead <= 0xef) {
		*more = 2;
		*code = lead & 0x0fu;
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		*more = 3;
		*code = lead & 0x07u;
	} else {
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

/*
 * Whether `next` may follow a lead byte.  The second byte carries all limits
 * of RFC 3629, section 4, so that what is cut short was valid so far.
 */
static bool may_follow(uint8_t lead, uint8_t next)
{
	uint8_t least = 0x80, most = 0xbf;

	if (lead == 0xe0)
		least = 0xa0; /* shorter forms exist */
	else if (lead == 0xed)
		most = 0x9f; /* surrogates */
	else if (lead == 0xf0)
		least = 0x90; /* shorter forms exist */
	else if (lead == 0xf4)
		most = 0x8f; /* beyond U+10FFFF */
	return next >= least && next <= most;
}

/* The second byte is checked with its lead, the others only for their form:
 * after a valid second byte nothing can be too long or out of range. */
enum err unicode_take(struct bytes *in, uint32_t *code)
{
	uint32_t value;
	size_t more;

	if (in->len == 0)
		return ERR_TRUNCATED;
	TRY(read_lead(in->data[0], &more, &value));
	for (size_t i = 1; i <= more; i++) {
		uint8_t lead = i == 1 ? in->data[0] : 0;

		if (i == in->len)
			return ERR_TRUNCATED;
		if (!may_follow(lead, in->data[i]))
			return ERR_MALFORMED;
		value = value << 6 | (in->data[i] & 0x3fu);
	}
	in->data += more + 1;
	in->len -= more + 1;
	*code = value;
	return ERR_OK;
}

uint32_t unicode_take_lossy(struct bytes *in)
{
	uint32_t code;

	invariant(in->len > 0);
	if (unicode_take(in, &code) == ERR_OK)
		return code;
	in->data++;
	in->len--;
	return UNICODE_REPLACEMENT;
}

enum err unicode_put(struct writer *out, uint32_t code)
{
	uint8_t utf8[UNICODE_UTF8_MAX];
	size_t len;

	if (code < 0x80) {
		utf8[0] = (uint8_t)code;
		len = 1;
	} else if (code < 0x800) {
		utf8[0] = (uint8_t)(0xc0 | code >> 6);
		len = 2;
	} else if (code < 0x10000) {
		utf8[0] = (uint8_t)(0xe0 | code >> 12);
		len = 3;
	} else {
		utf8[0] = (uint8_t)(0xf0 | code >> 18);
		len = 4;
	}
	for (size_t i = 1; i < len; i++)
		utf8[i] = (uint8_t)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
	return bytes_put(out, (struct bytes){ utf8, len });
}
