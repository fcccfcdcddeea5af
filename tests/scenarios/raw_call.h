/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_call: one gRPC call to the node's socket, byte by byte: just as much of
 * HTTP/2 (RFC 9113) as it takes to say what no gRPC library would.
 */
#ifndef TESTS_SCENARIOS_RAW_CALL_H
#define TESTS_SCENARIOS_RAW_CALL_H

#include "base/bytes.h"
#include "tests/system.h"

#define RAW_CALL_PREFIX 5 /* of a gRPC message: a flag and its length */

/* Header lines beside those that every call has; ends without a name. */
struct raw_call_line {
	const char *name;
	const char *value;
};

/* Connect, and say the preface, settings and the headers of a call. */
int raw_call_open(const struct system *system, const char *path,
		  const struct raw_call_line *lines);

/* Bytes of the call's body as they are; false: the node does not take them. */
bool raw_call_say(int call, struct bytes data);

/* The prefix of a message that says it has so many bytes. */
bool raw_call_say_prefix(int call, uint32_t len);

/* Whether the node ends the call, or the connection, in time. */
bool raw_call_is_ended(int call, unsigned timeout_ms);

#endif
