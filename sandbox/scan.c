/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"

#define PIECE ((size_t)4 << 20) /* bytes looked at in one go */
#define ROOM (PIECE + 2 * NEEDLE_MAX)
#define PAGE ((size_t)4096)
#define MAPPING_MOST ((off_t)1 << 36) /* a sanitizer's shadow is larger */
#define LINE_BYTES 512
#define PATH_BYTES 512
#define DEEPEST 16 /* folder in folder */

/* What has to be told along with a hit. */
struct place {
	const struct needles *needles;
	const char *where;
	struct scan_finding *finding;
};

static void count(const struct place *place, const uint8_t *memory, size_t len)
{
	struct scan_finding *finding = place->finding;
	size_t hits =
		needle_count(place->needles, (struct bytes){ memory, len },
			     &finding->encoding);

	finding->hits += hits;
	if (hits > 0)
		snprintf(finding->where, sizeof(finding->where), "%s",
			 place->where);
}

static const uint8_t zeros[PAGE];

static size_t page_len(size_t at, size_t len)
{
	return len - at < PAGE ? len - at : PAGE;
}

/* A needle may begin and end in zeros, as small numbers do: so what is counted
 * in goes that far into the zeros on both sides, in which no other run is. */
static void count_in_run(const struct place *place, struct bytes memory,
			 size_t begin, size_t end)
{
	size_t after = memory.len - end;

	_Static_assert(PAGE >= 2 * NEEDLE_MAX, "runs do not meet");
	if (begin == end)
		return;
	begin -= begin < NEEDLE_MAX ? begin : NEEDLE_MAX;
	end += after < NEEDLE_MAX ? after : NEEDLE_MAX;
	count(place, memory.data + begin, end - begin);
}

/* Most memory is zero: count in each run of pages that are not. */
static void count_in_runs(const struct place *place, const uint8_t *memory,
			  size_t len)
{
	size_t at = 0;

	place->finding->bytes += len;
	while (at < len) {
		size_t begin = at;

		while (at < len &&
		       memcmp(memory + at, zeros, page_len(at, len)) != 0)
			at += page_len(at, len);
		count_in_run(place, (struct bytes){ memory, len }, begin, at);
		while (at < len &&
		       memcmp(memory + at, zeros, page_len(at, len)) == 0)
			at += page_len(at, len);
	}
}

void scan_memory(const struct needles *needles, struct bytes memory,
		 const char *where, struct scan_finding *finding)
{
	struct place place = { needles, where, finding };

	count_in_runs(&place, memory.data, memory.len);
}

/* Where to read. */
struct window {
	int file;
	bool is_process; /* and may have pages that nobody is given */
	off_t from, to;
	uint8_t *memory; /* ROOM; a piece, between zeros */
};

/*
 * What is beside a window may be pages that nobody touched, which are not there
 * and zero; to read them would make them be there.
 */
static void count_in_piece(const struct place *place, uint8_t *memory,
			   size_t len)
{
	memset(memory + NEEDLE_MAX + len, 0, NEEDLE_MAX);
	count_in_runs(place, memory, len + 2 * NEEDLE_MAX);
	place->finding->bytes -= 2 * NEEDLE_MAX;
}

/* Pieces overlap by a needle, so that nothing hides at a border. */
static void look(const struct window *window, const struct place *place)
{
	off_t at = window->from;

	while (at < window->to) {
		size_t left = (size_t)(window->to - at);
		size_t wanted = left < PIECE ? left : PIECE;
		ssize_t got = pread(window->file, window->memory + NEEDLE_MAX,
				    wanted, at);

		if (got < 0 && window->is_process &&
		    (errno == EIO || errno == EFAULT)) {
			/* A page that nobody is given, such as a key's. */
			place->finding->unreadable += PAGE;
			at += (off_t)PAGE;
			continue;
		}
		if (got <= 0) {
			/* Gone meanwhile, or cut, or not to be read at all. */
			place->finding->is_refused = true;
			return;
		}
		count_in_piece(place, window->memory, (size_t)got);
		at += got;
		if ((size_t)got == PIECE)
			at -= (off_t)NEEDLE_MAX;
	}
}

static uint8_t *new_memory(void)
{
	uint8_t *memory = calloc(1, ROOM);

	invariant(memory != NULL);
	return memory;
}

/* What was found in it is not to be found again here. */
static void free_memory(uint8_t *memory)
{
	secret_wipe(memory, ROOM);
	free(memory);
}

