/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bhttp.h"

#include <string.h>

#include "wire/field.h"
#include "wire/varint.h"

/*
 * What the parser waits for.  Each step wants one thing, a number, a text, a
 * piece of content or padding; having it leads to the next step, and at some
 * steps to an event.
 */
enum step {
	STEP_FRAMING,
	STEP_CONTROL_LENGTH,
	STEP_CONTROL,
	STEP_STATUS,
	STEP_SECTION_LENGTH,
	STEP_NAME_LENGTH,
	STEP_NAME,
	STEP_VALUE_LENGTH,
	STEP_VALUE,
	STEP_SECTION_END, /* wants nothing: gives the event and goes on */
	STEP_CONTENT_LENGTH,
	STEP_CONTENT,
	STEP_PADDING,
};

enum section {
	SECTION_INFORMATIONAL,
	SECTION_HEADER,
	SECTION_TRAILER,
};

enum part {
	PART_METHOD,
	PART_SCHEME,
	PART_AUTHORITY,
	PART_PATH,
};

enum line_part {
	PART_NAME,
	PART_VALUE,
};

/* RFC 9292, section 3.3: bit 0 says response, bit 1 indeterminate length. */
#define FRAMING_RESPONSE 1u
#define FRAMING_INDETERMINATE 2u
#define FRAMING_MAX 3u

void bhttp_init(struct bhttp *parser, enum bhttp_message message,
		const struct bhttp_limits *limits, struct writer scratch)
{
	invariant(scratch.max >= limits->field_bytes);
	*parser = (struct bhttp){
		.message = message,
		.left = *limits,
		.scratch = scratch,
		.step = STEP_FRAMING,
	};
}

/* Known-length messages count their sections; the others end them by zero. */
static bool is_known_length(const struct bhttp *parser)
{
	return (parser->framing & FRAMING_INDETERMINATE) == 0;
}

/* One text of those collected in scratch, which lie end to end. */
static struct bytes part(const struct bhttp *parser, unsigned int index)
{
	size_t start = index == 0 ? 0 : parser->ends[index - 1];

	return (struct bytes){ parser->scratch.data + start,
			       parser->ends[index] - start };
}

/*
 * A text that would not fit is refused by its length alone, before a byte of
 * it is kept; this is also what makes len fit in a size_t.
 */
static enum err begin_text(struct bhttp *parser, uint64_t len, enum step step)
{
	if (len > parser->left.field_bytes)
		return ERR_TOO_LARGE;
	parser->left.field_bytes -= (size_t)len;
	parser->wanted = len;
	parser->step = step;
	return ERR_OK;
}

static void begin_section(struct bhttp *parser, enum section section)
{
	parser->section = section;
	parser->items = 0;
	parser->step = is_known_length(parser) ? STEP_SECTION_LENGTH
					       : STEP_NAME_LENGTH;
}

/* Known length: one length and the content.  Else chunks up to a zero. */
static void begin_content(struct bhttp *parser)
{
	parser->items = 0;
	parser->step = STEP_CONTENT_LENGTH;
}

static enum err on_framing(struct bhttp *parser, uint64_t value)
{
	bool is_response = (value & FRAMING_RESPONSE) != 0;

	if (value > FRAMING_MAX ||
	    is_response != (parser->message == BHTTP_MESSAGE_RESPONSE))
		return ERR_MALFORMED;
	parser->framing = (unsigned int)value;
	parser->step = is_response ? STEP_STATUS : STEP_CONTROL_LENGTH;
	return ERR_OK;
}

/* Empty values cost no bytes, so lines are counted as well. */
static enum err take_one_item(struct bhttp *parser)
{
	if (parser->left.fields == 0)
		return ERR_TOO_LARGE;
	parser->left.fields--;
	return ERR_OK;
}

static enum err on_status(struct bhttp *parser, uint64_t value,
			  struct bhttp_event *event)
{
	if (value < 100 || value > 599)
		return ERR_MALFORMED;
	if (value < 200) {
		/* Else a peer could send them without end. */
		TRY(take_one_item(parser));
		event->kind = BHTTP_EVENT_INFORMATIONAL;
		begin_section(parser, SECTION_INFORMATIONAL);
	} else {
		event->kind = BHTTP_EVENT_RESPONSE;
		begin_section(parser, SECTION_HEADER);
	}
	event->status = (uint16_t)value;
	return ERR_OK;
}

/* Count off bytes of a section that said how long it is. */
static enum err spend_section(struct bhttp *parser, uint64_t len)
{
	if (!is_known_length(parser))
		return ERR_OK;
	if (len > parser->section_left)
		return ERR_MALFORMED;
	parser->section_left -= len;
	return ERR_OK;
}

