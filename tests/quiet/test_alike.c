/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two requests that fail for two reasons, and nobody between node and client
 * can tell which: one whose ciphertext was changed on its way, and one that
 * opens and then is no HTTP.  They have one status, one size, and one time.
 *
 * Times are taken on the node's own port, the two in random order, and compared
 * by Welch's t.  Where a processor had something else to do is not looked at: of
 * each of the two the shorter half of its times is compared.  Among them are as
 * many that somebody did make later, by a little: those are told apart.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/limits.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define T_MOST 4.5
#define SAMPLES_MAX (1u << 18)
#define KEPT 0.5 /* of the times of each, the shortest */
#define CALL_MS 10000
#define SMALL_BYTES 700
#define LARGE_BYTES (60u << 10)
#define PIECE_BYTES ((size_t)LIMIT_CHUNK_PLAINTEXT)
#define SAID_BYTES (32u << 10) /* in one message */
#define BETWEEN_MS 4
#define TICK_US 1000
#define LATE_US 400 /* that one kind is made later, for a control */

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(alike, .fini = stop, .timeout = 7200);

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_PACED;
	policy.tick_ms = TICK_US / 1000;
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
	NO_HTTP, /* opens, and does not parse */
	LATE,	 /* does not open, and comes LATE_US after its clock began */
	FAULTS
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
	if (fault != NO_HTTP)
		out->bytes[begin + 40] ^= 1;
}

static void sleep_us(unsigned us)
{
	struct timespec time = { 0, (long)us * 1000 };

	nanosleep(&time, NULL);
}

/* Set-up, and the request in messages that the port takes; when the last of
 * them was due, from which on a caller counts. */
static uint64_t ask(struct call *call, const struct sealed_target *target,
		    const struct sealed_request *request, enum fault fault)
{
	struct bytes left = { request->bytes, request->len };
	struct rpc_serve_request chunk = { .step = RPC_REQUEST_CHUNK };
	uint64_t due = 0;

	call_set_up(call, target, request->exchange.form);
	while (left.len > 0) {
		size_t now = left.len < SAID_BYTES ? left.len : SAID_BYTES;

		cr_assert_eq(bytes_take(&left, now, &chunk.chunk.data), ERR_OK);
		chunk.chunk.position =
			left.len == 0 ? RPC_POSITION_LAST : RPC_POSITION_MORE;
		due = system_now_us();
		while (left.len == 0 && fault == LATE &&
		       system_now_us() - due < LATE_US)
			continue;
		call_say(call, &chunk);
	}
	return due;
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
			     enum fault fault, struct writer *answer)
{
	struct sample sample = { 0 };
	struct call call;
	uint64_t began;

	answer->len = 0;
	call_open(line, CALL_MS, &call);
	began = ask(&call, target, request, fault);
	while (call_hear(&call, answer))
		sample.chunks++;
	cr_assert(call_await_end(&call, CALL_MS));
	sample.us = (double)(system_now_us() - began);
	sample.bytes = answer->len;
	cr_assert_eq(call.status, GRPC_STATUS_OK, "status %d: %s", call.status,
		     grpc_slice_to_c_string(call.details));
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
	enum fault *faults;
	size_t count;
};

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* What is compared of one kind. */
struct moments {
	double mean;
	double error; /* of the mean, squared */
};

static struct moments shorter_half(const struct times *times, enum fault fault)
{
	double *sorted = malloc(times->count * sizeof(*sorted));
	double sum = 0, square = 0, kept;
	struct moments found;
	size_t count = 0;

	cr_assert_not_null(sorted);
	for (size_t i = 0; i < times->count; i++)
		if (times->faults[i] == fault)
			sorted[count++] = times->us[i];
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	kept = floor(KEPT * (double)count);
	cr_assert_gt(kept, 10);
	for (size_t i = 0; i < (size_t)kept; i++)
		sum += sorted[i];
	found.mean = sum / kept;
	for (size_t i = 0; i < (size_t)kept; i++)
		square += (sorted[i] - found.mean) * (sorted[i] - found.mean);
	found.error = square / (kept - 1) / kept;
	free(sorted);
	return found;
}

/* Welch's t of one that does not open and those that do not parse. */
static double welch(const struct times *times, enum fault fault)
{
	struct moments one = shorter_half(times, fault);
	struct moments other = shorter_half(times, NO_HTTP);
	double error = sqrt(one.error + other.error);

	cr_log_info("%s %.1f us, no HTTP %.1f us, error %.2f us, n %zu",
		    fault == LATE ? "late" : "changed", one.mean, other.mean,
		    error, times->count);
	return fabs(one.mean - other.mean) / error;
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
			       malloc(SAMPLES_MAX * sizeof(enum fault)), 0 };
	cr_assert(out->us != NULL && out->faults != NULL);
	cr_assert(sealed_find(pcc.gateway, &target));
	while (effort_more(&effort) && out->count < SAMPLES_MAX) {
		enum fault fault =
			(enum fault)(numbers_next(&numbers) / 8 % FAULTS);
		struct sealed_request request;
		struct sample sample;

		make(&target, fault, bytes, &request);
		sample = measure(&line, &target, &request, fault, &answer);
		expect_answer(&request, bytes_written(&answer), text);
		sealed_free(&request);
		if (out->count == 0) {
			first = sample;
			memcpy(first_text, text, sizeof(text));
		}
		cr_assert_str_eq(text, first_text);
		cr_assert_eq(sample.bytes, first.bytes);
		cr_assert_eq(sample.chunks, first.chunks);
		out->faults[out->count] = fault;
		out->us[out->count++] = sample.us;
		/* The next has a worker that waits, as this had, and comes
		 * anywhere between two ticks. */
		system_sleep_ms(BETWEEN_MS);
		sleep_us(numbers_next(&numbers) / 8 % TICK_US);
	}
}

static void forget(struct times *times)
{
	free(times->us);
	free(times->faults);
}

Test(alike, what_does_not_open_and_what_does_not_parse_take_one_time)
{
	struct times times;

	start();
	gather(SMALL_BYTES, 2100, &times);
	figure_all("B9", "refusals of one status, one text and one size",
		   times.count, times.count);
	figure_at_most("B9", "Welch's |t| of the two failures",
		       welch(&times, CHANGED), "", T_MOST);
	figure_at_least("B9", "that of those which were 400 us later",
			welch(&times, LATE), "", T_MOST);
	forget(&times);
}

/* The first of four chunks is bad: so three need not be opened, nor be hashed. */
Test(alike, not_even_a_large_request_tells_where_it_failed)
{
	struct times times;

	start();
	gather(LARGE_BYTES, 1500, &times);
	figure_at_most("B9", "|t| where one of them saves the work on 60 KiB",
		       welch(&times, CHANGED), "", T_MOST);
	figure_at_least("B9", "that of large ones which were 400 us later",
			welch(&times, LATE), "", T_MOST);
	forget(&times);
}
