/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: answers of the gateway's own making, and what every answer has.
 *
 * Nothing may be kept by a cache between: bundles and keys are short-lived, and
 * a sealed answer is of use to one client.
 */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include <microhttpd.h>

#include "gateway/nodes.h"
#include "gateway/problem.h"

/*
 * Queue a response of this media type and give it up to the library.  All three
 * return what an access handler has to return; MHD_NO closes the connection,
 * which is also what becomes of a response that is NULL for want of memory.
 */
enum MHD_Result reply_send(struct MHD_Connection *connection, unsigned status,
			   struct MHD_Response *response, const char *type);

/* application/problem+json, with Retry-After where that is of use. */
enum MHD_Result reply_problem(struct MHD_Connection *connection,
			      enum problem problem);

/* Memory from malloc, taken over; no memory is PROBLEM_NODE_UNAVAILABLE. */
enum MHD_Result reply_text(struct MHD_Connection *connection,
			   struct nodes_text text, const char *type);

/* A static text. */
enum MHD_Result reply_fixed(struct MHD_Connection *connection, const char *text,
			    const char *type);

#endif
