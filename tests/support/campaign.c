/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/campaign.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/numbers.h"
#include "tests/scenarios/sealed.h"
#include "wire/bhttp_write.h"

#define VARIANTS 6
#define LENGTH_STEP (CAMPAIGN_TOKENS / CAMPAIGN_TOPICS)
#define BODY_MAX 512
#define INNER_BYTES 700 /* every question, padded */
#define SIZES 20	/* that are features, each */
#define SUMMARY 12
#define TOTAL 0 /* where the total size stands among features */

/* What people ask of a house.  The first five topics and the others are the two
 * that a spy of less ambition tells apart. */
static const char *const questions[CAMPAIGN_TOPICS][VARIANTS] = {
	{ "turn on the lights in the kitchen", "turn off the bedroom light",
	  "lights on in the garage", "switch off all lights in the hallway",
	  "turn on the ceiling light", "lights off in the bathroom" },
	{ "open the garage door", "close the curtains in the bedroom",
	  "open the blinds in the kitchen", "close all the blinds",
	  "open the left curtain", "shut the shutters in the office" },
	{ "what time is it", "what is the time", "tell me the time",
	  "tell me what time it is", "what is the date",
	  "what's today's date" },
	{ "cancel the timer", "stop the timer", "pause the timer",
	  "cancel all timers", "resume the timer", "cancel my timer" },
	{ "next song", "pause the music", "skip this track", "resume the music",
	  "pause the tv", "previous track" },
	{ "set the bedroom light to 40 percent brightness and make it blue",
	  "set the kitchen lights to 80 percent brightness",
	  "change the colour of the living room lights to red",
	  "set brightness of the bedroom lamp to 15 percent",
	  "make the hallway lights green",
	  "dim the office light to 5 percent" },
	{ "set the temperature in the living room to 21 degrees",
	  "set the thermostat in the bedroom to 18 degrees",
	  "make the office 23 degrees warm",
	  "set the kitchen thermostat to 19 degrees",
	  "set the bedroom temperature to 17 degrees",
	  "set the temperature of the bathroom to 24 degrees" },
	{ "set a timer for 1 hour and 15 minutes named lasagna",
	  "start a 20 minute timer for pizza",
	  "set a timer for 3 minutes and 30 seconds for eggs",
	  "10 minute timer named potatoes",
	  "create a timer for 45 minutes called laundry",
	  "set a 2 hour 30 minute timer for bread" },
	{ "add apples and oranges to my shopping list",
	  "put a new toothbrush on the shopping list",
	  "add wash the windows to my to do list",
	  "add two bottles of olive oil to the shopping list",
	  "put call the dentist on the todo list",
	  "add washing powder to the groceries list" },
	{ "broadcast that dinner will be ready in ten minutes",
	  "announce that the guests have arrived at the front door",
	  "tell everyone it is time to go to school now",
	  "broadcast please come to the living room",
	  "announce the bus leaves in five minutes",
	  "broadcast that breakfast is on the table" },
};

/* What callers share. */
struct work {
	struct campaign *campaign;
	struct sealed_target target; /* of the gateway itself */
	unsigned *topics;	     /* in order */
	pthread_mutex_t lock;	     /* all below */
	size_t next;
	size_t done;
	struct classifier_row *rows;
};

struct caller {
	pthread_t thread;
	struct work *work;
	struct observer *observer;
	struct sealed_target target;
	struct numbers dice;
	struct observer_notes notes;
};

static void write_request(struct caller *caller, unsigned topic,
			  char body[static BODY_MAX])
{
	unsigned draw = numbers_next(&caller->dice);

	if (caller->work->campaign->topics == CAMPAIGN_LENGTHS)
		snprintf(body, BODY_MAX,
			 "{\"model\":\"" SYSTEM_MODEL_NAME
			 "\",\"stream\":true,\"prompt\":\"Once\","
			 "\"max_tokens\":%u}",
			 LENGTH_STEP * topic + 1 + draw % LENGTH_STEP);
	else
		snprintf(body, BODY_MAX,
			 "{\"model\":\"" SYSTEM_MODEL_NAME
			 "\",\"stream\":true,\"messages\":[{\"role\":\"user\","
			 "\"content\":\"%s\"}]}",
			 questions[topic][draw % VARIANTS]);
}

static void make_request(struct caller *caller, unsigned topic,
			 struct sealed_request *out)
{
	bool is_chat = caller->work->campaign->topics == CAMPAIGN_REQUESTS;
	uint8_t memory[INNER_BYTES];
	struct writer inner = WRITER_OVER(memory);
	char body[BODY_MAX];

