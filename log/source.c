/* SPDX-License-Identifier: Apache-2.0 */
#include "log/source.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "log/durable.h"

#define PATH_MAX_BYTES (TLOG_TILE_PATH_MAX + 2)

static bool is_url(const char *place)
{
	return strncmp(place, "http://", 7) == 0 ||
	       strncmp(place, "https://", 8) == 0;
}

enum err source_open(const char *place, struct source *out)
{
	size_t len = strlen(place);

	*out = (struct source){ .folder = -1 };
	if (!is_url(place)) {
		const char *rest;
		char below[DURABLE_PATH_MAX];

		if (len + 3 > sizeof(below))
			return ERR_TOO_LARGE;
		snprintf(below, sizeof(below), "%s/.", place);
		out->folder = durable_parent(below, &rest);
		return out->folder < 0 ? ERR_UNAVAILABLE : ERR_OK;
	}
	while (len > 0 && place[len - 1] == '/')
		len--;
	if (len >= sizeof(out->url))
		return ERR_TOO_LARGE;
	memcpy(out->url, place, len);
	out->url[len] = '\0';
	return ERR_OK;
}

void source_close(struct source *source)
{
	fd_close(&source->folder);
}

enum err source_read(const struct source *source, const char *path,
		     struct writer *out)
{
	struct http_server server = { .url = source->url };
	char rooted[PATH_MAX_BYTES];
	struct writer whole = *out;
	enum http_failure failure;
	long status = 0;

	if (source->folder >= 0)
		return durable_read(source->folder, path, out);
	if (strlen(path) + 2 > sizeof(rooted))
		return ERR_TOO_LARGE;
	snprintf(rooted, sizeof(rooted), "/%s", path);
	failure = http_get(&server, rooted, &whole, &status);
	if (failure == HTTP_TOO_LARGE)
		return ERR_TOO_LARGE;
	if (failure != HTTP_FINE || status != 200)
		return ERR_UNAVAILABLE;
	*out = whole;
	return ERR_OK;
}

/* What a wider tile holds beyond the width is of a later tree. */
static enum err cut(const struct tlog_tile *tile, struct writer *out,
		    size_t begin)
{
	struct bytes rest = { out->data + begin, out->len - begin };
	struct bytes entry;

	if (tile->kind == TLOG_TILE_HASHES) {
		if (rest.len < tile->width * MERKLE_HASH_BYTES)
			return ERR_TRUNCATED;
		out->len = begin + tile->width * MERKLE_HASH_BYTES;
		return ERR_OK;
	}
	for (unsigned i = 0; i < tile->width; i++)
		TRY(tlog_tile_take_entry(&rest, &entry));
	out->len -= rest.len;
	return ERR_OK;
}

enum err source_tile(const struct source *source, const struct tlog_tile *tile,
		     struct writer *out)
{
	struct tlog_tile full = *tile;
	struct writer whole = *out;
	char path[TLOG_TILE_PATH_MAX];
	enum err err;

	tlog_tile_path(tile, path);
	err = source_read(source, path, &whole);
	if (err == ERR_UNAVAILABLE && tile->width < TLOG_TILE_WIDTH) {
		full.width = TLOG_TILE_WIDTH;
		tlog_tile_path(&full, path);
		err = source_read(source, path, &whole);
		if (err == ERR_OK)
			err = cut(tile, &whole, out->len);
	}
	TRY(err);
	if (tile->kind == TLOG_TILE_HASHES &&
	    whole.len - out->len != tile->width * MERKLE_HASH_BYTES)
		return ERR_MALFORMED;
	*out = whole;
	return ERR_OK;
}
