/* SPDX-License-Identifier: Apache-2.0 */
#include "node/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "policy/events.h"
#include "policy/limits_list.h"
#include "policy/profile.h"
#include "sandbox/filter.h"
#include "wire/manifest.h"

#define LINES_MAX 2048
#define LINE_MAX_BYTES 512
#define CONDITION_MAX 64

static char *lines[LINES_MAX];
static size_t line_count;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	invariant(len > 0 && (size_t)len < sizeof(line));
	invariant(line_count < LINES_MAX);
	lines[line_count] = strdup(line);
	if (lines[line_count] == NULL)
		die("no memory");
	line_count++;
}

static const char *action_name(enum jail_action action)
{
	static const char *const names[] = {
		[JAIL_ALLOW] = "allowed",
		[JAIL_REFUSE] = "refused with EACCES",
		[JAIL_ABSENT] = "refused with ENOSYS",
		[JAIL_KILL] = "kills",
	};

	return names[action];
}

static void write_condition(const struct jail_condition *when,
			    char text[static CONDITION_MAX])
{
	int len = 0;

	text[0] = '\0';
	if (when->test == JAIL_EQUAL)
		len = snprintf(text, CONDITION_MAX, ".arg%u=0x%" PRIx64,
			       when->argument, when->value);
	else if (when->test == JAIL_CLEAR)
		len = snprintf(text, CONDITION_MAX, ".arg%u-without-0x%" PRIx64,
			       when->argument, when->value);
	invariant(len >= 0 && len < CONDITION_MAX);
}

static void add_jail(enum jail_role role)
{
	const struct jail_profile *profile = profile_of(role);
	char call[FILTER_CALL_MAX];
	char condition[CONDITION_MAX];

	add("jail %s.otherwise %s", profile->name,
	    action_name(profile->otherwise));
	add("jail %s.network %s", profile->name,
	    profile->network == JAIL_NETWORK_NONE ? "none" : "the machine's");
	if (profile->priority == JAIL_PRIORITY_REAL_TIME)
		add("jail %s.priority real-time", profile->name);
	for (size_t i = 0; i < profile_rule_count(profile); i++) {
		const struct jail_rule *rule = profile_rule(profile, i);

		filter_call_name(rule->number, call);
		write_condition(&rule->when, condition);
		add("jail %s.%s%s %s: %s", profile->name, call, condition,
		    action_name(rule->action), rule->reason);
	}
}

/* The word before the next space, which is consumed with it. */
static struct bytes take_word(struct bytes *line)
{
	const uint8_t *space = memchr(line->data, ' ', line->len);
	struct bytes word = *line;

	invariant(space != NULL);
	word.len = (size_t)(space - line->data);
	line->data += word.len + 1;
	line->len -= word.len + 1;
	return word;
}

/*
 * "event NAME SUBJECT" begins an event, and "field NAME KIND ..." after it is
 * one of its fields; the first line of a grammar is its version.
 */
static void add_log_line(struct bytes line, struct bytes *event)
{
	struct bytes kind = take_word(&line);

	if (bytes_equal(kind, BYTES_LITERAL("event"))) {
		*event = take_word(&line);
		add("log %.*s a line of a %.*s", (int)event->len, event->data,
		    (int)line.len, line.data);
	} else if (bytes_equal(kind, BYTES_LITERAL("field"))) {
		struct bytes name = take_word(&line);

		add("log %.*s.%.*s %.*s", (int)event->len, event->data,
		    (int)name.len, name.data, (int)line.len, line.data);
	}
}

/* Each line of a text of ours, without its end. */
static void each_line(struct bytes text,
		      void (*use)(struct bytes line, struct bytes *before))
{
	struct bytes before = { 0 };

	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);

		invariant(end != NULL);

		struct bytes line = { text.data, (size_t)(end - text.data) };

		use(line, &before);
		text.data += line.len + 1;
		text.len -= line.len + 1;
	}
}

static void add_log(void)
{
	uint8_t memory[EVENTS_GRAMMAR_MAX];
	struct writer text = WRITER_OVER(memory);

	invariant(events_grammar_write(&text) == ERR_OK);
	each_line(bytes_written(&text), add_log_line);
}

/* "KEY = VALUE" */
static void add_policy_line(struct bytes line, struct bytes *unused)
{
	struct bytes key = take_word(&line);

	(void)unused;
	(void)take_word(&line);
	add("policy %.*s %.*s", (int)key.len, key.data, (int)line.len,
	    line.data);
}

static void add_policy(const struct policy *policy)
{
	static uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);

	invariant(policy_write(policy, &text) == ERR_OK);
	each_line(bytes_written(&text), add_policy_line);
}

static int in_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void describe_print(const struct policy *policy)
{
	for (int role = 0; role < JAIL_ROLES; role++)
		add_jail((enum jail_role)role);
	for (size_t i = 0; i < limits_list_count; i++)
		add("limit %s %" PRIu64, limits_list[i].name,
		    limits_list[i].value);
	add_log();
	add_policy(policy);
	sort_by(lines, line_count, sizeof(lines[0]), in_order);
	fputs(MANIFEST_HEAD, stdout);
	for (size_t i = 0; i < line_count; i++) {
		puts(lines[i]);
		free(lines[i]);
	}
	line_count = 0;
}
