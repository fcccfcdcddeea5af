/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/health.h"

#include "wire/protofield.h"

#define REQUEST_SERVICE 1
#define RESPONSE_STATUS 1

/* Names of services are identifiers; nothing else is looked up. */
static enum err check_service(struct bytes service)
{
	if (service.len > HEALTH_SERVICE_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < service.len; i++)
		if (service.data[i] <= ' ' || service.data[i] >= 0x7f)
			return ERR_MALFORMED;
	return ERR_OK;
}

enum err health_request_parse(struct bytes in, struct bytes *service)
{
	struct bytes name = { in.data, 0 };
	struct protofield field;

	while (in.len > 0) {
		TRY(protofield_take(&in, &field));
		if (field.number != REQUEST_SERVICE)
			continue;
		if (field.type != PROTOFIELD_BYTES)
			return ERR_MALFORMED;
		name = field.bytes;
	}
	TRY(check_service(name));
	*service = name;
	return ERR_OK;
}

enum err health_request_encode(struct bytes service, struct writer *out)
{
	TRY(check_service(service));
	return protofield_put_bytes(out, REQUEST_SERVICE, service);
}

enum err health_response_parse(struct bytes in, enum health_state *out)
{
	uint64_t state = HEALTH_UNKNOWN;
	struct protofield field;

	while (in.len > 0) {
		TRY(protofield_take(&in, &field));
		if (field.number != RESPONSE_STATUS)
			continue;
		if (field.type != PROTOFIELD_NUMBER)
			return ERR_MALFORMED;
		state = field.value;
	}
	if (state > HEALTH_SERVICE_UNKNOWN)
		return ERR_UNSUPPORTED;
	*out = (enum health_state)state;
	return ERR_OK;
}

enum err health_response_encode(enum health_state state, struct writer *out)
{
	return protofield_put_number(out, RESPONSE_STATUS, (uint64_t)state);
}
