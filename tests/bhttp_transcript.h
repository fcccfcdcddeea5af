/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bhttp_transcript: all that a Binary HTTP parser said about a message, as
 * bytes that can be compared.  For unit tests and the fuzzer.
 */
#ifndef TESTS_BHTTP_TRANSCRIPT_H
#define TESTS_BHTTP_TRANSCRIPT_H

#include <stdlib.h>
#include <string.h>

#include "wire/bhttp.h"

#define TRANSCRIPT_MAX (1u << 16)

struct bhttp_transcript {
	enum err result; /* of the parse and of bhttp_finish() */
	size_t events_len;
	size_t content_len;
	size_t trailers;
	size_t fields;
	uint8_t events[TRANSCRIPT_MAX]; /* kinds and their texts, in order */
	uint8_t content[TRANSCRIPT_MAX];
};

static inline void transcript_note(struct bhttp_transcript *transcript,
				   struct bytes text)
{
	uint32_t len = (uint32_t)text.len;
	size_t room = TRANSCRIPT_MAX - transcript->events_len;

	invariant(text.len + sizeof(len) <= room);
	memcpy(transcript->events + transcript->events_len, &len, sizeof(len));
	transcript->events_len += sizeof(len);
	if (text.len > 0)
		memcpy(transcript->events + transcript->events_len, text.data,
		       text.len);
	transcript->events_len += text.len;
}

static inline void transcript_add(struct bhttp_transcript *transcript,
				  const struct bhttp_event *event)
{
	uint8_t mark[3] = { (uint8_t)event->kind, (uint8_t)event->status,
			    (uint8_t)(event->status >> 8) };

	if (event->kind == BHTTP_EVENT_CONTENT) {
		invariant(event->content.len > 0);
		invariant(event->content.len <=
			  TRANSCRIPT_MAX - transcript->content_len);
		memcpy(transcript->content + transcript->content_len,
		       event->content.data, event->content.len);
		transcript->content_len += event->content.len;
		return;
	}
	transcript_note(transcript, BYTES_ARRAY(mark));
	if (event->kind == BHTTP_EVENT_REQUEST) {
		transcript_note(transcript, event->control.method);
		transcript_note(transcript, event->control.scheme);
		transcript_note(transcript, event->control.authority);
		transcript_note(transcript, event->control.path);
	}
	if (event->kind == BHTTP_EVENT_FIELD ||
	    event->kind == BHTTP_EVENT_TRAILER) {
		transcript_note(transcript, event->field.name);
		transcript_note(transcript, event->field.value);
	}
	transcript->fields += event->kind == BHTTP_EVENT_FIELD;
	transcript->trailers += event->kind == BHTTP_EVENT_TRAILER;
}

/* Feed one piece, from memory of just its size that is gone afterwards. */
static inline enum err transcript_feed(struct bhttp_transcript *transcript,
				       struct bhttp *parser, struct bytes piece)
{
	uint8_t *copy = malloc(piece.len);
	struct bytes in = { copy, piece.len };
	struct bhttp_event event = { .kind = BHTTP_EVENT_MORE };
	enum err err;

	if (piece.len > 0)
		memcpy(copy, piece.data, piece.len);
	do {
		err = bhttp_next(parser, &in, &event);
		if (err == ERR_OK && event.kind != BHTTP_EVENT_MORE)
			transcript_add(transcript, &event);
	} while (err == ERR_OK && event.kind != BHTTP_EVENT_MORE);
	invariant(err != ERR_OK || in.len == 0);
	free(copy);
	return err;
}

struct transcript_input {
	enum bhttp_message message;
	struct bhttp_limits limits;
	struct bytes bytes;
	size_t first; /* length of the first piece, at most all */
	size_t piece; /* of each piece after that; 0 for all the rest */
};

/* Parse a message in pieces. */
static inline void transcript_of(struct transcript_input input,
				 struct bhttp_transcript *transcript)
{
	uint8_t *scratch = malloc(input.limits.field_bytes);
	struct writer memory = { scratch, 0, input.limits.field_bytes };
	struct bhttp parser;
	size_t len = input.first;

	memset(transcript, 0, offsetof(struct bhttp_transcript, events));
	bhttp_init(&parser, input.message, &input.limits, memory);
	while (transcript->result == ERR_OK && input.bytes.len > 0) {
		struct bytes piece = { input.bytes.data, len };

		transcript->result =
			transcript_feed(transcript, &parser, piece);
		input.bytes.data += len;
		input.bytes.len -= len;
		len = input.piece == 0 || input.piece > input.bytes.len
			      ? input.bytes.len
			      : input.piece;
	}
	if (transcript->result == ERR_OK)
		transcript->result = bhttp_finish(&parser);
	free(scratch);
}

static inline bool transcript_equal(const struct bhttp_transcript *a,
				    const struct bhttp_transcript *b)
{
	struct bytes a_events = { a->events, a->events_len };
	struct bytes b_events = { b->events, b->events_len };
	struct bytes a_content = { a->content, a->content_len };
	struct bytes b_content = { b->content, b->content_len };

	return a->result == b->result && bytes_equal(a_events, b_events) &&
	       bytes_equal(a_content, b_content);
}

#endif
