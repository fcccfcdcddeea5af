/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/node.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/ohttp.h"
#include "gateway/journal.h"
#include "gateway/load.h"
#include "policy/limits.h"
#include "wire/rpc.h"

#define ATTESTATION_TIMEOUT_MS 2000
#define SLICE_MS 100	  /* how often the thread looks up from listening */
#define RETRY_MS 200	  /* between attempts to reach an absent node */
#define REFRESH_LEAD_S 2  /* fetched so long before the bundle is due */
#define REFRESH_LEAST_S 1 /* and never more often than this */
#define REFRESH_MOST_S 3600
#define KEYS_MAX 8
#define MESSAGE_MAX (BUNDLE_BYTES_MAX + 64)

struct node {
	grpc_channel *channel;		   /* owned */
	const struct verify_policy *trust; /* or NULL */
	pthread_t thread;
	atomic_bool stop;
	bool is_refused;   /* and that was said; the thread's own */
	atomic_bool stale; /* the bundle lacks the node's current key */

	pthread_mutex_t lock; /* all below */
	bool present;	      /* bundle is sound and the node answers */
	uint8_t id[STATEMENT_DIGEST_BYTES];
	uint8_t key_id; /* the key offered first */
	uint64_t next_refresh;
	struct writer bundle; /* owned */
	struct rpc_load load;
	bool load_known;
};

grpc_channel *node_channel(const struct node *node)
{
	return node->channel;
}

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

