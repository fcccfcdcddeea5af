/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selftest_acts: how a table of struct selftest_act is written (selftest.h).
 *
 *     CALL(text, call, ...)          a system call of the headers, which works
 *                                    where nothing forbids it
 *     MAYBE(text, number, ...)       one by its number, which may fail there
 *     SPECIAL(text, function)        more than a call
 *     MAYBE_SPECIAL(text, function)
 *
 * Not for headers: the names are short.
 */
#ifndef SANDBOX_SELFTEST_ACTS_H
#define SANDBOX_SELFTEST_ACTS_H

#include <fcntl.h>
#include <sys/syscall.h>

#include "sandbox/selftest.h"

#define CALL(text, call, ...)                                                  \
	{                                                                      \
		text, SELFTEST_WORKS, SYS_##call, { __VA_ARGS__ }, NULL, false \
	}
#define MAYBE(text, nr, ...)                                              \
	{                                                                 \
		text, SELFTEST_MAY_FAIL, nr, { __VA_ARGS__ }, NULL, false \
	}
#define SPECIAL(text, function)                                  \
	{                                                        \
		text, SELFTEST_WORKS, -1, { 0 }, function, false \
	}
#define MAYBE_SPECIAL(text, function)                               \
	{                                                           \
		text, SELFTEST_MAY_FAIL, -1, { 0 }, function, false \
	}
#define AT(object) ((uintptr_t)(object))
#define ANYWHERE ((uint64_t)AT_FDCWD)

#endif
