/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bhttp_write.h"

#include <string.h>

#include "wire/field.h"
#include "wire/varint.h"

/* RFC 9292, section 3.3. */
enum framing {
	FRAMING_KNOWN_REQUEST,
	FRAMING_KNOWN_RESPONSE,
	FRAMING_REQUEST,
	FRAMING_RESPONSE,
};

/*
 * Each exported function writes through a copy of the writer and takes over
 * its length at the end, so that an error half way leaves nothing behind.
 */
static enum err put_text(struct writer *out, struct bytes text)
{
	TRY(varint_put(out, text.len));
	return bytes_put(out, text);
}

/* CONNECT, which has no path, is not something this program asks for. */
static enum err put_control(struct writer *out, enum framing framing,
			    const struct bhttp_control *control)
{
	if (!field_method_is_valid(control->method) ||
	    !field_scheme_is_valid(control->scheme) ||
	    !field_authority_is_valid(control->authority) ||
	    !field_path_is_valid(control->path))
		return ERR_MALFORMED;
	TRY(varint_put(out, framing));
	TRY(put_text(out, control->method));
	TRY(put_text(out, control->scheme));
	TRY(put_text(out, control->authority));
	return put_text(out, control->path);
}

static enum err put_status(struct writer *out, enum framing framing,
			   uint16_t status)
{
	if (status < 200 || status > 599)
		return ERR_MALFORMED;
	TRY(varint_put(out, framing));
	return varint_put(out, status);
}

static enum err put_lines(struct writer *out, struct bhttp_write_fields fields)
{
	for (size_t i = 0; i < fields.count; i++) {
		if (!field_name_is_valid(fields.lines[i].name) ||
		    !field_value_is_valid(fields.lines[i].value))
			return ERR_MALFORMED;
		TRY(put_text(out, fields.lines[i].name));
		TRY(put_text(out, fields.lines[i].value));
	}
	return ERR_OK;
}

static uint64_t text_size(struct bytes text)
{
	return varint_size(text.len) + text.len;
}

/* A known section says its length first, so it is measured first. */
static enum err put_known_fields(struct writer *out,
				 struct bhttp_write_fields fields)
{
	uint64_t size = 0;

	for (size_t i = 0; i < fields.count; i++)
		size += text_size(fields.lines[i].name) +
			text_size(fields.lines[i].value);
	TRY(varint_put(out, size));
	return put_lines(out, fields);
}

/* Fields, content and the length of no trailers. */
static enum err put_known_rest(struct writer *out,
			       struct bhttp_write_fields fields,
			       struct bytes content)
{
	TRY(put_known_fields(out, fields));
	TRY(put_text(out, content));
	return varint_put(out, 0);
}

enum err bhttp_write_request(struct writer *out,
			     const struct bhttp_control *control,
			     struct bhttp_write_fields fields,
			     struct bytes content)
{
	struct writer trial = *out;

	TRY(put_control(&trial, FRAMING_KNOWN_REQUEST, control));
	TRY(put_known_rest(&trial, fields, content));
	*out = trial;
	return ERR_OK;
}

enum err bhttp_write_response(struct writer *out, uint16_t status,
			      struct bhttp_write_fields fields,
			      struct bytes content)
{
	struct writer trial = *out;

	TRY(put_status(&trial, FRAMING_KNOWN_RESPONSE, status));
	TRY(put_known_rest(&trial, fields, content));
	*out = trial;
	return ERR_OK;
}

enum err bhttp_write_request_head(struct writer *out,
				  const struct bhttp_control *control,
				  struct bhttp_write_fields fields)
{
	struct writer trial = *out;

	TRY(put_control(&trial, FRAMING_REQUEST, control));
	TRY(put_lines(&trial, fields));
	TRY(varint_put(&trial, 0));
	*out = trial;
	return ERR_OK;
}

enum err bhttp_write_response_head(struct writer *out, uint16_t status,
				   struct bhttp_write_fields fields)
{
	struct writer trial = *out;

	TRY(put_status(&trial, FRAMING_RESPONSE, status));
	TRY(put_lines(&trial, fields));
	TRY(varint_put(&trial, 0));
	*out = trial;
	return ERR_OK;
}

enum err bhttp_write_content(struct writer *out, struct bytes content)
{
	struct writer trial = *out;

	if (content.len == 0)
		return ERR_OK;
	TRY(put_text(&trial, content));
	*out = trial;
	return ERR_OK;
}

size_t bhttp_write_content_size(size_t content_len)
{
	return content_len == 0 ? 0 : varint_size(content_len) + content_len;
}

size_t bhttp_write_content_fit(size_t size)
{
	/* A size just beyond a length's range is reached by a longer length. */
	for (size_t prefix = 1; prefix < size; prefix *= 2)
		if (varint_size(size - prefix) <= prefix)
			return size - prefix;
	return 0;
}

enum err bhttp_write_content_fill(struct writer *out, struct bytes content,
				  size_t size)
{
	struct writer trial = *out;

	if (content.len == 0 || content.len != bhttp_write_content_fit(size))
		return ERR_MALFORMED;
	TRY(varint_put_in(&trial, content.len, size - content.len));
	TRY(bytes_put(&trial, content));
	*out = trial;
	return ERR_OK;
}

enum err bhttp_write_trailers(struct writer *out,
			      struct bhttp_write_fields trailers)
{
	struct writer trial = *out;

	TRY(varint_put(&trial, 0)); /* of content */
	TRY(put_lines(&trial, trailers));
	TRY(varint_put(&trial, 0));
	*out = trial;
	return ERR_OK;
}

enum err bhttp_write_end(struct writer *out)
{
	return bhttp_write_trailers(out,
				    (struct bhttp_write_fields){ NULL, 0 });
}

enum err bhttp_write_padding(struct writer *out, size_t size)
{
	if (size < out->len || size > out->max)
		return ERR_TOO_LARGE;
	memset(out->data + out->len, 0, size - out->len);
	out->len = size;
	return ERR_OK;
}
