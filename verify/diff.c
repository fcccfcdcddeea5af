/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/diff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/secret.h"
#include "wire/manifest.h"

#define EXIT_USAGE 1
#define EXIT_MALFORMED 30

/* The sections that a release has, in the order of their weight for a reader.
 */
static const struct {
	const char *section;
	const char *heading; /* where something changed */
	const char *same;    /* where nothing did */
} sections[] = {
	{ "jail", "System calls that its processes may make",
	  "No process may make another system call." },
	{ "log", "What it can write into its log",
	  "It can write nothing else into its log." },
	{ "limit", "Limits that are built in", "Every limit is the same." },
	{ "policy", "What its operator chose",
	  "The operator's choices are the same." },
	{ "digest", "What a node of it states of itself",
	  "A node of it states the same of itself." },
	{ "measurement", "What the machine measures",
	  "The machine measures the same." },
	{ "file", "Files", "Every file is the same." },
	{ "library", "Libraries", "Every library is the same." },
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

struct tally {
	size_t more, fewer, changed;
};

/* What to print of a pair; NULL is a line that is not there. */
typedef void pair_function(const struct manifest_line *before,
			   const struct manifest_line *after, void *context);

static const struct manifest_line *next_of(struct manifest_reader *reader,
					   struct manifest_line *line)
{
	return manifest_next(reader, line) == ERR_OK ? line : NULL;
}

/* Both in their one order, side by side.  The texts were checked before. */
static void each_pair(struct bytes before, struct bytes after,
		      pair_function *use, void *context)
{
	struct manifest_reader old_reader;
	struct manifest_reader new_reader;
	struct manifest_line old_line;
	struct manifest_line new_line;
	const struct manifest_line *old;
	const struct manifest_line *new;

	invariant(manifest_begin(before, &old_reader) == ERR_OK &&
		  manifest_begin(after, &new_reader) == ERR_OK);
	old = next_of(&old_reader, &old_line);
	new = next_of(&new_reader, &new_line);
	while (old != NULL || new != NULL) {
		int order = old == NULL	  ? 1
			    : new == NULL ? -1
					  : manifest_compare(old, new);

		use(order <= 0 ? old : NULL, order >= 0 ? new : NULL, context);
		if (order <= 0)
			old = next_of(&old_reader, &old_line);
		if (order >= 0)
			new = next_of(&new_reader, &new_line);
	}
}

struct part {
	struct bytes section;
	const char *heading; /* printed before the first change */
	struct tally tally;
};

static void print_value(const char *mark, struct bytes value)
{
	printf("      %s %.*s\n", mark, (int)value.len,
	       (const char *)value.data);
}

static void print_pair(const struct manifest_line *before,
		       const struct manifest_line *after, void *context)
{
	const struct manifest_line *line = before != NULL ? before : after;
	struct part *part = context;
	struct tally *tally = &part->tally;

	if (!bytes_equal(line->section, part->section) ||
	    (before != NULL && after != NULL &&
	     bytes_equal(before->value, after->value)))
		return;
	if (tally->more + tally->fewer + tally->changed == 0)
		printf("\n%s\n", part->heading);
	tally->more += before == NULL;
	tally->fewer += after == NULL;
	tally->changed += before != NULL && after != NULL;
	printf("  %c %.*s\n",
	       before == NULL  ? '+'
	       : after == NULL ? '-'
			       : '~',
	       (int)line->name.len, (const char *)line->name.data);
	if (before != NULL)
		print_value("was", before->value);
	if (after != NULL)
		print_value("is ", after->value);
}

/* Sections that this build does not know are shown by their own names. */
struct others {
	struct bytes before, after;
	struct bytes last;
};

static bool is_known(struct bytes section)
{
	for (size_t i = 0; i < SECTIONS; i++)
		if (bytes_equal(section, bytes_of_string(sections[i].section)))
			return true;
	return false;
}

static bool print_section(struct bytes before, struct bytes after,
			  struct bytes section, const char *heading)
{
	struct part part = { .section = section, .heading = heading };

	each_pair(before, after, print_pair, &part);
	if (part.tally.more + part.tally.fewer + part.tally.changed == 0)
		return false;
	printf("  %zu more, %zu fewer, %zu changed\n", part.tally.more,
	       part.tally.fewer, part.tally.changed);
	return true;
}

static void print_other(const struct manifest_line *before,
			const struct manifest_line *after, void *context)
{
	struct others *others = context;
	struct bytes section =
		before != NULL ? before->section : after->section;
	char heading[MANIFEST_SECTION_MAX + 1];

	if (is_known(section) || bytes_equal(section, others->last))
		return;
	others->last = section;
	snprintf(heading, sizeof(heading), "%.*s", (int)section.len,
		 (const char *)section.data);
	(void)print_section(others->before, others->after, section, heading);
}

static int compare(struct bytes before, struct bytes after)
{
	struct others others = { before, after, { 0 } };
	bool differs[SECTIONS];

	for (size_t i = 0; i < SECTIONS; i++)
		differs[i] = print_section(before, after,
					   bytes_of_string(sections[i].section),
					   sections[i].heading);
	each_pair(before, after, print_other, &others);
	printf("\n");
	for (size_t i = 0; i < SECTIONS; i++)
		if (!differs[i])
			printf("%s\n", sections[i].same);
	return EXIT_SUCCESS;
}

/* NULL, and it has said why. */
static uint8_t *load(const char *path, struct bytes *out)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *memory = malloc(MANIFEST_BYTES_MAX + 1);
	struct writer text = { memory, 0, MANIFEST_BYTES_MAX + 1 };

	if (fd < 0 || memory == NULL || fd_read_all(fd, &text) != ERR_OK) {
		fprintf(stderr, "pcc-verify: %s: %s\n", path, strerror(errno));
	} else if (manifest_check(bytes_written(&text)) != ERR_OK) {
		fprintf(stderr, "pcc-verify: %s is no manifest of a release\n",
			path);
	} else {
		*out = bytes_written(&text);
		return memory;
	}
	free(memory);
	return NULL;
}

static const char usage[] =
	"usage: pcc-verify diff A B\n"
	"\n"
	"Say what changed from release A to release B, whose manifests these "
	"files are\n"
	"(`make release` writes build/release/manifest): system calls, log "
	"fields, limits,\n"
	"choices, digests, measurements, files and libraries.  Exit codes: 0 "
	"told,\n"
	"whatever changed; 30 malformed, 1 usage.\n";

int diff_run(int argc, char **argv)
{
	struct bytes before = { 0 };
	struct bytes after = { 0 };
	uint8_t *a;
	uint8_t *b;
	int code = EXIT_MALFORMED;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc != 3) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	a = load(argv[1], &before);
	b = load(argv[2], &after);
	if (a != NULL && b != NULL)
		code = compare(before, after);
	free(a);
	free(b);
	return code;
}
