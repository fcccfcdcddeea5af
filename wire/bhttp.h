/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bhttp: reads Binary HTTP messages (RFC 9292) as they arrive.
 *
 *   0 | request control  | fields | content | trailers | 00*   known length
 *   1 | response control | fields | content | trailers | 00*
 *   2 , 3                                               indeterminate length
 *
 *   request control   {length, bytes} of method, scheme, authority, path
 *   response control  [1xx status, fields]* final status
 *   known             length, then that many bytes
 *   indeterminate     lines or chunks, none empty, then one zero
 *
 * Every number is a varint.  The parser is fed any split of the message and
 * gives the same events for all of them, but for the places where content is
 * cut.  It is stricter than the RFC in refusing every pseudo-field and every
 * field name that is not lower case.
 *
 * A message may end early where all that is missing is an empty trailer
 * section, or empty content and that (section 3.8); one of known length also
 * before an empty header section, as in RFC 9458, Appendix A.
 */
#ifndef WIRE_BHTTP_H
#define WIRE_BHTTP_H

#include "base/bytes.h"

enum bhttp_message {
	BHTTP_MESSAGE_REQUEST,
	BHTTP_MESSAGE_RESPONSE,
};

/* Method, scheme, authority and path as in HTTP/2 (RFC 9113, 8.3.1). */
struct bhttp_control {
	struct bytes method;
	struct bytes scheme;
	struct bytes authority; /* may be empty */
	struct bytes path;
};

struct bhttp_field {
	struct bytes name; /* a token in lower case */
	struct bytes value;
};

struct bhttp_limits {
	size_t field_bytes; /* control data and all field lines together */
	size_t fields;	    /* field lines and informational responses */
	uint64_t content;   /* bytes */
};

enum bhttp_event_kind {
	BHTTP_EVENT_MORE,	   /* the input is used up: give more */
	BHTTP_EVENT_REQUEST,	   /* control */
	BHTTP_EVENT_INFORMATIONAL, /* status 100..199; its fields follow */
	BHTTP_EVENT_RESPONSE,	   /* status 200..599 */
	BHTTP_EVENT_FIELD,	   /* field, of the head last begun */
	BHTTP_EVENT_HEAD_END,	   /* no more fields of the final head */
	BHTTP_EVENT_CONTENT,	   /* content, never empty */
	BHTTP_EVENT_TRAILER,	   /* field */
};

/*
 * Only what the kind names is set.  content is a view of the bytes just given;
 * all else is a view of the parser's scratch, good until the next call.
 */
struct bhttp_event {
	enum bhttp_event_kind kind;
	uint16_t status;
	struct bhttp_control control;
	struct bhttp_field field;
	struct bytes content;
};

#define BHTTP_PARTS 4 /* of request control data; a field line has two */

/* Fields are private to bhttp.c. */
struct bhttp {
	enum bhttp_message message;
	struct bhttp_limits left; /* of the limits, not yet used up */
	struct writer scratch;	  /* the control data or field line under way */
	unsigned int step;
	unsigned int framing;
	unsigned int section; /* header fields, 1xx fields, or trailers */
	uint8_t number[8];    /* the varint under way */
	size_t number_len;
	size_t part;		  /* which text of the control data or line */
	size_t ends[BHTTP_PARTS]; /* where each text ends in scratch */
	uint64_t wanted;	  /* bytes still to come of a text or content */
	uint64_t section_left;	  /* known length: bytes left of the section */
	uint64_t items;		  /* of this section or content so far */
	enum err failed;
};

/*
 * scratch is the caller's, holds at least limits->field_bytes, and is a secret:
 * the caller wipes it.
 */
void bhttp_init(struct bhttp *parser, enum bhttp_message message,
		const struct bhttp_limits *limits, struct writer scratch);

/*
 * Take from the front of *in up to the next event.  BHTTP_EVENT_MORE is given
 * only with *in empty.  ERR_MALFORMED, or ERR_TOO_LARGE beyond a limit; every
 * later call then fails in the same way.
 */
MUST_CHECK enum err bhttp_next(struct bhttp *parser, struct bytes *in,
			       struct bhttp_event *event);

/*
 * The stream has ended: ERR_TRUNCATED unless the message may end here.  Only
 * after ERR_OK may anything be done about the message.  A head cut before its
 * (empty) section ends has no BHTTP_EVENT_HEAD_END.
 */
MUST_CHECK enum err bhttp_finish(struct bhttp *parser);

#endif
