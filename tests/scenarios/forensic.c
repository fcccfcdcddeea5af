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
#include "crypto/random.h"

#define PIECE ((ssize_t)4 << 20) /* bytes looked at in one go */
#define PAGE 4096
#define MAPPING_MOST ((off_t)1 << 36) /* a sanitizer's shadow is larger */
#define LINE_BYTES 512
#define NAME_BYTES 128 /* of a mapping */
#define UTF16_NEEDLE (FORENSIC_NEEDLES - 2)
#define TOKENS_NEEDLE (FORENSIC_NEEDLES - 1)
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

	for (size_t bit = before == 0 ? 0 : 6 - before * 8 % 6; bit + 6 <= bits;
	     bit += 6) {
		unsigned value = 0;

		for (size_t i = bit; i < bit + 6; i++)
			value = value << 1 |
				((unsigned char)text[i / 8] >> (7 - i % 8) & 1);
		put(needle, (unsigned char)letters[value]);
	}
}

/* Without the zero at its end, or its beginning, both orders are the same. */
static void put_utf16(struct forensic_needle *needle, const char *text)
{
	put(needle, (unsigned char)*text);
	while (*++text != '\0') {
		put(needle, 0);
		put(needle, (unsigned char)*text);
	}
}

/* The first two bytes of a needle, as an index. */
static unsigned start_of(const uint8_t *inverted)
{
	return (unsigned)inverted[0] << 8 | inverted[1];
}

void forensic_init(struct forensic *forensic, const char *text)
{
	static const char *const encodings[TOKENS_NEEDLE] = {
		"raw",	       "hex",	   "HEX",	  "base64+0",
		"base64+1",    "base64+2", "base64url+0", "base64url+1",
		"base64url+2", "UTF-16",
	};
	struct forensic_needle *needles = forensic->needles;

	invariant(strlen(text) >= 16 && strlen(text) <= FORENSIC_TEXT_MAX);
	*forensic = (struct forensic){ 0 };
	for (size_t i = 0; i < TOKENS_NEEDLE; i++)
		needles[i].encoding = encodings[i];
	put_raw(&needles[0], text);
	put_hex(&needles[1], text, "0123456789abcdef");
	put_hex(&needles[2], text, "0123456789ABCDEF");
	for (unsigned i = 0; i < 3; i++) {
		put_base64(&needles[3 + i], text, i, standard_letters);
		put_base64(&needles[6 + i], text, i, url_letters);
	}
	put_utf16(&needles[UTF16_NEEDLE], text);
	for (size_t i = 0; i <= UTF16_NEEDLE; i++)
		forensic->starts[start_of(needles[i].inverted)] = true;
}

void forensic_add_tokens(struct forensic *forensic, const uint32_t *tokens,
			 size_t count)
{
	struct forensic_needle *needle = &forensic->needles[TOKENS_NEEDLE];
	size_t most = FORENSIC_NEEDLE_MAX / sizeof(*tokens);

	invariant(count >= 8);
	*needle = (struct forensic_needle){ .encoding = "tokens" };
	for (size_t i = 0; i < count && i < most; i++)
		for (unsigned bit = 0; bit < 32; bit += 8)
			put(needle, tokens[i] >> bit & 0xff);
	forensic->starts[start_of(needle->inverted)] = true;
}

void forensic_invent(uint8_t inverted[static FORENSIC_TEXT_MAX])
{
	random_bytes(inverted, FORENSIC_TEXT_MAX);
	for (size_t i = 0; i < FORENSIC_TEXT_MAX; i++)
		inverted[i] = (uint8_t) ~('a' + inverted[i] % 26);
}

void forensic_reveal(const uint8_t inverted[static FORENSIC_TEXT_MAX],
		     char text[static FORENSIC_TEXT_MAX + 1])
{
	for (size_t i = 0; i < FORENSIC_TEXT_MAX; i++)
		text[i] = (char)(uint8_t)~inverted[i];
	text[FORENSIC_TEXT_MAX] = '\0';
}

/* What has to be told along with a hit. */
struct place {
	const struct forensic *forensic;
	const char *where;
	struct forensic_finding *finding;
};

