/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every place in which a peer says how long something will be, and lies: what
 * is too long is refused for having said so, and nothing is allocated for it.
 */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "crypto/ohttp_opener.h"
#include "policy/limits.h"
#include "tests/figure.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/raw_call.h"
#include "tests/scenarios/sealed.h"
#include "wire/bhttp.h"
#include "wire/message.h"
#include "wire/varint.h"

#define ROUNDS 20
#define PATIENCE_MS 5000
#define FLOOD_BYTES (64u << 20)
#define HEAPS_MIB 512 /* that libc reserves for threads, 64 each */

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(lengths, .fini = stop, .timeout = 120);

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	system_start_or_skip(&policy, &pcc);
}

/* --- gRPC's message prefix, on the node's own port --- */

/*
 * gRPC's core gathers what was announced and judges it when it is whole, in no
 * more memory than LIMIT_GRPC_MEMORY; an empty message is whole at once.
 */
static const uint32_t prefixes[] = {
	0,
	1,
	LIMIT_MESSAGE_BYTES - 1,
	LIMIT_MESSAGE_BYTES,
	LIMIT_MESSAGE_BYTES + 1,
	1u << 31,
	UINT32_MAX,
};

#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

static uint64_t status_kib(pid_t pid, const char *name)
{
	char value[PROCESS_VALUE_MAX];

	process_status(pid, name, value);
	return strtoull(value, NULL, 10);
}

static const char *path_of(size_t round)
{
	return round % 2 == 0 ? "/pcc.node.v1.Node/Serve"
			      : "/pcc.node.v1.Node/GetAttestation";
}

/* A message that begins so, and no more of it: whether it is still awaited. */
static bool is_awaited(uint32_t len, size_t round)
{
	int call = raw_call_open(&pcc, path_of(round), NULL);
	bool ended = !raw_call_say_prefix(call, len) ||
		     raw_call_is_ended(call, len == 0 ? PATIENCE_MS : 10);

	close(call);
	return !ended;
}

/* The measure sees what it should: memory that was only reserved. */
static uint64_t control_mib(void)
{
	uint64_t before = status_kib(getpid(), "VmPeak");
	size_t len = (size_t)1 << 31;
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert_neq(memory, MAP_FAILED);
	munmap(memory, len);
	return (status_kib(getpid(), "VmPeak") - before) >> 10;
}

static double growth_mib(pid_t pid, const char *name, uint64_t before_kib)
{
	return ((double)status_kib(pid, name) - (double)before_kib) / 1024;
}

static pid_t front_or_skip(void)
{
	pid_t front = process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT);

	if (front == 0 || status_kib(front, "VmPeak") == 0)
		cr_skip_test("the front's status cannot be read");
	return front;
}

Test(lengths, nothing_is_allocated_for_a_message_that_says_it_is_long)
{
	uint64_t peak, resident;
	size_t tried = 0, good = 0;
	pid_t front;

	start();
	front = front_or_skip();
	/* Once each, so that what is there once is there. */
	for (size_t i = 0; i < PREFIXES; i++)
		(void)is_awaited(prefixes[i], i);
	peak = status_kib(front, "VmPeak");
	resident = status_kib(front, "VmRSS");
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < PREFIXES; i++) {
			tried++;
			good += is_awaited(prefixes[i], round) ==
				(prefixes[i] > 0);
		}
	cr_assert_eq(process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT), front);
	figure_all("C2",
		   "lengths of messages after which the node waits, or "
		   "has the whole message",
		   good, tried);
	figure_at_most("C2", "memory that the front reserved for them",
		       growth_mib(front, "VmPeak", peak), "MiB", HEAPS_MIB);
	figure_at_most("C2", "memory that it took for them",
		       growth_mib(front, "VmRSS", resident), "MiB", 4);
	figure_at_least("C2", "what the first measure says of 2 GiB",
			(double)control_mib(), "MiB", 1024);
}

