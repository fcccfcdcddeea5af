/* SPDX-License-Identifier: Apache-2.0 */
#include "client/body.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define SIZE_MIN ((size_t)4 << 10)

void body_wipe(struct body *body)
{
	if (body->data != NULL)
		secret_wipe(body->data, body->size);
	free(body->data);
	*body = (struct body){ 0 };
}

/* By hand, as realloc() would leave a copy behind. */
static enum err grow(struct body *body, size_t least)
{
	size_t size = body->size < SIZE_MIN ? SIZE_MIN : body->size;
	uint8_t *data;

	while (size < least)
		size *= 2;
	data = malloc(size);
	if (data == NULL)
		return ERR_UNAVAILABLE;
	if (body->data != NULL)
		memcpy(data, body->data, body->len);

	size_t len = body->len;

	body_wipe(body);
	*body = (struct body){ data, len, size };
	return ERR_OK;
}

/* Checked before it is added, so that no sum can wrap. */
enum err body_put(struct body *body, struct bytes piece, size_t max)
{
	if (piece.len > max || body->len > max - piece.len)
		return ERR_TOO_LARGE;
	if (body->data == NULL || piece.len > body->size - body->len)
		TRY(grow(body, body->len + piece.len));
	if (piece.len > 0)
		memcpy(body->data + body->len, piece.data, piece.len);
	body->len += piece.len;
	return ERR_OK;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

void body_trim(struct body *body)
{
	size_t front = 0;

	while (body->len > 0 && is_blank(body->data[body->len - 1]))
		body->len--;
	while (front < body->len && is_blank(body->data[front]))
		front++;
	if (front == 0)
		return;
	memmove(body->data, body->data + front, body->len - front);
	body->len -= front;
}

struct bytes body_bytes(const struct body *body)
{
	return (struct bytes){ body->data, body->len };
}
