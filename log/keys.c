/* SPDX-License-Identifier: Apache-2.0 */
#include "log/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "log/durable.h"

#define EMPTY ((struct keys){ .folder = -1, .lock = -1 })

struct text {
	uint8_t bytes[NOTE_KEY_TEXT_MAX];
};

static void wipe_text(struct text *text)
{
	secret_wipe(text, sizeof(*text));
}

/* A line's end is the file's, not the key's. */
static struct bytes line_of(const struct writer *text)
{
	struct bytes line = bytes_written(text);

	if (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	return line;
}

static enum err find_place(const char *path, struct keys *out)
{
	const char *name;

	out->folder = durable_parent(path, &name);
	if (out->folder < 0)
		return ERR_UNAVAILABLE;
	if (*name == '\0' || strlen(name) >= sizeof(out->name))
		return ERR_MALFORMED;
	strcpy(out->name, name);
	snprintf(out->head_name, sizeof(out->head_name), "%s.head", name);
	return ERR_OK;
}

/* A key that a group may read is as good as published. */
static enum err check_rights(int fd)
{
	struct stat info;

	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
		return ERR_UNAVAILABLE;
	return (info.st_mode & (S_IRWXG | S_IRWXO)) == 0 ? ERR_OK : ERR_DENIED;
}

static enum err load(struct keys *keys)
{
	SCOPED_WIPE(wipe_text) struct text text;
	struct writer out = WRITER_OVER(text.bytes);

	keys->lock = openat(keys->folder, keys->name,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (keys->lock < 0)
		return ERR_UNAVAILABLE;
	TRY(check_rights(keys->lock));
	if (flock(keys->lock, LOCK_EX | LOCK_NB) != 0)
		return ERR_UNAVAILABLE;
	TRY(fd_read_all(keys->lock, &out));
	return note_signer_parse(line_of(&out), &keys->signer);
}

enum err keys_open(const char *path, struct keys *out)
{
	struct keys keys = EMPTY;
	enum err err = find_place(path, &keys);

	if (err == ERR_OK)
		err = load(&keys);
	if (err != ERR_OK) {
		int kept = errno;

		keys_close(&keys);
		errno = kept;
		return err;
	}
	*out = keys;
	secret_wipe(&keys, sizeof(keys));
	return ERR_OK;
}

void keys_close(struct keys *keys)
{
	fd_close(&keys->lock);
	fd_close(&keys->folder);
	note_signer_wipe(&keys->signer);
}

enum err keys_create(const char *path, struct bytes name, enum note_type type)
{
	SCOPED_WIPE(note_signer_wipe) struct note_signer signer = { 0 };
	SCOPED_WIPE(wipe_text) struct text text;
	SCOPED_WIPE(keys_close) struct keys keys = EMPTY;
	struct writer out = WRITER_OVER(text.bytes);

	TRY(find_place(path, &keys));
	if (faccessat(keys.folder, keys.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return ERR_DENIED;
	TRY(note_signer_generate(name, type, &signer));
	TRY(note_signer_put(&out, &signer));
	TRY(bytes_put_u8(&out, '\n'));
	return durable_put(keys.folder, keys.name, bytes_written(&out),
			   DURABLE_SECRET);
}

enum err keys_read_public(const char *path, struct note_key *out)
{
	uint8_t memory[NOTE_KEY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);

	TRY(durable_read(AT_FDCWD, path, &text));
	return note_key_parse(line_of(&text), out);
}