struct mapping {
	off_t from, to;
	bool is_anonymous;	   /* what nobody touched is zero */
	char name[SCAN_WHERE_MAX]; /* may be empty */
};

/*
 * A readable mapping, from its line in /proc/PID/maps:
 *
 *     from-to rwxp offset device inode   name
 */
static bool take_mapping(const char *line, struct mapping *out)
{
	char *at;
	char *rest;
	bool is_private;

	out->from = (off_t)strtoul(line, &at, 16);
	if (*at != '-')
		return false;
	out->to = (off_t)strtoul(at + 1, &at, 16);
	/* The kernel's own page is beyond what off_t can hold. */
	if (strncmp(at, " r", 2) != 0 || strlen(at) < 6 || out->from < 0 ||
	    out->to <= out->from)
		return false;
	is_private = at[4] == 'p';
	rest = at + 5;
	(void)strtoul(rest, &rest, 16); /* offset */
	rest += strspn(rest, " ");	/* device, as in 00:01 */
	rest += strcspn(rest, " \n");
	out->is_anonymous = strtoul(rest, &rest, 10) == 0 && is_private;
	rest += strspn(rest, " ");
	snprintf(out->name, sizeof(out->name), "%.*s", (int)strcspn(rest, "\n"),
		 rest);
	return true;
}

/* The pages from here on that are there, or in a swap device; none: at `to`. */
static off_t next_present(int pagemap, off_t at, off_t to, bool wanted)
{
	static const uint64_t is_there = UINT64_C(3) << 62;
	uint64_t entries[512];

	while (at < to) {
		ssize_t got = pread(pagemap, entries, sizeof(entries),
				    at / (off_t)PAGE * (off_t)sizeof(*entries));

		if (got <= 0)
			return wanted ? at : to; /* unknown: looked at */
		for (size_t i = 0;
		     i < (size_t)got / sizeof(*entries) && at < to; i++) {
			if (((entries[i] & is_there) != 0) == wanted)
				return at;
			at += (off_t)PAGE;
		}
	}
	return to;
}

/* Stacks and heaps are mostly addresses that were never used. */
static void look_at_mapping(const struct mapping *mapping, int pagemap,
			    struct window *window, const struct place *place)
{
	off_t at = mapping->from;

	if (!mapping->is_anonymous || pagemap < 0) {
		window->from = mapping->from;
		window->to = mapping->to;
		look(window, place);
		return;
	}
	while (at < mapping->to) {
		window->from = next_present(pagemap, at, mapping->to, true);
		at = next_present(pagemap, window->from, mapping->to, false);
		window->to = at;
		look(window, place);
	}
}

