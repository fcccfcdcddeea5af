/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/talk.h"

#include <criterion/criterion.h>

#include "tests/system.h"

#define PATIENCE_MS 10000

static bool on_piece(void *user, const struct fetch_response *so_far)
{
	struct talk *talk = user;

	(void)so_far;
	talk->has_begun = true;
	return true;
}

static void *run(void *argument)
{
	struct talk *talk = argument;

	openai_complete(talk->url, &talk->question, &talk->answer);
	talk->ended_ms = system_now_ms();
	return NULL;
}

void talk_begin(struct talk *talk, const char *url,
		const struct openai_question *question)
{
	talk->url = url;
	talk->question = *question;
	talk->question.on_piece = on_piece;
	talk->question.user = talk;
	talk->has_begun = false;
	cr_assert_eq(pthread_create(&talk->thread, NULL, run, talk), 0);
}

void talk_await(const struct talk *talk)
{
	uint64_t end = system_now_ms() + PATIENCE_MS;

	while (!talk->has_begun && system_now_ms() < end)
		system_sleep_ms(5);
	cr_assert(talk->has_begun);
}

void talk_end(struct talk *talk)
{
	pthread_join(talk->thread, NULL);
}
