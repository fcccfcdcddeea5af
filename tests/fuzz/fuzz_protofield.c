/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields lie within the message and in order; what status and health read, they
 * write to bytes that read as the same.
 */
#include <string.h>

#include "wire/health.h"
#include "wire/protofield.h"
#include "wire/status.h"

static void check_fields(struct bytes in)
{
	struct protofield field;
	const uint8_t *end = in.data + in.len;

	while (in.len > 0) {
		const uint8_t *start = in.data;

		if (protofield_take(&in, &field) != ERR_OK)
			break;
		invariant(in.data > start && in.data + in.len == end);
		invariant(field.number > 0);
		invariant(field.type == PROTOFIELD_NUMBER ||
			  field.bytes.data + field.bytes.len == in.data);
	}
}

static void check_status(struct bytes in)
{
	uint8_t memory[STATUS_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct status a;
	struct status b;

	if (status_parse(in, &a) != ERR_OK ||
	    a.message.len > STATUS_MESSAGE_MAX)
		return;
	invariant(a.retry_delay_ms <= STATUS_RETRY_MS_MAX);
	invariant(status_encode(&a, &out) == ERR_OK);
	invariant(status_parse(bytes_written(&out), &b) == ERR_OK);
	invariant(a.code == b.code && a.retry_delay_ms == b.retry_delay_ms);
	invariant(bytes_equal(a.message, b.message));
}

static void check_health(struct bytes in)
{
	uint8_t memory[HEALTH_SERVICE_MAX + 8];
	struct writer out = WRITER_OVER(memory);
	enum health_state state;
	enum health_state state_again;
	struct bytes service;
	struct bytes service_again;

	if (health_request_parse(in, &service) == ERR_OK) {
		invariant(health_request_encode(service, &out) == ERR_OK);
		invariant(health_request_parse(bytes_written(&out),
					       &service_again) == ERR_OK);
		invariant(bytes_equal(service, service_again));
	}
	out.len = 0;
	if (health_response_parse(in, &state) == ERR_OK) {
		invariant(health_response_encode(state, &out) == ERR_OK);
		invariant(health_response_parse(bytes_written(&out),
						&state_again) == ERR_OK);
		invariant(state == state_again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };

	check_fields(in);
	check_status(in);
	check_health(in);
	return 0;
}
