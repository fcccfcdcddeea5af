/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd: many clients at once, who check every byte of what they are answered.
 *
 *     crowd_learn    what the node answers each question with, while it is idle
 *     crowd_begin    so many clients ask, each as soon as it was answered
 *     crowd_end      wait for them, and what became of their requests
 *
 * One seed has one answer, so an answer under load is held against the one that
 * was learnt, letter by letter: but for the number and the second that each
 * answer bears, and for comments, which are its padding.  Clients seal their
 * requests themselves and call the gateway; no pcc-client is between.
 */
#ifndef TESTS_SCENARIOS_CROWD_H
#define TESTS_SCENARIOS_CROWD_H

#include <pthread.h>

#include "tests/numbers.h"
#include "tests/scenarios/sealed.h"

#define CROWD_QUESTIONS 16
#define CROWD_CLIENTS_MAX 64
#define CROWD_SAMPLES 4096 /* times that one client keeps */

struct crowd_question {
	char *answer; /* owned; as it is compared */
	unsigned tokens;
};

struct crowd_lesson {
	struct sealed_target target;
	unsigned tokens_max;
	struct crowd_question questions[CROWD_QUESTIONS];
};

struct crowd_plan {
	size_t clients;
	uint64_t until_ms; /* of system_now_ms(): then none begins another */
	unsigned requests; /* of each client at most; 0: no such limit */
	unsigned pause_ms; /* after a refusal */
	uint64_t seed;
};

/* Times of one kind, in milliseconds and in no order. */
struct crowd_times {
	double ms[CROWD_SAMPLES];
	size_t count;
};

struct crowd_client {
	pthread_t thread;
	const struct crowd_lesson *lesson;
	struct crowd_plan plan;
	struct numbers numbers;
	struct fetch_response *response;
	uint64_t whole;	    /* as it was learnt, to the last byte */
	uint64_t refused;   /* a typed problem with advice when to come again */
	uint64_t lost;	    /* any other end */
	uint64_t corrupted; /* whole, and another answer */
	uint64_t tokens;
	char stray[128]; /* of the last that was lost */
	struct crowd_times first, total, refusal;
};

struct crowd {
	size_t count;
	uint64_t began_us;
	struct crowd_client *clients; /* owned */
};

/* What all of them saw; times are quantiles in milliseconds, 0 without any. */
struct crowd_result {
	uint64_t whole, refused, lost, corrupted, tokens;
	double seconds;
	double first_p50, first_p99;
	double total_p50, total_p99;
	double refusal_p50, refusal_p99;
	char stray[128];
};

/* NULL, or why there is nothing to learn.  Text is static. */
const char *crowd_learn(const char *gateway, unsigned tokens_max,
			struct crowd_lesson *out);
void crowd_forget(struct crowd_lesson *lesson);

/* The lesson is borrowed until crowd_end(). */
void crowd_begin(const struct crowd_lesson *lesson,
		 const struct crowd_plan *plan, struct crowd *out);
struct crowd_result crowd_end(struct crowd *crowd);

#endif
