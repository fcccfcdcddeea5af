/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/reply.h"

#include <string.h>

enum MHD_Result reply_send(struct MHD_Connection *connection, unsigned status,
			   struct MHD_Response *response, const char *type)
{
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(response, "Content-Type", type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* The library only reads a persistent buffer, but declares it without const. */
static struct MHD_Response *fixed(const char *text)
{
	union {
		const char *given;
		void *declared;
	} view = { .given = text };

	return MHD_create_response_from_buffer(strlen(text), view.declared,
					       MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result reply_problem(struct MHD_Connection *connection,
			      enum problem problem)
{
	struct MHD_Response *response = fixed(problem_body(problem));
	const char *retry = problem_retry_after(problem);

	if (response != NULL && retry != NULL)
		(void)MHD_add_response_header(response, "Retry-After", retry);
	return reply_send(connection, problem_status(problem), response,
			  "application/problem+json");
}

enum MHD_Result reply_text(struct MHD_Connection *connection,
			   struct nodes_text text, const char *type)
{
	if (text.data == NULL)
		return reply_problem(connection, PROBLEM_NODE_UNAVAILABLE);
	return reply_send(connection, MHD_HTTP_OK,
			  MHD_create_response_from_buffer(
				  text.len, text.data, MHD_RESPMEM_MUST_FREE),
			  type);
}

enum MHD_Result reply_fixed(struct MHD_Connection *connection, const char *text,
			    const char *type)
{
	return reply_send(connection, MHD_HTTP_OK, fixed(text), type);
}
