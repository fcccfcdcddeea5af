/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/receipt.h"

#include <string.h>

#include "wire/bundle.h"
#include "wire/cbor.h"

enum key {
	KEY_VERSION = 1,
	KEY_REQUEST,
	KEY_RESPONSE,
	KEY_SAMPLING,
	KEY_SEED,
	KEY_TOKENS,
	KEY_FINISH,
	KEY_ARENA,
	KEY_MODEL,
	KEY_TOKENIZER,
	KEY_POLICY,
	KEY_JAIL,
	KEY_ADAPTER,
	KEY_SHAPE,
	KEY_NODE,
	KEY_KEY,
	KEY_EVIDENCE,
	KEY_KINDS,
	KEY_ASSURANCE,
	KEY_CHECKPOINT,
	KEY_TIME,
};

#define FIELDS 21
#define ANSWER_FIELDS 7
#define SAMPLING_ITEMS 6
#define TOKENS_ITEMS 2
#define SHAPE_ITEMS 3
#define KINDS_END (1u << BUNDLE_EVIDENCE_COUNT)

#define ONE_BITS 0x3f800000u /* 1.0 */
#define INFINITY_BITS 0x7f800000u

static const char *const finish_names[] = {
	[RECEIPT_FINISH_STOP] = "stop",
	[RECEIPT_FINISH_LENGTH] = "length",
};

const char *receipt_finish_name(enum receipt_finish finish)
{
	return finish < RECEIPT_FINISH_COUNT ? finish_names[finish] : "unknown";
}

bool receipt_is_software_only(const struct receipt *receipt)
{
	return receipt->node.evidence_kinds == 1u << BUNDLE_EVIDENCE_SOFTWARE;
}

static enum err put_number(struct writer *out, enum key key, uint64_t value)
{
	TRY(cbor_put_unsigned(out, key));
	return cbor_put_unsigned(out, value);
}

static enum err take_number(struct bytes *in, enum key key, uint64_t most,
			    uint64_t *out)
{
	uint64_t value;

	TRY(cbor_expect_unsigned(in, key));
	TRY(cbor_take_unsigned(in, &value));
	if (value > most)
		return ERR_MALFORMED;
	*out = value;
	return ERR_OK;
}

static enum err put_digest(struct writer *out, enum key key,
			   const uint8_t digest[static RECEIPT_DIGEST_BYTES])
{
	TRY(cbor_put_unsigned(out, key));
	return cbor_put_bytes(out,
			      (struct bytes){ digest, RECEIPT_DIGEST_BYTES });
}

static enum err take_digest(struct bytes *in, enum key key,
			    uint8_t digest[static RECEIPT_DIGEST_BYTES])
{
	TRY(cbor_expect_unsigned(in, key));
	return cbor_take_bytes_into(in, digest, RECEIPT_DIGEST_BYTES);
}

static enum err put_u32s(struct writer *out, enum key key,
			 const uint32_t *values, size_t count)
{
	TRY(cbor_put_unsigned(out, key));
	TRY(cbor_put_array(out, count));
	for (size_t i = 0; i < count; i++)
		TRY(cbor_put_unsigned(out, values[i]));
	return ERR_OK;
}

static enum err take_u32s(struct bytes *in, enum key key, uint32_t *values,
			  size_t count)
{
	size_t items;

	TRY(cbor_expect_unsigned(in, key));
	TRY(cbor_take_array(in, count, &items));
	if (items != count)
		return ERR_MALFORMED;
	for (size_t i = 0; i < count; i++) {
		uint64_t value;

		TRY(cbor_take_unsigned(in, &value));
		if (value > UINT32_MAX)
			return ERR_MALFORMED;
		values[i] = (uint32_t)value;
	}
	return ERR_OK;
}

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static enum err put_sampling(struct writer *out,
			     const struct receipt_sampling *sampling)
{
	const uint32_t items[SAMPLING_ITEMS] = {
		bits_of(sampling->temperature),
		bits_of(sampling->top_p),
		sampling->top_k,
		sampling->tokens_max,
		sampling->context_max,
		(uint32_t)sampling->numerics,
	};

	return put_u32s(out, KEY_SAMPLING, items, SAMPLING_ITEMS);
}

/* Of floats that are not negative, the order of their bits is their own: so
 * what is beyond infinity is no number, or below zero. */
static enum err take_sampling(struct bytes *in, struct receipt_sampling *out)
{
	uint32_t items[SAMPLING_ITEMS];

