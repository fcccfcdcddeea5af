/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/forensic.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "crypto/random.h"

#define PIECE (4 << 20) /* bytes looked at in one go */
#define PAGE 4096
#define LINE_BYTES 512
#define PATH_BYTES 384

static const char standard_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-_";

static void put(struct forensic_needle *needle, unsigned byte)
{
	invariant(needle->len < FORENSIC_NEEDLE_MAX);
	needle->inverted[needle->len++] = (uint8_t)~byte;
}

static void put_raw(struct forensic_needle *needle, const char *text)
{
	for (; *text != '\0'; text++)
		put(needle, (unsigned char)*text);
}

static void put_hex(struct forensic_needle *needle, const char *text,
		    const char *digits)
{
	for (; *text != '\0'; text++) {
		put(needle, (unsigned char)digits[(unsigned char)*text >> 4]);
		put(needle, (unsigned char)digits[(unsigned char)*text & 15]);
	}
}

/*
 * What base64 makes of the text when `before` bytes stand before it in its
 * group of three: only letters that depend on the text alone.
 */
static void put_base64(struct forensic_needle *needle, const char *text,
		       unsigned before, const char *letters)
{
	size_t bits = strlen(text) * 8;

	for (size_t bit = before == 0 ? 0 : 6 - before * 8 % 6;
	     bit + 6 <= bits; bit += 6) {
		unsigned value = 0;

		for (size_t i = bit; i < bit + 6; i++)
			value = value << 1 |
				((unsigned char)text[i / 8] >> (7 - i % 8) & 1);
		put(needle, (unsigned char)letters[value]);
	}
}

enum order {
	LITTLE,
	BIG,
};

static void put_utf16(struct forensic_needle *needle, const char *text,
		      enum order order)
{
	for (; *text != '\0'; text++) {
		if (order == BIG)
			put(needle, 0);
		put(needle, (unsigned char)*text);
		if (order == LITTLE)
			put(needle, 0);
	}
}

void forensic_init(struct forensic *forensic, const char *text)
{
	static const char *const encodings[FORENSIC_NEEDLES] = {
		"raw",	    "hex",	  "HEX",	"base64+0",
		"base64+1", "base64+2",	  "base64url+0", "base64url+1",
		"base64url+2", "UTF-16LE", "UTF-16BE",
	};
	struct forensic_needle *needles = forensic->needles;

	invariant(strlen(text) >= 16 && strlen(text) <= FORENSIC_TEXT_MAX);
	*forensic = (struct forensic){ 0 };
	for (size_t i = 0; i < FORENSIC_NEEDLES; i++)
		needles[i].encoding = encodings[i];
	put_raw(&needles[0], text);
	put_hex(&needles[1], text, "0123456789abcdef");
	put_hex(&needles[2], text, "0123456789ABCDEF");
	for (unsigned i = 0; i < 3; i++) {
		put_base64(&needles[3 + i], text, i, standard_letters);
		put_base64(&needles[6 + i], text, i, url_letters);
	}
	put_utf16(&needles[9], text, LITTLE);
	put_utf16(&needles[10], text, BIG);
}

void forensic_invent(uint8_t inverted[static FORENSIC_TEXT_MAX])
{
	random_bytes(inverted, FORENSIC_TEXT_MAX);
	for (size_t i = 0; i < FORENSIC_TEXT_MAX; i++)
		inverted[i] = (uint8_t)~('a' + inverted[i] % 26);
}

void forensic_reveal(const uint8_t inverted[static FORENSIC_TEXT_MAX],
		     char text[static FORENSIC_TEXT_MAX + 1])
{
	for (size_t i = 0; i < FORENSIC_TEXT_MAX; i++)
		text[i] = (char)(uint8_t)~inverted[i];
	text[FORENSIC_TEXT_MAX] = '\0';
}