static enum err on_name_length(struct bhttp *parser, uint64_t value)
{
	TRY(spend_section(parser, parser->number_len));
	TRY(spend_section(parser, value));
	if (value == 0) {
		if (is_known_length(parser))
			return ERR_MALFORMED;
		parser->step = STEP_SECTION_END;
		return ERR_OK;
	}
	TRY(take_one_item(parser));
	parser->items++;
	parser->part = PART_NAME;
	parser->scratch.len = 0;
	return begin_text(parser, value, STEP_NAME);
}

static enum err on_value_length(struct bhttp *parser, uint64_t value)
{
	TRY(spend_section(parser, parser->number_len));
	TRY(spend_section(parser, value));
	return begin_text(parser, value, STEP_VALUE);
}

/* Zero ends the chunks, and is all there is of empty content. */
static enum err on_content_length(struct bhttp *parser, uint64_t value)
{
	if (value > parser->left.content)
		return ERR_TOO_LARGE;
	if (value == 0) {
		begin_section(parser, SECTION_TRAILER);
		return ERR_OK;
	}
	parser->left.content -= value;
	parser->items++;
	parser->wanted = value;
	parser->step = STEP_CONTENT;
	return ERR_OK;
}

static enum err on_number(struct bhttp *parser, uint64_t value,
			  struct bhttp_event *event)
{
	switch (parser->step) {
	case STEP_FRAMING:
		return on_framing(parser, value);
	case STEP_CONTROL_LENGTH:
		return begin_text(parser, value, STEP_CONTROL);
	case STEP_STATUS:
		return on_status(parser, value, event);
	case STEP_SECTION_LENGTH:
		parser->section_left = value;
		parser->step = value == 0 ? STEP_SECTION_END : STEP_NAME_LENGTH;
		return ERR_OK;
	case STEP_NAME_LENGTH:
		return on_name_length(parser, value);
	case STEP_VALUE_LENGTH:
		return on_value_length(parser, value);
	default:
		invariant(parser->step == STEP_CONTENT_LENGTH);
		return on_content_length(parser, value);
	}
}

/* RFC 9113, sections 8.3.1 and 8.5: CONNECT has neither scheme nor path. */
static bool control_is_valid(const struct bhttp_control *control)
{
	if (!field_method_is_valid(control->method) ||
	    !field_authority_is_valid(control->authority))
		return false;
	if (bytes_equal(control->method, BYTES_LITERAL("CONNECT")))
		return control->scheme.len == 0 && control->path.len == 0 &&
		       control->authority.len > 0;
	return field_scheme_is_valid(control->scheme) &&
	       field_path_is_valid(control->path);
}

static enum err on_control(struct bhttp *parser, struct bhttp_event *event)
{
	struct bhttp_control control;

	parser->ends[parser->part] = parser->scratch.len;
	if (parser->part != PART_PATH) {
		parser->part++;
		parser->step = STEP_CONTROL_LENGTH;
		return ERR_OK;
	}

	control = (struct bhttp_control){
		.method = part(parser, PART_METHOD),
		.scheme = part(parser, PART_SCHEME),
		.authority = part(parser, PART_AUTHORITY),
		.path = part(parser, PART_PATH),
	};
	if (!control_is_valid(&control))
		return ERR_MALFORMED;
	event->kind = BHTTP_EVENT_REQUEST;
	event->control = control;
	begin_section(parser, SECTION_HEADER);
	return ERR_OK;
}

/* Checked before the value comes, so that a bad name is refused early. */
static enum err on_name(struct bhttp *parser)
{
	parser->ends[PART_NAME] = parser->scratch.len;
	parser->part = PART_VALUE;
	parser->step = STEP_VALUE_LENGTH;
	return field_name_is_valid(part(parser, PART_NAME)) ? ERR_OK
							    : ERR_MALFORMED;
}

static enum err on_value(struct bhttp *parser, struct bhttp_event *event)
{
	parser->ends[PART_VALUE] = parser->scratch.len;
	if (!field_value_is_valid(part(parser, PART_VALUE)))
		return ERR_MALFORMED;

	event->kind = parser->section == SECTION_TRAILER ? BHTTP_EVENT_TRAILER
							 : BHTTP_EVENT_FIELD;
	event->field.name = part(parser, PART_NAME);
	event->field.value = part(parser, PART_VALUE);
	parser->step = STEP_NAME_LENGTH;
	if (is_known_length(parser) && parser->section_left == 0)
		parser->step = STEP_SECTION_END;
	return ERR_OK;
}

static enum err on_text(struct bhttp *parser, struct bhttp_event *event)
{
	switch (parser->step) {
	case STEP_CONTROL:
		return on_control(parser, event);
	case STEP_NAME:
		return on_name(parser);
	default:
		invariant(parser->step == STEP_VALUE);
		return on_value(parser, event);
	}
}

