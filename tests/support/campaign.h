/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign: many questions of ten topics, asked of a running system, and what
 * an observer between caller and gateway makes of each answer.
 *
 *     callers ──▶ observers ──▶ gateway ──▶ node
 *
 * Every question is as long as every other on the wire; answers are as the model
 * gives them.  A row is about sizes and times alone, its class is the topic.
 */
#ifndef TESTS_SUPPORT_CAMPAIGN_H
#define TESTS_SUPPORT_CAMPAIGN_H

#include "tests/support/classifier.h"
#include "tests/support/observer.h"
#include "tests/system.h"

#define CAMPAIGN_TOPICS 10
#define CAMPAIGN_CALLERS_MAX 32
#define CAMPAIGN_TOKENS 120 /* of the longest answer of CAMPAIGN_LENGTHS */

enum campaign_topics {
	CAMPAIGN_REQUESTS, /* what people ask of a house: short answers */
	CAMPAIGN_LENGTHS,  /* answers of so many tokens, for as long: any model
			      that does not end by itself */
};

struct campaign {
	const struct system *system;
	enum campaign_topics topics;
	size_t callers;
	size_t answers; /* in all */
	uint64_t seed;	/* of the order of questions */
	bool is_prompt; /* out: observers ran before all others */
	size_t failed;	/* out: answers that were none */
};

/*
 * Ask, in an order that has as many questions of each topic; fill rows of good
 * answers, and return how many there are.
 */
size_t campaign_run(struct campaign *campaign, struct classifier_row *rows);

/* What notes say in numbers. */
void campaign_features(const struct observer_notes *notes,
		       double features[static CLASSIFIER_FEATURES]);

/*
 * Only the rows of the total size that most have; how many they are.  A total is
 * what a policy admits to tell: this is for all else.
 */
size_t campaign_of_one_total(struct classifier_row *rows, size_t count);

/* The same rows with two classes: the first five topics, and the others. */
void campaign_halve(struct classifier_row *rows, size_t count);

/* Processes that do nothing else than to keep a processor busy. */
struct campaign_hogs {
	pid_t pids[8];
	size_t count;
};

void campaign_hogs_start(size_t count, struct campaign_hogs *out);
void campaign_hogs_stop(struct campaign_hogs *hogs);

#endif
