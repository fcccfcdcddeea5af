/* SPDX-License-Identifier: Apache-2.0 */
#include "client/directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/scratch.h"
#include "policy/limits.h"
#include "wire/base64.h"
#include "wire/bundle.h"
#include "wire/hex.h"
#include "wire/json_fields.h"

#define TEXT_MAX (1u << 20)
#define MEMORY_MAX (TEXT_MAX + DIRECTORY_NODES_MAX * STATEMENT_DIGEST_BYTES)

static enum err take_id(struct bytes digits, struct writer *memory,
			struct bytes *out)
{
	uint8_t id[STATEMENT_DIGEST_BYTES];
	uint8_t *start = memory->data + memory->len;

	TRY(hex_decode(digits, id, sizeof(id)));
	TRY(bytes_put(memory, BYTES_ARRAY(id)));
	*out = (struct bytes){ start, sizeof(id) };
	return ERR_OK;
}

/* Not parsed here: whatever it is, verify_bundle() is the one to say so. */
static enum err take_bundle(struct bytes letters, struct writer *memory,
			    struct bytes *out)
{
	uint8_t *start = memory->data + memory->len;

	TRY(base64_decode(letters, memory));
	*out = (struct bytes){ start,
			       (size_t)(memory->data + memory->len - start) };
	return ERR_OK;
}

static enum err take_node(const struct json *entry, struct writer *memory,
			  struct directory_node *out)
{
	struct json_fields fields = { .object = entry };
	struct json_fields_integers range = { 0, INT64_MAX };
	struct bytes id;
	struct bytes bundle;
	int64_t next_refresh = 0;

	TRY(json_fields_string(&fields, "id", JSON_FIELDS_REQUIRED, &id));
	TRY(json_fields_string(&fields, "bundle", JSON_FIELDS_REQUIRED,
			       &bundle));
	TRY(json_fields_integer(&fields, "next_refresh", range, &next_refresh));
	TRY(take_id(id, memory, &out->id));
	TRY(take_bundle(bundle, memory, &out->bundle));
	out->next_refresh = (uint64_t)next_refresh;
	return ERR_OK;
}

/* Depth and count are bounded before a node of it is looked at. */
static enum err take_list(struct bytes text, struct writer *memory,
			  struct directory *out)
{
	const struct json *document;
	const struct json *list;

	TRY(json_parse(text, LIMIT_JSON_DEPTH, &document));

	struct json_fields fields = { .object = document };

	TRY(json_fields_value(&fields, "nodes", JSON_FIELDS_REQUIRED,
			      JSON_KIND_ARRAY, &list));
	if (json_count(list) > DIRECTORY_NODES_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < json_count(list); i++)
		TRY(take_node(json_element(list, i), memory, &out->nodes[i]));
	out->count = json_count(list);
	return ERR_OK;
}

/* The text of a list; what it becomes is written to `memory`. */
static enum err parse(struct bytes text, struct writer *memory,
		      struct directory *out)
{
	enum err err;

	scratch_prepare();
	err = take_list(text, memory, out);
	json_wipe();
	return err;
}

/* A bundle begins as a CBOR map does; no JSON text can. */
static enum err adopt(struct bytes content, struct writer *memory,
		      struct directory *out)
{
	uint8_t *start = memory->data;

	if (content.len == 0 || content.data[0] >> 5 != 5)
		return parse(content, memory, out);
	TRY(bytes_put(memory, content));
	out->nodes[0] =
		(struct directory_node){ .bundle = { start, content.len } };
	out->count = 1;
	return ERR_OK;
}

static enum trouble read_file(const char *path, struct writer *out)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);

	return file >= 0 && fd_read_all(file, out) == ERR_OK ? TROUBLE_NONE
							     : TROUBLE_FILE;
}

/* Turn the text that was obtained, if it was, into a directory; free it. */
static enum trouble become(enum trouble obtained, struct writer *text,
			   struct directory *out)
{
	struct writer memory = { malloc(MEMORY_MAX), 0, MEMORY_MAX };

	*out = (struct directory){ .memory = memory.data };
	if (obtained == TROUBLE_NONE && memory.data == NULL)
		obtained = TROUBLE_INTERNAL;
	if (obtained == TROUBLE_NONE &&
	    adopt(bytes_written(text), &memory, out) != ERR_OK)
		obtained = TROUBLE_DIRECTORY;
	free(text->data);
	if (obtained != TROUBLE_NONE)
		directory_free(out);
	return obtained;
}

static enum trouble fetch(const struct http_server *gateway,
			  struct writer *text)
{
	long status = 0;
	enum http_failure failure =
		http_get(gateway, "/v1/nodes", text, &status);

	if (failure != HTTP_FINE)
		return trouble_of_failure(failure);
	return status == 200 ? TROUBLE_NONE : trouble_of_status(status);
}

enum trouble directory_fetch(const struct http_server *gateway,
			     struct directory *out)
{
	struct writer text = { malloc(TEXT_MAX), 0, TEXT_MAX };
	enum trouble trouble = TROUBLE_INTERNAL;

	if (text.data != NULL)
		trouble = fetch(gateway, &text);
	return become(trouble, &text, out);
}

enum trouble directory_load(const char *file, struct directory *out)
{
	struct writer text = { malloc(TEXT_MAX), 0, TEXT_MAX };
	enum trouble trouble = TROUBLE_INTERNAL;

	if (text.data != NULL)
		trouble = read_file(file, &text);
	return become(trouble, &text, out);
}

void directory_free(struct directory *directory)
{
	free(directory->memory);
	*directory = (struct directory){ 0 };
}
