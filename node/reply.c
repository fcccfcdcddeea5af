/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reply.h"

#include <string.h>

#include "base/secret.h"
#include "wire/bhttp_write.h"
#include "wire/sse.h"

static const struct bhttp_field json_fields[] = {
	{ BYTES_LITERAL("content-type"), BYTES_LITERAL("application/json") },
};
static const struct bhttp_field event_fields[] = {
	{ BYTES_LITERAL("content-type"), BYTES_LITERAL("text/event-stream") },
};

size_t reply_memory(enum ohttp_form form, size_t answer_bytes_max)
{
	size_t frames = 2 * (REPLY_FRAME_MAX + ARENA_ALIGNMENT);

	if (form == OHTTP_CHUNKED)
		return frames;
	/* The message with its padding, and the same sealed. */
	return frames +
	       2 * (2 * answer_bytes_max + REPLY_FRAME_MAX + ARENA_ALIGNMENT);
}

enum err reply_init(struct reply *reply, struct answer *answer,
		    const struct ohttp_exchange *exchange,
		    const uint8_t nonce[static KEYS_RANDOM_BYTES],
		    struct arena *arena)
{
	invariant(reply->policy != NULL);
	reply->answer = answer;
	reply->form = exchange->form;
	TRY(arena_writer(arena, REPLY_FRAME_MAX, &reply->plain));
	TRY(arena_writer(arena, REPLY_FRAME_MAX, &reply->body));
	if (reply->form == OHTTP_UNCHUNKED) {
		size_t most = 2 * answer->size + REPLY_FRAME_MAX;

		TRY(arena_writer(arena, most, &reply->whole));
		TRY(arena_writer(arena, most, &reply->sealed));
	}
	ohttp_sealer_init_response(&reply->sealer, exchange, nonce);
	return ERR_OK;
}

void reply_wipe(struct reply *reply)
{
	ohttp_sealer_wipe(&reply->sealer);
}

static bool is_shaped(const struct reply *reply)
{
	return reply->policy->shape != POLICY_SHAPE_OFF;
}

/* Whether an answer may end with its n-th frame. */
static bool is_a_total(const struct policy *policy, uint64_t n)
{
	for (size_t i = 0; i < policy->total_bucket_count; i++)
		if (policy->total_buckets[i] >= n)
			return policy->total_buckets[i] == n;
	return true; /* longer than all: it ends where it ends */
}

static enum err put_head(const struct answer_view *view, struct writer *out)
{
	struct bhttp_write_fields fields = { json_fields, 1 };

	if (view->body == ANSWER_EVENTS)
		fields.lines = event_fields;
	return bhttp_write_response_head(out, view->status, fields);
}

/* len bytes that mean nothing, where a border between pieces is. */
static enum err put_blank(enum answer_body body, size_t len, struct writer *out)
{
	if (body == ANSWER_EVENTS)
		return sse_put_padding(out, len);
	if (len > out->max - out->len)
		return ERR_TOO_LARGE;
	memset(out->data + out->len, ' ', len);
	out->len += len;
	return ERR_OK;
}

/*
 * Content that fills `room` bytes of the frame to the last one.  A length that
 * takes one byte more than it leaves is stepped round by a chunk of one.
 */
static size_t content_for(size_t room)
{
	size_t content = bhttp_write_content_fit(room);

	if (bhttp_write_content_size(content) + 1 == room)
		content--;
	return content;
}

/* One chunk of `content` bytes: what is waiting, then padding. */
static enum err put_content(struct reply *reply, struct answer_view *view,
			    size_t content)
{
	struct writer *body = &reply->body;
	size_t taken = view->waiting < content ? view->waiting : content;

	body->len = 0;
	TRY(answer_take(reply->answer, taken, body));
	view->waiting -= taken;
	TRY(put_blank(view->body, content - taken, body));
	return bhttp_write_content(&reply->plain, bytes_written(body));
}

static size_t room_left(const struct writer *out)
{
	return out->max - out->len;
}

/* Fill the frame with content and padding, to its last byte. */
static enum err put_full(struct reply *reply, struct answer_view *view)
{
	while (room_left(&reply->plain) >= 2)
		TRY(put_content(reply, view,
				content_for(room_left(&reply->plain))));
	return ERR_OK;
}

/* The rest of the answer and its end; zeros after it where shaped. */
static enum err put_end(struct reply *reply, struct answer_view *view)
{
	if (view->waiting > 0)
		TRY(put_content(reply, view, view->waiting));
	TRY(bhttp_write_end(&reply->plain));
	if (is_shaped(reply))
		TRY(bhttp_write_padding(&reply->plain, reply->plain.max));
	return ERR_OK;
}

static bool can_end(const struct reply *reply, const struct answer_view *view,
		    size_t room)
{
	size_t content = bhttp_write_content_size(view->waiting);

	if (!view->ended || content + BHTTP_WRITE_END_BYTES > room)
		return false;
	return !is_shaped(reply) ||
	       is_a_total(reply->policy, reply->frames + 1);
}

