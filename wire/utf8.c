/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/utf8.h"

/* How long a character is, and which second bytes it allows (RFC 3629, 4). */
struct lead {
	size_t len; /* 0: no character begins so */
	uint8_t second_min;
	uint8_t second_max;
};

static struct lead lead_of(uint8_t first)
{
	if (first < 0x80)
		return (struct lead){ 1, 0, 0 };
	if (first < 0xc2)
		return (struct lead){ 0, 0, 0 };
	if (first < 0xe0)
		return (struct lead){ 2, 0x80, 0xbf };
	if (first == 0xe0) /* else it had fitted in two */
		return (struct lead){ 3, 0xa0, 0xbf };
	if (first == 0xed) /* else a surrogate */
		return (struct lead){ 3, 0x80, 0x9f };
	if (first < 0xf0)
		return (struct lead){ 3, 0x80, 0xbf };
	if (first == 0xf0) /* else it had fitted in three */
		return (struct lead){ 4, 0x90, 0xbf };
	if (first < 0xf4)
		return (struct lead){ 4, 0x80, 0xbf };
	if (first == 0xf4) /* else beyond U+10FFFF */
		return (struct lead){ 4, 0x80, 0x8f };
	return (struct lead){ 0, 0, 0 };
}

static bool continues(const struct lead *lead, size_t place, uint8_t c)
{
	if (place == 1)
		return c >= lead->second_min && c <= lead->second_max;
	return c >= 0x80 && c <= 0xbf;
}

struct utf8_step utf8_front(struct bytes text)
{
	struct lead lead = lead_of(text.data[0]);

	if (lead.len == 0)
		return (struct utf8_step){ UTF8_BROKEN, 1 };
	for (size_t i = 1; i < lead.len; i++) {
		if (i == text.len)
			return (struct utf8_step){ UTF8_PARTIAL, i };
		if (!continues(&lead, i, text.data[i]))
			return (struct utf8_step){ UTF8_BROKEN, i };
	}
	return (struct utf8_step){ UTF8_WHOLE, lead.len };
}

bool utf8_is_valid(struct bytes text)
{
	while (text.len > 0) {
		struct utf8_step step = utf8_front(text);

		if (step.shape != UTF8_WHOLE)
			return false;
		text.data += step.len;
		text.len -= step.len;
	}
	return true;
}

struct bytes utf8_complete(struct bytes text)
{
	/* Only one of the last three bytes can begin what is cut off. */
	for (size_t back = 1; back < UTF8_BYTES_MAX && back <= text.len;
	     back++) {
		struct bytes tail = { text.data + text.len - back, back };

		if ((tail.data[0] & 0xc0) == 0x80)
			continue;
		if (utf8_front(tail).shape == UTF8_PARTIAL)
			text.len -= back;
		break;
	}
	return text;
}
