/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/events.h"

#define LINE_BYTES 512

/* " name=NUMBER" at the front of *rest, and the number is not too large. */
static bool take_field(const char **rest, const char *name, uint64_t max)
{
	size_t len = strlen(name);
	const char *at = *rest;
	char *end;

	if (at[0] != ' ' || strncmp(at + 1, name, len) != 0 ||
	    at[len + 1] != '=' || at[len + 2] < '0' || at[len + 2] > '9')
		return false;
	if (strtoull(at + len + 2, &end, 10) > max)
		return false;
	*rest = end;
	return true;
}

static bool matches(const char *line, const struct log_form *form)
{
	size_t len = strlen(form->event);
	const char *rest = line + len;

	if (strncmp(line, form->event, len) != 0)
		return false;
	for (size_t i = 0; i < log_field_count(form); i++)
		if (!take_field(&rest, form->fields[i].name,
				form->fields[i].max))
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
		{ "gateway_cut", { { "ms", 1000000 } } },
		{ "gateway_stopped", { { NULL, 0 } } },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (matches(line, &forms[i]))
			return true;
	return false;
}

const char *journal_stray_line(enum system_part part, const char *log)
{
	static char line[LINE_BYTES];

	while (*log != '\0') {
		size_t len = strcspn(log, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, log);
		if (log[len] != '\n' ||
		    !(part == SYSTEM_NODE ? is_of_node(line)
					  : is_of_gateway(line)))
			return line;
		log += len + 1;
	}
	return NULL;
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
