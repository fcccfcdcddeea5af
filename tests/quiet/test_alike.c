/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two requests that fail for two reasons, and nobody between node and client
 * can tell which: one whose ciphertext was changed on its way, and one that
 * opens and then is no HTTP.  They have one status, one size, and one time.
 *
 * Times are taken on the node's own port, the two in random order, and compared
 * by Welch's t.  Where a processor had something else to do is not looked at: of
 * all times the shortest half is compared, whose ever they are.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/limits.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define T_MOST 4.5
#define SAMPLES_MAX (1u << 18)
#define KEPT 0.5 /* of all times, the shortest */
#define CALL_MS 10000
#define SMALL_BYTES 700
#define LARGE_BYTES (60u << 10)
#define PIECE_BYTES ((size_t)LIMIT_CHUNK_PLAINTEXT)
#define SAID_BYTES (32u << 10) /* in one message */
#define BETWEEN_MS 4
#define EARLY_US 150 /* that somebody would save who left at once */

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(alike, .fini = stop, .timeout = 7200);

static void start(enum policy_shape shape)
{
	struct policy policy = system_policy();

	policy.shape = shape;
	policy.tick_ms = 1;
	policy.frame_bytes = 1024;
	policy.total_buckets[0] = 1;
	policy.total_buckets[1] = 4;
	policy.total_bucket_count = 2;
	policy.workers = 4;
	policy.warm_workers = 4;
	policy.queue = 4;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 4, 5000));
}

enum fault {
	CHANGED, /* does not open */
	NO_HTTP	 /* opens, and does not parse */
};

/* A request of so many bytes inside, that fails so. */
static void make(const struct sealed_target *target, enum fault fault,
		 size_t bytes, struct sealed_request *out)
{
	static uint8_t piece[PIECE_BYTES];
	size_t begin;

	/* A framing that does not exist: 4, and then anything. */
	memset(piece, 4, sizeof(piece));
	sealed_begin(target, OHTTP_CHUNKED, out);
	begin = out->len;
	for (size_t left = bytes; left > 0;) {
		size_t now = left < sizeof(piece) ? left : sizeof(piece);

		left -= now;
		sealed_chunk(out,
			     left > 0 ? OHTTP_CHUNK_MORE : OHTTP_CHUNK_FINAL,
			     (struct bytes){ piece, now });
	}
	if (fault == CHANGED)
		out->bytes[begin + 40] ^= 1;
}

/* Set-up, and the request in messages that the port takes. */
static void ask(struct call *call, const struct sealed_target *target,
		const struct sealed_request *request)
{
	struct bytes left = { request->bytes, request->len };
	struct rpc_serve_request chunk = { .step = RPC_REQUEST_CHUNK };

	call_set_up(call, target, request->exchange.form);
	while (left.len > 0) {
		size_t now = left.len < SAID_BYTES ? left.len : SAID_BYTES;

		cr_assert_eq(bytes_take(&left, now, &chunk.chunk.data), ERR_OK);
		chunk.chunk.position =
			left.len == 0 ? RPC_POSITION_LAST : RPC_POSITION_MORE;
		call_say(call, &chunk);
	}
}

struct sample {
	double us;     /* until the call's end */
	size_t bytes;  /* of the answer */
	size_t chunks; /* in which it came */
};

/* One request, in a call of its own, and what its caller can see. */
static struct sample measure(const struct call_line *line,
			     const struct sealed_target *target,
			     const struct sealed_request *request,
			     struct writer *answer)
{
	struct sample sample = { 0 };
	struct call call;
	uint64_t began;

	answer->len = 0;
	call_open(line, CALL_MS, &call);
	ask(&call, target, request);
	began = system_now_us();
	while (call_hear(&call, answer))
		sample.chunks++;
	cr_assert(call_await_end(&call, CALL_MS));
	sample.us = (double)(system_now_us() - began);
	sample.bytes = answer->len;
	cr_assert_eq(call.status, GRPC_STATUS_OK);
	call_close(&call);
	return sample;
}

/* What its author reads, who alone can. */
static void expect_answer(const struct sealed_request *request,
			  struct bytes body, char text[static 1024])
{
	struct fetch_response *response = fetch_response_new();
	struct sealed_answer answer;

	response->status = 200;
	response->end = FETCH_WHOLE;
	response->len = body.len;
	memcpy(response->body, body.data, body.len);
	cr_assert_eq(sealed_open(request, response, &answer), ERR_OK);
	cr_assert_eq(answer.status, 400);
	/* Padding stands around it, in as many pieces as frames had. */
	snprintf(text, 1024, "%.1000s",
		 answer.content + strspn(answer.content, " \n"));
	text[strcspn(text, "}") + 1] = '\0';
	free(answer.content);
	free(response);
}

