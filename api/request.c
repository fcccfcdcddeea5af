/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include <string.h>

#include "policy/limits.h"
#include "wire/bhttp.h"

static const struct bhttp_limits limits = {
	.field_bytes = LIMIT_FIELD_BYTES,
	.fields = LIMIT_FIELDS,
	.content = LIMIT_REQUEST_BYTES,
};

static const struct {
	struct bytes method;
	struct bytes path;
	enum request_route route;
} routes[] = {
	{ BYTES_LITERAL("POST"), BYTES_LITERAL("/v1/chat/completions"),
	  REQUEST_CHAT },
	{ BYTES_LITERAL("POST"), BYTES_LITERAL("/v1/completions"),
	  REQUEST_COMPLETION },
	{ BYTES_LITERAL("GET"), BYTES_LITERAL("/v1/models"), REQUEST_MODELS },
};

#define ONE_MODEL "/v1/models/"

static bool begins_with(struct bytes text, struct bytes start)
{
	return text.len >= start.len &&
	       memcmp(text.data, start.data, start.len) == 0;
}

static enum err find_route(const struct bhttp_control *control,
			   struct arena *arena, struct request *out)
{
	struct bytes one = BYTES_LITERAL(ONE_MODEL);

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!bytes_equal(control->path, routes[i].path))
			continue;
		out->route = routes[i].route;
		return bytes_equal(control->method, routes[i].method)
			       ? ERR_OK
			       : ERR_DENIED;
	}
	if (begins_with(control->path, one) && control->path.len > one.len) {
		size_t len = control->path.len - one.len;
		uint8_t *name = arena_alloc(arena, len + 1, 1);

		if (name == NULL)
			return ERR_TOO_LARGE;
		memcpy(name, control->path.data + one.len, len);
		out->model = (struct bytes){ name, len };
		out->route = REQUEST_MODELS;
		return bytes_equal(control->method, BYTES_LITERAL("GET"))
			       ? ERR_OK
			       : ERR_DENIED;
	}
	return ERR_UNSUPPORTED;
}

enum err request_parse(struct bytes message, struct arena *arena,
		       struct request *out)
{
	struct request request = { 0 };
	struct writer scratch = { .max = LIMIT_FIELD_BYTES };
	struct writer content = { .max = message.len };
	struct bhttp parser;
	struct bhttp_event event = { 0 };
	enum err routed = ERR_UNSUPPORTED;

	scratch.data = arena_alloc(arena, scratch.max, 1);
	content.data = arena_alloc(arena, content.max + 1, 1);
	if (scratch.data == NULL || content.data == NULL)
		return ERR_TOO_LARGE;

	bhttp_init(&parser, BHTTP_MESSAGE_REQUEST, &limits, scratch);
	do {
		TRY(bhttp_next(&parser, &message, &event));
		if (event.kind == BHTTP_EVENT_REQUEST)
			routed = find_route(&event.control, arena, &request);
		else if (event.kind == BHTTP_EVENT_CONTENT)
			TRY(bytes_put(&content, event.content));
	} while (event.kind != BHTTP_EVENT_MORE);
	TRY(bhttp_finish(&parser));
	TRY(routed);

	request.content = bytes_written(&content);
	*out = request;
	return ERR_OK;
}