/* The most plaintext of the next frame, if it is of this kind. */
static size_t plain_max(const struct reply *reply, enum ohttp_chunk kind)
{
	size_t frame =
		is_shaped(reply) ? reply->policy->frame_bytes : REPLY_FRAME_MAX;

	if (reply->frames == 0)
		frame -= reply->sealer.prefix_len;
	return ohttp_sealer_plaintext_max(kind, frame);
}

static enum err put_open(struct reply *reply, struct answer_view *view)
{
	size_t content = bhttp_write_content_fit(room_left(&reply->plain));

	if (view->waiting < content)
		content = view->waiting;
	return content == 0 ? ERR_OK : put_content(reply, view, content);
}

static enum err fill_frame(struct reply *reply, struct answer_view *view,
			   enum ohttp_chunk *kind)
{
	size_t head;

	reply->plain.len = 0;
	reply->plain.max = plain_max(reply, OHTTP_CHUNK_FINAL);
	if (reply->frames == 0)
		TRY(put_head(view, &reply->plain));
	head = reply->plain.len;
	if (can_end(reply, view, reply->plain.max - head)) {
		*kind = OHTTP_CHUNK_FINAL;
		return put_end(reply, view);
	}
	*kind = OHTTP_CHUNK_MORE;
	reply->plain.max = plain_max(reply, OHTTP_CHUNK_MORE);
	return is_shaped(reply) ? put_full(reply, view) : put_open(reply, view);
}

static enum err next_chunked(struct reply *reply, struct writer *frame)
{
	bool patient = reply->policy->shape != POLICY_SHAPE_PACED;
	struct answer_view view;
	enum ohttp_chunk kind;

	answer_wait(reply->answer,
		    patient ? ANSWER_WAIT_BYTES : ANSWER_WAIT_BEGUN, &view);
	TRY(fill_frame(reply, &view, &kind));
	if (reply->frames == 0)
		TRY(ohttp_sealer_begin(&reply->sealer, frame));
	TRY(ohttp_sealer_put(&reply->sealer, kind, bytes_written(&reply->plain),
			     frame));
	reply->ended = kind == OHTTP_CHUNK_FINAL;
	return ERR_OK;
}

/* Gather the whole answer; it ends when the computing thread ends it. */
static enum err gather(struct reply *reply)
{
	struct answer_view view;

	answer_wait(reply->answer, ANSWER_WAIT_BEGUN, &view);
	TRY(put_head(&view, &reply->whole));
	do {
		answer_wait(reply->answer, ANSWER_WAIT_BYTES, &view);
		while (view.waiting > 0) {
			size_t piece = view.waiting < reply->body.max
					       ? view.waiting
					       : reply->body.max;

			reply->body.len = 0;
			TRY(answer_take(reply->answer, piece, &reply->body));
			TRY(bhttp_write_content(&reply->whole,
						bytes_written(&reply->body)));
			view.waiting -= piece;
		}
	} while (!view.ended);
	return bhttp_write_end(&reply->whole);
}

/* The least number of whole frames that the policy allows for so much. */
static size_t padded_size(const struct reply *reply, size_t sealed)
{
	size_t frame = reply->policy->frame_bytes;
	size_t frames = (sealed + frame - 1) / frame;

	while (!is_a_total(reply->policy, frames))
		frames++;
	return frames * frame;
}

static enum err seal_whole(struct reply *reply)
{
	size_t around = reply->sealer.prefix_len + OHTTP_CHUNK_TAG;

	TRY(gather(reply));
	if (is_shaped(reply))
		TRY(bhttp_write_padding(
			&reply->whole,
			padded_size(reply, reply->whole.len + around) -
				around));
	TRY(ohttp_sealer_begin(&reply->sealer, &reply->sealed));
	return ohttp_sealer_put(&reply->sealer, OHTTP_CHUNK_FINAL,
				bytes_written(&reply->whole), &reply->sealed);
}

static enum err next_unchunked(struct reply *reply, struct writer *frame)
{
	size_t size =
		is_shaped(reply) ? reply->policy->frame_bytes : REPLY_FRAME_MAX;
	size_t left;

	if (reply->frames == 0)
		TRY(seal_whole(reply));
	left = reply->sealed.len - reply->sent;
	if (size > left)
		size = left;
	TRY(bytes_put(frame, (struct bytes){ reply->sealed.data + reply->sent,
					     size }));
	reply->sent += size;
	reply->ended = reply->sent == reply->sealed.len;
	return ERR_OK;
}

enum err reply_next(struct reply *reply, struct writer *frame, bool *last)
{
	invariant(!reply->ended);
	if (reply->form == OHTTP_CHUNKED)
		TRY(next_chunked(reply, frame));
	else
		TRY(next_unchunked(reply, frame));
	reply->frames++;
	*last = reply->ended;
	return ERR_OK;
}