static void on_section_end(struct bhttp *parser, struct bhttp_event *event)
{
	switch (parser->section) {
	case SECTION_INFORMATIONAL:
		parser->step = STEP_STATUS;
		return;
	case SECTION_HEADER:
		event->kind = BHTTP_EVENT_HEAD_END;
		begin_content(parser);
		return;
	default:
		parser->step = STEP_PADDING;
		return;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct bytes take_at_most(struct bytes *in, uint64_t len)
{
	struct bytes taken = { in->data, 0 };

	/* Never more than there is, so this cannot fail. */
	enum err err = bytes_take(in, (size_t)least(len, in->len), &taken);
	invariant(err == ERR_OK);
	return taken;
}

/* Collect a varint; ERR_TRUNCATED asks for more input. */
static enum err take_number(struct bhttp *parser, struct bytes *in,
			    uint64_t *value)
{
	while (in->len > 0) {
		struct bytes collected = { parser->number, 0 };

		parser->number[parser->number_len++] = in->data[0];
		in->data++;
		in->len--;
		collected.len = parser->number_len;
		if (varint_take(&collected, value) == ERR_OK)
			return ERR_OK;
	}
	return ERR_TRUNCATED;
}

static enum err step_number(struct bhttp *parser, struct bytes *in,
			    struct bhttp_event *event)
{
	uint64_t value;

	TRY(take_number(parser, in, &value));
	TRY(on_number(parser, value, event));
	parser->number_len = 0;
	return ERR_OK;
}

static enum err step_text(struct bhttp *parser, struct bytes *in,
			  struct bhttp_event *event)
{
	struct bytes piece = take_at_most(in, parser->wanted);

	parser->wanted -= piece.len;
	TRY(bytes_put(&parser->scratch, piece));
	return parser->wanted > 0 ? ERR_TRUNCATED : on_text(parser, event);
}

/* Content is not collected: each piece goes out as it comes in. */
static enum err step_content(struct bhttp *parser, struct bytes *in,
			     struct bhttp_event *event)
{
	struct bytes piece = take_at_most(in, parser->wanted);

	if (piece.len == 0)
		return ERR_TRUNCATED;
	event->kind = BHTTP_EVENT_CONTENT;
	event->content = piece;
	parser->wanted -= piece.len;
	if (parser->wanted > 0)
		return ERR_OK;
	if (is_known_length(parser))
		begin_section(parser, SECTION_TRAILER);
	else
		parser->step = STEP_CONTENT_LENGTH;
	return ERR_OK;
}

/* Section 3.8 lets a receiver ignore padding; checked, it hides nothing. */
static enum err step_padding(struct bytes *in)
{
	struct bytes piece = take_at_most(in, in->len);

	for (size_t i = 0; i < piece.len; i++)
		if (piece.data[i] != 0)
			return ERR_MALFORMED;
	return ERR_TRUNCATED;
}

/* Take one thing that the step wants; ERR_TRUNCATED when it is not all here. */
static enum err advance(struct bhttp *parser, struct bytes *in,
			struct bhttp_event *event)
{
	switch (parser->step) {
	case STEP_CONTROL:
	case STEP_NAME:
	case STEP_VALUE:
		return step_text(parser, in, event);
	case STEP_SECTION_END:
		on_section_end(parser, event);
		return ERR_OK;
	case STEP_CONTENT:
		return step_content(parser, in, event);
	case STEP_PADDING:
		return step_padding(in);
	default:
		return step_number(parser, in, event);
	}
}

enum err bhttp_next(struct bhttp *parser, struct bytes *in,
		    struct bhttp_event *event)
{
	struct bhttp_event found = { .kind = BHTTP_EVENT_MORE };

	TRY(parser->failed);
	while (found.kind == BHTTP_EVENT_MORE) {
		enum err err = advance(parser, in, &found);

		if (err == ERR_TRUNCATED)
			break;
		if (err != ERR_OK)
			parser->failed = err;
		TRY(err);
	}
	*event = found;
	return ERR_OK;
}

/* Section 3.8: whether nothing but empty sections can be missing. */
static bool may_end(const struct bhttp *parser)
{
	switch (parser->step) {
	case STEP_SECTION_LENGTH:
	case STEP_SECTION_END:
		return parser->section != SECTION_INFORMATIONAL;
	case STEP_NAME_LENGTH:
		return parser->section == SECTION_TRAILER &&
		       parser->items == 0 && !is_known_length(parser);
	case STEP_CONTENT_LENGTH:
		return parser->items == 0;
	default:
		return parser->step == STEP_PADDING;
	}
}

enum err bhttp_finish(struct bhttp *parser)
{
	TRY(parser->failed);
	if (parser->number_len > 0 || !may_end(parser))
		parser->failed = ERR_TRUNCATED;
	return parser->failed;
}