/* Say all of it, or as much as is taken, whatever the node's windows are. */
static bool is_refused(uint32_t len, size_t round)
{
	static uint8_t piece[16384];
	struct timeval patience = { .tv_sec = 1 };
	int call = raw_call_open(&pcc, path_of(round), NULL);
	uint64_t left = len < FLOOD_BYTES ? len : FLOOD_BYTES;
	bool ended;

	cr_assert_eq(setsockopt(call, SOL_SOCKET, SO_SNDTIMEO, &patience,
				sizeof(patience)),
		     0);
	(void)raw_call_say_prefix(call, len);
	while (left > 0) {
		size_t now =
			left < sizeof(piece) ? (size_t)left : sizeof(piece);

		if (!raw_call_say(call, (struct bytes){ piece, now }))
			break;
		left -= now;
	}
	ended = raw_call_is_ended(call, PATIENCE_MS);
	close(call);
	return ended;
}

/* gRPC may give up another's call too when its memory is all in use, so that
 * one request may be told to come again. */
static bool answers_again(const struct sealed_target *target)
{
	uint64_t until = system_now_ms() + PATIENCE_MS;

	while (!sealed_is_answered(target)) {
		if (system_now_ms() > until)
			return false;
		system_sleep_ms(20);
	}
	return true;
}

Test(lengths, a_message_that_is_too_long_is_refused_in_bounded_memory)
{
	struct sealed_target target;
	size_t tried = 0, refused = 0;
	double most = 0;
	uint64_t resident;
	pid_t front;

	start();
	front = front_or_skip();
	resident = status_kib(front, "VmRSS");
	cr_assert(sealed_find(pcc.gateway, &target));
	/* From the first that is whole and nonsense to those without end. */
	for (size_t i = 3; i < PREFIXES; i++)
		for (size_t round = 0; round < 2; round++) {
			double growth;

			tried++;
			refused += is_refused(prefixes[i], round);
			growth = growth_mib(front, "VmHWM", resident);
			most = growth > most ? growth : most;
			cr_assert(answers_again(&target));
		}
	cr_assert_eq(process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT), front);
	figure_all("C2", "messages too long or nonsense that were refused",
		   refused, tried);
	figure_at_most("C2", "memory of the front while 64 MiB of one came",
		       most, "MiB", (double)(LIMIT_GRPC_MEMORY >> 20));
}

/* --- Chunks of OHTTP, in a worker --- */

/* A request that consists of a header and a chunk that says its length. */
static unsigned status_of_chunk(const struct sealed_target *target,
				uint64_t len)
{
	static uint8_t rest[LIMIT_CHUNK_PLAINTEXT + 64];
	struct fetch_response *response = fetch_response_new();
	struct sealed_request request;
	struct sealed_answer answer = { 0 };
	struct writer wire;

	sealed_begin(target, OHTTP_CHUNKED, &request);
	wire = (struct writer){ request.bytes, request.len, SEALED_MAX };
	cr_assert_eq(varint_put_in(&wire, len, 8), ERR_OK);
	cr_assert_eq(bytes_put(&wire, BYTES_ARRAY(rest)), ERR_OK);
	request.len = wire.len;
	sealed_send_request(target, &request, response);
	cr_assert_eq(sealed_open(&request, response, &answer), ERR_OK,
		     "outside %ld", response->status);
	free(answer.content);
	sealed_free(&request);
	free(response);
	return answer.status;
}

Test(lengths, a_chunk_of_any_length_is_refused_inside)
{
	static const uint64_t most = LIMIT_CHUNK_PLAINTEXT + OHTTP_CHUNK_TAG;
	static const struct {
		uint64_t len;
		unsigned status;
	} chunks[] = {
		{ 0, 413 },	     { 1, 400 },
		{ most - 1, 400 },   { most, 400 },
		{ most + 1, 413 },   { (uint64_t)1 << 31, 413 },
		{ UINT32_MAX, 413 }, { VARINT_MAX, 413 },
	};
	const size_t count = sizeof(chunks) / sizeof(chunks[0]);
	struct sealed_target target;
	size_t good = 0;

	start();
	cr_assert(sealed_find(pcc.gateway, &target));
	for (size_t i = 0; i < count; i++)
		good += status_of_chunk(&target, chunks[i].len) ==
			chunks[i].status;
	cr_assert(sealed_is_answered(&target));
	figure_all("C2", "chunks whose length lies, refused inside", good,
		   count);
}

