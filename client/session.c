/* SPDX-License-Identifier: Apache-2.0 */
#include "client/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/verify_print.h"
#include "base/secret.h"
#include "client/directory.h"
#include "crypto/random.h"

#define REFRESH_LEAST_S 1 /* between fetches that nothing but time asks for */
#define SEND_MARGIN_S 5	  /* a key has to be valid for this much longer */
#define RENEWALS 8	  /* looks for another key than one that was refused */
#define RENEWAL_MS 250	  /* between them */

struct candidate {
	uint8_t id[STATEMENT_DIGEST_BYTES];
	struct ohttp_key_config key;
	uint64_t expiry; /* Unix seconds */
	uint64_t next_refresh;
	const char *summary; /* static */
	struct receipt_check_node stated;
	struct body bundle; /* empty where no proofs are kept */
	char model[STATEMENT_NAME_MAX + 1];
};

struct session {
	struct session_options options;

	pthread_mutex_t lock; /* all below */
	struct candidate candidates[DIRECTORY_NODES_MAX];
	size_t count;
	uint64_t fetched; /* Unix seconds */
};

struct session *session_open(const struct session_options *options)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->options = *options;
	pthread_mutex_init(&session->lock, NULL);
	return session;
}

static void forget_all(struct session *session)
{
	for (size_t i = 0; i < session->count; i++)
		body_wipe(&session->candidates[i].bundle);
	session->count = 0;
}

void session_close(struct session *session)
{
	forget_all(session);
	pthread_mutex_destroy(&session->lock);
	free(session);
}

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

/* The list may not put one node's bundle under another's id. */
static bool names_itself(const struct directory_node *node,
			 const struct verify_result *result)
{
	return node->id.len == STATEMENT_DIGEST_BYTES &&
	       memcmp(node->id.data, result->statement.node_id,
		      STATEMENT_DIGEST_BYTES) == 0;
}

/* Without memory for it the node is used all the same; its proofs then say
 * that their bundle is missing. */
static void keep_bundle(const struct session *session,
			struct candidate *candidate, struct bytes bundle)
{
	if (session->options.book->folder != NULL &&
	    body_put(&candidate->bundle, bundle, BUNDLE_BYTES_MAX) != ERR_OK)
		body_wipe(&candidate->bundle);
}

/* Only what passed is ever copied here, so only that can be chosen. */
static void keep(struct session *session, const struct directory_node *node,
		 const struct verify_result *result, uint64_t now)
{
	struct candidate *candidate = &session->candidates[session->count++];
	struct bytes name = result->statement.model_name;

	*candidate = (struct candidate){
		.key = result->key,
		.expiry = verify_good_until(result, now),
		.next_refresh = node->next_refresh,
		.summary = verify_print_summary(result),
	};
	memcpy(candidate->id, result->statement.node_id, sizeof(candidate->id));
	memcpy(candidate->model, name.data, name.len);
	receipt_check_describe(node->bundle, &result->bundle,
			       &result->statement, result->key.key_id,
			       &candidate->stated);
	keep_bundle(session, candidate, node->bundle);
}

/*
 * Of several reasons to refuse, the one to tell: a forgery before a mistake of
 * configuration, and expiry, which time heals, last.
 */
static enum trouble worse(enum trouble a, enum trouble b)
{
	static const enum trouble order[] = { TROUBLE_NOT_VERIFIED,
					      TROUBLE_MALFORMED,
					      TROUBLE_SOFTWARE,
					      TROUBLE_EXPIRED };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a != TROUBLE_NONE ? a : b;
}