static int open_about(pid_t pid, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void scan_process(const struct needles *needles, pid_t pid,
		  struct scan_finding *finding)
{
	char path[PATH_BYTES], line[LINE_BYTES];
	SCOPED_FD memory = open_about(pid, "mem");
	SCOPED_FD pagemap = open_about(pid, "pagemap");
	struct window window = { .file = memory,
				 .is_process = true,
				 .memory = new_memory() };
	struct mapping mapping;
	struct place place = { needles, mapping.name, finding };
	size_t mappings = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (memory >= 0 && maps != NULL && fgets(line, sizeof(line), maps)) {
		if (!take_mapping(line, &mapping))
			continue;
		mappings++;
		if (mapping.to - mapping.from > MAPPING_MOST)
			finding->is_refused = true;
		else
			look_at_mapping(&mapping, pagemap, &window, &place);
	}
	/* One that has ended has no memory any more, and says so like that. */
	if (mappings == 0)
		finding->is_refused = true;
	if (maps != NULL)
		fclose(maps);
	free_memory(window.memory);
}

/* A file that somebody may be reading at an offset: so that stays. */
static void look_at_open_file(int file, off_t len, const struct place *place)
{
	struct window window = { .file = file,
				 .to = len,
				 .memory = new_memory() };

	if (len < 0)
		place->finding->is_refused = true;
	look(&window, place);
	place->finding->places++;
	free_memory(window.memory);
}

/* Read all that waits, and leave all where it was. */
static void look_at_socket(int file, const struct place *place)
{
	uint8_t *memory = new_memory();
	int from = 0, off = -1;

	/* Each look goes on behind what the last one saw. */
	if (setsockopt(file, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof(from)) !=
	    0) {
		/* A listener, or no local one: nothing, or one look. */
		ssize_t got =
			recv(file, memory, PIECE, MSG_PEEK | MSG_DONTWAIT);

		if (got > 0)
			count_in_runs(place, memory, (size_t)got);
	} else {
		for (;;) {
			ssize_t got = recv(file, memory, PIECE,
					   MSG_PEEK | MSG_DONTWAIT);

			if (got <= 0)
				break;
			count_in_runs(place, memory, (size_t)got);
		}
		(void)setsockopt(file, SOL_SOCKET, SO_PEEK_OFF, &off,
				 sizeof(off));
	}
	place->finding->places++;
	free_memory(memory);
}

static void look_at_pipe(int file, const struct place *place)
{
	uint8_t *memory = new_memory();
	int copy[2];

	if (pipe2(copy, O_CLOEXEC | O_NONBLOCK) != 0) {
		place->finding->is_refused = true;
	} else {
		(void)fcntl(copy[1], F_SETPIPE_SZ, (int)(1u << 20));
		if (tee(file, copy[1], 1u << 20, SPLICE_F_NONBLOCK) > 0) {
			ssize_t got = read(copy[0], memory, PIECE);

			if (got > 0)
				count_in_runs(place, memory, (size_t)got);
		}
		close(copy[0]);
		close(copy[1]);
		place->finding->places++;
	}
	free_memory(memory);
}

/* One that is open for writing alone, as a log, is opened once more. */
static void look_at_file(int file, off_t len, const struct place *place)
{
	char path[PATH_BYTES];
	SCOPED_FD again = -1;

	if ((fcntl(file, F_GETFL) & O_ACCMODE) != O_WRONLY) {
		look_at_open_file(file, len, place);
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	again = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (again < 0)
		place->finding->is_refused = true;
	else
		look_at_open_file(again, len, place);
}

static void look_at_descriptor(int file, const struct place *place)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		place->finding->is_refused = true;
	else if (S_ISSOCK(status.st_mode))
		look_at_socket(file, place);
	else if (S_ISFIFO(status.st_mode))
		look_at_pipe(file, place);
	else if (S_ISREG(status.st_mode))
		look_at_file(file, status.st_size, place);
}

/* Whether the process of a pidfd has, and so its descriptors are gone. */
static bool has_ended(int process)
{
	struct pollfd end = { .fd = process, .events = POLLIN };

	return poll(&end, 1, 0) != 0;
}

void scan_descriptors(const struct needles *needles, pid_t pid,
		      struct scan_finding *finding)
{
	char path[PATH_BYTES];
	SCOPED_FD process = (int)syscall(SYS_pidfd_open, pid, 0);
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	folder = opendir(path);
	while (process >= 0 && folder != NULL &&
	       (entry = readdir(folder)) != NULL) {
		struct place place = { needles, path, finding };
		int number = (int)strtol(entry->d_name, NULL, 10);
		SCOPED_FD file = -1;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "descriptor %d", number);
		file = (int)syscall(SYS_pidfd_getfd, process, number, 0);
		if (file >= 0)
			look_at_descriptor(file, &place);
		else if (errno != EBADF) /* just closed */
			finding->is_refused = true;
	}
	if (process < 0 || folder == NULL || has_ended(process))
		finding->is_refused = true;
	if (folder != NULL)
		closedir(folder);
}

void scan_file(const struct needles *needles, const char *path,
	       struct scan_finding *finding)
{
	struct place place = { needles, path, finding };
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
					    O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (file < 0 || fstat(file, &status) != 0)
		finding->is_refused = true;
	else if (S_ISREG(status.st_mode))
		look_at_open_file(file, status.st_size, &place);
	else if (S_ISBLK(status.st_mode))
		look_at_open_file(file, lseek(file, 0, SEEK_END), &place);
}

static void look_below(const struct needles *needles, const char *path,
		       unsigned depth, struct scan_finding *finding)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (folder == NULL || depth > DEEPEST)
		finding->is_refused = true;
	while (folder != NULL && depth <= DEEPEST &&
	       (entry = readdir(folder)) != NULL) {
		char full[PATH_BYTES];

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(full, sizeof(full), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(full))
			finding->is_refused = true;
		else if (entry->d_type == DT_DIR)
			look_below(needles, full, depth + 1, finding);
		else if (entry->d_type == DT_REG)
			scan_file(needles, full, finding);
		else if (entry->d_type == DT_UNKNOWN)
			finding->is_refused = true;
	}
	if (folder != NULL)
		closedir(folder);
}

void scan_folder(const struct needles *needles, const char *path,
		 struct scan_finding *finding)
{
	look_below(needles, path, 0, finding);
}
