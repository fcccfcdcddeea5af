/* SPDX-License-Identifier: Apache-2.0 */
#include "log/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"

#define NEW_SUFFIX ".new" /* beside the place; no path of a log has it */
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

int durable_folder(const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return -1;
	return open(path, FOLDER_FLAGS);
}

static enum err copy_path(const char *path, char copy[static DURABLE_PATH_MAX])
{
	if (strlen(path) + strlen(NEW_SUFFIX) >= DURABLE_PATH_MAX) {
		errno = ENAMETOOLONG;
		return ERR_UNAVAILABLE;
	}
	strcpy(copy, path);
	return ERR_OK;
}

static enum err synchronise_folder(int folder, const char *path)
{
	SCOPED_FD fd = openat(folder, path, FOLDER_FLAGS);

	return fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

/* That a folder is there does not say that it would be after a crash. */
static enum err make_folders(int folder, const char *path)
{
	char copy[DURABLE_PATH_MAX];

	TRY(copy_path(path, copy));
	for (char *at = strchr(copy, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdirat(folder, copy, 0755) != 0 && errno != EEXIST)
			return ERR_UNAVAILABLE;
		*at = '/';
	}
	return ERR_OK;
}

/* Every folder from the file's own up to `folder` itself. */
static enum err synchronise_folders(int folder, const char *path)
{
	char copy[DURABLE_PATH_MAX];
	char *at;

	TRY(copy_path(path, copy));
	while ((at = strrchr(copy, '/')) != NULL) {
		*at = '\0';
		TRY(synchronise_folder(folder, copy));
	}
	return fsync(folder) == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

/* Whether a file holds just these bytes, which stay in memory meanwhile. */
static enum err compare(int folder, const char *path, struct bytes data)
{
	struct writer back = { malloc(data.len + 1), 0, data.len };
	enum err err = ERR_UNAVAILABLE;

	if (back.data == NULL)
		return err;
	err = durable_read(folder, path, &back);
	if (err == ERR_OK && !bytes_equal(bytes_written(&back), data)) {
		errno = EIO;
		err = ERR_UNAVAILABLE;
	}
	secret_wipe(back.data, data.len);
	free(back.data);
	return err == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
}

/*
 * What a crash left there goes.  A file that somebody else made there would
 * have his rights, and he might hold it open: so it is always a new one.
 */
static enum err write_new(int folder, const char *path, struct bytes data,
			  enum durable_reader reader)
{
	SCOPED_FD fd = -1;

	if (unlinkat(folder, path, 0) != 0 && errno != ENOENT)
		return ERR_UNAVAILABLE;
	fd = openat(folder, path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    reader == DURABLE_SECRET ? 0600 : 0644);
	if (fd < 0 || fd_write_all(fd, data) != ERR_OK || fsync(fd) != 0)
		return ERR_UNAVAILABLE;
	return compare(folder, path, data);
}

enum err durable_put(int folder, const char *path, struct bytes data,
		     enum durable_reader reader)
{
	char beside[DURABLE_PATH_MAX];
	int kept;

	TRY(copy_path(path, beside));
	strcat(beside, NEW_SUFFIX);
	TRY(make_folders(folder, path));
	if (write_new(folder, beside, data, reader) != ERR_OK ||
	    renameat(folder, beside, folder, path) != 0) {
		kept = errno;
		(void)unlinkat(folder, beside, 0);
		errno = kept;
		return ERR_UNAVAILABLE;
	}
	return synchronise_folders(folder, path);
}

enum err durable_read(int folder, const char *path, struct writer *out)
{
	SCOPED_FD fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	struct writer whole = *out;
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0)
		return ERR_UNAVAILABLE;
	if (!S_ISREG(info.st_mode)) {
		errno = EINVAL;
		return ERR_UNAVAILABLE;
	}
	TRY(fd_read_all(fd, &whole));
	*out = whole;
	return ERR_OK;
}

int durable_lock(int folder, const char *path)
{
	SCOPED_FD fd = openat(folder, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return -1;
	return fd_release(&fd);
}

int durable_parent(const char *path, const char **name)
{
	char copy[DURABLE_PATH_MAX];
	const char *slash = strrchr(path, '/');

	*name = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		return open(".", FOLDER_FLAGS);
	if (slash == path)
		return open("/", FOLDER_FLAGS);
	if ((size_t)(slash - path) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(copy, path, (size_t)(slash - path));
	copy[slash - path] = '\0';
	return open(copy, FOLDER_FLAGS);
}