/* Whether a needle begins here: all of it, in bytes that are inverted. */
static void compare(const struct place *place, struct bytes here)
{
	for (size_t i = 0; i < FORENSIC_NEEDLES; i++) {
		const struct forensic_needle *needle =
			&place->forensic->needles[i];

		if (needle->len == 0 || here.len < needle->len ||
		    memcmp(here.data, needle->inverted, needle->len) != 0)
			continue;
		place->finding->hits++;
		place->finding->encoding = needle->encoding;
		snprintf(place->finding->where, sizeof(place->finding->where),
			 "%s", place->where);
	}
}

/* Invert bytes, and count every needle in them. */
static void count(const struct place *place, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)~bytes[i];
	for (size_t i = 0; i + 1 < len; i++)
		if (place->forensic->starts[start_of(bytes + i)])
			compare(place, (struct bytes){ bytes + i, len - i });
}

static const uint8_t zeros[PAGE];

static size_t page_len(size_t at, size_t len)
{
	return len - at < PAGE ? len - at : PAGE;
}

/*
 * Most memory is zero, which no needle is at its first and last byte: count in
 * each run of pages that are not.
 */
static void count_in_runs(const struct place *place, uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t begin = at;

		while (at < len &&
		       memcmp(bytes + at, zeros, page_len(at, len)) != 0)
			at += page_len(at, len);
		count(place, bytes + begin, at - begin);
		while (at < len &&
		       memcmp(bytes + at, zeros, page_len(at, len)) == 0)
			at += page_len(at, len);
	}
}

/* Where to read. */
struct window {
	int file;
	off_t from, to;
	uint8_t *memory; /* PIECE */
};

/* Pieces overlap by a needle, so that nothing hides at a border. */
static void look(const struct window *window, const struct place *place)
{
	off_t at = window->from;

	while (at < window->to) {
		off_t left = window->to - at;
		ssize_t got = pread(window->file, window->memory,
				    left < PIECE ? (size_t)left : PIECE, at);

		if (got <= 0) {
			/* A page that nobody is given, such as a key's. */
			place->finding->unreadable += PAGE;
			at += PAGE;
			continue;
		}
		count_in_runs(place, window->memory, (size_t)got);
		place->finding->bytes += (uint64_t)got;
		at += got;
		if (got == PIECE)
			at -= (off_t)FORENSIC_NEEDLE_MAX;
	}
}

static uint8_t *new_memory(void)
{
	uint8_t *memory = malloc(PIECE);

	invariant(memory != NULL);
	return memory;
}

/* A readable mapping, from its line in /proc/PID/maps. */
static bool take_mapping(const char *line, struct window *window,
			 char name[static NAME_BYTES])
{
	unsigned long from, to;

	name[0] = '\0';
	if (sscanf(line, "%lx-%lx r%*s %*s %*s %*s %127[^\n]", &from, &to,
		   name) < 2)
		return false;
	window->from = (off_t)from;
	window->to = (off_t)to;
	/* The kernel's own page is beyond what off_t can hold. */
	return window->from >= 0 && window->to > window->from;
}

void forensic_look_at_process(const struct forensic *forensic, pid_t pid,
			      struct forensic_finding *finding)
{
	char path[PATH_BYTES], line[LINE_BYTES], name[NAME_BYTES];
	struct window window = { .memory = new_memory() };
	struct place place = { forensic, name, finding };
	SCOPED_FD file = -1;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	finding->is_refused = file < 0 || maps == NULL;
	window.file = file;
	while (!finding->is_refused && fgets(line, sizeof(line), maps)) {
		if (!take_mapping(line, &window, name))
			continue;
		if (window.to - window.from > MAPPING_MOST)
			finding->is_refused = true;
		else
			look(&window, &place);
	}
	if (maps != NULL)
		fclose(maps);
	free(window.memory);
}

void forensic_look_at_file(const struct forensic *forensic, const char *path,
			   struct forensic_finding *finding)
{
	struct window window = { .memory = new_memory() };
	struct place place = { forensic, path, finding };
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
		window.file = file;
		window.to = status.st_size;
		look(&window, &place);
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
