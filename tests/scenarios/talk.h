/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk: one answer under way, in a thread of its own.
 */
#ifndef TESTS_SCENARIOS_TALK_H
#define TESTS_SCENARIOS_TALK_H

#include <pthread.h>

#include "tests/scenarios/openai.h"

struct talk {
	pthread_t thread;
	const char *url;
	struct openai_question question;
	struct openai_answer answer;
	volatile bool has_begun; /* its first piece came */
	uint64_t ended_ms;
};

/* Ask, and do not wait.  What the question points to is borrowed; who sees its
 * pieces is the talk itself. */
void talk_begin(struct talk *talk, const char *url,
		const struct openai_question *question);

/* Until its first piece came; it is a failure of the test if none does. */
void talk_await(const struct talk *talk);

/* Until its end. */
void talk_end(struct talk *talk);

#endif
