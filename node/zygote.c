/* SPDX-License-Identifier: Apache-2.0 */
#include "node/zygote.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "inference/team.h"
#include "node/clock.h"
#include "node/measure.h"
#include "node/role.h"
#include "node/setup.h"
#include "node/worker.h"
#include "policy/events.h"
#include "policy/limits.h"
#include "sandbox/filter.h"
#include "sandbox/selftest.h"

#define HEARD_AT_ONCE (2 * LIMIT_WORKERS) /* of the front */
#define WIPED_AT_ONCE ((size_t)256 << 20)

enum slot_state {
	SLOT_EMPTY, /* arena zero, no process */
	SLOT_WARM,  /* a worker waits for a request */
	SLOT_BUSY,  /* a worker has one */
	SLOT_SPOILT /* arena not zero after its wipe: never used again */
};

/* Invariant: pid and pidfd are set in SLOT_WARM and SLOT_BUSY alone. */
struct slot {
	enum slot_state state;
	uint64_t generation; /* counts this slot's workers */
	struct arena arena;
	enum receipt_arena arena_was; /* when its last user was gone */
	pid_t pid;
	int pidfd;
	bool unwanted; /* SIGKILL was sent: its end is no surprise */
};

enum place {
	CONTROL,
	FRONT,
	KEEPER,
	FIRST_SLOT,
	PLACES = 3 + LIMIT_WORKERS
};

struct zygote {
	struct setup setup;
	struct measure_result model_file;
	uint8_t tokenizer_digest[HASH_SHA256_BYTES];
	struct model *model;
	struct bytes weights;
	struct plan plan;
	struct jail_filter worker_filter;
	uint32_t json_seed;
	size_t memory_available; /* when it began */
	struct slot slots[LIMIT_WORKERS];
	size_t slot_count;
	uint64_t fork_not_before_ms;
	uint64_t alive_ms; /* when that was last told without being asked */
	struct pollfd peers[PLACES]; /* slot i is watched at FIRST_SLOT + i */
	struct channel_packet packet;
};

/* In the child: the channels go to their places, and the rest is the worker. */
static _Noreturn void become_worker(struct zygote *zygote, struct slot *slot,
				    int front, int keeper)
{
	struct worker_setup setup = {
		.policy = &zygote->setup.policy,
		.plan = &zygote->plan,
		.model = zygote->model,
		.filter = &zygote->worker_filter,
		.arena = &slot->arena,
		.weights = zygote->weights,
		.json_seed = zygote->json_seed,
		.arena_was = slot->arena_was,
	};

	/* A session of its own, since kernels share processors out among
	   sessions first: however many threads it has turn, its neighbours have
	   their part. */
	if (setsid() < 0 || dup2(front, JAIL_FD_FRONT) < 0 ||
	    dup2(keeper, JAIL_FD_KEEPER) < 0)
		_exit(EXIT_FAILURE);
	role_rename(JAIL_WORKER);
	worker_run(&setup);
}

static enum err announce(struct zygote *zygote, size_t index, int front,
			 int keeper)
{
	struct message keys = { .kind = MESSAGE_WORKER_KEYS };
	struct message ready = {
		.kind = MESSAGE_WORKER_READY,
		.number = { index, zygote->slots[index].generation },
	};

	/* The keeper first: a request may come the moment the front knows. */
	TRY(channel_send(zygote->peers[KEEPER].fd, &keys, keeper));
	return channel_send(zygote->peers[FRONT].fd, &ready, front);
}

static void slot_kill(struct slot *slot)
{
	slot->unwanted = true;
	(void)syscall(SYS_pidfd_send_signal, slot->pidfd, SIGKILL, NULL, 0);
}

