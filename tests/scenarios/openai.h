/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai: a small OpenAI client that misses nothing: what a stream or a whole
 * answer said, and what else was in it that should not be.
 */
#ifndef TESTS_SCENARIOS_OPENAI_H
#define TESTS_SCENARIOS_OPENAI_H

#include "tests/scenarios/fetch.h"

#define OPENAI_TEXT_MAX 8192
#define OPENAI_WORD_MAX 64

enum openai_form {
	OPENAI_WHOLE,
	OPENAI_STREAMED,
};

struct openai_question {
	const char *prompt;
	enum openai_form form;
	unsigned max_tokens; /* 0: not named */
	unsigned seed;	     /* 0: not named */
	const char *stop;    /* NULL: not named */
	bool is_greedy;	     /* temperature 0 */
	const char *extra;   /* further members, such as "\"n\":2", or NULL */
	/* As of fetch.h. */
	bool (*on_piece)(void *user, const struct fetch_response *so_far);
	void *user;
};

struct openai_answer {
	enum fetch_end end;
	long status;
	uint64_t ms;		      /* until its end */
	uint64_t first_us, last_us;   /* when its first and last bytes came */
	char text[OPENAI_TEXT_MAX];   /* all of it */
	char finish[OPENAI_WORD_MAX]; /* finish_reason, or empty */
	bool has_usage;
	unsigned prompt_tokens, answer_tokens;
	bool is_done; /* streamed: the last event was [DONE] */
	/* Of the error, where it is one. */
	char error_type[OPENAI_WORD_MAX];
	char error_code[OPENAI_WORD_MAX];
	char error_param[OPENAI_WORD_MAX];
	char retry_after[OPENAI_WORD_MAX];
	size_t foreign; /* bytes that are neither JSON nor events' framing */
};

/* POST /v1/completions: works with any model. */
void openai_complete(const char *url, const struct openai_question *question,
		     struct openai_answer *out);

/* POST any body to any path, and read what comes as an answer. */
void openai_post(const char *url, const char *path, const char *body,
		 struct openai_answer *out);

/*
 * Whether it is one whole answer: status 200, an end that HTTP and the API
 * agree on, a finish_reason.
 */
bool openai_is_whole(const struct openai_answer *answer);

/* Ask for a few tokens until it works; milliseconds, or -1: not in time. */
int openai_await_answer(const char *url, unsigned timeout_ms);

#endif
