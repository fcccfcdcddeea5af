/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

size_t log_field_count(const struct log_form *form)
{
	size_t count = 0;

	while (count < LOG_FIELDS_MAX && form->fields[count].name != NULL)
		count++;
	return count;
}

static uint64_t clamp(uint64_t value, uint64_t max)
{
	return value > max ? max : value;
}

void log_line(const struct log_form *form, const uint64_t *values)
{
	char line[LINE_MAX_BYTES];
	size_t room = sizeof(line) - 1;
	size_t used = (size_t)snprintf(line, room, "%s", form->event);

	for (size_t i = 0; i < log_field_count(form) && used < room; i++) {
		used += (size_t)snprintf(line + used, room - used,
					 " %s=%" PRIu64, form->fields[i].name,
					 clamp(values[i], form->fields[i].max));
	}
	if (used >= room)
		return; /* a form too long for a line is a bug tests find */
	line[used++] = '\n';

	/* A log that cannot be written must not stop a request. */
	ssize_t written = write(STDERR_FILENO, line, used);
	(void)written;
}