static enum err fork_into(struct zygote *zygote, size_t index, int front,
			  int keeper)
{
	struct slot *slot = &zygote->slots[index];

	TRY(memory_inherit(&slot->arena, MEMORY_INHERIT_SHARED));
	slot->pid = fork();
	if (slot->pid == 0)
		become_worker(zygote, slot, front, keeper);
	/* From here on no other worker can be forked with this arena in it, or
	   it is forked by another zygote: this one's workers end with it. */
	if (memory_inherit(&slot->arena, MEMORY_INHERIT_NOTHING) != ERR_OK)
		exit(EXIT_FAILURE);
	if (slot->pid < 0)
		return ERR_UNAVAILABLE;
	slot->pidfd = (int)syscall(SYS_pidfd_open, slot->pid, 0);
	/* Nor must a worker be that nobody watches. */
	if (slot->pidfd < 0)
		exit(EXIT_FAILURE);
	slot->state = SLOT_WARM;
	slot->unwanted = false;
	slot->generation++;
	zygote->peers[FIRST_SLOT + index].fd = slot->pidfd;
	zygote->peers[FIRST_SLOT + index].revents = 0;
	return ERR_OK;
}

static enum err start_worker(struct zygote *zygote, size_t index)
{
	SCOPED_FD front_near = -1;
	SCOPED_FD front_far = -1;
	SCOPED_FD keeper_near = -1;
	SCOPED_FD keeper_far = -1;
	int pair[2];

	TRY(fd_pair(pair));
	front_near = pair[0];
	front_far = pair[1];
	TRY(fd_pair(pair));
	keeper_near = pair[0];
	keeper_far = pair[1];
	TRY(fork_into(zygote, index, front_near, keeper_near));
	if (announce(zygote, index, front_far, keeper_far) != ERR_OK)
		slot_kill(&zygote->slots[index]);
	return ERR_OK;
}

static size_t count_in(const struct zygote *zygote, enum slot_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < zygote->slot_count; i++)
		count += zygote->slots[i].state == state;
	return count;
}

static bool has_peers(const struct zygote *zygote)
{
	return zygote->peers[FRONT].fd >= 0 && zygote->peers[KEEPER].fd >= 0;
}

/* How long to wait for a peer before the next refill is due. */
static int patience_ms(const struct zygote *zygote)
{
	uint64_t now = clock_now_ms();

	if (now >= zygote->fork_not_before_ms)
		return -1;
	return (int)(zygote->fork_not_before_ms - now) + 1;
}

/* Keep as many workers warm as the policy asks and slots allow. */
static void refill(struct zygote *zygote)
{
	uint32_t wanted = zygote->setup.policy.warm_workers;

	if (!has_peers(zygote) || clock_now_ms() < zygote->fork_not_before_ms)
		return;
	for (size_t i = 0; i < zygote->slot_count; i++) {
		if (count_in(zygote, SLOT_WARM) >= wanted)
			return;
		if (zygote->slots[i].state == SLOT_EMPTY &&
		    start_worker(zygote, i) != ERR_OK)
			zygote->fork_not_before_ms =
				clock_now_ms() + RESTART_BACKOFF_MS;
	}
}

static enum event_how how_it_ended(const struct slot *slot, int status)
{
	/* SIGKILL may be ours; any other signal is news, wanted or not. */
	if (WIFSIGNALED(status)) {
		return slot->unwanted && WTERMSIG(status) == SIGKILL
			       ? EVENT_HOW_KILLED
			       : EVENT_HOW_SIGNAL;
	}
	if (slot->unwanted)
		return EVENT_HOW_KILLED;
	return WEXITSTATUS(status) == 0 ? EVENT_HOW_DONE : EVENT_HOW_FAILED;
}

/* Large arenas, or many, take longer than a pulse may. */
static void tell_alive(struct zygote *zygote)
{
	uint64_t now = clock_now_ms();

	if (now - zygote->alive_ms < PULSE_MS)
		return;
	zygote->alive_ms = now;
	setup_tell_alive();
}

/* Whether all of it reads as zero afterwards. */
static bool wipe(struct zygote *zygote, struct arena *arena)
{
	bool is_zero = true;

	for (size_t at = 0; at < arena->size; at += WIPED_AT_ONCE) {
		size_t left = arena->size - at;
		struct arena piece = {
			.base = arena->base + at,
			.size = left < WIPED_AT_ONCE ? left : WIPED_AT_ONCE,
		};

		arena_wipe(&piece);
		is_zero = arena_is_zero(&piece) && is_zero;
		tell_alive(zygote);
	}
	arena->used = 0;
	return is_zero;
}

/* What a worker leaves is wiped and read back before anyone else may have it.
 */
