/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/channel.h"

enum err mailbox_open(struct mailbox *box)
{
	uint8_t *bytes = malloc(MAILBOX_BYTES);

	if (bytes == NULL)
		return ERR_UNAVAILABLE;
	*box = (struct mailbox){ .channel = -1, .bytes = bytes };
	return ERR_OK;
}

void mailbox_close(struct mailbox *box)
{
	free(box->bytes);
	box->bytes = NULL;
}

bool mailbox_has_room(const struct mailbox *box)
{
	return !box->is_whole &&
	       MAILBOX_BYTES - box->len >= LIMIT_MESSAGE_BYTES;
}

bool mailbox_is_worth_a_worker(const struct mailbox *box)
{
	return box->is_whole || !mailbox_has_room(box);
}

enum err mailbox_put(struct mailbox *box, struct bytes data)
{
	if (box->is_whole || data.len > MAILBOX_BYTES - box->len)
		return ERR_TOO_LARGE;
	if (data.len > 0)
		memcpy(box->bytes + box->len, data.data, data.len);
	box->len += data.len;
	return ERR_OK;
}

void mailbox_finish(struct mailbox *box)
{
	box->is_whole = true;
}

void mailbox_attach(struct mailbox *box, int channel,
		    const struct message *begin)
{
	invariant(!box->has_begun);
	box->channel = channel;
	box->begin = *begin;
}

static enum mailbox_state give(const struct mailbox *box,
			       const struct message *message)
{
	if (channel_send(box->channel, message, -1) == ERR_OK)
		return MAILBOX_GIVEN;
	return errno == EAGAIN || errno == EWOULDBLOCK ? MAILBOX_WAITING
						       : MAILBOX_GONE;
}

/* What was given makes room for what comes. */
static void forget_given(struct mailbox *box)
{
	memmove(box->bytes, box->bytes + box->given, box->len - box->given);
	box->len -= box->given;
	box->given = 0;
}

static enum mailbox_state give_data(struct mailbox *box)
{
	while (box->given < box->len) {
		struct message message = { .kind = MESSAGE_DATA };
		enum mailbox_state state;

		message.body.data = box->bytes + box->given;
		message.body.len = box->len - box->given;
		if (message.body.len > LIMIT_MESSAGE_BYTES)
			message.body.len = LIMIT_MESSAGE_BYTES;
		state = give(box, &message);
		if (state != MAILBOX_GIVEN)
			return state;
		box->given += message.body.len;
	}
	return MAILBOX_GIVEN;
}

enum mailbox_state mailbox_flush(struct mailbox *box)
{
	struct message finish = { .kind = MESSAGE_END };
	enum mailbox_state state = MAILBOX_GIVEN;

	if (box->channel < 0)
		return MAILBOX_WAITING;
	if (!box->has_begun)
		state = give(box, &box->begin);
	if (state != MAILBOX_GIVEN)
		return state;
	box->has_begun = true;
	state = give_data(box);
	forget_given(box);
	if (state != MAILBOX_GIVEN || !box->is_whole || box->has_ended)
		return state;
	state = give(box, &finish);
	box->has_ended = state == MAILBOX_GIVEN;
	return state;
}
