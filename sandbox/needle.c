/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/needle.h"

static const char standard_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-_";

/* The first two bytes of a needle, as an index. */
static unsigned start_of(const uint8_t *inverted)
{
	return (unsigned)inverted[0] << 8 | inverted[1];
}

static struct needle *begin(struct needles *needles, const char *encoding)
{
	struct needle *needle;

	invariant(needles->count < NEEDLES_MAX);
	needle = &needles->list[needles->count];
	*needle = (struct needle){ .encoding = encoding };
	return needle;
}

static void put(struct needle *needle, unsigned byte)
{
	invariant(needle->len < NEEDLE_MAX);
	needle->inverted[needle->len++] = (uint8_t)~byte;
}

/* From now on it is looked for. */
static void end(struct needles *needles)
{
	struct needle *needle = &needles->list[needles->count];
	uint16_t *start = &needles->starts[start_of(needle->inverted)];

	invariant(needle->len >= NEEDLE_PIECE);
	needle->next = *start;
	*start = (uint16_t)++needles->count;
}

static void add_raw(struct needles *needles, struct bytes secret)
{
	struct needle *needle = begin(needles, "raw");

	for (size_t i = 0; i < secret.len; i++)
		put(needle, secret.data[i]);
	end(needles);
}

static void add_hex(struct needles *needles, struct bytes secret,
		    const char *encoding, const char *digits)
{
	struct needle *needle = begin(needles, encoding);

	for (size_t i = 0; i < secret.len; i++) {
		put(needle, (unsigned char)digits[secret.data[i] >> 4]);
		put(needle, (unsigned char)digits[secret.data[i] & 15]);
	}
	end(needles);
}

/*
 * What base64 makes of the bytes when `before` others stand before them in
 * their group of three: only letters that depend on the secret alone.
 */
static void add_base64(struct needles *needles, struct bytes secret,
		       unsigned before, const char *encoding,
		       const char *letters)
{
	struct needle *needle = begin(needles, encoding);
	size_t bits = secret.len * 8;

	for (size_t bit = before == 0 ? 0 : 6 - before * 8 % 6; bit + 6 <= bits;
	     bit += 6) {
		unsigned value = 0;

		for (size_t i = bit; i < bit + 6; i++)
			value = value << 1 |
				(secret.data[i / 8] >> (7 - i % 8) & 1);
		put(needle, (unsigned char)letters[value]);
	}
	end(needles);
}

/* Without the zero at its end, or its beginning, both orders are the same. */
static void add_utf16(struct needles *needles, struct bytes secret)
{
	struct needle *needle = begin(needles, "UTF-16");

	put(needle, secret.data[0]);
	for (size_t i = 1; i < secret.len; i++) {
		put(needle, 0);
		put(needle, secret.data[i]);
	}
	end(needles);
}

void needle_add(struct needles *needles, struct bytes secret)
{
	static const char *const standard[] = { "base64+0", "base64+1",
						"base64+2" };
	static const char *const url[] = { "base64url+0", "base64url+1",
					   "base64url+2" };

	invariant(secret.len >= NEEDLE_PIECE &&
		  secret.len <= NEEDLE_SECRET_MAX);
	add_raw(needles, secret);
	add_hex(needles, secret, "hex", "0123456789abcdef");
	add_hex(needles, secret, "HEX", "0123456789ABCDEF");
	for (unsigned i = 0; i < 3; i++) {
		add_base64(needles, secret, i, standard[i], standard_letters);
		add_base64(needles, secret, i, url[i], url_letters);
	}
	add_utf16(needles, secret);
}

void needle_add_pieces(struct needles *needles, struct bytes secret)
{
	size_t at = 0;

	invariant(secret.len >= NEEDLE_PIECE);
	for (; at + NEEDLE_PIECE <= secret.len; at += NEEDLE_PIECE)
		needle_add(needles,
			   (struct bytes){ secret.data + at, NEEDLE_PIECE });
	if (at < secret.len) {
		needle_add(needles, (struct bytes){ secret.data + secret.len -
							    NEEDLE_PIECE,
						    NEEDLE_PIECE });
	}
}

/* Little-endian integers of so many bytes. */
static void add_numbers(struct needles *needles, const uint32_t *numbers,
			unsigned bytes, const char *encoding)
{
	struct needle *needle = begin(needles, encoding);

	for (size_t i = 0; i < NEEDLE_TOKENS; i++) {
		for (unsigned at = 0; at < bytes; at++) {
			put(needle, at < sizeof(*numbers)
					    ? numbers[i] >> 8 * at & 0xff
					    : 0);
		}
	}
	end(needles);
}

void needle_add_tokens(struct needles *needles, const uint32_t *tokens,
		       size_t count)
{
	bool is_short = true;

	invariant(count >= NEEDLE_TOKENS);
	for (size_t i = 0; i < count; i++)
		is_short = is_short && tokens[i] <= UINT16_MAX;
	for (size_t i = 0; i + NEEDLE_TOKENS <= count; i++) {
		if (is_short)
			add_numbers(needles, tokens + i, 2, "tokens of 16");
		add_numbers(needles, tokens + i, 4, "tokens of 32");
		add_numbers(needles, tokens + i, 8, "tokens of 64");
	}
}

/* All of it, bit by bit the other way round; no copy is made of either. */
static bool is_here(const struct needle *needle, const uint8_t *memory)
{
	for (size_t i = 0; i < needle->len; i++) {
		if ((memory[i] ^ needle->inverted[i]) != 0xff)
			return false;
	}
	return true;
}

/* How many begin here. */
static size_t count_here(const struct needles *needles, uint16_t place,
			 struct bytes here, const char **encoding)
{
	size_t hits = 0;

	while (place != 0) {
		const struct needle *needle = &needles->list[place - 1];

		place = needle->next;
		if (here.len < needle->len || !is_here(needle, here.data))
			continue;
		*encoding = needle->encoding;
		hits++;
	}
	return hits;
}

size_t needle_count(const struct needles *needles, struct bytes memory,
		    const char **encoding)
{
	size_t hits = 0;

	for (size_t i = 0; i + 1 < memory.len; i++) {
		const uint8_t *here = memory.data + i;
		unsigned start = (unsigned)here[0] << 8 | here[1];
		uint16_t place = needles->starts[start ^ 0xffff];

		if (place != 0) {
			hits += count_here(
				needles, place,
				(struct bytes){ here, memory.len - i },
				encoding);
		}
	}
	return hits;
}

size_t needle_reveal(const struct needles *needles, size_t index,
		     uint8_t out[static NEEDLE_MAX])
{
	const struct needle *needle = &needles->list[index];

	invariant(index < needles->count);
	for (size_t i = 0; i < needle->len; i++)
		out[i] = (uint8_t)~needle->inverted[i];
	return needle->len;
}
