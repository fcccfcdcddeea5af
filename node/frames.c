/* SPDX-License-Identifier: Apache-2.0 */
#include "node/frames.h"

#include <string.h>

#include "base/secret.h"
#include "wire/bhttp_write.h"
#include "wire/receipt.h"
#include "wire/sse.h"

static const struct bhttp_field json_fields[] = {
	{ BYTES_LITERAL("content-type"), BYTES_LITERAL("application/json") },
};
static const struct bhttp_field event_fields[] = {
	{ BYTES_LITERAL("content-type"), BYTES_LITERAL("text/event-stream") },
};

/* End of content, one trailer, end of trailers. */
#define END_MAX (RECEIPT_FIELD_VALUE_MAX + 64)

/* Whether an answer may end with its n-th frame. */
static bool is_a_total(const struct policy *policy, uint64_t n)
{
	for (size_t i = 0; i < policy->total_bucket_count; i++)
		if (policy->total_buckets[i] >= n)
			return policy->total_buckets[i] == n;
	return true; /* longer than all: it ends where it ends */
}

/* The least size of a sealed answer that the policy allows for so much. */
static size_t padded_size(const struct policy *policy, size_t sealed)
{
	size_t frame = policy->frame_bytes;
	size_t count = (sealed + frame - 1) / frame;

	while (!is_a_total(policy, count))
		count++;
	return count * frame;
}

/*
 * The most of an unchunked answer: its ring holds the longest in one piece, and
 * joined into events it takes less than twice that; then its padding.
 */
static size_t whole_max(const struct policy *policy, size_t ring_bytes)
{
	return padded_size(policy, 2 * ring_bytes + FRAMES_BYTES_MAX);
}

size_t frames_memory(const struct policy *policy, size_t ring_bytes)
{
	return END_MAX + ARENA_ALIGNMENT +
	       2 * (FRAMES_BYTES_MAX + ARENA_ALIGNMENT) +
	       2 * (whole_max(policy, ring_bytes) + ARENA_ALIGNMENT);
}

enum err frames_init(struct frames *frames, struct answer *answer,
		     const struct ohttp_exchange *exchange,
		     const uint8_t nonce[static REQUEST_KEYS_RANDOM_BYTES],
		     struct arena *arena)
{
	invariant(frames->policy != NULL);
	frames->answer = answer;
	frames->form = exchange->form;
	TRY(arena_writer(arena, FRAMES_BYTES_MAX, &frames->plain));
	TRY(arena_writer(arena, FRAMES_BYTES_MAX, &frames->body));
	TRY(arena_writer(arena, END_MAX, &frames->end));
	if (frames->form == OHTTP_UNCHUNKED) {
		size_t most = whole_max(frames->policy, answer->size);

		TRY(arena_writer(arena, most, &frames->whole));
		TRY(arena_writer(arena, most, &frames->sealed));
	}
	ohttp_sealer_init_response(&frames->sealer, exchange, nonce);
	return ERR_OK;
}

void frames_wipe(struct frames *frames)
{
	ohttp_sealer_wipe(&frames->sealer);
}

