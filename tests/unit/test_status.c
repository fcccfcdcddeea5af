/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/status.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/vector.h"

static uint8_t buffer[STATUS_BYTES_MAX];

/* As protoc encodes code 8, "busy" and a RetryInfo of 1.5 seconds. */
static const char overload[] =
	"08081204627573791a360a28747970652e676f6f676c65617069732e636f6d2f676f6f"
	"676c652e7270632e5265747279496e666f120a0a0808011080cab5ee01";

static struct status status_of(uint32_t code, const char *message,
			       uint32_t delay_ms)
{
	return (struct status){ code, bytes_of_string(message), delay_ms };
}

Test(status, an_overload_with_its_delay_is_written_as_protoc_does)
{
	struct status status = status_of(8, "busy", 1500);
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(status_encode(&status, &out), ERR_OK);
	vector_expect(bytes_written(&out), overload);
}

Test(status, without_a_delay_there_are_no_details)
{
	struct status status = status_of(8, "busy", 0);
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(status_encode(&status, &out), ERR_OK);
	vector_expect(bytes_written(&out), "0808120462757379");
}

Test(status, what_is_written_reads_back)
{
	static const uint32_t delays[] = { 0,	 1,    999,
					   1000, 1001, STATUS_RETRY_MS_MAX };

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct status status = status_of(14, "draining", delays[i]);
		struct writer out = WRITER_OVER(buffer);
		struct status read;

		cr_assert_eq(status_encode(&status, &out), ERR_OK);
		cr_assert_eq(status_parse(bytes_written(&out), &read), ERR_OK);
		cr_assert_eq(read.code, 14);
		cr_assert(bytes_equal(read.message, status.message));
		cr_assert_eq(read.retry_delay_ms, delays[i]);
	}
}

Test(status, a_cut_is_refused_or_lacks_what_was_cut)
{
	struct bytes whole = vector_hex(overload);

	for (size_t len = 0; len < whole.len; len++) {
		struct status read = { .code = 7 };
		enum err err =
			status_parse((struct bytes){ whole.data, len }, &read);

		/* between two fields a shorter message is a message */
		cr_assert_eq(err == ERR_OK, len == 0 || len == 2 || len == 8,
			     "cut at %zu", len);
		cr_assert(err == ERR_OK || read.code == 7);
		cr_assert_eq(read.retry_delay_ms, 0);
	}
}

Test(status, a_field_of_another_type_is_refused)
{
	struct status read;

	cr_assert_eq(status_parse(vector_hex("1201611801"), &read),
		     ERR_MALFORMED);
	cr_assert_eq(status_parse(vector_hex("1001"), &read), ERR_MALFORMED);
	/* and a field of a later version is passed over */
	cr_assert_eq(status_parse(vector_hex("2001"), &read), ERR_OK);
}

Test(status, details_of_other_types_are_passed_over)
{
	struct bytes whole = vector_hex(overload);
	uint8_t *other = vector_copy(whole);
	struct status read;

	other[20] ^= 1; /* in the type's name */
	cr_assert_eq(status_parse((struct bytes){ other, whole.len }, &read),
		     ERR_OK);
	cr_assert_eq(read.retry_delay_ms, 0);
	cr_assert_eq(read.code, 8);
}

/* A Status whose only field is a RetryInfo with this Duration. */
static enum err parse_duration(const char *duration, struct status *read)
{
	char hex[256];
	size_t len = strlen(duration) / 2;

	snprintf(hex, sizeof(hex),
		 "1a%02zx0a28747970652e676f6f676c65617069732e636f6d2f676f6f676c"
		 "652e7270632e5265747279496e666f12%02zx0a%02zx%s",
		 len + 46, len + 2, len, duration);
	return status_parse(vector_hex(hex), read);
}

Test(status, a_delay_is_held_to_what_it_can_be)
{
	struct status read;

	cr_assert_eq(parse_duration("0801", &read), ERR_OK);
	cr_assert_eq(read.retry_delay_ms, 1000);
	cr_assert_eq(parse_duration("", &read), ERR_OK);
	cr_assert_eq(read.retry_delay_ms, 0);
	/* a hundred years */
	cr_assert_eq(parse_duration("0880bee7dd0b", &read), ERR_OK);
	cr_assert_eq(read.retry_delay_ms, STATUS_RETRY_MS_MAX);
	/* minus one second, and a billion nanoseconds */
	cr_assert_eq(parse_duration("08ffffffffffffffffff01", &read),
		     ERR_MALFORMED);
	cr_assert_eq(parse_duration("108094ebdc03", &read), ERR_MALFORMED);
}

Test(status, a_code_is_one_of_grpc)
{
	struct status read;

	cr_assert_eq(status_parse(vector_hex("0810"), &read), ERR_OK);
	cr_assert_eq(status_parse(vector_hex("0811"), &read), ERR_MALFORMED);
	cr_assert_eq(status_parse(vector_hex("0a00"), &read), ERR_MALFORMED);
}

Test(status, what_is_too_long_is_not_written)
{
	static const char text[STATUS_MESSAGE_MAX + 1];
	struct status status = { 8, BYTES_ARRAY(text), 0 };
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(status_encode(&status, &out), ERR_TOO_LARGE);
	status.message.len--;
	status.retry_delay_ms = STATUS_RETRY_MS_MAX + 1;
	cr_assert_eq(status_encode(&status, &out), ERR_TOO_LARGE);
	status.retry_delay_ms--;
	cr_assert_eq(status_encode(&status, &out), ERR_OK);
	for (size_t max = 0; max < out.len; max++) {
		struct writer full = { buffer, 0, max };

		cr_assert_eq(status_encode(&status, &full), ERR_TOO_LARGE);
		cr_assert_eq(full.len, 0);
	}
}
