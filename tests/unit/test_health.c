/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/health.h"

#include <criterion/criterion.h>

#include "tests/vector.h"

static uint8_t buffer[256];

Test(health, a_request_names_a_service_or_none)
{
	struct bytes service = BYTES_LITERAL("x");

	cr_assert_eq(health_request_parse(BYTES_LITERAL(""), &service), ERR_OK);
	cr_assert_eq(service.len, 0);
	cr_assert_eq(health_request_parse(BYTES_LITERAL("\x0a\x03"
							"a.b"),
					  &service),
		     ERR_OK);
	cr_assert(bytes_equal(service, BYTES_LITERAL("a.b")));
}

Test(health, a_request_reads_as_written)
{
	struct bytes name = BYTES_LITERAL("pcc.node.v1.Node");
	struct writer out = WRITER_OVER(buffer);
	struct bytes service;

	cr_assert_eq(health_request_encode(name, &out), ERR_OK);
	cr_assert_eq(health_request_parse(bytes_written(&out), &service),
		     ERR_OK);
	cr_assert(bytes_equal(service, name));
}

Test(health, a_service_is_visible_ascii_and_not_too_long)
{
	uint8_t name[HEALTH_SERVICE_MAX + 1];
	struct writer out = WRITER_OVER(buffer);
	struct bytes service = { NULL, 7 };

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = 'a';
	cr_assert_eq(health_request_encode(BYTES_ARRAY(name), &out),
		     ERR_TOO_LARGE);
	cr_assert_eq(health_request_encode(BYTES_LITERAL("a b"), &out),
		     ERR_MALFORMED);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(
		health_request_parse(BYTES_LITERAL("\x0a\x01\x00"), &service),
		ERR_MALFORMED);
	cr_assert_eq(
		health_request_parse(BYTES_LITERAL("\x0a\x01\xff"), &service),
		ERR_MALFORMED);
	cr_assert_eq(health_request_parse(BYTES_LITERAL("\x08\x01"), &service),
		     ERR_MALFORMED);
	cr_assert_eq(health_request_parse(BYTES_LITERAL("\x0a\x02"
							"a"),
					  &service),
		     ERR_MALFORMED);
	cr_assert_eq(service.len, 7);
}

Test(health, every_state_reads_as_written)
{
	for (int i = HEALTH_UNKNOWN; i <= HEALTH_SERVICE_UNKNOWN; i++) {
		struct writer out = WRITER_OVER(buffer);
		enum health_state state;

		cr_assert_eq(health_response_encode((enum health_state)i, &out),
			     ERR_OK);
		cr_assert_eq(health_response_parse(bytes_written(&out), &state),
			     ERR_OK);
		cr_assert_eq((int)state, i);
	}
}

Test(health, an_unknown_state_is_refused)
{
	enum health_state state;

	cr_assert_eq(health_response_parse(BYTES_LITERAL("\x08\x04"), &state),
		     ERR_UNSUPPORTED);
	cr_assert_eq(health_response_parse(BYTES_LITERAL("\x0a\x00"), &state),
		     ERR_MALFORMED);
	/* and a field of a later version is passed over */
	cr_assert_eq(health_response_parse(BYTES_LITERAL("\x08\x01\x12\x01x"),
					   &state),
		     ERR_OK);
	cr_assert_eq(state, HEALTH_SERVING);
}
