/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/charsmap.h"

#include <stdlib.h>
#include <string.h>

#include "inference/unicode.h"

#define LABEL_MASK 0x800000ffu /* a value's top bit fits no byte */
#define ENDS_MASK 0x100u
#define FAR_MASK 0x200u
#define OFFSET_SHIFT 10
#define VALUE_MASK 0x7fffffffu
/*
 * Prefixes may share what follows them, which makes a small file stand for a
 * great many texts.  Real maps visit each unit less than twice.
 */
#define VISITS_A_UNIT 16

static size_t offset_of(uint32_t unit)
{
	return (size_t)(unit >> OFFSET_SHIFT) << ((unit & FAR_MASK) ? 8 : 0);
}

/* One byte on from the node whose children start at *base, which becomes that
 * of the child.  False where there is none. */
static bool step(const struct charsmap *map, size_t *base, uint8_t byte,
		 uint32_t *unit)
{
	size_t at = *base ^ byte;

	if (at >= map->count || (map->units[at] & LABEL_MASK) != byte)
		return false;
	*unit = map->units[at];
	*base = at ^ offset_of(*unit);
	return true;
}

/* The text of the value at `base`: as far as its zero byte. */
static enum err read_text(const struct charsmap *map, size_t base,
			  struct bytes *out)
{
	const uint8_t *start, *end;
	size_t at, most;

	if (base >= map->count)
		return ERR_MALFORMED;
	at = map->units[base] & VALUE_MASK;
	if (at >= map->texts.len)
		return ERR_MALFORMED;
	start = map->texts.data + at;
	most = map->texts.len - at;
	if (most > CHARSMAP_TEXT_MAX)
		most = CHARSMAP_TEXT_MAX + 1;
	end = memchr(start, 0, most);
	if (end == NULL)
		return most > CHARSMAP_TEXT_MAX ? ERR_UNSUPPORTED
						: ERR_MALFORMED;
	*out = (struct bytes){ start, (size_t)(end - start) };
	return ERR_OK;
}

struct charsmap_match charsmap_find(const struct charsmap *map,
				    struct bytes text)
{
	struct charsmap_match found = { 0 };
	size_t base, value = 0;
	uint32_t unit;

	if (map->count == 0)
		return found;
	base = offset_of(map->units[0]);
	for (size_t i = 0; i < text.len && i < CHARSMAP_KEY_MAX; i++) {
		if (text.data[i] == 0 || !step(map, &base, text.data[i], &unit))
			break;
		if (unit & ENDS_MASK) {
			found.len = i + 1;
			value = base;
		}
	}
	if (found.len > 0) {
		enum err err = read_text(map, value, &found.replacement);

		invariant(err == ERR_OK); /* see check_text() */
	}
	return found;
}

/* A walk over every prefix: the bytes so far, and where the children of each
 * of them start. */
struct walk {
	size_t bases[CHARSMAP_KEY_MAX + 1];
	unsigned int bytes[CHARSMAP_KEY_MAX + 1]; /* tried last; 0 for none */
	size_t depth;
	size_t visits_left;
};

/* To the next prefix, in the order of the bytes; false after the last. */
static enum err advance(const struct charsmap *map, struct walk *walk,
			uint32_t *unit)
{
	while (++walk->bytes[walk->depth] < 0x100) {
		size_t base = walk->bases[walk->depth];

		if (!step(map, &base, (uint8_t)walk->bytes[walk->depth], unit))
			continue;
		if (walk->depth == CHARSMAP_KEY_MAX)
			return ERR_UNSUPPORTED;
		if (walk->visits_left-- == 0)
			return ERR_MALFORMED;
		walk->bases[++walk->depth] = base;
		walk->bytes[walk->depth] = 0;
		return ERR_OK;
	}
	*unit = 0;
	return ERR_OK;
}

enum err charsmap_each(const struct charsmap *map,
		       enum err (*see)(void *context, size_t len,
				       struct bytes replacement),
		       void *context)
{
	struct walk walk = { .visits_left = map->count * VISITS_A_UNIT };
	uint32_t unit;

	if (map->count == 0)
		return ERR_OK;
	walk.bases[0] = offset_of(map->units[0]);
	for (;;) {
		struct bytes text;

		TRY(advance(map, &walk, &unit));
		if (unit == 0 && walk.depth == 0)
			return ERR_OK;
		if (unit == 0) {
			walk.depth--;
			continue;
		}
		if ((unit & ENDS_MASK) == 0)
			continue;
		TRY(read_text(map, walk.bases[walk.depth], &text));
		TRY(see(context, walk.depth, text));
	}
}

/* What is rewritten becomes text again, which all that follows relies on. */
static enum err check_text(void *context, size_t len, struct bytes text)
{
	uint32_t code;

	(void)context;
	(void)len;
	while (text.len > 0)
		if (unicode_take(&text, &code) != ERR_OK)
			return ERR_MALFORMED;
	return ERR_OK;
}

/* Copies, because the file may be gone when a text is rewritten. */
static enum err copy_file(struct bytes file, struct charsmap *out)
{
	uint32_t unit_bytes;
	struct bytes units;
	uint8_t *texts;

	TRY(bytes_take_u32_le(&file, &unit_bytes));
	TRY(bytes_take(&file, unit_bytes, &units));
	if (units.len == 0 || units.len % sizeof(uint32_t) != 0)
		return ERR_MALFORMED;
	out->count = units.len / sizeof(uint32_t);
	out->units = calloc(out->count, sizeof(uint32_t));
	texts = calloc(file.len + 1, 1);
	out->texts = (struct bytes){ texts, file.len };
	if (out->units == NULL || texts == NULL)
		return ERR_UNAVAILABLE;
	if (file.len > 0)
		memcpy(texts, file.data, file.len);
	for (size_t i = 0; i < out->count; i++)
		TRY(bytes_take_u32_le(&units, &out->units[i]));
	return ERR_OK;
}

enum err charsmap_open(struct bytes file, struct charsmap *out)
{
	struct charsmap made = { 0 };
	enum err err = ERR_OK;

	if (file.len > 0)
		err = copy_file(file, &made);
	if (err == ERR_OK)
		err = charsmap_each(&made, check_text, NULL);
	if (err != ERR_OK) {
		charsmap_close(&made);
		return err == ERR_TRUNCATED ? ERR_MALFORMED : err;
	}
	*out = made;
	return ERR_OK;
}

void charsmap_close(struct charsmap *map)
{
	free(map->units);
	free((void *)(uintptr_t)map->texts.data);
	*map = (struct charsmap){ 0 };
}