/* Count every needle in bytes that are inverted already. */
static void count(const struct forensic *forensic, struct bytes inverted,
		  const char *where, struct forensic_finding *finding)
{
	for (size_t i = 0; i < FORENSIC_NEEDLES; i++) {
		const struct forensic_needle *needle = &forensic->needles[i];
		const uint8_t *at = inverted.data;
		const uint8_t *end = at + inverted.len;

		while ((at = memmem(at, (size_t)(end - at), needle->inverted,
				    needle->len)) != NULL) {
			finding->hits++;
			finding->encoding = needle->encoding;
			snprintf(finding->where, sizeof(finding->where), "%s",
				 where);
			at++;
		}
	}
}

/* Where to read, and the piece of it that is looked at now. */
struct window {
	int file;
	off_t from, to;
	const char *where;
	uint8_t *memory; /* PIECE and one needle */
};

/* Keep the end of a piece: what begins there may go on in the next. */
static size_t keep_end(uint8_t *memory, size_t len)
{
	size_t keep = FORENSIC_NEEDLE_MAX - 1;

	if (len < keep)
		return len;
	memmove(memory, memory + len - keep, keep);
	return keep;
}

/* Look at a stretch.  What lies across two pieces may be counted twice. */
static void look(const struct forensic *forensic, const struct window *window,
		 struct forensic_finding *finding)
{
	size_t kept = 0;

	for (off_t at = window->from; at < window->to;) {
		off_t left = window->to - at;
		uint8_t *piece = window->memory + kept;
		ssize_t got = pread(window->file, piece,
				    left < PIECE ? (size_t)left : PIECE, at);

		if (got <= 0) {
			/* A page that the kernel gives nobody, such as a key's. */
			finding->unreadable += PAGE;
			at += PAGE;
			kept = 0;
			continue;
		}
		for (ssize_t i = 0; i < got; i++)
			piece[i] = (uint8_t)~piece[i];
		kept += (size_t)got;
		count(forensic, (struct bytes){ window->memory, kept },
		      window->where, finding);
		finding->bytes += (uint64_t)got;
		at += got;
		kept = keep_end(window->memory, kept);
	}
}

static uint8_t *new_memory(void)
{
	uint8_t *memory = malloc(PIECE + FORENSIC_NEEDLE_MAX);

	invariant(memory != NULL);
	return memory;
}

void forensic_look_at_process(const struct forensic *forensic, pid_t pid,
			      struct forensic_finding *finding)
{
	char path[PATH_BYTES], line[LINE_BYTES], where[LINE_BYTES];
	struct window window = { .where = where, .memory = new_memory() };
	SCOPED_FD file = -1;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	finding->is_refused = file < 0 || maps == NULL;
	window.file = file;
	while (!finding->is_refused && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char name[256] = "";

		if (sscanf(line, "%lx-%lx r%*s %*s %*s %*s %255[^\n]", &from,
			   &to, name) < 2)
			continue;
		snprintf(where, sizeof(where), "%d %.100s", pid, name);
		window.from = (off_t)from;
		window.to = (off_t)to;
		/* The kernel's own pages have no end that off_t could hold. */
		if (window.from >= 0 && strcmp(name, "[vsyscall]") != 0)
			look(forensic, &window, finding);
	}
	if (maps != NULL)
		fclose(maps);
	free(window.memory);
}

void forensic_look_at_file(const struct forensic *forensic, const char *path,
			   struct forensic_finding *finding)
{
	struct window window = { .where = path, .memory = new_memory() };
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (file >= 0 && fstat(file, &status) == 0 &&
	    S_ISREG(status.st_mode)) {
		window.file = file;
		window.to = status.st_size;
		look(forensic, &window, finding);
	}
	free(window.memory);
}

void forensic_look_at_folder(const struct forensic *forensic, const char *path,
			     struct forensic_finding *finding)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	finding->is_refused = folder == NULL;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char full[PATH_BYTES];

		snprintf(full, sizeof(full), "%.100s/%.255s", path,
			 entry->d_name);
		forensic_look_at_file(forensic, full, finding);
	}
	if (folder != NULL)
		closedir(folder);
}
