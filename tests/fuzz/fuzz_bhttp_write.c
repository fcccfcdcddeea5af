/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writer accepts, the parser reads back as it was.
 *
 *     form | status | texts, each {length, bytes}, the last is all the rest
 */
#include <string.h>

#include "tests/bhttp_transcript.h"
#include "wire/bhttp_write.h"

static const struct bhttp_limits limits = {
	.field_bytes = 1024,
	.fields = 2,
	.content = 1024,
};

enum form {
	FORM_REQUEST,
	FORM_RESPONSE,
	FORM_REQUEST_CHUNKS,
	FORM_RESPONSE_CHUNKS,
	FORMS,
};

struct message {
	enum form form;
	uint16_t status;
	struct bhttp_control control;
	struct bhttp_field lines[2];
	struct bytes content;
};

static struct bytes take_text(struct bytes *in)
{
	struct bytes text = { in->data, 0 };
	uint8_t len;

	if (bytes_take_u8(in, &len) == ERR_OK &&
	    bytes_take(in, len % 32, &text) != ERR_OK)
		text = (struct bytes){ in->data, 0 };
	return text;
}

static enum err put_chunks(struct writer *out, struct bytes content)
{
	struct bytes half = { content.data, content.len / 2 };
	struct bytes rest = { content.data, content.len - half.len };

	if (content.len > 0)
		rest.data += half.len;
	TRY(bhttp_write_content(out, half));
	TRY(bhttp_write_content(out, rest));
	return bhttp_write_end(out);
}

static enum err put_message(struct writer *out, const struct message *message)
{
	struct bhttp_write_fields fields = { message->lines, 2 };

	switch (message->form) {
	case FORM_REQUEST:
		return bhttp_write_request(out, &message->control, fields,
					   message->content);
	case FORM_RESPONSE:
		return bhttp_write_response(out, message->status, fields,
					    message->content);
	case FORM_REQUEST_CHUNKS:
		TRY(bhttp_write_request_head(out, &message->control, fields));
		return put_chunks(out, message->content);
	case FORM_RESPONSE_CHUNKS:
	case FORMS:
	default:
		TRY(bhttp_write_response_head(out, message->status, fields));
		return put_chunks(out, message->content);
	}
}

/* The transcript that the message should have. */
static void expect(const struct message *message,
		   struct bhttp_transcript *transcript)
{
	bool is_request = message->form == FORM_REQUEST ||
			  message->form == FORM_REQUEST_CHUNKS;
	struct bhttp_event event = {
		.kind = is_request ? BHTTP_EVENT_REQUEST : BHTTP_EVENT_RESPONSE,
		.status = is_request ? 0 : message->status,
		.control = message->control,
	};

	memset(transcript, 0, offsetof(struct bhttp_transcript, events));
	transcript_add(transcript, &event);
	for (size_t i = 0; i < 2; i++)
		transcript_add(
			transcript,
			&(struct bhttp_event){ .kind = BHTTP_EVENT_FIELD,
					       .field = message->lines[i] });
	transcript_add(transcript,
		       &(struct bhttp_event){ .kind = BHTTP_EVENT_HEAD_END });
	if (message->content.len > 0)
		transcript_add(
			transcript,
			&(struct bhttp_event){ .kind = BHTTP_EVENT_CONTENT,
					       .content = message->content });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct bhttp_transcript wanted;
	static struct bhttp_transcript read;
	static uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bytes in = { data, len };
	struct message message = { .form = FORM_REQUEST };
	uint8_t form;

	if (bytes_take_u8(&in, &form) != ERR_OK ||
	    bytes_take_u16(&in, &message.status) != ERR_OK)
		return 0;
	message.form = (enum form)(form % FORMS);
	message.control.method = take_text(&in);
	message.control.scheme = take_text(&in);
	message.control.authority = take_text(&in);
	message.control.path = take_text(&in);
	for (size_t i = 0; i < 2; i++) {
		message.lines[i].name = take_text(&in);
		message.lines[i].value = take_text(&in);
	}
	message.content = in;
	if (message.content.len > limits.content)
		return 0;
	if (put_message(&out, &message) != ERR_OK)
		return 0;

	invariant(bhttp_write_padding(&out, out.len + form / 8) == ERR_OK);
	expect(&message, &wanted);
	transcript_of(
		(struct transcript_input){
			.message = message.form % 2 == 0
					   ? BHTTP_MESSAGE_REQUEST
					   : BHTTP_MESSAGE_RESPONSE,
			.limits = limits,
			.bytes = bytes_written(&out),
			.first = out.len },
		&read);
	invariant(transcript_equal(&wanted, &read));
	return 0;
}
