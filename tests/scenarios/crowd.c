/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/crowd.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/timed.h"
#include "tests/system.h"

#define INNER_MAX 2048

static const char *const prompts[] = {
	"Once upon a time",
	"turn on the kitchen lights",
	"mach das Licht im Wohnzimmer aus",
	"what is the weather like",
};
#define PROMPTS (sizeof(prompts) / sizeof(prompts[0]))

static void *memory(size_t len)
{
	void *made = calloc(1, len);

	invariant(made != NULL);
	return made;
}

static void write_question(size_t index, unsigned tokens_max,
			   struct writer *inner)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"model\":\"" SYSTEM_MODEL_NAME
		 "\",\"prompt\":\"%s\",\"max_tokens\":%u,\"seed\":%zu,"
		 "\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
		 prompts[index % PROMPTS], tokens_max, index + 1);
	sealed_inner("POST", "/v1/completions", body, inner);
}

/* The value of a member loses its letters or digits, in place. */
static void blank(char *text, const char *member)
{
	for (char *at = text; (at = strstr(at, member)) != NULL;) {
		char *out = at += strlen(member);
		const char *rest = at;

		while (isalnum((unsigned char)*rest) || *rest == '-')
			rest++;
		memmove(out, rest, strlen(rest) + 1);
	}
}

/* Between two pieces of text.  Which tokens came together is the clock's. */
static const char joint[] =
	"\",\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n"
	"data: {\"id\":\"\",\"object\":\"text_completion\",\"created\":,"
	"\"model\":\"" SYSTEM_MODEL_NAME
	"\",\"choices\":[{\"index\":0,\"text\":\"";

static void join(char *text)
{
	while ((text = strstr(text, joint)) != NULL)
		memmove(text, text + sizeof(joint) - 1,
			strlen(text + sizeof(joint) - 1) + 1);
}

/* What two answers to one question have in common, in place. */
static void normalise(char *text)
{
	char *out = text;

	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n") + 1;

		if (line[len - 1] == '\0')
			len--;
		if (line[0] != ':' && line[0] != '\n') {
			memmove(out, line, len);
			out += len;
		}
		line += len;
	}
	*out = '\0';
	blank(text, "\"id\":\"");
	blank(text, "\"created\":");
	join(text);
}

static unsigned tokens_of(const char *content)
{
	static const char name[] = "\"completion_tokens\":";
	const char *usage = strstr(content, name);

	return usage == NULL
		       ? 0
		       : (unsigned)strtoul(usage + sizeof(name) - 1, NULL, 10);
}

/* Its content as it is compared, from malloc; NULL: it is no whole answer. */
static char *ask(const struct crowd_lesson *lesson, size_t index,
		 struct fetch_response *response)
{
	uint8_t bytes[INNER_MAX];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request request;
	struct sealed_answer answer;
	char *content = NULL;

	write_question(index, lesson->tokens_max, &inner);
	sealed_make(&lesson->target, OHTTP_CHUNKED, bytes_written(&inner),
		    &request);
	response->status = 0;
	response->len = response->piece_count = 0;
	response->type[0] = response->retry_after[0] = '\0';
	sealed_send_request(&lesson->target, &request, response);
	if (sealed_open(&request, response, &answer) == ERR_OK) {
		if (answer.status == 200) {
			content = answer.content;
			normalise(content);
		} else {
			free(answer.content);
		}
	}
	sealed_free(&request);
	return content;
}

const char *crowd_learn(const char *gateway, unsigned tokens_max,
			struct crowd_lesson *out)
{
	struct fetch_response *response = fetch_response_new();
	const char *wrong = NULL;

	*out = (struct crowd_lesson){ .tokens_max = tokens_max };
	if (!sealed_find(gateway, &out->target))
		wrong = "the gateway lists no node";
	for (size_t i = 0; i < CROWD_QUESTIONS && wrong == NULL; i++) {
		struct crowd_question *question = &out->questions[i];

		question->answer = ask(out, i, response);
		if (question->answer == NULL)
			wrong = "an idle node does not answer";
		else
			question->tokens = tokens_of(question->answer);
	}
	free(response);
	return wrong;
}

void crowd_forget(struct crowd_lesson *lesson)
{
	for (size_t i = 0; i < CROWD_QUESTIONS; i++)
		free(lesson->questions[i].answer);
}