	write_request(caller, topic, body);
	sealed_inner("POST",
		     is_chat ? "/v1/chat/completions" : "/v1/completions", body,
		     &inner);
	invariant(bhttp_write_padding(&inner, INNER_BYTES) == ERR_OK);
	sealed_make(&caller->target, OHTTP_CHUNKED, bytes_written(&inner), out);
}

/* Ask one question, and have its answer observed. */
static bool ask(struct caller *caller, unsigned topic)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_request request;
	struct sealed_answer answer = { 0 };
	bool is_good;

	make_request(caller, topic, &request);
	sealed_send_request(&caller->target, &request, response);
	observer_take(caller->observer, &caller->notes);
	is_good = response->status == 200 &&
		  sealed_open(&request, response, &answer) == ERR_OK &&
		  answer.status == 200 && caller->notes.count > 0;
	free(answer.content);
	sealed_free(&request);
	free(response);
	return is_good;
}

static void keep(struct caller *caller, unsigned topic, bool is_good)
{
	struct work *work = caller->work;
	struct classifier_row row = { .class = topic };

	if (is_good)
		campaign_features(&caller->notes, row.features);
	pthread_mutex_lock(&work->lock);
	if (is_good)
		work->rows[work->done++] = row;
	else
		work->campaign->failed++;
	pthread_mutex_unlock(&work->lock);
}

static void *call(void *argument)
{
	struct caller *caller = argument;
	struct work *work = caller->work;

	for (;;) {
		size_t turn;

		pthread_mutex_lock(&work->lock);
		turn = work->next++;
		pthread_mutex_unlock(&work->lock);
		if (turn >= work->campaign->answers)
			return NULL;
		keep(caller, work->topics[turn],
		     ask(caller, work->topics[turn]));
		/* Callers do not fall into step with ticks or each other. */
		usleep(numbers_next(&caller->dice) % 8000);
	}
}

static void deal_topics(struct work *work)
{
	size_t count = work->campaign->answers;
	struct numbers dice = { work->campaign->seed };

	work->topics = calloc(count, sizeof(*work->topics));
	invariant(work->topics != NULL);
	for (size_t i = 0; i < count; i++)
		work->topics[i] = (unsigned)(i % CAMPAIGN_TOPICS);
	for (size_t i = count; i > 1; i--) {
		size_t j = numbers_next(&dice) % i;
		unsigned kept = work->topics[i - 1];

		work->topics[i - 1] = work->topics[j];
		work->topics[j] = kept;
	}
}

static void begin(struct caller *caller, struct work *work, size_t number)
{
	caller->work = work;
	caller->dice.state = work->campaign->seed + 7919 * (number + 1);
	caller->observer = observer_of_url(work->target.url);
	invariant(caller->observer != NULL);
	caller->target = work->target;
	snprintf(caller->target.url, sizeof(caller->target.url), "%s",
		 observer_url(caller->observer));
	invariant(pthread_create(&caller->thread, NULL, call, caller) == 0);
}

size_t campaign_run(struct campaign *campaign, struct classifier_row *rows)
{
	struct caller *callers = calloc(campaign->callers, sizeof(*callers));
	struct work work = { .campaign = campaign,
			     .lock = PTHREAD_MUTEX_INITIALIZER,
			     .rows = rows };

	invariant(callers != NULL && campaign->callers <= CAMPAIGN_CALLERS_MAX);
	invariant(sealed_find(campaign->system->gateway, &work.target));
	campaign->is_prompt = true;
	campaign->failed = 0;
	deal_topics(&work);
	for (size_t i = 0; i < campaign->callers; i++)
		begin(&callers[i], &work, i);
	for (size_t i = 0; i < campaign->callers; i++) {
		pthread_join(callers[i].thread, NULL);
		campaign->is_prompt = campaign->is_prompt &&
				      observer_is_prompt(callers[i].observer);
		observer_close(callers[i].observer);
	}
	free(callers);
	free(work.topics);
	return work.done;
}

static size_t count_total(const struct classifier_row *rows, size_t count,
			  double total)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += rows[i].features[TOTAL] == total;
	return found;
}

size_t campaign_of_one_total(struct classifier_row *rows, size_t count)
{
	double most = 0;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (rows[i].features[TOTAL] != most &&
		    count_total(rows, count, rows[i].features[TOTAL]) >
			    count_total(rows, count, most))
			most = rows[i].features[TOTAL];
	for (size_t i = 0; i < count; i++)
		if (rows[i].features[TOTAL] == most)
			rows[kept++] = rows[i];
	return kept;
}

void campaign_halve(struct classifier_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rows[i].class = rows[i].class >= CAMPAIGN_TOPICS / 2;
}

/* Features. */