	TRY(take_u32s(in, KEY_SAMPLING, items, SAMPLING_ITEMS));
	if (items[0] >= INFINITY_BITS || items[1] == 0 || items[1] > ONE_BITS ||
	    items[5] >= RECEIPT_NUMERICS_COUNT)
		return ERR_MALFORMED;
	*out = (struct receipt_sampling){
		.temperature = float_of(items[0]),
		.top_p = float_of(items[1]),
		.top_k = items[2],
		.tokens_max = items[3],
		.context_max = items[4],
		.numerics = (enum receipt_numerics)items[5],
	};
	return ERR_OK;
}

static enum err put_answer(struct writer *out,
			   const struct receipt_answer *answer)
{
	const uint32_t tokens[TOKENS_ITEMS] = { answer->prompt_tokens,
						answer->answer_tokens };

	TRY(put_digest(out, KEY_REQUEST, answer->request));
	TRY(put_digest(out, KEY_RESPONSE, answer->response));
	TRY(put_sampling(out, &answer->sampling));
	TRY(put_digest(out, KEY_SEED, answer->seed));
	TRY(put_u32s(out, KEY_TOKENS, tokens, TOKENS_ITEMS));
	TRY(cbor_put_unsigned(out, KEY_FINISH));
	TRY(cbor_put_text(
		out, bytes_of_string(receipt_finish_name(answer->finish))));
	return put_number(out, KEY_ARENA, answer->arena);
}

static enum err take_finish(struct bytes *in, enum receipt_finish *out)
{
	struct bytes name;

