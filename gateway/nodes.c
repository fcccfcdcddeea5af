/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/base64.h"
#include "wire/hex.h"

#define ID_BYTES STATEMENT_DIGEST_BYTES
#define ENTRY_MAX (BASE64_LETTERS((size_t)BUNDLE_BYTES_MAX) + 256)

void nodes_close(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		node_close(nodes->list[i]);
	nodes->count = 0;
}

static enum problem as_problem(enum node_state state)
{
	switch (state) {
	case NODE_READY:
		return PROBLEM_NONE;
	case NODE_BUSY:
		return PROBLEM_BUSY;
	case NODE_ABSENT:
	case NODE_DRAINING:
		return PROBLEM_NODE_UNAVAILABLE;
	}
	return PROBLEM_NODE_UNAVAILABLE;
}

/* The length tells the two encodings apart. */
static enum err parse_id(struct bytes header, uint8_t id[static ID_BYTES])
{
	struct writer out = { id, 0, ID_BYTES };

	if (header.len == (size_t)2 * ID_BYTES)
		return hex_decode(header, id, ID_BYTES);
	if (header.len != BASE64_LETTERS(ID_BYTES))
		return ERR_MALFORMED;
	return base64_decode(header, &out);
}

/* A handful of nodes, so a list will do. */
static enum problem find(const struct nodes *nodes,
			 const uint8_t wanted[static ID_BYTES],
			 struct node **out)
{
	for (size_t i = 0; i < nodes->count; i++) {
		uint8_t id[ID_BYTES];

		if (node_id(nodes->list[i], id) != ERR_OK ||
		    memcmp(id, wanted, ID_BYTES) != 0)
			continue;
		*out = nodes->list[i];
		return as_problem(node_state(nodes->list[i]));
	}
	return PROBLEM_NODE_UNKNOWN;
}

enum problem nodes_pick(const struct nodes *nodes, const char *header,
			struct node **out)
{
	uint8_t id[ID_BYTES];

	if (header == NULL && nodes->count == 1) {
		*out = nodes->list[0];
		return as_problem(node_state(nodes->list[0]));
	}
	if (parse_id(bytes_of_string(header), id) != ERR_OK)
		return PROBLEM_NODE_HEADER;
	return find(nodes, id, out);
}

size_t nodes_ready(const struct nodes *nodes)
{
	size_t ready = 0;

	for (size_t i = 0; i < nodes->count; i++)
		ready += node_state(nodes->list[i]) == NODE_READY;
	return ready;
}

static enum err put_text(struct writer *out, const char *text)
{
	return bytes_put(out, bytes_of_string(text));
}

static enum err put_entry(struct writer *out, const struct node_view *view)
{
	char refresh[48];

	snprintf(refresh, sizeof(refresh), "\",\"next_refresh\":%" PRIu64 "}",
		 view->next_refresh);
	TRY(put_text(out, "{\"id\":\""));
	TRY(hex_put(out, BYTES_ARRAY(view->id)));
	TRY(put_text(out, "\",\"bundle\":\""));
	TRY(base64_put(out, view->bundle));
	return put_text(out, refresh);
}

/* A bundle was parsed when it came; here it is cut up once more. */
static enum err put_keys(struct writer *out, const struct node_view *view)
{
	struct bundle bundle;

	TRY(bundle_parse(view->bundle, &bundle));
	return bytes_put(out, bundle.keys);
}

/* Write something about each node that is present; a node that went is none. */
static enum err put_each(const struct nodes *nodes, const char *between,
			 enum err (*put)(struct writer *,
					 const struct node_view *),
			 struct writer *out)
{
	struct writer memory = { malloc(BUNDLE_BYTES_MAX), 0,
				 BUNDLE_BYTES_MAX };
	enum err err = memory.data != NULL ? ERR_OK : ERR_UNAVAILABLE;
	size_t written = 0;

	for (size_t i = 0; i < nodes->count && err == ERR_OK; i++) {
		struct node_view view;

		memory.len = 0;
		if (node_look(nodes->list[i], &memory, &view) != ERR_OK)
			continue;
		if (written++ > 0)
			err = put_text(out, between);
		if (err == ERR_OK)
			err = put(out, &view);
	}
	free(memory.data);
	return err;
}

static enum err put_bundles(const struct nodes *nodes, struct writer *out)
{
	TRY(put_text(out, "{\"nodes\":["));
	TRY(put_each(nodes, ",", put_entry, out));
	return put_text(out, "]}\n");
}

static struct writer memory_for(const struct nodes *nodes)
{
	size_t max = (nodes->count + 1) * ENTRY_MAX;

	return (struct writer){ malloc(max), 0, max };
}

static struct nodes_text finish(struct writer *out, enum err err)
{
	if (err != ERR_OK) {
		free(out->data);
		return (struct nodes_text){ NULL, 0 };
	}
	return (struct nodes_text){ out->data, out->len };
}

struct nodes_text nodes_bundles(const struct nodes *nodes)
{
	struct writer out = memory_for(nodes);

	if (out.data == NULL)
		return (struct nodes_text){ NULL, 0 };
	return finish(&out, put_bundles(nodes, &out));
}

struct nodes_text nodes_keys(const struct nodes *nodes)
{
	struct writer out = memory_for(nodes);

	if (out.data == NULL)
		return (struct nodes_text){ NULL, 0 };

	enum err err = put_each(nodes, "", put_keys, &out);

	return finish(&out,
		      err == ERR_OK && out.len == 0 ? ERR_UNAVAILABLE : err);
}
