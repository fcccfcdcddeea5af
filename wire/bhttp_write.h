/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bhttp_write: writes Binary HTTP messages (RFC 9292); see wire/bhttp.h.
 *
 * A message of known length is one call.  One of indeterminate length is a
 * head, any number of content chunks, and an end.  Nothing is written that
 * wire/bhttp.h would refuse: that is ERR_MALFORMED.
 */
#ifndef WIRE_BHTTP_WRITE_H
#define WIRE_BHTTP_WRITE_H

#include "wire/bhttp.h"

struct bhttp_write_fields {
	const struct bhttp_field *lines;
	size_t count;
};

/* Known length: framing indicators 0 and 1.  status is 200..599. */
MUST_CHECK enum err bhttp_write_request(struct writer *out,
					const struct bhttp_control *control,
					struct bhttp_write_fields fields,
					struct bytes content);
MUST_CHECK enum err bhttp_write_response(struct writer *out, uint16_t status,
					 struct bhttp_write_fields fields,
					 struct bytes content);

/* Indeterminate length: framing indicators 2 and 3. */
MUST_CHECK enum err
bhttp_write_request_head(struct writer *out,
			 const struct bhttp_control *control,
			 struct bhttp_write_fields fields);
MUST_CHECK enum err bhttp_write_response_head(struct writer *out,
					      uint16_t status,
					      struct bhttp_write_fields fields);

/* One chunk; nothing at all for empty content, as no chunk is empty. */
MUST_CHECK enum err bhttp_write_content(struct writer *out,
					struct bytes content);

/* Bytes that bhttp_write_content() writes for so much content. */
size_t bhttp_write_content_size(size_t content_len);

/*
 * For messages whose every piece has a given size: how much content makes a
 * chunk of exactly so many bytes (0 below 2), and that chunk, whose length may
 * stand in a longer form than it needs.  ERR_MALFORMED for any other content.
 */
size_t bhttp_write_content_fit(size_t size);
MUST_CHECK enum err bhttp_write_content_fill(struct writer *out,
					     struct bytes content, size_t size);

/* No more content, and no trailers, or these. */
MUST_CHECK enum err bhttp_write_end(struct writer *out);
MUST_CHECK enum err bhttp_write_trailers(struct writer *out,
					 struct bhttp_write_fields trailers);

/* Zeros until out->len is size; ERR_TOO_LARGE when it is more already. */
MUST_CHECK enum err bhttp_write_padding(struct writer *out, size_t size);

#endif