	TRY(cbor_expect_unsigned(in, KEY_FINISH));
	TRY(cbor_take_text(in, &name));
	for (size_t i = 0; i < RECEIPT_FINISH_COUNT; i++) {
		if (bytes_equal(name, bytes_of_string(finish_names[i]))) {
			*out = (enum receipt_finish)i;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err take_answer(struct bytes *in, struct receipt_answer *out)
{
	uint32_t tokens[TOKENS_ITEMS];
	uint64_t arena;

	TRY(take_digest(in, KEY_REQUEST, out->request));
	TRY(take_digest(in, KEY_RESPONSE, out->response));
	TRY(take_sampling(in, &out->sampling));
	TRY(take_digest(in, KEY_SEED, out->seed));
	TRY(take_u32s(in, KEY_TOKENS, tokens, TOKENS_ITEMS));
	TRY(take_finish(in, &out->finish));
	TRY(take_number(in, KEY_ARENA, RECEIPT_ARENA_COUNT - 1, &arena));
	out->prompt_tokens = tokens[0];
	out->answer_tokens = tokens[1];
	out->arena = (enum receipt_arena)arena;
	return ERR_OK;
}

static enum err put_node(struct writer *out, const struct receipt_node *node)
{
	const struct statement_shape *shape = &node->shape;
	const uint32_t items[SHAPE_ITEMS] = { (uint32_t)shape->mode,
					      shape->frame_bytes,
					      shape->tick_ms };

	TRY(put_digest(out, KEY_MODEL, node->model_root));
	TRY(put_digest(out, KEY_TOKENIZER, node->tokenizer_digest));
	TRY(put_digest(out, KEY_POLICY, node->policy_digest));
	TRY(put_digest(out, KEY_JAIL, node->jail_digest));
	TRY(cbor_put_unsigned(out, KEY_ADAPTER));
	TRY(cbor_put_bytes(out, (struct bytes){ NULL, 0 }));
	TRY(put_u32s(out, KEY_SHAPE, items, SHAPE_ITEMS));
	TRY(put_digest(out, KEY_NODE, node->node_id));
	TRY(put_number(out, KEY_KEY, node->key_id));
	TRY(put_digest(out, KEY_EVIDENCE, node->evidence_digest));
	TRY(put_number(out, KEY_KINDS, node->evidence_kinds));
	TRY(cbor_put_unsigned(out, KEY_ASSURANCE));
	TRY(cbor_put_text(out, bytes_of_string(statement_assurance_name(
				       node->assurance))));
	TRY(put_digest(out, KEY_CHECKPOINT, node->checkpoint_digest));
	return put_number(out, KEY_TIME, node->time);
}

static enum err take_adapter(struct bytes *in)
{
	struct bytes adapter;

	TRY(cbor_expect_unsigned(in, KEY_ADAPTER));
	TRY(cbor_take_bytes(in, &adapter));
	return adapter.len == 0 ? ERR_OK : ERR_MALFORMED;
}

static enum err take_shape(struct bytes *in, struct statement_shape *out)
{
	uint32_t items[SHAPE_ITEMS];

	TRY(take_u32s(in, KEY_SHAPE, items, SHAPE_ITEMS));
	if (items[0] >= STATEMENT_MODE_COUNT)
		return ERR_MALFORMED;
	*out = (struct statement_shape){ (enum statement_mode)items[0],
					 items[1], items[2] };
	return ERR_OK;
}

static enum err take_assurance(struct bytes *in, enum statement_assurance *out)
{
	struct bytes name;

	TRY(cbor_expect_unsigned(in, KEY_ASSURANCE));
	TRY(cbor_take_text(in, &name));
	return statement_assurance_named(name, out);
}

/* Levels of assurance are kinds of evidence, and need one as strong. */
static bool is_carried(enum statement_assurance assurance, uint32_t kinds)
{
	return kinds >> assurance != 0;
}

static enum err take_place(struct bytes *in, struct receipt_node *out)
{
	uint64_t key, kinds;

	TRY(take_digest(in, KEY_NODE, out->node_id));
	TRY(take_number(in, KEY_KEY, UINT8_MAX, &key));
	TRY(take_digest(in, KEY_EVIDENCE, out->evidence_digest));
	TRY(take_number(in, KEY_KINDS, KINDS_END - 1, &kinds));
	TRY(take_assurance(in, &out->assurance));
	out->key_id = (uint8_t)key;
	out->evidence_kinds = (uint32_t)kinds;
	return is_carried(out->assurance, out->evidence_kinds) ? ERR_OK
							       : ERR_MALFORMED;
}

static enum err take_node(struct bytes *in, struct receipt_node *out)
{
	TRY(take_digest(in, KEY_MODEL, out->model_root));
	TRY(take_digest(in, KEY_TOKENIZER, out->tokenizer_digest));
	TRY(take_digest(in, KEY_POLICY, out->policy_digest));
	TRY(take_digest(in, KEY_JAIL, out->jail_digest));
	TRY(take_adapter(in));
	TRY(take_shape(in, &out->shape));
	TRY(take_place(in, out));
	TRY(take_digest(in, KEY_CHECKPOINT, out->checkpoint_digest));
	TRY(take_number(in, KEY_TIME, INT64_MAX, &out->time));
	return out->time % RECEIPT_TIME_STEP_S == 0 ? ERR_OK : ERR_MALFORMED;
}

static struct bytes added(const struct writer *before,
			  const struct writer *after)
{
	return (struct bytes){ after->data + before->len,
			       after->len - before->len };
}

/* Written bytes are read back: what nobody accepts must not be signed. */
enum err receipt_answer_write(const struct receipt_answer *answer,
			      struct writer *out)
{
	struct writer whole = *out;
	struct receipt_answer check;

	TRY(cbor_put_map(&whole, ANSWER_FIELDS));
	TRY(put_answer(&whole, answer));
	TRY(receipt_answer_parse(added(out, &whole), &check));
	*out = whole;
	return ERR_OK;
}

enum err receipt_answer_parse(struct bytes in, struct receipt_answer *out)
{
	struct receipt_answer found;
	size_t fields;

	TRY(cbor_take_map(&in, ANSWER_FIELDS, &fields));
	if (fields != ANSWER_FIELDS)
		return ERR_MALFORMED;
	TRY(take_answer(&in, &found));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}

enum err receipt_write(const struct receipt *receipt, struct writer *out)
{
	struct writer whole = *out;
	struct receipt check;

	TRY(cbor_put_map(&whole, FIELDS));
	TRY(put_number(&whole, KEY_VERSION, RECEIPT_VERSION));
	TRY(put_answer(&whole, &receipt->answer));
	TRY(put_node(&whole, &receipt->node));
	TRY(receipt_parse(added(out, &whole), &check));
	*out = whole;
	return ERR_OK;
}

enum err receipt_parse(struct bytes in, struct receipt *out)
{
	struct receipt found;

	TRY(cbor_take_versioned_map(&in, KEY_VERSION, RECEIPT_VERSION, FIELDS));
	TRY(take_answer(&in, &found.answer));
	TRY(take_node(&in, &found.node));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}