static void sleep_ms(long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* The bundle stays in memory, but is not shown: its keys may be gone. */
static void set_absent(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	node->present = false;
	node->load_known = false;
	pthread_mutex_unlock(&node->lock);
}

/* Read what routing needs of a bundle; its evidence is not looked at. */
static enum err identify(struct bytes bundle, uint8_t id[static 32],
			 uint8_t *key_id)
{
	struct bundle parts;
	struct statement statement;
	struct ohttp_key_config keys[KEYS_MAX];
	size_t count;

	TRY(bundle_parse(bundle, &parts));
	TRY(statement_parse(parts.statement, &statement));
	TRY(ohttp_keys_parse(parts.keys, keys, KEYS_MAX, &count));
	memcpy(id, statement.node_id, STATEMENT_DIGEST_BYTES);
	*key_id = keys[0].key_id;
	return ERR_OK;
}

/* What a client that trusts the same would say, at this moment. */
static enum err judge(struct node *node, struct bytes bundle)
{
	struct verify_result *result;
	enum verify_verdict verdict;

	if (node->trust == NULL)
		return ERR_OK;
	result = malloc(sizeof(*result));
	if (result == NULL)
		return ERR_UNAVAILABLE;
	verify_bundle(bundle, node->trust, now_s(), NULL, result);
	verdict = result->verdict;
	free(result);
	if (verdict == VERIFY_VERIFIED) {
		node->is_refused = false;
		return ERR_OK;
	}
	if (!node->is_refused)
		journal_node_refused((uint64_t)verify_exit_code(verdict));
	node->is_refused = true;
	return ERR_UNAUTHENTIC;
}

/* All at once, so that nobody sees one bundle's id with another's bytes. */
static enum err adopt(struct node *node,
		      const struct rpc_attestation_response *response)
{
	uint8_t id[STATEMENT_DIGEST_BYTES];
	uint8_t key_id;

	TRY(identify(response->bundle, id, &key_id));
	TRY(judge(node, response->bundle));
	pthread_mutex_lock(&node->lock);
	node->bundle.len = 0;

	enum err err = bytes_put(&node->bundle, response->bundle);

	memcpy(node->id, id, sizeof(id));
	node->key_id = key_id;
	node->next_refresh = response->next_refresh;
	node->present = err == ERR_OK;
	pthread_mutex_unlock(&node->lock);
	return err;
}

/* Fetch the bundle into memory that lives for this one step. */
static enum err refresh_in(struct node *node, struct writer *message,
			   struct arena *arena)
{
	struct rpc_attestation_response response;
	struct dial_unary unary = {
		.channel = node->channel,
		.method = DIAL_METHOD_ATTESTATION,
		.timeout_ms = ATTESTATION_TIMEOUT_MS,
	};

	/* Cleared first: a key seen while this runs asks for one more. */
	atomic_store(&node->stale, false);
	TRY(dial_call(&unary, message));
	TRY(rpc_attestation_response_parse(bytes_written(message), arena,
					   &response));
	return adopt(node, &response);
}

static enum err refresh(struct node *node)
{
	size_t arena_bytes = RPC_ARENA_FOR(MESSAGE_MAX);
	struct writer message = { malloc(MESSAGE_MAX), 0, MESSAGE_MAX };
	struct arena arena = { aligned_alloc(ARENA_ALIGNMENT, arena_bytes),
			       arena_bytes, 0 };
	enum err err = ERR_UNAVAILABLE;

	if (message.data != NULL && arena.base != NULL) {
		memset(arena.base, 0, arena.size);
		err = refresh_in(node, &message, &arena);
	}
	free(message.data);
	free(arena.base);
	return err;
}

static void note_load(struct node *node, const struct rpc_load *load)
{
	pthread_mutex_lock(&node->lock);
	/* What was fetched may be of a keeper that is no more. */
	if (node->load_known && node->load.offer != load->offer)
		atomic_store(&node->stale, true);
	node->load = *load;
	node->load_known = true;
	pthread_mutex_unlock(&node->lock);
}

/* Early enough that no client is ever given a bundle past its date. */
static bool is_due(struct node *node, uint64_t fetched)
{
	uint64_t now = now_s();

	if (now < fetched + REFRESH_LEAST_S)
		return false;
	pthread_mutex_lock(&node->lock);

	uint64_t due = node->next_refresh;

	pthread_mutex_unlock(&node->lock);
	return atomic_load(&node->stale) || now + REFRESH_LEAD_S >= due ||
	       now >= fetched + REFRESH_MOST_S;
}

/* Listen to the load, across refreshes, until the node is lost. */
static void attend(struct node *node)
{
	struct load *load = load_open(node->channel);
	uint64_t fetched = now_s();

	while (!atomic_load(&node->stop)) {
		struct rpc_load news;
		enum load_event event = load_wait(load, SLICE_MS, &news);

		if (event == LOAD_ENDED)
			break;
		if (event == LOAD_NEWS)
			note_load(node, &news);
		if (!is_due(node, fetched))
			continue;
		if (refresh(node) != ERR_OK)
			break;
		fetched = now_s();
	}
	load_close(load);
}

static void *run(void *argument)
{
	struct node *node = argument;

	while (!atomic_load(&node->stop)) {
		if (refresh(node) == ERR_OK)
			attend(node);
		set_absent(node);
		if (!atomic_load(&node->stop))
			sleep_ms(RETRY_MS);
	}
	return NULL;
}

enum err node_open(const char *target, const struct dial_tls *tls,
		   const struct verify_policy *trust, struct node **out)
{
	struct node *node = calloc(1, sizeof(*node));
	uint8_t *bundle = malloc(BUNDLE_BYTES_MAX);
	enum err err = ERR_UNAVAILABLE;

	if (node != NULL && bundle != NULL)
		err = dial_open(target, tls, &node->channel);
	if (err != ERR_OK) {
		free(bundle);
		free(node);
		return err;
	}
	node->trust = trust;
	node->bundle = (struct writer){ bundle, 0, BUNDLE_BYTES_MAX };
	pthread_mutex_init(&node->lock, NULL);
	invariant(pthread_create(&node->thread, NULL, run, node) == 0);
	*out = node;
	return ERR_OK;
}

void node_close(struct node *node)
{
	atomic_store(&node->stop, true);
	pthread_join(node->thread, NULL);
	grpc_channel_destroy(node->channel);
	pthread_mutex_destroy(&node->lock);
	free(node->bundle.data);
	free(node);
}

/* The node queues by itself; only a full queue is worth refusing here. */
static enum node_state state_of(const struct node *node)
{
	if (!node->present)
		return NODE_ABSENT;
	if (!node->load_known)
		return NODE_READY;
	if (node->load.draining)
		return NODE_DRAINING;
	return node->load.running >= node->load.capacity &&
			       node->load.queued >= LIMIT_QUEUE
		       ? NODE_BUSY
		       : NODE_READY;
}

enum node_state node_state(struct node *node)
{
	pthread_mutex_lock(&node->lock);

	enum node_state state = state_of(node);

	pthread_mutex_unlock(&node->lock);
	return state;
}

enum err node_id(struct node *node, uint8_t id[static STATEMENT_DIGEST_BYTES])
{
	pthread_mutex_lock(&node->lock);

	bool present = node->present;

	if (present)
		memcpy(id, node->id, STATEMENT_DIGEST_BYTES);
	pthread_mutex_unlock(&node->lock);
	return present ? ERR_OK : ERR_UNAVAILABLE;
}

enum err node_look(struct node *node, struct writer *memory,
		   struct node_view *out)
{
	uint8_t *start = memory->data + memory->len;
	enum err err = ERR_UNAVAILABLE;

	pthread_mutex_lock(&node->lock);
	if (node->present)
		err = bytes_put(memory, bytes_written(&node->bundle));
	if (err == ERR_OK) {
		memcpy(out->id, node->id, sizeof(out->id));
		out->next_refresh = node->next_refresh;
		out->bundle = (struct bytes){ start, node->bundle.len };
	}
	pthread_mutex_unlock(&node->lock);
	return err;
}

void node_key_seen(struct node *node, uint8_t key_id)
{
	pthread_mutex_lock(&node->lock);

	bool differs = node->present && node->key_id != key_id;

	pthread_mutex_unlock(&node->lock);
	if (differs)
		atomic_store(&node->stale, true);
}

void node_key_refused(struct node *node)
{
	atomic_store(&node->stale, true);
}
