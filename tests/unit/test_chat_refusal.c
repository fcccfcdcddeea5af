/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chat_refusal.h"

#include <criterion/criterion.h>
#include <string.h>

#define REASONS (CHAT_REFUSAL_SERVER_ERROR + 1)

Test(chat_refusal, every_reason_has_a_code_of_its_own)
{
	for (int i = 0; i < REASONS; i++) {
		struct chat_refusal a =
			chat_refusal_for((enum chat_refusal_reason)i, NULL);

		for (int j = 0; j < i; j++) {
			struct chat_refusal b = chat_refusal_for(
				(enum chat_refusal_reason)j, NULL);

			cr_assert_str_neq(a.code, b.code);
		}
	}
}

Test(chat_refusal, the_status_tells_whose_fault_it_is)
{
	for (int i = 0; i < REASONS; i++) {
		struct chat_refusal refusal =
			chat_refusal_for((enum chat_refusal_reason)i, "x");
		bool is_ours = strcmp(refusal.type, "server_error") == 0;

		cr_assert_eq(refusal.status >= 500, is_ours);
		cr_assert(refusal.status >= 400 && refusal.status < 600);
		cr_assert_str_eq(refusal.param, "x");
		cr_assert_gt(strlen(refusal.message), 0);
	}
}

Test(chat_refusal, to_give_one_is_never_to_succeed)
{
	for (int i = 0; i < REASONS; i++) {
		struct chat_refusal refusal = { .status = 0 };

		cr_assert_neq(chat_refusal_give(&refusal,
						(enum chat_refusal_reason)i,
						NULL),
			      ERR_OK);
		cr_assert_neq(refusal.status, 0);
	}
}

Test(chat_refusal, errors_say_what_may_be_done_next)
{
	struct chat_refusal refusal;

	cr_assert_eq(
		chat_refusal_give(&refusal, CHAT_REFUSAL_UNSUPPORTED, "tools"),
		ERR_UNSUPPORTED);
	cr_assert_eq(chat_refusal_give(&refusal, CHAT_REFUSAL_CONTEXT_LENGTH,
				       "messages"),
		     ERR_TOO_LARGE);
	cr_assert_str_eq(refusal.code, "context_length_exceeded");
	cr_assert_eq(chat_refusal_give(&refusal, CHAT_REFUSAL_OVERLOADED, NULL),
		     ERR_UNAVAILABLE);
	cr_assert_eq(
		chat_refusal_give_fault(&refusal, JSON_FIELDS_WRONG_KIND, "n"),
		ERR_MALFORMED);
	cr_assert_str_eq(refusal.code, "invalid_type");
}