static enum event_arena clean(struct zygote *zygote, struct slot *slot)
{
	slot->arena_was = RECEIPT_ARENA_UNREAD;
	if (wipe(zygote, &slot->arena)) {
		slot->state = SLOT_EMPTY;
		slot->arena_was = RECEIPT_ARENA_ZERO;
		return EVENT_ARENA_ZERO;
	}
	slot->state = SLOT_SPOILT;
	return EVENT_ARENA_NOT_ZERO;
}

/* The channels of workers end with a peer, and so must they. */
static void kill_all(struct zygote *zygote)
{
	for (size_t i = 0; i < zygote->slot_count; i++) {
		if (zygote->slots[i].state == SLOT_WARM ||
		    zygote->slots[i].state == SLOT_BUSY)
			slot_kill(&zygote->slots[i]);
	}
}

/* A peer that breaks off or breaks the rules is dropped; a new one will come. */
static void drop(struct zygote *zygote, enum place place)
{
	fd_close(&zygote->peers[place].fd);
	kill_all(zygote);
	if (setup_tell_unlinked(place == FRONT ? JAIL_FRONT : JAIL_KEEPER) !=
	    ERR_OK)
		exit(EXIT_FAILURE);
}

/*
 * Take the end of a worker, if it has come.  One that somebody stopped would
 * hold its slot and its caller for as long as a request may take, so it is
 * killed; its end is seen like any other.
 */
static void reap(struct zygote *zygote, size_t index, int options)
{
	struct slot *slot = &zygote->slots[index];
	bool was_warm = slot->state == SLOT_WARM;
	struct message ended = { .kind = MESSAGE_WORKER_ENDED };
	enum event_arena arena;
	enum event_how how;
	int status;

	if (waitpid(slot->pid, &status, options) != slot->pid)
		return;
	if (WIFSTOPPED(status)) {
		slot_kill(slot);
		return;
	}
	how = how_it_ended(slot, status);
	fd_close(&slot->pidfd);
	zygote->peers[FIRST_SLOT + index].fd = -1;
	arena = clean(zygote, slot);
	if (how != EVENT_HOW_DONE) {
		EVENTS_LOG(EVENT_WORKER_ENDED, how,
			   WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0,
			   arena);
	}
	/* One that died before it had work would die again at once.  One that
	   is done had some, whether or not that was heard here already. */
	if (was_warm && !slot->unwanted && how != EVENT_HOW_DONE)
		zygote->fork_not_before_ms =
			clock_now_ms() + RESTART_BACKOFF_MS;
	ended.number[0] = index;
	ended.number[1] = slot->generation;
	ended.number[2] = how;
	if (zygote->peers[FRONT].fd >= 0 &&
	    channel_send(zygote->peers[FRONT].fd, &ended, -1) != ERR_OK)
		drop(zygote, FRONT);
}

/* At each pulse of the supervisor's. */
static void look_after(struct zygote *zygote)
{
	for (size_t i = 0; i < zygote->slot_count; i++) {
		if (zygote->slots[i].state == SLOT_WARM ||
		    zygote->slots[i].state == SLOT_BUSY)
			reap(zygote, i, WUNTRACED | WNOHANG);
	}
}

static enum err hear_front(struct zygote *zygote)
{
	struct message message;
	struct slot *slot;
	int passed;

	TRY(channel_receive(zygote->peers[FRONT].fd, &zygote->packet, &message,
			    &passed));
	if ((message.kind != MESSAGE_WORKER_TAKEN &&
	     message.kind != MESSAGE_WORKER_KILL) ||
	    message.number[0] >= zygote->slot_count)
		return ERR_MALFORMED;
	slot = &zygote->slots[message.number[0]];
	/* The worker may have ended while the front was writing. */
	if (slot->generation != message.number[1] ||
	    (slot->state != SLOT_WARM && slot->state != SLOT_BUSY))
		return ERR_OK;
	if (message.kind == MESSAGE_WORKER_KILL)
		slot_kill(slot);
	else
		slot->state = SLOT_BUSY;
	return ERR_OK;
}

/*
 * All that it has said by now.  A word costs nothing, and there are two of each
 * worker: were one heard for each end that is seen, whose wipe and fork take
 * their time, a node that is never idle would fall behind until the front finds
 * its zygote deaf.
 */
