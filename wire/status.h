/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: google.rpc.Status, which travels in the trailer
 * grpc-status-details-bin and tells a caller when to try again.
 *
 *     Status    { int32 code = 1; string message = 2; repeated Any details = 3;
 * } Any       { string type_url = 1; bytes value = 2; } RetryInfo { Duration
 * retry_delay = 1; } Duration  { int64 seconds = 1; int32 nanos = 2; }
 */
#ifndef WIRE_STATUS_H
#define WIRE_STATUS_H

#include "base/bytes.h"

#define STATUS_MESSAGE_MAX 256
#define STATUS_RETRY_MS_MAX (24u * 3600 * 1000)
#define STATUS_BYTES_MAX (STATUS_MESSAGE_MAX + 128) /* of one encoded */

struct status {
	uint32_t code;		 /* of gRPC: 1..16 */
	struct bytes message;	 /* a fixed text of ours, or a peer's bytes */
	uint32_t retry_delay_ms; /* 0: no advice */
};

/*
 * With a RetryInfo where there is a delay.  ERR_TOO_LARGE when the message or
 * the delay is beyond the above.
 */
MUST_CHECK enum err status_encode(const struct status *status,
				  struct writer *out);

/*
 * The message is a view of the input.  Other details are passed over; a delay
 * beyond STATUS_RETRY_MS_MAX is lowered to it.
 */
MUST_CHECK enum err status_parse(struct bytes in, struct status *out);

#endif
