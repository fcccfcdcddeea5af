/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/journal.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/events.h"

#define LINE_BYTES 512
#define ERRORS 134    /* of the system, with names */
#define PART_LEAST 4  /* less stands in a program by chance */
#define PARTS_MOST 12 /* of a line, between ": " or "; " */

/* " name=NUMBER" at the front of *rest, and the number is not too large. */
static bool take_field(const char **rest, const struct log_field *field,
		       bool *is_bucket)
{
	size_t len = strlen(field->name);
	const char *at = *rest;
	unsigned long long value;
	char *end;

	if (at[0] != ' ' || strncmp(at + 1, field->name, len) != 0 ||
	    at[len + 1] != '=' || at[len + 2] < '0' || at[len + 2] > '9')
		return false;
	/* Zero has one form. */
	if (at[len + 2] == '0' && at[len + 3] >= '0' && at[len + 3] <= '9')
		return false;
	value = strtoull(at + len + 2, &end, 10);
	*is_bucket = events_bucket(value) == value;
	*rest = end;
	return value <= field->max;
}

/* Times and numbers of frames are those that are written as buckets. */
static bool has_buckets(const char *name)
{
	return strcmp(name, "ms") == 0 || strcmp(name, "frames") == 0;
}

static bool matches(const char *line, const struct log_form *form)
{
	size_t len = strlen(form->event);
	const char *rest = line + len;
	bool is_bucket;

	if (strncmp(line, form->event, len) != 0)
		return false;
	for (size_t i = 0; i < log_field_count(form); i++)
		if (!take_field(&rest, &form->fields[i], &is_bucket) ||
		    (has_buckets(form->fields[i].name) && !is_bucket))
			return false;
	return *rest == '\0';
}

static bool is_of_node(const char *line)
{
	for (int i = 0; i < EVENT_COUNT; i++)
		if (matches(line, events_form((enum event)i)))
			return true;
	return false;
}

static bool is_of_gateway(const char *line)
{
	static const struct log_form forms[] = {
		{ "gateway_started",
		  { { "nodes", 1000 }, { "connections_max", 1000000 } } },
		{ "gateway_request", { { "status", 599 }, { "ms", 1000000 } } },
		{ "gateway_node_refused", { { "verdict", 99 } } },
		{ "gateway_cut", { { "ms", 1000000 } } },
		{ "gateway_stopped", { { NULL, 0 } } },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (matches(line, &forms[i]))
			return true;
	return false;
}

static const char *const *provoked; /* beginnings of lines, or NULL */

void journal_expect(const char *const *beginnings)
{
	provoked = beginnings;
}

static bool is_provoked(enum system_part part, const char *line)
{
	for (size_t i = 0; provoked != NULL && provoked[i] != NULL; i++)
		if (part == SYSTEM_NODE &&
		    strncmp(line, provoked[i], strlen(provoked[i])) == 0)
			return true;
	return false;
}

static bool is_event(enum system_part part, const char *line)
{
	if (part == SYSTEM_NODE)
		return is_of_node(line);
	return part == SYSTEM_GATEWAY && is_of_gateway(line);
}

static bool is_error_name(const char *text)
{
	for (int i = 1; i < ERRORS; i++)
		if (strcmp(text, strerror(i)) == 0)
			return true;
	return false;
}

/* "keeper cannot be started": what is said of a role. */
static const char *after_role(const char *text)
{
	static const char *const roles[] = { "supervisor ", "front ",
					     "keeper ",	    "zygote ",
					     "attester ",   "worker " };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strncmp(text, roles[i], strlen(roles[i])) == 0)
			return text + strlen(roles[i]);
	return text;
}

static bool stands_in(struct bytes program, const char *text, size_t len)
{
	return memmem(program.data, program.len, text, len) != NULL;
}

static bool has_letter(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isalpha((unsigned char)text[i]))
			return true;
	return false;
}

/*
 * Words of the program's own, whatever numbers stand between them: as a whole,
 * or in pieces of which none with a letter is so short that chance has it.
 */
static bool is_in_program(const char *text, struct bytes program)
{
	static const char digits[] = "0123456789";
	size_t known = 0;

	text = after_role(text);
	if (strlen(text) >= PART_LEAST &&
	    stands_in(program, text, strlen(text)))
		return true;
	while (*text != '\0') {
		size_t len = strcspn(text, digits);

		if (len > 0 && !stands_in(program, text, len))
			return false;
		if (has_letter(text, len)) {
			if (len < PART_LEAST)
				return false;
			known += len;
		}
		text += len;
		text += strspn(text, digits);
	}
	return known >= PART_LEAST;
}