static void hear_out_front(struct zygote *zygote)
{
	struct pollfd more = zygote->peers[FRONT];

	for (unsigned i = 0; i < HEARD_AT_ONCE; i++) {
		if (hear_front(zygote) != ERR_OK) {
			drop(zygote, FRONT);
			return;
		}
		if (poll(&more, 1, 0) <= 0)
			return;
	}
}

static enum err hear_supervisor(struct zygote *zygote)
{
	struct message message;
	enum place place;
	int passed;

	TRY(setup_hear(&zygote->packet, &message, &passed));
	if (message.kind == MESSAGE_PULSE) {
		look_after(zygote);
		return ERR_OK;
	}
	if (message.kind != MESSAGE_LINK) {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	place = message.number[0] == JAIL_KEEPER ? KEEPER : FRONT;
	kill_all(zygote);
	fd_close(&zygote->peers[place].fd);
	zygote->peers[place].fd = passed;
	return ERR_OK;
}

static void hear(struct zygote *zygote, size_t place)
{
	if (place == CONTROL) {
		if (hear_supervisor(zygote) != ERR_OK)
			exit(EXIT_FAILURE);
	} else if (place == FRONT) {
		hear_out_front(zygote);
	} else if (place == KEEPER) {
		/* The keeper never speaks here: this is its end. */
		drop(zygote, KEEPER);
	} else {
		reap(zygote, place - FIRST_SLOT, 0);
	}
}

/* The policy says how much may be used; a small model has less. */
static void lower(uint32_t *allowed, uint32_t offered)
{
	if (*allowed > offered)
		*allowed = offered;
}

/* Weights in the order of the kernels; taken once, for the process's life. */
static struct {
	uint8_t *base;
	size_t size;
} laid_out;

static void *reserve_weights(size_t bytes)
{
	if (memory_shared_open(bytes, &laid_out.base) != ERR_OK)
		return NULL;
	laid_out.size = bytes;
	return laid_out.base;
}

static void release_weights(void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
	/* A model that is refused ends the node, and its memory with it. */
}

static void parse_model(struct zygote *zygote)
{
	static const struct model_memory memory = { reserve_weights,
						    release_weights };
	static const struct model_limits limits = LIMITS_MODEL_SHAPE;

	if (model_open(zygote->model_file.file, &limits, &memory,
		       &zygote->model) != ERR_OK)
		die("the model file is not one this build can run; "
		    "pcc-model check FILE says why");
	if (laid_out.base != NULL &&
	    memory_shared_close_to_writing(laid_out.base, laid_out.size) !=
		    ERR_OK)
		die("the weights cannot be made read-only");
	if (measure_tokenizer(zygote->model_file.file,
			      zygote->tokenizer_digest) != ERR_OK)
		die("the tokenizer cannot be measured");
	lower(&zygote->setup.policy.context_tokens,
	      model_describe(zygote->model).context);
	lower(&zygote->setup.policy.output_tokens_max,
	      zygote->setup.policy.context_tokens);
}

/* Once laid out anew, weights need not be there in the file's order as well. */
static void drop_file(struct zygote *zygote)
{
	if (measure_drop(&zygote->model_file,
			 model_file_needed(zygote->model)) != ERR_OK)
		die("no memory for the index of the model file");
}

/* For good, where the kernel can; all that a worker has of a model is the file
 * or its part, and what was laid out of it. */
static void seal_model(const struct zygote *zygote)
{
	if (memory_seal(zygote->model_file.file.data,
			zygote->model_file.file.len) == MEMORY_SEAL_REFUSED ||
	    (laid_out.base != NULL &&
	     memory_seal(laid_out.base, laid_out.size) == MEMORY_SEAL_REFUSED))
		die("the kernel does not seal the weights, though it can");
}

static struct bytes weights_of(const struct zygote *zygote)
{
	if (laid_out.base == NULL)
		return zygote->model_file.file;
	return (struct bytes){ laid_out.base, laid_out.size };
}

static size_t memory_left(size_t available)
{
	return available > laid_out.size ? available - laid_out.size : 0;
}

static void reserve_slots(struct zygote *zygote)
{
	const struct policy *policy = &zygote->setup.policy;
	const struct generate_room room = plan_room(policy);

	zygote->plan = plan_for(policy, generate_memory(zygote->model, &room));
	zygote->slot_count = policy->workers;
	/* Told before a page of it is touched: later it is the kernel that ends
	   whom it likes. */
	if (!plan_fits(&zygote->plan, zygote->slot_count,
		       memory_left(zygote->memory_available)))
		die("workers and context_tokens of the policy need more memory "
		    "than there is");
	for (size_t i = 0; i < zygote->slot_count; i++) {
		struct slot *slot = &zygote->slots[i];

		if (memory_arena_open(zygote->plan.arena_bytes, &slot->arena) !=
		    ERR_OK)
			die("no memory for all workers of the policy");
		slot->pidfd = -1;
		/* The kernel's own zeros: nobody has had these pages. */
		slot->arena_was = RECEIPT_ARENA_ZERO;
	}
	for (size_t i = 0; i < PLACES; i++)
		zygote->peers[i] =
			(struct pollfd){ .fd = -1, .events = POLLIN };
	zygote->peers[CONTROL].fd = SETUP_CONTROL_FD;
}

/* The supervisor puts these two into the statement, or stops the node. */
static enum err tell_measured(const struct zygote *zygote)
{
	uint8_t body[MERKLE_HASH_BYTES + HASH_SHA256_BYTES];
	struct message message = { .kind = MESSAGE_MEASURED,
				   .body = BYTES_ARRAY(body) };