struct series {
	double values[OBSERVER_SEGMENTS_MAX];
	size_t count;
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double mean_of(const struct series *series)
{
	double sum = 0;

	for (size_t i = 0; i < series->count; i++)
		sum += series->values[i];
	return series->count > 0 ? sum / (double)series->count : 0;
}

/* The products of deviations that are `lag` apart, over `lag` 0's: 1 to -1. */
static double correlation(const struct series *series, size_t lag)
{
	double mean = mean_of(series), sum = 0, squares = 0;

	for (size_t i = 0; i < series->count; i++) {
		double off = series->values[i] - mean;

		squares += off * off;
		if (i >= lag)
			sum += off * (series->values[i - lag] - mean);
	}
	return squares > 0 ? sum / squares : 0;
}

static double deviation(const struct series *series)
{
	double mean = mean_of(series), squares = 0;

	for (size_t i = 0; i < series->count; i++)
		squares +=
			(series->values[i] - mean) * (series->values[i] - mean);
	return series->count > 0 ? sqrt(squares / (double)series->count) : 0;
}

static double *put(double *at, double value)
{
	*at = value;
	return at + 1;
}

/* Numbers of how a series is spread and follows itself. */
static double *put_summary(double *at, const struct series *series,
			   const struct series *sorted)
{
	static const double quantiles[] = { 0.1, 0.25, 0.5, 0.75, 0.9 };
	size_t last = series->count - 1;

	if (series->count == 0)
		return at + SUMMARY;
	at = put(at, mean_of(series));
	at = put(at, deviation(series));
	at = put(at, sorted->values[0]);
	at = put(at, sorted->values[last]);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		at = put(at,
			 sorted->values[(size_t)(quantiles[i] * (double)last)]);
	for (size_t lag = 1; lag <= 3; lag++)
		at = put(at, correlation(series, lag));
	return at;
}

static double *put_first(double *at, const struct series *series)
{
	for (size_t i = 0; i < SIZES; i++)
		at = put(at, i < series->count ? series->values[i] : 0);
	return at;
}

/* 10 counts of distances, by the distance in the middle. */
static double *put_histogram(double *at, const struct series *series,
			     double middle)
{
	double counts[10] = { 0 };

	for (size_t i = 0; i < series->count && middle > 0; i++) {
		double part = series->values[i] / middle * 4;

		counts[part < 9 ? (size_t)part : 9]++;
	}
	for (size_t i = 0; i < 10; i++)
		at = put(at, counts[i]);
	return at;
}

static double *put_series(double *at, const struct series *series)
{
	struct series sorted = *series;

	qsort(sorted.values, sorted.count, sizeof(double), compare);
	at = put_summary(at, series, &sorted);
	return put_first(at, series);
}

void campaign_features(const struct observer_notes *notes,
		       double features[static CLASSIFIER_FEATURES])
{
	struct series sizes, gaps;
	const struct observer_segment *segments = notes->segments;
	double *at = features, total = 0;

	invariant(notes->count > 0);
	sizes.count = notes->count;
	gaps.count = notes->count - 1;
	for (size_t i = 0; i < notes->count; i++) {
		sizes.values[i] = (double)segments[i].len;
		total += sizes.values[i];
		if (i > 0)
			gaps.values[i - 1] =
				(double)(segments[i].ns - segments[i - 1].ns) /
				1e6;
	}
	at = put(at, total);
	at = put(at, (double)notes->count);
	at = put(at, (double)(segments[0].ns - notes->asked_ns) / 1e6);
	at = put(at, (double)(segments[notes->count - 1].ns - segments[0].ns) /
			     1e6);
	at = put_series(at, &sizes);
	at = put_series(at, &gaps);
	/* The middle of the gaps stands in their summary. */
	at = put_histogram(at, &gaps, features[4 + SUMMARY + SIZES + 6]);
	invariant(at <= features + CLASSIFIER_FEATURES);
}

/* Hogs. */

static _Noreturn void be_busy(void)
{
	volatile unsigned turns = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		turns++;
}

void campaign_hogs_start(size_t count, struct campaign_hogs *out)
{
	*out = (struct campaign_hogs){ .count = count };
	invariant(count <= sizeof(out->pids) / sizeof(out->pids[0]));
	for (size_t i = 0; i < count; i++) {
		out->pids[i] = fork();
		if (out->pids[i] == 0)
			be_busy();
		invariant(out->pids[i] > 0);
	}
}

void campaign_hogs_stop(struct campaign_hogs *hogs)
{
	for (size_t i = 0; i < hogs->count; i++) {
		(void)kill(hogs->pids[i], SIGKILL);
		(void)waitpid(hogs->pids[i], NULL, 0);
	}
	hogs->count = 0;
}