struct times {
	double *us;
	bool *is_changed;
	size_t count;
};

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* The longest that is compared. */
static double threshold(const double *us, size_t count)
{
	double *sorted = malloc(count * sizeof(*sorted));
	double found;

	cr_assert_not_null(sorted);
	memcpy(sorted, us, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	found = sorted[(size_t)(KEPT * (double)count)];
	free(sorted);
	return found;
}

/* Welch's t of the two kinds. */
static double welch(const struct times *times)
{
	double most = threshold(times->us, times->count);
	double sum[2] = { 0 }, square[2] = { 0 }, count[2] = { 0 };
	double mean[2], error = 0;

	for (size_t i = 0; i < times->count; i++) {
		size_t kind = times->is_changed[i];
		double us = times->us[i];

		if (us > most)
			continue;
		count[kind]++;
		sum[kind] += us;
		square[kind] += us * us;
	}
	for (size_t kind = 0; kind < 2; kind++) {
		cr_assert_gt(count[kind], 10);
		mean[kind] = sum[kind] / count[kind];
		error +=
			(square[kind] / count[kind] - mean[kind] * mean[kind]) /
			(count[kind] - 1);
	}
	cr_log_info("changed %.1f us, no HTTP %.1f us, error %.2f us, n %zu",
		    mean[1], mean[0], sqrt(error), times->count);
	return fabs(mean[1] - mean[0]) / sqrt(error);
}

/* The control: had the worker left at once where a request does not open. */
static double welch_had_one_left_early(struct times *times)
{
	for (size_t i = 0; i < times->count; i++)
		if (times->is_changed[i])
			times->us[i] -= EARLY_US;
	return welch(times);
}

/* As many as are wanted, in random order; all have one size and one text. */
static void gather(size_t bytes, uint64_t wanted, struct times *out)
{
	static uint8_t memory[64 << 10];
	struct writer answer = WRITER_OVER(memory);
	struct call_line line = call_dial(&pcc, 0);
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(wanted);
	char first_text[1024] = "", text[1024];
	struct sealed_target target;
	struct sample first = { 0 };

	*out = (struct times){ malloc(SAMPLES_MAX * sizeof(double)),
			       malloc(SAMPLES_MAX * sizeof(bool)), 0 };
	cr_assert(out->us != NULL && out->is_changed != NULL);
	cr_assert(sealed_find(pcc.gateway, &target));
	while (effort_more(&effort) && out->count < SAMPLES_MAX) {
		enum fault fault =
			numbers_next(&numbers) / 8 % 2 ? CHANGED : NO_HTTP;
		struct sealed_request request;
		struct sample sample;

		make(&target, fault, bytes, &request);
		sample = measure(&line, &target, &request, &answer);
		expect_answer(&request, bytes_written(&answer), text);
		sealed_free(&request);
		if (out->count == 0) {
			first = sample;
			memcpy(first_text, text, sizeof(text));
		}
		cr_assert_str_eq(text, first_text);
		cr_assert_eq(sample.bytes, first.bytes);
		cr_assert_eq(sample.chunks, first.chunks);
		out->is_changed[out->count] = fault == CHANGED;
		out->us[out->count++] = sample.us;
		/* The next has a worker that waits, as this had. */
		system_sleep_ms(BETWEEN_MS);
	}
}

static void forget(struct times *times)
{
	free(times->us);
	free(times->is_changed);
}

Test(alike, what_does_not_open_and_what_does_not_parse_take_one_time)
{
	struct times times;

	start(POLICY_SHAPE_PACED);
	gather(SMALL_BYTES, 1500, &times);
	figure_all("B9", "refusals of one status, one text and one size",
		   times.count, times.count);
	figure_at_most("B9", "Welch's |t| of the two failures", welch(&times),
		       "", T_MOST);
	figure_at_least("B9", "the same, had one left 150 us early",
			welch_had_one_left_early(&times), "", T_MOST);
	forget(&times);
}

/* The first of four chunks is bad: so three need not be opened, nor be hashed. */
Test(alike, not_even_a_large_request_tells_where_it_failed)
{
	struct times times;

	start(POLICY_SHAPE_PACED);
	gather(LARGE_BYTES, 1000, &times);
	figure_at_most("B9", "|t| where one of them saves the work on 60 KiB",
		       welch(&times), "", T_MOST);
	figure_at_least("B9", "that, had one left 150 us early",
			welch_had_one_left_early(&times), "", T_MOST);
	forget(&times);
	stop();
	start(POLICY_SHAPE_OFF);
	gather(LARGE_BYTES, 300, &times);
	figure_of("B9", "that, without pacing", welch(&times), "");
	forget(&times);
}
