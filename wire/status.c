/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/status.h"

#include "wire/protofield.h"

#define STATUS_CODE 1
#define STATUS_MESSAGE 2
#define STATUS_DETAILS 3
#define ANY_TYPE_URL 1
#define ANY_VALUE 2
#define RETRY_DELAY 1
#define DURATION_SECONDS 1
#define DURATION_NANOS 2

#define RETRY_INFO BYTES_LITERAL("type.googleapis.com/google.rpc.RetryInfo")

#define CODE_MAX 16 /* UNAUTHENTICATED */
#define NANOS_PER_MS UINT64_C(1000000)
#define NESTED_MAX 96 /* bytes of any message below, once encoded */

static enum err put_duration(struct writer *out, uint32_t delay_ms)
{
	TRY(protofield_put_number(out, DURATION_SECONDS, delay_ms / 1000));
	return protofield_put_number(out, DURATION_NANOS,
				     delay_ms % 1000 * NANOS_PER_MS);
}

/* The Any with the RetryInfo with the Duration, from the inside out. */
static enum err put_retry_info(struct writer *out, uint32_t delay_ms)
{
	uint8_t inner[NESTED_MAX];
	uint8_t middle[NESTED_MAX];
	uint8_t outer[NESTED_MAX];
	struct writer duration = WRITER_OVER(inner);
	struct writer retry_info = WRITER_OVER(middle);
	struct writer any = WRITER_OVER(outer);

	TRY(put_duration(&duration, delay_ms));
	TRY(protofield_put_bytes(&retry_info, RETRY_DELAY,
				 bytes_written(&duration)));
	TRY(protofield_put_bytes(&any, ANY_TYPE_URL, RETRY_INFO));
	TRY(protofield_put_bytes(&any, ANY_VALUE, bytes_written(&retry_info)));
	return protofield_put_bytes(out, STATUS_DETAILS, bytes_written(&any));
}

enum err status_encode(const struct status *status, struct writer *out)
{
	struct writer trial = *out;

	if (status->message.len > STATUS_MESSAGE_MAX ||
	    status->retry_delay_ms > STATUS_RETRY_MS_MAX)
		return ERR_TOO_LARGE;
	TRY(protofield_put_number(&trial, STATUS_CODE, status->code));
	TRY(protofield_put_bytes(&trial, STATUS_MESSAGE, status->message));
	if (status->retry_delay_ms > 0)
		TRY(put_retry_info(&trial, status->retry_delay_ms));
	*out = trial;
	return ERR_OK;
}

/* The last field of this number and type; absent ones leave *out. */
static enum err find(struct bytes in, uint32_t number,
		     enum protofield_type type, struct protofield *out)
{
	struct protofield field;

	while (in.len > 0) {
		TRY(protofield_take(&in, &field));
		if (field.number != number)
			continue;
		if (field.type != type)
			return ERR_MALFORMED;
		*out = field;
	}
	return ERR_OK;
}

static enum err read_duration(struct bytes in, uint32_t *delay_ms)
{
	struct protofield seconds = { .value = 0 };
	struct protofield nanos = { .value = 0 };
	uint64_t total;

	TRY(find(in, DURATION_SECONDS, PROTOFIELD_NUMBER, &seconds));
	TRY(find(in, DURATION_NANOS, PROTOFIELD_NUMBER, &nanos));
	/* A negative one is a huge number here: no advice worth taking. */
	if (seconds.value > INT64_MAX || nanos.value >= 1000 * NANOS_PER_MS)
		return ERR_MALFORMED;
	if (seconds.value >= STATUS_RETRY_MS_MAX / 1000) {
		*delay_ms = STATUS_RETRY_MS_MAX;
		return ERR_OK;
	}
	total = seconds.value * 1000 + nanos.value / NANOS_PER_MS;
	*delay_ms = (uint32_t)total;
	return ERR_OK;
}

static enum err read_detail(struct bytes any, uint32_t *delay_ms)
{
	struct protofield type_url = { .bytes = { NULL, 0 } };
	struct protofield value = { .bytes = { NULL, 0 } };
	struct protofield delay = { .bytes = { NULL, 0 } };

	TRY(find(any, ANY_TYPE_URL, PROTOFIELD_BYTES, &type_url));
	TRY(find(any, ANY_VALUE, PROTOFIELD_BYTES, &value));
	if (!bytes_equal(type_url.bytes, RETRY_INFO))
		return ERR_OK;
	TRY(find(value.bytes, RETRY_DELAY, PROTOFIELD_BYTES, &delay));
	return read_duration(delay.bytes, delay_ms);
}

enum err status_parse(struct bytes in, struct status *out)
{
	struct status status = { .message = { in.data, 0 } };
	struct protofield code = { .value = 0 };
	struct protofield message = { .bytes = { in.data, 0 } };
	struct protofield detail;

	TRY(find(in, STATUS_CODE, PROTOFIELD_NUMBER, &code));
	TRY(find(in, STATUS_MESSAGE, PROTOFIELD_BYTES, &message));
	if (code.value > CODE_MAX)
		return ERR_MALFORMED;
	status.code = (uint32_t)code.value;
	status.message = message.bytes;
	while (in.len > 0) {
		TRY(protofield_take(&in, &detail));
		if (detail.number != STATUS_DETAILS)
			continue;
		if (detail.type != PROTOFIELD_BYTES)
			return ERR_MALFORMED;
		TRY(read_detail(detail.bytes, &status.retry_delay_ms));
	}
	*out = status;
	return ERR_OK;
}