static bool is_shaped(const struct frames *frames)
{
	return frames->policy->shape != POLICY_SHAPE_OFF;
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
static enum err put_content(struct frames *frames, struct answer_view *view,
			    size_t content)
{
	struct writer *body = &frames->body;
	size_t taken = view->waiting < content ? view->waiting : content;

	body->len = 0;
	TRY(answer_take(frames->answer, taken, body));
	view->waiting -= taken;
	TRY(put_blank(view->body, content - taken, body));
	return bhttp_write_content(&frames->plain, bytes_written(body));
}

static size_t room_left(const struct writer *out)
{
	return out->max - out->len;
}

/* Once the answer has ended, what comes behind its content is known. */
static enum err prepare_end(struct frames *frames,
			    const struct answer_view *view)
{
	const struct bhttp_field receipt = { BYTES_LITERAL(RECEIPT_FIELD),
					     view->receipt };
	struct bhttp_write_fields trailers = { &receipt,
					       view->receipt.len > 0 };

	if (!view->ended || frames->end.len > 0)
		return ERR_OK;
	TRY(bhttp_write_trailers(&frames->end, trailers));
	frames->end_left = bytes_written(&frames->end);
	return ERR_OK;
}

/* As much of the end as there is room for, and zeros after all of it. */
static enum err put_end(struct frames *frames)
{
	size_t room = room_left(&frames->plain);
	size_t len = frames->end_left.len < room ? frames->end_left.len : room;
	struct bytes piece;

	TRY(bytes_take(&frames->end_left, len, &piece));
	TRY(bytes_put(&frames->plain, piece));
	if (is_shaped(frames))
		TRY(bhttp_write_padding(&frames->plain, frames->plain.max));
	return ERR_OK;
}

static bool is_all_said(const struct answer_view *view)
{
	return view->ended && view->waiting == 0;
}

/* Fill the frame with content, padding and end, to its last byte. */
static enum err put_full(struct frames *frames, struct answer_view *view)
{
	while (!is_all_said(view) && room_left(&frames->plain) >= 2) {
		size_t content = content_for(room_left(&frames->plain));

		if (view->ended && view->waiting < content)
			content = view->waiting;
		TRY(put_content(frames, view, content));
	}
	return is_all_said(view) ? put_end(frames) : ERR_OK;
}

static bool can_end(const struct frames *frames, const struct answer_view *view,
		    size_t room)
{
	size_t content = bhttp_write_content_size(view->waiting);

	if (!view->ended || content + frames->end_left.len > room)
		return false;
	return !is_shaped(frames) ||
	       is_a_total(frames->policy, frames->sealed_count + 1);
}

/* The most plaintext of the next frame, if it is of this kind. */
static size_t plain_max(const struct frames *frames, enum ohttp_chunk kind)
{
	size_t frame = is_shaped(frames) ? frames->policy->frame_bytes
					 : FRAMES_BYTES_MAX;

	if (frames->sealed_count == 0)
		frame -= frames->sealer.prefix_len;
	return ohttp_sealer_plaintext_max(kind, frame);
}

static enum err put_open(struct frames *frames, struct answer_view *view)
{
	size_t content = bhttp_write_content_fit(room_left(&frames->plain));

	if (view->waiting < content)
		content = view->waiting;
	if (content > 0)
		TRY(put_content(frames, view, content));
	return is_all_said(view) ? put_end(frames) : ERR_OK;
}

static enum err fill_frame(struct frames *frames, struct answer_view *view,
			   enum ohttp_chunk *kind)
{
	size_t head;

	TRY(prepare_end(frames, view));
	frames->plain.len = 0;
	frames->plain.max = plain_max(frames, OHTTP_CHUNK_FINAL);
	if (frames->sealed_count == 0)
		TRY(put_head(view, &frames->plain));
	head = frames->plain.len;
	*kind = OHTTP_CHUNK_FINAL;
	if (!can_end(frames, view, frames->plain.max - head)) {
		*kind = OHTTP_CHUNK_MORE;
		frames->plain.max = plain_max(frames, OHTTP_CHUNK_MORE);
	}
	return is_shaped(frames) ? put_full(frames, view)
				 : put_open(frames, view);
}

static enum err next_chunked(struct frames *frames, struct writer *frame)
{
	bool patient = frames->policy->shape != POLICY_SHAPE_PACED;
	struct answer_view view;
	enum ohttp_chunk kind;

	answer_wait(frames->answer,
		    patient ? ANSWER_WAIT_BYTES : ANSWER_WAIT_BEGUN, &view);
	TRY(fill_frame(frames, &view, &kind));
	if (frames->sealed_count == 0)
		TRY(ohttp_sealer_begin(&frames->sealer, frame));
	TRY(ohttp_sealer_put(&frames->sealer, kind,
			     bytes_written(&frames->plain), frame));
	frames->ended = kind == OHTTP_CHUNK_FINAL;
	return ERR_OK;
}

/* Put what is waiting into the message, a chunk at a time. */
static enum err gather_waiting(struct frames *frames, size_t waiting)
{
	while (waiting > 0) {
		size_t piece =
			waiting < frames->body.max ? waiting : frames->body.max;

		frames->body.len = 0;
		TRY(answer_take(frames->answer, piece, &frames->body));
		TRY(bhttp_write_content(&frames->whole,
					bytes_written(&frames->body)));
		waiting -= piece;
	}
	return ERR_OK;
}

/* Gather the whole answer; it ends when the computing thread ends it. */
static enum err gather(struct frames *frames)
{
	struct answer_view view;

	answer_wait(frames->answer, ANSWER_WAIT_BEGUN, &view);
	TRY(put_head(&view, &frames->whole));
	do {
		answer_wait(frames->answer, ANSWER_WAIT_BYTES, &view);
		TRY(gather_waiting(frames, view.waiting));
	} while (!view.ended);
	TRY(prepare_end(frames, &view));
	return bytes_put(&frames->whole, frames->end_left);
}

static enum err seal_whole(struct frames *frames)
{
	size_t around = frames->sealer.prefix_len + OHTTP_CHUNK_TAG;

	TRY(gather(frames));
	if (is_shaped(frames)) {
		TRY(bhttp_write_padding(
			&frames->whole,
			padded_size(frames->policy,
				    frames->whole.len + around) -
				around));
	}
	TRY(ohttp_sealer_begin(&frames->sealer, &frames->sealed));
	return ohttp_sealer_put(&frames->sealer, OHTTP_CHUNK_FINAL,
				bytes_written(&frames->whole), &frames->sealed);
}

static enum err next_unchunked(struct frames *frames, struct writer *frame)
{
	size_t size = is_shaped(frames) ? frames->policy->frame_bytes
					: FRAMES_BYTES_MAX;
	size_t left;

	if (frames->sealed_count == 0)
		TRY(seal_whole(frames));
	left = frames->sealed.len - frames->sent;
	if (size > left)
		size = left;
	TRY(bytes_put(frame, (struct bytes){ frames->sealed.data + frames->sent,
					     size }));
	frames->sent += size;
	frames->ended = frames->sent == frames->sealed.len;
	return ERR_OK;
}

enum err frames_next(struct frames *frames, struct writer *frame, bool *last)
{
	invariant(!frames->ended);
	if (frames->form == OHTTP_CHUNKED)
		TRY(next_chunked(frames, frame));
	else
		TRY(next_unchunked(frames, frame));
	frames->sealed_count++;
	*last = frames->ended;
	return ERR_OK;
}
