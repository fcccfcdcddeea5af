/* SPDX-License-Identifier: Apache-2.0 */
#include "node/worker.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/ohttp_opener.h"
#include "inference/team.h"
#include "node/channel.h"
#include "node/frames.h"
#include "node/respond.h"
#include "policy/limits.h"
#include "sandbox/memory.h"
#include "wire/json.h"

_Static_assert(LIMIT_THREADS <= TEAM_MAX, "what a policy may ask for there is");

/*
 * Frames are sealed at ticks.  Where more threads compute than there are
 * processors, a frame that had to wait for its turn among them would tell that
 * its answer is still being computed.
 */
#define COMPUTING_NICE 5

#define HEAP_RESERVE (1u << 20) /* for the libraries, of one worker */

/*
 * All threads are made before the jail closes.
 *
 *   computing   takes the request in, opens it, runs the model
 *   its team    the policy's threads less one: compute with it, else asleep
 *   sealing     sleeps until the request is complete; from then on the front
 *               channel is its own: for each pull one frame
 *
 * So a frame leaves when it is asked for, however long a token takes; only the
 * first waits, until the request is parsed and its status known.
 */
struct worker {
	const struct worker_setup *setup;
	struct team *team;
	struct ohttp_exchange exchange;
	struct request_keys keys;
	struct answer answer;
	struct frames frames;
	uint64_t now_s;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool has_started; /* under lock: the sealing thread runs */
	bool is_taken_in; /* under lock: it may begin */
	bool is_over;	  /* never: the process ends first */

	struct channel_packet upload; /* the computing thread's */
	struct channel_packet pull;   /* the sealing thread's */
};

