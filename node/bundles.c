/* SPDX-License-Identifier: Apache-2.0 */
#include "node/bundles.h"

#include <string.h>

#include "node/clock.h"

/* Clients ask anew this long before the offered key ends, or a quarter of its
   life where that is shorter. */
#define REFRESH_S 3600

/* Tickets name a front's own requests; this one nobody asked for. */
#define TICKET_NONE 0

struct statement_shape bundles_shape(const struct policy *policy)
{
	return (struct statement_shape){
		.mode = (enum statement_mode)policy->shape,
		.frame_bytes = policy->frame_bytes,
		.tick_ms = policy->tick_ms,
	};
}

static enum err write_statement(const struct bundles *bundles,
				struct writer *out)
{
	const struct policy *policy = &bundles->setup->policy;
	struct statement statement;

	setup_state(&bundles->setup->digests, &statement);
	memcpy(statement.node_id, bundles->node_id, sizeof(bundles->node_id));
	memcpy(statement.receipt_key, bundles->signer->public_key.bytes,
	       SIGN_PUBLIC_BYTES);
	statement.shape = bundles_shape(policy);
	statement.model_name = bytes_of_string(policy->model_name);
	statement.key_expiry = keyring_expiry(bundles->ring);
	statement.assurance = proofs_assurance(bundles->setup->evidence);
	return statement_write(&statement, out);
}

/* When clients should ask again for what is offered now. */
static uint64_t refresh_time(const struct bundles *bundles)
{
	uint64_t refresh = keyring_next_change(bundles->ring);
	uint64_t before_s = bundles->setup->policy.key_lifetime_s / 4;

	if (before_s > REFRESH_S)
		before_s = REFRESH_S;
	if (keyring_expiry(bundles->ring) < refresh + before_s)
		refresh = keyring_expiry(bundles->ring) - before_s;
	return refresh;
}

/* What a bundle will say, whatever happens until its evidence is there. */
static enum err fix_claims(const struct bundles *bundles, const uint8_t *nonce,
			   struct proof *proof)
{
	struct writer statement = WRITER_OVER(proof->statement);
	struct writer keys = WRITER_OVER(proof->keys);

	TRY(write_statement(bundles, &statement));
	TRY(keyring_configs(bundles->ring, &keys));
	proof->statement_len = statement.len;
	proof->keys_len = keys.len;
	proof->refresh = refresh_time(bundles);
	proof->key_id = keyring_current_id(bundles->ring);
	proofs_bind(proof, nonce);
	return ERR_OK;
}

static void note_offer(struct bundles *bundles, const struct proof *proof,
		       struct bytes body)
{
	struct bytes bundle = { body.data + sizeof(bundles->node_id),
				body.len - sizeof(bundles->node_id) };

	memcpy(bundles->offer.body, body.data, body.len);
	bundles->offer.len = body.len;
	bundles->offer.refresh = proof->refresh;
	bundles->offer.key_id = proof->key_id;
	signer_note_offer(bundles->signer, bundle, bundles->setup->evidence,
			  (uint8_t)proof->key_id);
}

/* What was offered for this key before, to a front that does not know it. */
static enum err offer_again(const struct bundles *bundles)
{
	const struct bundles_offer *offer = &bundles->offer;
	struct message message = {
		.kind = MESSAGE_BUNDLE,
		.number = { TICKET_NONE, offer->refresh, offer->key_id },
		.body = { offer->body, offer->len },
	};

	return channel_send(*bundles->front, &message, -1);
}

/* The evidence is there: the front gets the bundle. */
static enum err send_bundle(struct bundles *bundles, const struct proof *proof,
			    struct bytes made)
{
	struct writer out = WRITER_OVER(bundles->memory);
	struct message message = {
		.kind = MESSAGE_BUNDLE,
		.number = { proof->asker, proof->refresh, proof->key_id },
	};
	struct bytes release = { bundles->setup->release,
				 bundles->setup->release_len };

	TRY(bytes_put(&out, BYTES_ARRAY(bundles->node_id)));
	TRY(proofs_bundle(proof, bundles->setup->evidence, release, made,
			  &out));
	message.body = bytes_written(&out);
	if (proof->asker == TICKET_NONE)
		note_offer(bundles, proof, message.body);
	return channel_send(*bundles->front, &message, -1);
}

/* Whoever asked is told; a bundle for all is tried again at a later tick. */
static void give_up(struct bundles *bundles, struct proof *proof)
{
	struct message message = { .kind = MESSAGE_UNPROVEN,
				   .number = { proof->asker } };

	if (proof->asker == TICKET_NONE)
		bundles->is_unpublished = true;
	else if (channel_send(*bundles->front, &message, -1) != ERR_OK)
		(void)0; /* a front that does not read goes without */
	proofs_release(proof);
}

static enum err ask_attester(const struct bundles *bundles,
			     const struct proof *proof)
{
	struct message message = {
		.kind = MESSAGE_QUOTE,
		.number = { proof->ticket },
		.body = BYTES_ARRAY(proof->report_data.bytes),
	};

	if (*bundles->attester < 0)
		return ERR_UNAVAILABLE;
	return channel_send(*bundles->attester, &message, -1);
}

/* One bundle, at once where nobody has to be asked for its evidence. */
void bundles_begin(struct bundles *bundles, uint64_t asker,
		   const uint8_t *nonce)
{
	struct proof none = { .asker = asker };
	struct proof *proof = proofs_take(&bundles->proofs);
	enum err err;

	if (proof == NULL) {
		give_up(bundles, &none);
		return;
	}
	proof->asker = asker;
	err = keyring_live(bundles->ring) == 0
		      ? ERR_UNAVAILABLE
		      : fix_claims(bundles, nonce, proof);
	if (err == ERR_OK && proofs_need_attester(bundles->setup->evidence))
		err = ask_attester(bundles, proof);
	else if (err == ERR_OK) {
		err = send_bundle(bundles, proof, (struct bytes){ NULL, 0 });
		proofs_release(proof);
	}
	if (err != ERR_OK)
		give_up(bundles, proof);
}

void bundles_give_up(struct bundles *bundles)
{
	for (size_t i = 0; i < LIMIT_PROOFS; i++) {
		if (bundles->proofs.list[i].ticket != 0)
			give_up(bundles, &bundles->proofs.list[i]);
	}
}

void bundles_forget(struct bundles *bundles)
{
	for (size_t i = 0; i < LIMIT_PROOFS; i++)
		proofs_release(&bundles->proofs.list[i]);
}

void bundles_take(struct bundles *bundles, const struct message *message)
{
	struct proof *proof = proofs_find(&bundles->proofs, message->number[0]);

	if (proof == NULL)
		return; /* for a front that has gone meanwhile */
	if (message->kind == MESSAGE_UNPROVEN ||
	    send_bundle(bundles, proof, message->body) != ERR_OK)
		give_up(bundles, proof);
	else
		proofs_release(proof);
}

/* A front that does not read now is told at a later tick. */
void bundles_publish(struct bundles *bundles)
{
	bundles->is_unpublished = false;
	bundles->published_s = clock_now_s();
	if (*bundles->front < 0 || keyring_live(bundles->ring) == 0)
		return;
	if (bundles->offer.len == 0 ||
	    bundles->offer.key_id != keyring_current_id(bundles->ring))
		bundles_begin(bundles, TICKET_NONE, NULL);
	else if (offer_again(bundles) != ERR_OK)
		bundles->is_unpublished = true;
}

void bundles_tick(struct bundles *bundles)
{
	if (bundles->is_unpublished && bundles->published_s != clock_now_s())
		bundles_publish(bundles);
}
