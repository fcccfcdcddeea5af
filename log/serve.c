/* SPDX-License-Identifier: Apache-2.0 */
#include "log/serve.h"

#include <stdlib.h>
#include <string.h>

#include "log/store.h"

#define TEXT "text/plain; charset=utf-8"
#define FOR_EVER "public, max-age=31536000, immutable"
#define A_MOMENT "public, max-age=2"

static const char help[] =
	"usage: pcc-log serve --log FOLDER [--address A] [--port P]\n"
	"\n"
	"Serves a log's checkpoint, tiles, entries and public key, and no "
	"other file.\n"
	"They do not change but for the checkpoint, so any web server would "
	"do; this one\n"
	"speaks plain HTTP.\n"
	"  --log FOLDER      the log\n" LISTEN_HELP;

/* What a path names; NULL for anything that is no file of a log. */
static const char *find(const char *path, struct listen_answer *out,
			size_t *most)
{
	struct tlog_tile tile;

	if (*path++ != '/')
		return NULL;
	out->type = TEXT;
	out->cache = A_MOMENT;
	*most = TLOG_CHECKPOINT_BYTES_MAX;
	if (strcmp(path, STORE_CHECKPOINT) == 0 || strcmp(path, STORE_KEY) == 0)
		return path;
	if (tlog_tile_parse(bytes_of_string(path), &tile) != ERR_OK)
		return NULL;
	out->type = "application/octet-stream";
	out->cache = FOR_EVER;
	*most = tile.kind == TLOG_TILE_HASHES ? TLOG_TILE_BYTES
					      : TLOG_BUNDLE_BYTES_MAX;
	return path;
}

/* Memory is asked for as much as the file may have, and given back to fit. */
static enum err load(const struct source *folder, const char *path, size_t most,
		     struct writer *out)
{
	struct writer file = { malloc(most), 0, most };
	uint8_t *fit;
	enum err err = ERR_UNAVAILABLE;

	if (file.data != NULL)
		err = source_read(folder, path, &file);
	if (err != ERR_OK) {
		free(file.data);
		return err;
	}
	fit = realloc(file.data, file.len + 1);
	if (fit != NULL)
		file.data = fit;
	*out = file;
	return ERR_OK;
}

void serve_answer(const struct source *folder,
		  const struct listen_request *request,
		  struct listen_answer *out)
{
	size_t most;
	const char *path = find(request->path, out, &most);

	if (strcmp(request->method, "GET") != 0 &&
	    strcmp(request->method, "HEAD") != 0)
		*out = (struct listen_answer){ .status = 405 };
	else if (path == NULL || load(folder, path, most, &out->body) != ERR_OK)
		*out = (struct listen_answer){ .status = 404 };
	else
		out->status = 200;
}

static void answer(void *context, const struct listen_request *request,
		   struct listen_answer *out)
{
	serve_answer(context, request, out);
}

int serve_run(int argc, char **argv)
{
	const struct options_form form = {
		.needed = OPTIONS_BIT(OPTIONS_LOG),
		.allowed = OPTIONS_BIT(OPTIONS_LOG) | LISTEN_OPTIONS,
		.help = help,
	};
	struct options options;
	struct source folder;
	struct listen_handler handler = { 0, answer, &folder };
	enum err err;
	int code;

	if (!options_parse(argc, argv, &form, &options, &code))
		return code;
	err = source_open(options.values[OPTIONS_LOG], &folder);
	if (err == ERR_OK && folder.folder < 0)
		err = ERR_UNSUPPORTED;
	if (err != ERR_OK)
		return options_complain("cannot open",
					options.values[OPTIONS_LOG], err);
	code = listen_run(&options, &handler);
	source_close(&folder);
	return code;
}
