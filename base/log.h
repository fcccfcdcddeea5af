/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: lines of numbers, and nothing else.
 *
 *     LINE = EVENT { " " FIELD "=" DECIMAL } "\n"
 *
 * The names come from forms that policy/events.c lists; no call takes a string,
 * so nothing a user sent can reach a log.  One line is one write to standard
 * error, and a value beyond its field's largest is written as that largest.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_FIELDS_MAX 8

struct log_field {
	const char *name;
	uint64_t max;
};

/* One kind of line; fields end at the first without a name. */
struct log_form {
	const char *event;
	struct log_field fields[LOG_FIELDS_MAX];
};

/* Write one line; values has one integer for each field of the form. */
void log_line(const struct log_form *form, const uint64_t *values);

/* How many fields the form has. */
size_t log_field_count(const struct log_form *form);

#endif
