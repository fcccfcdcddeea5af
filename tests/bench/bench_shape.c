/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shape of answers costs, for ticks and frames that an operator might
 * choose: until the first and the last word of an answer, and the bytes that
 * carry it.  One line of name, value and unit for each figure.
 *
 *     shape.tick.T.…    frames of 512 bytes, a tick of T ms
 *     shape.frame.F.…   frames of F bytes, a tick of 25 ms
 *     shape.off.…       no shape
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/scenarios/openai.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/timed.h"
#include "tests/system.h"

#define ROUNDS 3
#define USUAL_FRAME 512
#define USUAL_TICK_MS 25

static const uint32_t ticks[] = { 5, 10, 20, 50, 100 };
static const uint32_t frames[] = { 256, 512, 1024, 2048, 4096 };
static const uint32_t totals[] = { 4, 16, 64, 256, 1024 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A call for a light, and as much text as a model gives at once. */
static const struct question {
	const char *name, *path, *body;
} questions[] = {
	{ "short", "/v1/chat/completions",
	  "{\"model\":\"" SYSTEM_MODEL_NAME
	  "\",\"stream\":true,\"seed\":1,\"messages\":[{\"role\":\"user\","
	  "\"content\":\"turn on the lights in the kitchen\"}]}" },
	{ "long", "/v1/completions",
	  "{\"model\":\"" SYSTEM_MODEL_NAME
	  "\",\"stream\":true,\"seed\":1,\"max_tokens\":96,"
	  "\"prompt\":\"Once upon a time\"}" },
};

static void start(const struct policy *policy, struct system *out)
{
	const char *wrong = system_start(policy, SYSTEM_AS_CALLER, out);

	if (wrong == NULL)
		return;
	fprintf(stderr, "bench_shape: %s\n", wrong);
	exit(EXIT_FAILURE);
}

/* Bytes of the answer on their way from the gateway, without HTTP's. */
static size_t carry(const struct system *system,
		    const struct question *question)
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_target target;
	struct sealed_request request;
	uint8_t memory[1024];
	struct writer inner = WRITER_OVER(memory);
	size_t len;

	invariant(sealed_find(system->gateway, &target));
	sealed_inner("POST", question->path, question->body, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	sealed_send_request(&target, &request, response);
	invariant(response->status == 200 && response->end == FETCH_WHOLE);
	len = response->len;
	sealed_free(&request);
	free(response);
	return len;
}

static void measure_question(const struct system *system, const char *name,
			     const struct question *question)
{
	static struct openai_answer answer;
	double first_ms[ROUNDS], last_ms[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		openai_post(system->client, question->path, question->body,
			    &answer);
		invariant(openai_is_whole(&answer));
		first_ms[i] = (double)answer.first_us / 1e3;
		last_ms[i] = (double)answer.last_us / 1e3;
	}
	printf("shape.%s.%s.first %.1f ms\n", name, question->name,
	       timed_median(first_ms, ROUNDS));
	printf("shape.%s.%s.last %.1f ms\n", name, question->name,
	       timed_median(last_ms, ROUNDS));
	printf("shape.%s.%s.bytes %zu bytes\n", name, question->name,
	       carry(system, question));
	fflush(stdout);
}

static void measure(const struct policy *policy, const char *name)
{
	struct system system;

	start(policy, &system);
	for (size_t i = 0; i < COUNT_OF(questions); i++)
		measure_question(&system, name, &questions[i]);
	(void)system_stop(&system);
}

static struct policy policy_of(uint32_t tick_ms, uint32_t frame_bytes)
{
	struct policy policy = system_policy();

	policy.tick_ms = tick_ms;
	policy.frame_bytes = frame_bytes;
	for (size_t i = 0; i < COUNT_OF(totals); i++)
		policy.total_buckets[i] = totals[i];
	policy.total_bucket_count = COUNT_OF(totals);
	return policy;
}

int main(void)
{
	struct policy policy = policy_of(USUAL_TICK_MS, USUAL_FRAME);
	char name[32];

	policy.shape = POLICY_SHAPE_OFF;
	measure(&policy, "off");
	for (size_t i = 0; i < COUNT_OF(ticks); i++) {
		policy = policy_of(ticks[i], USUAL_FRAME);
		snprintf(name, sizeof(name), "tick.%u", ticks[i]);
		measure(&policy, name);
	}
	for (size_t i = 0; i < COUNT_OF(frames); i++) {
		policy = policy_of(USUAL_TICK_MS, frames[i]);
		snprintf(name, sizeof(name), "frame.%u", frames[i]);
		measure(&policy, name);
	}
	return EXIT_SUCCESS;
}