/* The process is the request: nothing but its end needs telling. */
static _Noreturn void leave(int status)
{
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

static void leave_on(enum err err)
{
	if (err != ERR_OK)
		leave(1);
}

/* Say why nothing could be opened, and end. */
static _Noreturn void leave_with(enum failure failure)
{
	struct message message = { .kind = MESSAGE_FAILED,
				   .number = { failure } };

	leave(channel_write(JAIL_FD_FRONT, &message) == ERR_OK ? 0 : 1);
}

static enum err send_frame(struct worker *worker, bool *last)
{
	uint8_t bytes[FRAMES_BYTES_MAX + OHTTP_NONCE_MAX];
	struct writer frame = WRITER_OVER(bytes);
	struct message message = { .kind = MESSAGE_FRAME };

	TRY(frames_next(&worker->frames, &frame, last));
	if (*last)
		message.kind = MESSAGE_LAST;
	message.body = bytes_written(&frame);
	return channel_write(JAIL_FD_FRONT, &message);
}

static enum err serve_pulls(struct worker *worker)
{
	bool last = false;

	while (!last) {
		struct message message;

		TRY(channel_read(JAIL_FD_FRONT, &worker->pull, &message));
		if (message.kind != MESSAGE_PULL)
			return ERR_MALFORMED;
		do
			TRY(send_frame(worker, &last));
		while (!last && message.number[0] == MESSAGE_PULL_ALL);
	}
	return ERR_OK;
}

/* One thread tells the other that something has come true. */
static void set(struct worker *worker, bool *condition)
{
	invariant(pthread_mutex_lock(&worker->lock) == 0);
	*condition = true;
	invariant(pthread_cond_broadcast(&worker->changed) == 0);
	invariant(pthread_mutex_unlock(&worker->lock) == 0);
}

static void wait_until(struct worker *worker, const bool *condition)
{
	invariant(pthread_mutex_lock(&worker->lock) == 0);
	while (!*condition)
		invariant(pthread_cond_wait(&worker->changed, &worker->lock) ==
			  0);
	invariant(pthread_mutex_unlock(&worker->lock) == 0);
}

static void *seal_answers(void *argument)
{
	struct worker *worker = argument;

	set(worker, &worker->has_started);
	wait_until(worker, &worker->is_taken_in);

	/* A front that went away ends the request, half computed or not. */
	leave(serve_pulls(worker) == ERR_OK ? 0 : 1);
}

static void start_sealing(struct worker *worker)
{
	leave_on(frames_init(&worker->frames, &worker->answer,
			     &worker->exchange, worker->keys.response_nonce,
			     worker->setup->arena));
	request_keys_wipe(&worker->keys);
	ohttp_exchange_wipe(&worker->exchange);
	set(worker, &worker->is_taken_in);
}

/* The next piece of the request; false at its end. */
static bool next_piece(struct worker *worker, struct bytes *piece)
{
	struct message message;

	leave_on(channel_read(JAIL_FD_FRONT, &worker->upload, &message));
	if (message.kind == MESSAGE_END)
		return false;
	if (message.kind != MESSAGE_DATA)
		leave(1);
	*piece = message.body;
	return true;
}

static void receive_begin(struct worker *worker)
{
	struct message message;

	leave_on(channel_read(JAIL_FD_FRONT, &worker->upload, &message));
	if (message.kind != MESSAGE_BEGIN)
		leave(1);
	worker->exchange.form = message.number[0] == OHTTP_UNCHUNKED
					? OHTTP_UNCHUNKED
					: OHTTP_CHUNKED;
	worker->now_s = message.number[1];
}

/* Gather pieces until the header is whole; *rest is what came after it. */
static void receive_header(struct worker *worker, struct bytes *rest)
{
	static uint8_t memory[OHTTP_HEADER_MAX + LIMIT_MESSAGE_BYTES];
	struct writer gathered = WRITER_OVER(memory);
	struct bytes piece;

	while (next_piece(worker, &piece)) {
		enum err err;

		if (bytes_put(&gathered, piece) != ERR_OK)
			leave_with(FAILURE_MALFORMED);
		*rest = bytes_written(&gathered);
		err = ohttp_header_take(rest, &worker->exchange.header);
		if (err == ERR_OK)
			return;
		if (err == ERR_UNSUPPORTED)
			leave_with(FAILURE_UNSUPPORTED);
		if (err != ERR_TRUNCATED)
			leave_with(FAILURE_MALFORMED);
	}
	leave_with(FAILURE_MALFORMED);
}

static void packet_wipe(struct channel_packet *packet)
{
	secret_wipe(packet, sizeof(*packet));
}

/* The first question to the keeper: the keys of this request. */
static void ask_for_keys(struct worker *worker)
{
	SCOPED_WIPE(packet_wipe) struct channel_packet packet;
	uint8_t memory[OHTTP_HEADER_MAX];
	struct writer header = WRITER_OVER(memory);
	struct message question = { .kind = MESSAGE_OPEN,
				    .number = { worker->exchange.form } };
	struct message answer;

	leave_on(ohttp_header_write(&worker->exchange.header, &header));
	question.body = bytes_written(&header);
	if (channel_write(JAIL_FD_KEEPER, &question) != ERR_OK ||
	    channel_read(JAIL_FD_KEEPER, &packet, &answer) != ERR_OK)
		leave_with(FAILURE_INTERNAL);
	if (answer.kind == MESSAGE_REFUSED) {
		leave_with(answer.number[0] < FAILURE_MAX
				   ? (enum failure)answer.number[0]
				   : FAILURE_INTERNAL);
	}
	if (answer.kind != MESSAGE_KEYS ||
	    request_keys_parse(answer.body, &worker->keys) != ERR_OK)
		leave_with(FAILURE_INTERNAL);

	worker->exchange.context = worker->keys.context;
}

/* The second and last: a receipt for what was answered. */
static enum err ask_for_receipt(const struct receipt_answer *answer,
				struct writer *out)
{
	static struct channel_packet packet;
	uint8_t memory[RECEIPT_ANSWER_BYTES_MAX];
	struct writer part = WRITER_OVER(memory);
	struct message question = { .kind = MESSAGE_RECEIPT };
	struct message signed_receipt;

	TRY(receipt_answer_write(answer, &part));
	question.body = bytes_written(&part);
	TRY(channel_write(JAIL_FD_KEEPER, &question));
	TRY(channel_read(JAIL_FD_KEEPER, &packet, &signed_receipt));
	if (signed_receipt.kind != MESSAGE_RECEIPT)
		return ERR_MALFORMED;
	return bytes_put(out, signed_receipt.body);
}

/*
 * Open what is left of the request as it comes.  After a fault the rest is
 * read and dropped: the front pulls an answer only once it has given all.
 */
static enum err open_request(struct worker *worker, struct bytes piece,
			     struct writer *plaintext)
{
	const struct plan *plan = worker->setup->plan;
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	struct writer scratch;
	enum err err;

	leave_on(arena_writer(worker->setup->arena, plan->request_bytes,
			      plaintext));
	leave_on(arena_writer(worker->setup->arena, plan->request_bytes,
			      &scratch));
	if (worker->exchange.form == OHTTP_CHUNKED)
		scratch.max = LIMIT_CHUNK_PLAINTEXT + OHTTP_CHUNK_TAG;
	ohttp_opener_init(&opener, OHTTP_REQUEST, &worker->exchange, scratch);
	err = ohttp_opener_push(&opener, piece, plaintext);
	while (next_piece(worker, &piece))
		if (err == ERR_OK)
			err = ohttp_opener_push(&opener, piece, plaintext);
	if (err == ERR_OK)
		err = ohttp_opener_finish(&opener, plaintext);
	return err;
}

static enum chat_refusal_reason reason_for(enum err err)
{
	return err == ERR_TOO_LARGE ? CHAT_REFUSAL_TOO_LARGE
				    : CHAT_REFUSAL_BAD_HTTP;
}

static void answer_request(struct worker *worker)
{
	struct respond respond = { .policy = worker->setup->policy,
				   .plan = worker->setup->plan,
				   .model = worker->setup->model,
				   .team = worker->team,
				   .arena = worker->setup->arena,
				   .answer = &worker->answer,
				   .receipt = {
					   .arena = worker->setup->arena_was,
					   .sign = ask_for_receipt } };
	SCOPED_SECRET32 seed;
	struct writer plaintext;
	struct bytes piece;
	enum err opened;

	receive_begin(worker);
	receive_header(worker, &piece);
	ask_for_keys(worker);
	memcpy(seed.bytes, worker->keys.seed, sizeof(seed.bytes));
	respond.seed = seed.bytes;
	respond.form = worker->exchange.form;
	respond.now_s = worker->now_s;
	commitment_salt(&worker->exchange.context, &respond.receipt.salt);
	opened = open_request(worker, piece, &plaintext);
	commitment_make(COMMITMENT_REQUEST, &respond.receipt.salt,
			commitment_unpadded(bytes_written(&plaintext)),
			respond.receipt.request);
	start_sealing(worker);
	if (opened != ERR_OK)
		leave_on(respond_refuse(&respond, reason_for(opened)));
	else
		leave_on(respond_to(&respond, bytes_written(&plaintext)));
	commitment_salt_wipe(&respond.receipt.salt);
}

static void warm_json(const struct worker_setup *setup)
{
	void *memory = arena_alloc(setup->arena, setup->plan->json_bytes, 1);

	if (memory == NULL)
		leave(1);
	json_warm(memory, setup->plan->json_bytes, setup->json_seed);
}

/*
 * A worker's libraries take small pieces from the heap it was forked with; that
 * heap may not ask the kernel for more.  So there is one arena for all threads,
 * no piece is mapped on its own, and enough is at hand that was touched once.
 */
static void warm_heap(void)
{
	void *reserve;

	invariant(mallopt(M_ARENA_MAX, 1) == 1);
	invariant(mallopt(M_MMAP_THRESHOLD, 1 << 30) == 1);
	invariant(mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1);
	reserve = malloc(HEAP_RESERVE);
	invariant(reserve != NULL);
	secret_wipe(reserve, HEAP_RESERVE);
	free(reserve);
}

void worker_warm(void)
{
	warm_heap();
	aead_warm();
	hash_warm();
}

/* To what its threads can use in the longest request of this policy: the
 * profile's limit is for the most of both that a policy may name. */
static void limit_processor_time(const struct policy *policy)
{
	uint64_t each_s = policy->request_ms_max / 1000 + 1;

	leave_on(jail_lower_limit(RLIMIT_CPU, (policy->threads + 1) * each_s));
}

static void start_sealing_thread(struct worker *worker)
{
	pthread_attr_t attributes;
	pthread_t sealing;

	if (pthread_attr_init(&attributes) != 0 ||
	    pthread_attr_setstacksize(&attributes, TEAM_STACK_BYTES) != 0 ||
	    pthread_create(&sealing, &attributes, seal_answers, worker) != 0)
		leave(1);
	pthread_attr_destroy(&attributes);
}

/*
 * A thread's first calls to the kernel are libc's, not in the filter: so each
 * has run before this returns.
 */
static void start_threads(struct worker *worker)
{
	start_sealing_thread(worker);
	wait_until(worker, &worker->has_started);
	/* It keeps its priority; what computes has less, this thread and those
	   that it makes.  A node that was started with less yet may not. */
	(void)setpriority(PRIO_PROCESS, 0, COMPUTING_NICE);
	leave_on(team_open(worker->setup->policy->threads, &worker->team));
}

_Noreturn void worker_run(const struct worker_setup *setup)
{
	static struct worker worker = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	struct jail_report report;

	worker.setup = setup;
	worker.frames.policy = setup->policy;
	memory_enter(setup->weights.data, setup->weights.len, MEMORY_USE_READ);
	memory_enter(setup->arena->base, setup->arena->size, MEMORY_USE_WRITE);
	warm_json(setup);
	leave_on(answer_init(&worker.answer, setup->arena,
			     setup->plan->answer_bytes));
	start_threads(&worker);
	limit_processor_time(setup->policy);
	leave_on(jail_enter(setup->filter, &report));

	answer_request(&worker);
	/* The sealing thread ends the process with the last frame.  Joining
	   it would take a kind of futex that the filter does not have. */
	for (;;)
		wait_until(&worker, &worker.is_over);
}
