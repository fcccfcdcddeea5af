/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tsm.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/hash.h"

#define LOOK_MS 50
#define DATA_BYTES 64
#define REGISTER_BYTES 48
#define WORDY_BYTES (40u << 10)

static const char *const names[] = { "provider", "generation", "inblob",
				     "outblob", "auxblob" };

static void path_of(const char *folder, const char *name,
		    char path[static TSM_PATH_MAX])
{
	cr_assert_lt(snprintf(path, TSM_PATH_MAX, "%s/%s", folder, name),
		     TSM_PATH_MAX);
}

/* Whoever reads it sees the one or the other, as in the kernel. */
static void put(const char *folder, const char *name, struct bytes data)
{
	char path[TSM_PATH_MAX], made[TSM_PATH_MAX];
	SCOPED_FD file = -1;

	path_of(folder, name, path);
	path_of(folder, ".made", made);
	file = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	cr_assert_geq(file, 0);
	cr_assert_eq(fd_write_all(file, data), ERR_OK);
	cr_assert_eq(fchmod(file, 0666), 0);
	cr_assert_eq(rename(made, path), 0);
}

static void put_text(const char *folder, const char *name, const char *text)
{
	put(folder, name, bytes_of_string(text));
}

static void put_generation(struct tsm *tsm)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu\n", (unsigned long)tsm->generation);
	put_text(tsm->report, "generation", text);
}

static bool is_disturbed(const struct tsm *tsm)
{
	return tsm->manner == TSM_SHARED ||
	       (tsm->manner == TSM_SHARED_TWICE && tsm->quotes <= 2);
}

static void make_quote(struct tsm *tsm)
{
	static uint8_t memory[WORDY_BYTES];
	struct writer quote = WRITER_OVER(memory);
	char path[TSM_PATH_MAX];
	SCOPED_FD inblob = -1;
	uint8_t data[DATA_BYTES];

	path_of(tsm->report, "inblob", path);
	inblob = open(path, O_RDONLY | O_CLOEXEC);
	if (tsm->manner == TSM_DEAF || inblob < 0 ||
	    pread(inblob, data, sizeof(data), 0) != sizeof(data))
		return;
	tsm->quotes++;
	cr_assert_eq(bytes_put(&quote, BYTES_LITERAL(TSM_QUOTE_PREFIX)),
		     ERR_OK);
	cr_assert_eq(bytes_put(&quote, BYTES_ARRAY(data)), ERR_OK);
	if (tsm->manner == TSM_WORDY)
		quote.len = quote.max;
	put(tsm->report, "outblob", bytes_written(&quote));
	tsm->generation += is_disturbed(tsm) ? 2 : 1;
	put_generation(tsm);
}

static void extend(struct tsm *tsm)
{
	uint8_t both[2 * REGISTER_BYTES];
	char path[TSM_PATH_MAX];
	SCOPED_FD file = -1;

	path_of(tsm->measurements, "rtmr3:sha384", path);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0 || pread(file, both + REGISTER_BYTES, REGISTER_BYTES, 0) !=
				REGISTER_BYTES)
		return;
	/* Our own writing is seen here, too. */
	if (memcmp(both + REGISTER_BYTES, tsm->rtmr, REGISTER_BYTES) == 0)
		return;
	memcpy(both, tsm->rtmr, REGISTER_BYTES);
	hash_digest(HASH_SHA384, BYTES_ARRAY(both), tsm->rtmr);
	cr_assert_eq(pwrite(file, tsm->rtmr, REGISTER_BYTES, 0),
		     REGISTER_BYTES);
}

static void hear(struct tsm *tsm, int watched)
{
	char memory[4096] __attribute__((aligned(8)));
	ssize_t got = read(watched, memory, sizeof(memory));

	for (ssize_t at = 0; at < got;) {
		struct inotify_event event;
		const char *name = memory + at + sizeof(event);

		memcpy(&event, memory + at, sizeof(event));
		if (event.len > 0 && strcmp(name, "inblob") == 0 &&
		    (event.mask & IN_CLOSE_WRITE) != 0)
			make_quote(tsm);
		if (event.len > 0 && strcmp(name, "rtmr3:sha384") == 0 &&
		    (event.mask & IN_MODIFY) != 0)
			extend(tsm);
		at += (ssize_t)(sizeof(event) + event.len);
	}
}

static void *play(void *context)
{
	struct tsm *tsm = context;
	SCOPED_FD watched = inotify_init1(IN_CLOEXEC);
	struct pollfd fd = { .fd = watched, .events = POLLIN };

	inotify_add_watch(watched, tsm->report, IN_CLOSE_WRITE);
	inotify_add_watch(watched, tsm->measurements, IN_MODIFY);
	tsm->is_over = false; /* ready */
	while (!tsm->is_over)
		if (poll(&fd, 1, LOOK_MS) > 0)
			hear(tsm, watched);
	return NULL;
}

static void make_files(struct tsm *tsm, const char *provider)
{
	char line[64];

	snprintf(line, sizeof(line), "%s\n", provider);
	put_text(tsm->report, "provider", line);
	put_text(tsm->report, "inblob", "");
	put_text(tsm->report, "outblob", "");
	put_text(tsm->report, "auxblob", "certificates");
	put(tsm->measurements, "rtmr3:sha384", BYTES_ARRAY(tsm->rtmr));
	put_generation(tsm);
}

void tsm_start(const char *provider, enum tsm_manner manner, struct tsm *out)
{
	*out = (struct tsm){ .folder = "/tmp/pcc-tsm.XXXXXX",
			     .manner = manner,
			     .is_over = true };
	cr_assert_not_null(mkdtemp(out->folder));
	cr_assert_eq(chmod(out->folder, 0755), 0);
	path_of(out->folder, "report", out->reports);
	path_of(out->reports, "pcc-node", out->report);
	path_of(out->folder, "measurements", out->measurements);
	cr_assert_eq(mkdir(out->reports, 0755), 0);
	cr_assert_eq(mkdir(out->report, 0755), 0);
	cr_assert_eq(mkdir(out->measurements, 0755), 0);
	make_files(out, provider);
	cr_assert_eq(pthread_create(&out->thread, NULL, play, out), 0);
	while (out->is_over)
		(void)poll(NULL, 0, 1);
}

void tsm_stop(struct tsm *tsm)
{
	char path[TSM_PATH_MAX];

	if (tsm->folder[0] == '\0')
		return;
	tsm->is_over = true;
	pthread_join(tsm->thread, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(tsm->report, names[i], path);
		unlink(path);
	}
	path_of(tsm->measurements, "rtmr3:sha384", path);
	unlink(path);
	rmdir(tsm->report);
	rmdir(tsm->reports);
	rmdir(tsm->measurements);
	rmdir(tsm->folder);
	tsm->folder[0] = '\0';
}
