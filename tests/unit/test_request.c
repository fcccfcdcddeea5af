/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "api/request.h"
#include "policy/limits.h"
#include "wire/bhttp_write.h"

static uint8_t arena_memory[16u << 20] __attribute__((aligned(64)));
static uint8_t message_memory[8u << 20];

static struct arena fresh_arena(void)
{
	memset(arena_memory, 0, 64u << 10);
	return (struct arena){ .base = arena_memory,
			       .size = sizeof(arena_memory) };
}

static struct bytes message_of(const char *method, const char *path,
			       const char *content)
{
	struct bhttp_control control = { .method = bytes_of_string(method),
					 .scheme = BYTES_LITERAL("https"),
					 .authority = BYTES_LITERAL("node"),
					 .path = bytes_of_string(path) };
	struct bhttp_write_fields none = { NULL, 0 };
	struct writer out = WRITER_OVER(message_memory);

	cr_assert_eq(bhttp_write_request(&out, &control, none,
					 bytes_of_string(content)),
		     ERR_OK);
	return bytes_written(&out);
}

static enum err parse(struct bytes message, struct request *out)
{
	struct arena arena = fresh_arena();

	return request_parse(message, &arena, out);
}

Test(request, each_route_is_found)
{
	struct request request;

	cr_assert_eq(parse(message_of("POST", "/v1/chat/completions", "{}"),
			   &request),
		     ERR_OK);
	cr_assert_eq(request.route, REQUEST_CHAT);
	cr_assert(bytes_equal(request.content, BYTES_LITERAL("{}")));
	cr_assert_eq(
		parse(message_of("POST", "/v1/completions", "x"), &request),
		ERR_OK);
	cr_assert_eq(request.route, REQUEST_COMPLETION);
	cr_assert_eq(parse(message_of("GET", "/v1/models", ""), &request),
		     ERR_OK);
	cr_assert_eq(request.route, REQUEST_MODELS);
	cr_assert_eq(request.model.len, 0);
}

Test(request, a_model_is_named_by_its_path)
{
	struct request request;

	cr_assert_eq(parse(message_of("GET", "/v1/models/home", ""), &request),
		     ERR_OK);
	cr_assert_eq(request.route, REQUEST_MODELS);
	cr_assert(bytes_equal(request.model, BYTES_LITERAL("home")));
}

Test(request, another_method_for_a_path_is_told_as_that)
{
	static const char *const others[][2] = {
		{ "GET", "/v1/chat/completions" },
		{ "POST", "/v1/models" },
		{ "POST", "/v1/models/home" },
		{ "DELETE", "/v1/models/home" },
	};
	struct request request;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert_eq(parse(message_of(others[i][0], others[i][1], ""),
				   &request),
			     ERR_DENIED, "%s %s", others[i][0], others[i][1]);
}

Test(request, another_path_is_unsupported)
{
	static const char *const others[][2] = {
		{ "GET", "/v1/models/" },
		{ "POST", "/v1/chat/completions/" },
		{ "POST", "/v1/chat/completionsx" },
		{ "POST", "/V1/chat/completions" },
		{ "POST", "/" },
	};
	struct request request;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert_eq(parse(message_of(others[i][0], others[i][1], ""),
				   &request),
			     ERR_UNSUPPORTED, "%s %s", others[i][0],
			     others[i][1]);
}

Test(request, content_in_pieces_is_joined)
{
	struct bhttp_control control = { .method = BYTES_LITERAL("POST"),
					 .scheme = BYTES_LITERAL("https"),
					 .path = BYTES_LITERAL(
						 "/v1/completions") };
	struct writer out = WRITER_OVER(message_memory);
	struct request request;

	cr_assert_eq(
		bhttp_write_request_head(
			&out, &control, (struct bhttp_write_fields){ NULL, 0 }),
		ERR_OK);
	cr_assert_eq(bhttp_write_content(&out, BYTES_LITERAL("{\"a\"")),
		     ERR_OK);
	cr_assert_eq(bhttp_write_content(&out, BYTES_LITERAL(":1}")), ERR_OK);
	cr_assert_eq(bhttp_write_end(&out), ERR_OK);
	cr_assert_eq(parse(bytes_written(&out), &request), ERR_OK);
	cr_assert(bytes_equal(request.content, BYTES_LITERAL("{\"a\":1}")));
}

Test(request, no_cut_of_a_message_gives_a_part_of_its_content)
{
	struct bytes whole =
		message_of("POST", "/v1/chat/completions", "{\"model\":1}");
	struct request request;

	/* RFC 9292, 3.8: empty content and trailers may be left out, so a cut
	   before the content is a request without any, and no other is one. */
	for (size_t len = 0; len + 1 < whole.len; len++)
		cr_assert(parse((struct bytes){ whole.data, len }, &request) !=
					  ERR_OK ||
				  request.content.len == 0,
			  "%zu", len);
	cr_assert_eq(parse(whole, &request), ERR_OK);
}

Test(request, padding_is_zeros_and_nothing_else)
{
	struct bytes whole = message_of("POST", "/v1/completions", "{}");
	struct request request;

	memset(message_memory + whole.len, 0, 500);
	whole.len += 500;
	cr_assert_eq(parse(whole, &request), ERR_OK);
	message_memory[whole.len - 1] = 1;
	cr_assert_neq(parse(whole, &request), ERR_OK);
}

Test(request, an_arena_without_room_is_an_error_of_its_own)
{
	struct bytes whole = message_of("POST", "/v1/completions", "{}");
	struct arena arena = fresh_arena();
	struct request request;

	arena.size = 1024;
	cr_assert_eq(request_parse(whole, &arena, &request), ERR_TOO_LARGE);
}
