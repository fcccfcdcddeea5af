/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health: the messages of grpc.health.v1, which load balancers ask with.
 *
 *     HealthCheckRequest  { string service = 1; }
 *     HealthCheckResponse { ServingStatus status = 1; }
 */
#ifndef WIRE_HEALTH_H
#define WIRE_HEALTH_H

#include "base/bytes.h"

#define HEALTH_SERVICE_MAX 128 /* bytes of a service's name */

/* Numbers as in HealthCheckResponse.ServingStatus. */
enum health_state {
	HEALTH_UNKNOWN = 0,
	HEALTH_SERVING = 1,
	HEALTH_NOT_SERVING = 2,
	HEALTH_SERVICE_UNKNOWN = 3, /* of Watch alone */
};

/*
 * The service asked about, a view of the input; empty means the whole server.
 * ERR_MALFORMED also for a name that is not visible ASCII.
 */
MUST_CHECK enum err health_request_parse(struct bytes in,
					 struct bytes *service);
MUST_CHECK enum err health_request_encode(struct bytes service,
					  struct writer *out);

/* ERR_UNSUPPORTED for a state that is not one of the above. */
MUST_CHECK enum err health_response_parse(struct bytes in,
					  enum health_state *out);
MUST_CHECK enum err health_response_encode(enum health_state state,
					   struct writer *out);

#endif