static void note(struct crowd_times *times, uint64_t us)
{
	if (times->count < CROWD_SAMPLES)
		times->ms[times->count++] = (double)us / 1e3;
}

static bool is_refusal(const struct fetch_response *response)
{
	return (response->status == 429 || response->status == 503) &&
	       response->end == FETCH_WHOLE &&
	       strcmp(response->type, "application/problem+json") == 0 &&
	       response->retry_after[0] != '\0';
}

static void judge(struct crowd_client *client,
		  const struct crowd_question *question, const char *answer)
{
	const struct fetch_response *response = client->response;

	if (answer == NULL && is_refusal(response)) {
		client->refused++;
		note(&client->refusal, response->us);
		system_sleep_ms(client->plan.pause_ms);
	} else if (answer == NULL) {
		client->lost++;
		snprintf(client->stray, sizeof(client->stray),
			 "status %ld, end %d, %zu bytes, %lu us",
			 response->status, response->end, response->len,
			 response->us);
	} else if (strcmp(answer, question->answer) != 0) {
		client->corrupted++;
	} else {
		client->whole++;
		client->tokens += question->tokens;
		note(&client->first, response->pieces[0].us);
		note(&client->total, response->us);
	}
}

static void *run(void *argument)
{
	struct crowd_client *client = argument;
	const struct crowd_plan *plan = &client->plan;

	for (unsigned i = 0; (plan->requests == 0 || i < plan->requests) &&
			     system_now_ms() < plan->until_ms;
	     i++) {
		size_t index = numbers_next(&client->numbers) % CROWD_QUESTIONS;
		char *answer = ask(client->lesson, index, client->response);

		judge(client, &client->lesson->questions[index], answer);
		free(answer);
	}
	return NULL;
}

void crowd_begin(const struct crowd_lesson *lesson,
		 const struct crowd_plan *plan, struct crowd *out)
{
	invariant(plan->clients <= CROWD_CLIENTS_MAX);
	*out = (struct crowd){
		.count = plan->clients,
		.began_us = system_now_us(),
		.clients = memory(plan->clients * sizeof(*out->clients)),
	};
	for (size_t i = 0; i < plan->clients; i++) {
		struct crowd_client *client = &out->clients[i];

		client->lesson = lesson;
		client->plan = *plan;
		client->numbers.state = plan->seed * CROWD_CLIENTS_MAX + i;
		client->response = fetch_response_new();
		invariant(pthread_create(&client->thread, NULL, run, client) ==
			  0);
	}
}

/* Of all clients together. */
static void quantiles(const struct crowd *crowd, size_t member, double *p50,
		      double *p99)
{
	double *all = memory(crowd->count * CROWD_SAMPLES * sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; i < crowd->count; i++) {
		const struct crowd_times *times =
			(const void *)((const char *)&crowd->clients[i] +
				       member);

		memcpy(all + count, times->ms, times->count * sizeof(*all));
		count += times->count;
	}
	*p50 = count == 0 ? 0 : timed_quantile(all, count, 0.5);
	*p99 = count == 0 ? 0 : timed_quantile(all, count, 0.99);
	free(all);
}

struct crowd_result crowd_end(struct crowd *crowd)
{
	struct crowd_result sum = { 0 };

	for (size_t i = 0; i < crowd->count; i++) {
		const struct crowd_client *client = &crowd->clients[i];

		pthread_join(client->thread, NULL);
		sum.whole += client->whole;
		sum.refused += client->refused;
		sum.lost += client->lost;
		sum.corrupted += client->corrupted;
		sum.tokens += client->tokens;
		if (client->lost > 0)
			memcpy(sum.stray, client->stray, sizeof(sum.stray));
		free(client->response);
	}
	sum.seconds = (double)(system_now_us() - crowd->began_us) / 1e6;
	quantiles(crowd, offsetof(struct crowd_client, first), &sum.first_p50,
		  &sum.first_p99);
	quantiles(crowd, offsetof(struct crowd_client, total), &sum.total_p50,
		  &sum.total_p99);
	quantiles(crowd, offsetof(struct crowd_client, refusal),
		  &sum.refusal_p50, &sum.refusal_p99);
	free(crowd->clients);
	return sum;
}