	memcpy(body, zygote->model_file.root, MERKLE_HASH_BYTES);
	memcpy(body + MERKLE_HASH_BYTES, zygote->tokenizer_digest,
	       sizeof(zygote->tokenizer_digest));
	return channel_send(SETUP_CONTROL_FD, &message, -1);
}

static void prove_the_jail(const struct zygote *zygote)
{
	struct selftest_result result;

	enum err err = selftest_run(&zygote->worker_filter, &result);

	if (err == ERR_DENIED)
		die("a forbidden act works in the worker's jail");
	if (err != ERR_OK)
		die("the worker's jail cannot be closed, to be tried");
}

/* Workers compute on it; the jail raises it as far as may be. */
static void need_stack(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) != 0 ||
	    limit.rlim_cur < TEAM_STACK_BYTES)
		die("the hard limit of stacks is below 1 MiB: raise "
		    "it (ulimit -Hs)");
}

_Noreturn void zygote_run(void)
{
	static struct zygote zygote;

	zygote.memory_available = memory_available();
	role_isolate(JAIL_ZYGOTE);
	need_stack();
	/* Asks the kernel for tiles, which the jail forbids; forks have them. */
	model_prepare();
	if (setup_receive(&zygote.setup) != ERR_OK)
		die("set-up is not what it should be");
	if (filter_compile(profile_of(JAIL_WORKER), &zygote.worker_filter) !=
	    ERR_OK)
		die("the worker's filter does not compile");
	if (measure_file(zygote.setup.model, &zygote.model_file) != ERR_OK)
		die("the model file cannot be read into memory");
	fd_close(&zygote.setup.model);
	worker_warm();
	/* The filter is closed before the first byte of the model is parsed. */
	role_close_jail(JAIL_ZYGOTE);
	prove_the_jail(&zygote);
	parse_model(&zygote);
	drop_file(&zygote);
	seal_model(&zygote);
	zygote.weights = weights_of(&zygote);
	reserve_slots(&zygote);
	random_bytes(&zygote.json_seed, sizeof(zygote.json_seed));
	zygote.json_seed |= 1;
	if (tell_measured(&zygote) != ERR_OK || setup_tell_ready(0) != ERR_OK)
		exit(EXIT_FAILURE);

	for (;;) {
		refill(&zygote);
		if (poll(zygote.peers, PLACES, patience_ms(&zygote)) < 0)
			continue;
		/* The supervisor may put a new channel in the place of one that
		   poll has just spoken of: so it is heard alone. */
		if (zygote.peers[CONTROL].revents != 0) {
			hear(&zygote, CONTROL);
			continue;
		}
		for (size_t i = 0; i < PLACES; i++) {
			if (zygote.peers[i].fd < 0 ||
			    zygote.peers[i].revents == 0)
				continue;
			hear(&zygote, i);
			/* Where many have ended, the first is replaced before
			   the last is wiped. */
			refill(&zygote);
		}
	}
}