/* --- Binary HTTP, and the packets of a node's own processes --- */

static const uint64_t lies[] = { 0,	     1,		LIMIT_FIELD_BYTES - 1,
				 8192,	     8193,	UINT64_C(1) << 31,
				 UINT32_MAX, VARINT_MAX };

#define LIES (sizeof(lies) / sizeof(lies[0]))

/* A message that ends, cut, after saying a length in one of its places. */
static enum err parse_lie(struct bytes before, uint64_t len)
{
	static uint8_t scratch[LIMIT_FIELD_BYTES];
	static const struct bhttp_limits limits = {
		.field_bytes = LIMIT_FIELD_BYTES,
		.fields = LIMIT_FIELDS,
		.content = LIMIT_REQUEST_BYTES,
	};
	uint8_t memory[64];
	struct writer out = WRITER_OVER(memory);
	struct bhttp_event event = { .kind = BHTTP_EVENT_MORE };
	struct bhttp parser;
	struct bytes in;
	enum err err = ERR_OK;

	cr_assert_eq(bytes_put(&out, before), ERR_OK);
	cr_assert_eq(varint_put_in(&out, len, 8), ERR_OK);
	in = bytes_written(&out);
	bhttp_init(&parser, BHTTP_MESSAGE_REQUEST, &limits,
		   WRITER_OVER(scratch));
	do
		err = bhttp_next(&parser, &in, &event);
	while (err == ERR_OK && event.kind != BHTTP_EVENT_MORE);
	return err == ERR_OK ? bhttp_finish(&parser) : err;
}

/* A packet of every kind that says nothing but that it is long. */
static size_t parse_packets(size_t *refused)
{
	static uint8_t packet[2 * MESSAGE_BYTES_MAX];
	static const size_t lengths[] = { 0,
					  1,
					  MESSAGE_BYTES_MAX - 1,
					  MESSAGE_BYTES_MAX,
					  MESSAGE_BYTES_MAX + 1,
					  2 * MESSAGE_BYTES_MAX };
	size_t tried = 0;

	for (unsigned kind = 0; kind < 256; kind++)
		for (size_t i = 0; i < 6; i++) {
			struct message message;

			packet[0] = (uint8_t)kind;
			tried++;
			*refused += message_parse((struct bytes){ packet,
								  lengths[i] },
						  &message) != ERR_OK ||
				    lengths[i] <= MESSAGE_BYTES_MAX;
		}
	return tried;
}

Test(lengths, no_length_inside_makes_a_parser_allocate)
{
	static const struct bytes places[] = {
		BYTES_LITERAL("\0"),			       /* method */
		BYTES_LITERAL("\0\4POST"),		       /* scheme */
		BYTES_LITERAL("\0\4POST\5https\0"),	       /* path */
		BYTES_LITERAL("\0\4POST\5https\0\1/"),	       /* fields */
		BYTES_LITERAL("\0\4POST\5https\0\1/\0"),       /* content */
		BYTES_LITERAL("\0\4POST\5https\0\1/\4\1a\1b"), /* the same */
		BYTES_LITERAL("\2\4POST\5https\0\1/"),	       /* a name */
		BYTES_LITERAL("\2\4POST\5https\0\1/\1a"),      /* a value */
		BYTES_LITERAL("\2\4POST\5https\0\1/\0"),       /* a chunk */
	};
	const size_t count = sizeof(places) / sizeof(places[0]);
	size_t before = mallinfo2().uordblks, after;
	size_t tried = 0, refused = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < LIES; j++) {
			enum err err = parse_lie(places[i], lies[j]);

			/* What ends where it may is whole: RFC 9292, 3.8. */
			tried++;
			refused += err != ERR_OK || lies[j] == 0;
		}
	tried += parse_packets(&refused);
	after = mallinfo2().uordblks;
	figure_all("C2", "lengths inside that were refused or fit", refused,
		   tried);
	figure_at_most("C2", "bytes allocated for them",
		       (double)after - (double)before, "", 0);
}