/* What was verified before is forgotten: this list is the newest word. */
static enum trouble verify_all(struct session *session,
			       const struct directory *directory, uint64_t now)
{
	enum trouble trouble = TROUBLE_NONE;
	struct verify_result *result = malloc(sizeof(*result));

	if (result == NULL)
		return TROUBLE_INTERNAL;
	forget_all(session);
	for (size_t i = 0; i < directory->count; i++) {
		const struct directory_node *node = &directory->nodes[i];

		verify_bundle(node->bundle, session->options.policy, now, NULL,
			      result);
		if (result->verdict != VERIFY_VERIFIED)
			trouble = worse(trouble, trouble_of_result(result));
		else if (names_itself(node, result))
			keep(session, node, result, now);
		else
			trouble = worse(trouble, TROUBLE_NOT_VERIFIED);
	}
	free(result);
	if (session->count > 0)
		return TROUBLE_NONE;
	return directory->count == 0 ? TROUBLE_NO_NODES : trouble;
}

static enum trouble renew_locked(struct session *session)
{
	struct directory directory;
	enum trouble trouble =
		directory_fetch(&session->options.gateway, &directory);

	if (trouble != TROUBLE_NONE)
		return trouble;
	session->fetched = now_s();
	trouble = verify_all(session, &directory, session->fetched);
	directory_free(&directory);
	return trouble;
}

/* A key that ends while the request is on its way would be refused; and no list
 * of a gateway's is waited for to see that a release has ended. */
static bool is_good(const struct candidate *candidate, uint64_t now)
{
	return now + SEND_MARGIN_S < candidate->expiry;
}

static size_t good_count_locked(const struct session *session, uint64_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < session->count; i++)
		count += is_good(&session->candidates[i], now);
	return count;
}

/* A fresher list is due, though the one at hand could still be used. */
static bool is_due_locked(const struct session *session, uint64_t now)
{
	if (now < session->fetched + REFRESH_LEAST_S)
		return false;
	for (size_t i = 0; i < session->count; i++)
		if (now >= session->candidates[i].next_refresh)
			return true;
	return false;
}

/* Fetched at need, not by a clock: an idle client says nothing to anyone. */
static enum trouble ready_locked(struct session *session)
{
	uint64_t now = now_s();
	bool usable = good_count_locked(session, now) > 0;
	enum trouble trouble;

	if (usable && !is_due_locked(session, now))
		return TROUBLE_NONE;
	trouble = renew_locked(session);
	/* No list is no reason to drop nodes that were verified and are good.
	 */
	if (usable &&
	    (trouble == TROUBLE_UNREACHABLE || trouble == TROUBLE_TIMEOUT))
		return TROUBLE_NONE;
	if (trouble != TROUBLE_NONE)
		return trouble;
	return good_count_locked(session, now) > 0 ? TROUBLE_NONE
						   : TROUBLE_EXPIRED;
}

enum trouble session_ready(struct session *session)
{
	pthread_mutex_lock(&session->lock);

	enum trouble trouble = ready_locked(session);

	pthread_mutex_unlock(&session->lock);
	return trouble;
}

const char *session_summary(struct session *session)
{
	const char *summary = "verified";

	pthread_mutex_lock(&session->lock);
	for (size_t i = 0; i < session->count; i++)
		if (strcmp(session->candidates[i].summary, summary) != 0)
			summary = session->candidates[i].summary;
	pthread_mutex_unlock(&session->lock);
	return summary;
}

void session_model(struct session *session,
		   char name[static STATEMENT_NAME_MAX + 1])
{
	name[0] = '\0';
	pthread_mutex_lock(&session->lock);
	if (session->count > 0)
		memcpy(name, session->candidates[0].model,
		       STATEMENT_NAME_MAX + 1);
	pthread_mutex_unlock(&session->lock);
}

/* One of the good nodes, each as likely: rejection keeps the odds even. */
static size_t choose(size_t count)
{
	uint32_t number;
	uint32_t fair = UINT32_MAX - UINT32_MAX % (uint32_t)count;

	do
		random_bytes(&number, sizeof(number));
	while (number >= fair);
	return number % count;
}

static enum trouble target_locked(const struct session *session, uint64_t now,
				  struct exchange_target *out,
				  struct body *bundle)
{
	const struct candidate *chosen;
	size_t count = good_count_locked(session, now);
	size_t i = 0;

