/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/problem.h"

#include <stddef.h>

#include "base/err.h"

#define BLANK(number, title)                           \
	"{\"type\":\"about:blank\",\"title\":\"" title \
	"\",\"status\":" #number "}\n"

/* Of RFC 9458 section 5.3: the client should fetch the keys again. */
#define OHTTP_KEY                                                        \
	"{\"type\":"                                                     \
	"\"https://iana.org/assignments/http-problem-types#ohttp-key\"," \
	"\"title\":\"key identifier unknown\",\"status\":401}\n"

#define RETRY_AFTER_S "1" /* RETRY_DELAY_MS of policy/limits.h */

static const struct {
	unsigned status;
	const char *body;
	const char *retry_after;
} problems[PROBLEM_COUNT] = {
	[PROBLEM_NONE] = { 200, "", NULL },
	[PROBLEM_MALFORMED] = { 400, BLANK(400, "malformed request"), NULL },
	[PROBLEM_NODE_HEADER] = { 400, BLANK(400, "PCC-Node must name a node"),
				  NULL },
	[PROBLEM_KEY] = { 401, OHTTP_KEY, NULL },
	[PROBLEM_NODE_UNKNOWN] = { 404, BLANK(404, "node unknown"), NULL },
	[PROBLEM_PATH] = { 404, BLANK(404, "no such resource"), NULL },
	[PROBLEM_METHOD] = { 405, BLANK(405, "method not allowed"), NULL },
	[PROBLEM_TOO_LARGE] = { 413, BLANK(413, "request too large"), NULL },
	[PROBLEM_MEDIA_TYPE] = { 415, BLANK(415, "media type not supported"),
				 NULL },
	[PROBLEM_BUSY] = { 429, BLANK(429, "node busy"), RETRY_AFTER_S },
	[PROBLEM_NODE_BROKEN] = { 502, BLANK(502, "node failed"), NULL },
	[PROBLEM_NODE_UNAVAILABLE] = { 503, BLANK(503, "node unavailable"),
				       RETRY_AFTER_S },
	[PROBLEM_NODE_TIMEOUT] = { 504, BLANK(504, "node timed out"), NULL },
};

unsigned problem_status(enum problem problem)
{
	invariant(problem < PROBLEM_COUNT);
	return problems[problem].status;
}

const char *problem_body(enum problem problem)
{
	invariant(problem < PROBLEM_COUNT);
	return problems[problem].body;
}

const char *problem_retry_after(enum problem problem)
{
	invariant(problem < PROBLEM_COUNT);
	return problems[problem].retry_after;
}

/*
 * A row for each status that a node of ours sends on purpose; all others, OK
 * without an answer among them, mean that the node is broken.
 */
enum problem problem_of_status(grpc_status_code status)
{
	static const struct {
		grpc_status_code status;
		enum problem problem;
	} rows[] = {
		{ GRPC_STATUS_INVALID_ARGUMENT, PROBLEM_MALFORMED },
		{ GRPC_STATUS_ALREADY_EXISTS, PROBLEM_MALFORMED }, /* replay */
		{ GRPC_STATUS_UNAUTHENTICATED, PROBLEM_KEY },
		{ GRPC_STATUS_NOT_FOUND, PROBLEM_NODE_UNKNOWN },
		{ GRPC_STATUS_RESOURCE_EXHAUSTED, PROBLEM_BUSY },
		{ GRPC_STATUS_UNAVAILABLE, PROBLEM_NODE_UNAVAILABLE },
		{ GRPC_STATUS_DEADLINE_EXCEEDED, PROBLEM_NODE_TIMEOUT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].problem;
	return PROBLEM_NODE_BROKEN;
}
