/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "wire/sse.h"
#include "wire/unpad.h"

static uint8_t memory[4096];

/* In two pieces, cut at `cut`. */
static struct bytes unpadded(enum unpad_body body, struct bytes padded,
			     size_t cut)
{
	struct bytes pieces[2] = {
		{ padded.data, cut },
		{ padded.data + cut, padded.len - cut },
	};
	struct writer out = WRITER_OVER(memory);
	struct unpad unpad;
	struct bytes run;

	unpad_init(&unpad, body);
	for (size_t i = 0; i < 2; i++)
		while (unpad_next(&unpad, &pieces[i], &run))
			cr_assert_eq(bytes_put(&out, run), ERR_OK);
	return bytes_written(&out);
}

static void expect(enum unpad_body body, struct bytes padded, struct bytes said)
{
	for (size_t cut = 0; cut <= padded.len; cut++)
		cr_assert(bytes_equal(unpadded(body, padded, cut), said),
			  "cut at %zu", cut);
}

Test(unpad, spaces_around_json_go_and_those_in_it_stay)
{
	expect(UNPAD_JSON, BYTES_LITERAL("  {\"a\": \"b   c\"}    "),
	       BYTES_LITERAL("{\"a\": \"b   c\"}"));
	expect(UNPAD_JSON, BYTES_LITERAL("{}"), BYTES_LITERAL("{}"));
	expect(UNPAD_JSON, BYTES_LITERAL("     "), BYTES_LITERAL(""));
}

Test(unpad, a_long_run_of_spaces_inside_json_comes_back_whole)
{
	uint8_t padded[1000];

	memset(padded, ' ', sizeof(padded));
	padded[10] = '"';
	padded[900] = '"';
	expect(UNPAD_JSON, BYTES_ARRAY(padded),
	       (struct bytes){ padded + 10, 891 });
}

Test(unpad, comments_and_blank_lines_between_events_go)
{
	expect(UNPAD_EVENTS,
	       BYTES_LITERAL("\n:   \n\ndata: a\n\n: b\n\n\n\n:\n\ndata: "
			     "c\ndata: d\n\n\n:     \n\n"),
	       BYTES_LITERAL("data: a\n\ndata: c\ndata: d\n\n"));
}

Test(unpad, what_looks_like_padding_inside_an_event_stays)
{
	struct bytes events = BYTES_LITERAL("data: : no comment\n\n"
					    "data:  {\"a\":\" \"}   \n\n");

	expect(UNPAD_EVENTS, events, events);
}

/* Whatever the node's own writer of padding writes. */
Test(unpad, padding_of_any_length_goes)
{
	for (size_t len = 0; len < 600; len++) {
		uint8_t padded_memory[2048];
		struct writer padded = WRITER_OVER(padded_memory);
		struct bytes event = BYTES_LITERAL("data: x\n\n");

		cr_assert_eq(sse_put_padding(&padded, len), ERR_OK);
		cr_assert_eq(bytes_put(&padded, event), ERR_OK);
		cr_assert_eq(sse_put_padding(&padded, len), ERR_OK);
		cr_assert(bytes_equal(unpadded(UNPAD_EVENTS,
					       bytes_written(&padded),
					       padded.len / 2),
				      event));
	}
}
