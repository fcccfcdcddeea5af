/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/record.h"

#include <stdarg.h>
#include <stdio.h>

void record_set(struct record *out, enum record_mark mark, const char *format,
		...)
{
	va_list arguments;

	out->mark = mark;
	va_start(arguments, format);
	(void)vsnprintf(out->text, sizeof(out->text), format, arguments);
	va_end(arguments);
}

const char *record_mark_name(enum record_mark mark)
{
	static const char *const names[] = {
		[RECORD_SKIP] = "SKIP",
		[RECORD_PASS] = "PASS",
		[RECORD_FAIL] = "FAIL",
	};

	return names[mark];
}
