/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/stream.h"

#include <string.h>

#include "inference/reserve.h"
#include "inference/unicode.h"

/* A byte that is no character becomes the three of U+FFFD. */
#define GROWTH 3

static size_t raw_max(size_t piece_max)
{
	return UNICODE_UTF8_MAX + piece_max;
}

/* What may be held back, and what a piece may add. */
static size_t held_max(size_t longest_stop, size_t piece_max)
{
	return longest_stop + GROWTH * raw_max(piece_max);
}

size_t stream_memory(size_t stop_count, size_t stop_bytes, size_t piece_max)
{
	return reserve_bytes(stop_count, sizeof(struct bytes)) +
	       stop_count * reserve_bytes(stop_bytes, 1) +
	       reserve_bytes(raw_max(piece_max), 1) +
	       reserve_bytes(held_max(stop_bytes, piece_max), 1);
}

/* Text that ends before a stop must end with a whole character. */
static enum err check_stop(struct bytes stop)
{
	uint32_t code;

	if (stop.len == 0)
		return ERR_MALFORMED;
	while (stop.len > 0)
		if (unicode_take(&stop, &code) != ERR_OK)
			return ERR_MALFORMED;
	return ERR_OK;
}

static enum err copy_stops(struct stream *stream,
			   const struct stream_stops *stops,
			   struct arena *arena)
{
	stream->stops = arena_alloc(arena, stops->count, sizeof(struct bytes));
	if (stream->stops == NULL)
		return ERR_TOO_LARGE;
	stream->stop_count = stops->count;
	for (size_t i = 0; i < stops->count; i++) {
		struct bytes stop = stops->stops[i];
		uint8_t *copy = arena_alloc(arena, stop.len, 1);

		if (copy == NULL)
			return ERR_TOO_LARGE;
		TRY(check_stop(stop));
		memcpy(copy, stop.data, stop.len);
		stream->stops[i] = (struct bytes){ copy, stop.len };
	}
	return ERR_OK;
}

/* An empty writer over memory of the arena. */
static enum err take_room(struct writer *out, size_t max, struct arena *arena)
{
	*out = (struct writer){ arena_alloc(arena, max, 1), 0, max };
	return out->data == NULL ? ERR_TOO_LARGE : ERR_OK;
}

enum err stream_init(struct stream *stream, const struct stream_stops *stops,
		     size_t piece_max, struct arena *arena)
{
	struct stream made = { 0 };
	size_t longest = 0;

	for (size_t i = 0; i < stops->count; i++)
		if (stops->stops[i].len > longest)
			longest = stops->stops[i].len;
	TRY(copy_stops(&made, stops, arena));
	TRY(take_room(&made.raw, raw_max(piece_max), arena));
	TRY(take_room(&made.held, held_max(longest, piece_max), arena));
	*stream = made;
	return ERR_OK;
}

/* Drop bytes from the front of a writer. */
static void drop(struct writer *writer, size_t count)
{
	writer->len -= count;
	memmove(writer->data, writer->data + count, writer->len);
}

/* Move whole characters from raw to held; a started one stays. */
static void move_characters(struct stream *stream)
{
	struct bytes rest = bytes_written(&stream->raw);
	enum err err = ERR_OK;

	while (rest.len > 0 && err == ERR_OK) {
		uint32_t code;

		err = unicode_take(&rest, &code);
		if (err == ERR_TRUNCATED)
			break;
		if (err != ERR_OK)
			code = unicode_take_lossy(&rest);
		err = unicode_put(&stream->held, code);
	}
	invariant(err == ERR_OK || err == ERR_TRUNCATED);
	drop(&stream->raw, stream->raw.len - rest.len);
}

/* Where the first stop string in held starts; its end when there is none. */
static size_t find_stop(const struct stream *stream)
{
	size_t first = stream->held.len;

	for (size_t i = 0; i < stream->stop_count; i++) {
		struct bytes stop = stream->stops[i];
		const uint8_t *at = memmem(stream->held.data, stream->held.len,
					   stop.data, stop.len);

		if (at != NULL && (size_t)(at - stream->held.data) < first)
			first = (size_t)(at - stream->held.data);
	}
	return first;
}

/* The longest end of held that a stop string starts with. */
static size_t started_stop(const struct stream *stream)
{
	const struct writer *held = &stream->held;
	size_t longest = 0;

	for (size_t i = 0; i < stream->stop_count; i++) {
		struct bytes stop = stream->stops[i];
		size_t len =
			stop.len - 1 < held->len ? stop.len - 1 : held->len;

		while (len > longest && memcmp(held->data + held->len - len,
					       stop.data, len) != 0)
			len--;
		if (len > longest)
			longest = len;
	}
	return longest;
}

/* Hand out the front of held; it is dropped at the next call. */
static void give(struct stream *stream, size_t count, struct bytes *text)
{
	stream->given = count;
	*text = (struct bytes){ stream->held.data, count };
}

/* The end: nothing is held back any more, half a character is none. */
static void close_text(struct stream *stream)
{
	enum err err = ERR_OK;

	if (stream->raw.len > 0)
		err = unicode_put(&stream->held, UNICODE_REPLACEMENT);
	invariant(err == ERR_OK);
	stream->raw.len = 0;
}

enum stream_state stream_push(struct stream *stream, struct bytes piece,
			      enum stream_more more, struct bytes *text)
{
	size_t stop;
	enum err err;

	drop(&stream->held, stream->given);
	err = bytes_put(&stream->raw, piece);
	invariant(err == ERR_OK);
	move_characters(stream);
	if (more == STREAM_LAST)
		close_text(stream);
	/* What was held before holds no whole stop, so all of them are in what
	 * is held now. */
	stop = find_stop(stream);
	if (stop < stream->held.len) {
		stream->held.len = stop;
		stream->raw.len = 0;
		give(stream, stop, text);
		return STREAM_STOPPED;
	}
	give(stream, more == STREAM_LAST ? stop : stop - started_stop(stream),
	     text);
	return STREAM_OPEN;
}