/* "pcc-node: keeper: TEXT: Cannot allocate memory", and every part known. */
static bool is_text_of(enum system_part part, char *line, struct bytes program)
{
	static const char *const names[SYSTEM_PARTS] = { "pcc-node",
							 "pcc-gateway",
							 "pcc-client" };
	size_t parts = 0;

	for (char *at = line, *next; at != NULL; at = next, parts++) {
		next = strpbrk(at, ":;");
		while (next != NULL && next[1] != ' ')
			next = strpbrk(next + 1, ":;");
		if (next != NULL) {
			*next = '\0';
			next += strlen(": ");
		}
		if (parts == 0
			    ? strcmp(at, names[part]) != 0
			    : !is_error_name(at) && !is_in_program(at, program))
			return false;
	}
	return parts > 1 && parts <= PARTS_MOST;
}

const char *journal_stray_line(enum system_part part, const char *log)
{
	static char line[LINE_BYTES];

	while (*log != '\0') {
		size_t len = strcspn(log, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, log);
		if (log[len] != '\n' || !is_event(part, line))
			return line;
		log += len + 1;
	}
	return NULL;
}

/* Whether the line, without its end, may stand there. */
static bool may_stand(enum system_part part, const char *line,
		      struct bytes program, struct journal_tally *tally)
{
	char copy[LINE_BYTES];

	if (is_event(part, line))
		return true;
	snprintf(copy, sizeof(copy), "%s", line);
	if (!is_provoked(part, line) &&
	    (strlen(line) >= sizeof(copy) || !is_text_of(part, copy, program)))
		return false;
	tally->texts++;
	return true;
}

const char *journal_stray_in(enum system_part part, const char *path,
			     struct bytes program, struct journal_tally *tally)
{
	static char stray[LINE_BYTES];
	FILE *file = fopen(path, "re");
	const char *found = NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (file == NULL)
		return NULL;
	tally->logs++;
	while ((len = getline(&line, &room, file)) > 0) {
		bool is_whole =
			line[len - 1] == '\n' && strlen(line) == (size_t)len;

		tally->lines++;
		tally->bytes += (size_t)len;
		line[len - 1] = '\0';
		if (is_whole && may_stand(part, line, program, tally))
			continue;
		tally->strays++;
		snprintf(stray, sizeof(stray), "%s", line);
		found = stray;
	}
	free(line);
	fclose(file);
	return found;
}

static struct journal_tally own; /* of this process */

static void add(const struct journal_tally *more, struct journal_tally *sum)
{
	sum->logs += more->logs;
	sum->lines += more->lines;
	sum->bytes += more->bytes;
	sum->texts += more->texts;
	sum->strays += more->strays;
}

static FILE *open_kept(const char *mode)
{
	const char *figures = getenv("FIGURES");
	char path[PATH_MAX];

	if (figures == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s.journals", figures);
	return fopen(path, mode);
}

#define NUMBER " %" PRIu64
#define SCANNED " %" SCNu64

void journal_keep(const struct journal_tally *tally)
{
	FILE *file = open_kept("ae");

	add(tally, &own);
	if (file == NULL)
		return;
	fprintf(file, NUMBER NUMBER NUMBER NUMBER NUMBER "\n", tally->logs,
		tally->lines, tally->bytes, tally->texts, tally->strays);
	fclose(file);
}

struct journal_tally journal_kept(void)
{
	struct journal_tally sum = { 0 }, one;
	FILE *file = open_kept("re");

	if (file == NULL)
		return own;
	while (fscanf(file, SCANNED SCANNED SCANNED SCANNED SCANNED, &one.logs,
		      &one.lines, &one.bytes, &one.texts, &one.strays) == 5)
		add(&one, &sum);
	fclose(file);
	return sum;
}

size_t journal_count(const char *log, const char *beginning)
{
	size_t count = 0;

	while (*log != '\0') {
		count += strncmp(log, beginning, strlen(beginning)) == 0;
		log += strcspn(log, "\n");
		log += *log == '\n';
	}
	return count;
}