	if (count == 0)
		return TROUBLE_EXPIRED;
	for (size_t skip = choose(count);; i++)
		if (is_good(&session->candidates[i], now) && skip-- == 0)
			break;
	chosen = &session->candidates[i];
	/* A copy, as another thread may fetch a newer list meanwhile. */
	body_wipe(bundle);
	if (body_put(bundle, body_bytes(&chosen->bundle), BUNDLE_BYTES_MAX) !=
	    ERR_OK)
		return TROUBLE_INTERNAL;
	*out = (struct exchange_target){
		.gateway = &session->options.gateway,
		.key = chosen->key,
		.node = { .book = session->options.book,
			  .stated = chosen->stated,
			  .bundle = body_bytes(bundle) },
	};
	memcpy(out->node_id, chosen->id, sizeof(out->node_id));
	return TROUBLE_NONE;
}

/* A target, and the memory of its bundle. */
static enum trouble pick(struct session *session, struct exchange_target *out,
			 struct body *bundle)
{
	enum trouble trouble;

	pthread_mutex_lock(&session->lock);
	trouble = ready_locked(session);
	if (trouble == TROUBLE_NONE)
		trouble = target_locked(session, now_s(), out, bundle);
	pthread_mutex_unlock(&session->lock);
	return trouble;
}

/* Whether this node is still listed with this very key. */
static bool is_offered_locked(const struct session *session,
			      const struct exchange_target *target)
{
	for (size_t i = 0; i < session->count; i++) {
		const struct candidate *one = &session->candidates[i];
		const struct hpke_public_key *key = &one->key.public_key;

		if (memcmp(one->id, target->node_id, sizeof(one->id)) == 0 &&
		    memcmp(key->bytes, target->key.public_key.bytes,
			   sizeof(key->bytes)) == 0)
			return true;
	}
	return false;
}

/*
 * Fetch and verify anew until what was refused is not offered any more: the
 * gateway may need a moment to hear of it.  `trouble` is what to say if not.
 */
static enum trouble renew_past(struct session *session,
			       const struct exchange_target *refused,
			       enum trouble trouble)
{
	struct timespec pause = { 0, RENEWAL_MS * 1000000L };

	for (size_t i = 0; i < RENEWALS; i++) {
		enum trouble renewal;
		bool offered;

		if (i > 0)
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&session->lock);
		renewal = renew_locked(session);
		offered = is_offered_locked(session, refused);
		pthread_mutex_unlock(&session->lock);
		if (renewal != TROUBLE_NONE)
			return renewal;
		if (!offered)
			return TROUBLE_NONE;
	}
	return trouble;
}

/* Up to the head of the answer, which is where a retry is still possible. */
static enum trouble attempt(const struct exchange_target *target,
			    const struct exchange_request *request,
			    struct exchange **out, struct exchange_event *head)
{
	struct exchange *exchange;
	enum trouble trouble = exchange_open(target, request, &exchange);

	if (trouble != TROUBLE_NONE)
		return trouble;
	exchange_next(exchange, head);
	if (head->kind == EXCHANGE_HEAD) {
		*out = exchange;
		return TROUBLE_NONE;
	}
	trouble = head->kind == EXCHANGE_FAILED ? head->trouble
						: TROUBLE_NODE_FAILED;
	exchange_close(exchange);
	return trouble;
}

enum trouble session_request(struct session *session,
			     const struct exchange_request *request,
			     struct exchange **out, struct exchange_event *head)
{
	SCOPED_WIPE(body_wipe) struct body bundle = { 0 };
	struct exchange_target target;
	enum trouble trouble = pick(session, &target, &bundle);

	if (trouble == TROUBLE_NONE)
		trouble = attempt(&target, request, out, head);
	if (trouble != TROUBLE_KEY && trouble != TROUBLE_NODE_GONE)
		return trouble;

	/* Nobody opened it, so what it holds may be sealed anew, once. */
	trouble = renew_past(session, &target, trouble);
	if (trouble == TROUBLE_NONE)
		trouble = pick(session, &target, &bundle);
	return trouble == TROUBLE_NONE ? attempt(&target, request, out, head)
				       : trouble;
}
