/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/repeat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "api/conversation.h"
#include "base/secret.h"
#include "client/body.h"
#include "crypto/merkle.h"
#include "crypto/random.h"
#include "inference/team.h"
#include "policy/limits.h"
#include "wire/completion_read.h"
#include "wire/json.h"
#include "wire/sse.h"

#define EVENT_MAX (128u << 10) /* as a node's longest, twice over */

static const char *const names[REPEAT_CODES] = {
	[REPEAT_MODEL] = "replay-model",
	[REPEAT_RESPONSE] = "replay-response",
	[REPEAT_REQUEST] = "replay-request",
	[REPEAT_SAMPLING] = "replay-sampling",
	[REPEAT_TOKENS] = "replay-tokens",
	[REPEAT_USAGE] = "replay-usage",
	[REPEAT_FINISH] = "replay-finish",
};

const char *repeat_code_name(enum repeat_code code)
{
	return code < REPEAT_CODES ? names[code] : "unknown";
}

bool repeat_holds(const struct repeat *repeat)
{
	for (size_t i = 0; i < REPEAT_CODES; i++)
		if (repeat->records[i].mark != RECORD_PASS)
			return false;
	return true;
}

/* Fresh pages, which are zero; given back they are gone. */
struct pages {
	void *base;
	size_t size;
};

static enum err pages_take(size_t size, struct pages *out)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return ERR_UNAVAILABLE;
	*out = (struct pages){ base, size };
	return ERR_OK;
}

static void pages_give(struct pages *pages)
{
	if (pages->base != NULL)
		(void)munmap(pages->base, pages->size);
	*pages = (struct pages){ 0 };
}

/* One replay under way. */
struct run {
	const struct repeat_setup *setup;
	struct repeat *out;
	struct model *model;
	struct team *team;
	struct pages json;
	struct pages memory;
	struct arena arena;
	struct body text;	    /* of the kept response */
	enum receipt_finish finish; /* ... and how it ended */
	struct conversation talk;
};

static void run_close(struct run *run)
{
	if (run->team != NULL)
		team_close(run->team);
	if (run->model != NULL)
		model_close(run->model);
	pages_give(&run->json);
	pages_give(&run->memory);
	body_wipe(&run->text);
}

#define TELL(run, code, mark, ...) \
	record_set(&(run)->out->records[code], mark, __VA_ARGS__)

/* As the node measures it: see crypto/merkle.h. */
static void root_of(struct bytes file, uint8_t root[static MERKLE_HASH_BYTES])
{
	struct merkle tree;

	merkle_init(&tree);
	while (file.len > 0) {
		struct bytes piece = file;

		if (piece.len > LIMIT_MODEL_PIECE)
			piece.len = LIMIT_MODEL_PIECE;
		merkle_add_leaf(&tree, piece);
		file.data += piece.len;
		file.len -= piece.len;
	}
	merkle_root(&tree, root);
}

static enum err open_model(struct run *run)
{
	static const struct model_limits limits = LIMITS_MODEL_SHAPE;
	uint8_t root[MERKLE_HASH_BYTES];
	enum err err;

	root_of(run->setup->file, root);
	if (memcmp(root, run->setup->model_root, sizeof(root)) != 0) {
		TELL(run, REPEAT_MODEL, RECORD_FAIL,
		     "The file is another model than the receipt's.");
		return ERR_DENIED;
	}
	err = model_open(run->setup->file, &limits, NULL, &run->model);
	if (err == ERR_UNAVAILABLE)
		return err;
	if (err != ERR_OK) {
		TELL(run, REPEAT_MODEL, RECORD_FAIL,
		     "The file is no model that this build can run: %s.",
		     err_name(err));
		return ERR_DENIED;
	}
	TELL(run, REPEAT_MODEL, RECORD_PASS,
	     "The file has the Merkle root of the receipt's model.");
	return ERR_OK;
}

static enum err choose_kernel(struct run *run)
{
	const char *wanted = run->setup->kernel;

	for (size_t i = 0; model_kernel(i) != NULL; i++) {
		if (wanted != NULL && strcmp(model_kernel(i), wanted) != 0)
			continue;
		model_choose_kernel(run->model, i);
		run->out->kernel = model_kernel(i);
	}
	return run->out->kernel != NULL ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err note(struct run *run, const struct completion_read *said)
{
	if (said->finish.len > 0)
		run->finish = bytes_equal(said->finish, BYTES_LITERAL("stop"))
				      ? RECEIPT_FINISH_STOP
				      : RECEIPT_FINISH_LENGTH;
	return body_put(&run->text, said->text, SIZE_MAX / 4);
}

static enum err read_document(struct run *run, struct bytes document)
{
	struct completion_read said;
	enum err err = completion_read(document, LIMIT_JSON_DEPTH, &said);

	if (err == ERR_OK)
		err = note(run, &said);
	json_wipe();
	return err;
}

static enum err read_events(struct run *run, struct bytes events)
{
	uint8_t *memory = malloc(EVENT_MAX);
	struct sse parser;
	struct sse_event event = { .kind = SSE_EVENT_DATA };
	enum err err = memory == NULL ? ERR_UNAVAILABLE : ERR_OK;
	bool is_done = false;

	if (err == ERR_OK)
		sse_init(&parser, (struct writer){ memory, 0, EVENT_MAX });
	while (err == ERR_OK && event.kind == SSE_EVENT_DATA) {
		err = sse_next(&parser, &events, &event);
		if (err != ERR_OK || event.kind != SSE_EVENT_DATA)
			continue;
		if (is_done)
			err = ERR_MALFORMED;
		else if (sse_is_done(event.data))
			is_done = true;
		else
			err = read_document(run, event.data);
	}
	if (memory != NULL)
		secret_wipe(memory, EVENT_MAX);
	free(memory);
	return err == ERR_OK && !is_done ? ERR_TRUNCATED : err;
}

/* A body of events begins with one; one of JSON with its brace. */
static enum err read_response(struct run *run)
{
	struct bytes body = run->setup->response;
	bool is_json = body.len > 0 && body.data[0] == '{';
	enum err err;

	run->finish = RECEIPT_FINISH_COUNT;
	err = is_json ? read_document(run, body) : read_events(run, body);
	if (err == ERR_OK && run->finish == RECEIPT_FINISH_COUNT)
		err = ERR_TRUNCATED;
	if (err != ERR_OK) {
		TELL(run, REPEAT_RESPONSE, RECORD_FAIL,
		     "The kept response is no whole answer: %s.",
		     err_name(err));
		return ERR_DENIED;
	}
	TELL(run, REPEAT_RESPONSE, RECORD_PASS,
	     "The kept response is a whole answer of %zu bytes of text.",
	     run->text.len);
	return ERR_OK;
}

static enum err refuse_request(struct run *run, const char *why)
{
	TELL(run, REPEAT_REQUEST, RECORD_FAIL,
	     "The kept request cannot be answered by this model: %s.", why);
	return ERR_DENIED;
}

/* The numbers are the receipt's; what the request names has its way. */
static enum err start(struct run *run)
{
	const struct receipt_sampling *sampling = &run->setup->answer->sampling;
	const struct conversation_setup setup = {
		.model = run->model,
		.arena = &run->arena,
		.team = run->team,
		.context_max = sampling->context_max,
		.tokens_max = sampling->tokens_max,
		.numerics = (enum generate_numerics)sampling->numerics,
		.seed = run->setup->answer->seed,
	};
	struct chat_refusal refusal;
	struct request request;
	enum err err;

	if (request_parse(run->setup->request, &run->arena, &request) !=
		    ERR_OK ||
	    request.route == REQUEST_MODELS)
		return refuse_request(run, "it is no question to a model");
	if (conversation_read(&request, &run->talk, &refusal) != ERR_OK)
		return refuse_request(run, "what it asks is refused");
	err = conversation_start(&run->talk, &setup);
	if (err != ERR_OK)
		return refuse_request(run, err_name(err));
	TELL(run, REPEAT_REQUEST, RECORD_PASS,
	     "The kept request is one that this model answers.");
	return ERR_OK;
}

/* Bits, so that not even rounding can differ. */
static bool same_bits(float a, float b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void compare_sampling(struct run *run)
{
	const struct receipt_answer *said = run->setup->answer;
	const struct generate_options *asked = &run->talk.options;
	bool good = same_bits(asked->temperature, said->sampling.temperature) &&
		    same_bits(asked->top_p, said->sampling.top_p) &&
		    asked->top_k == said->sampling.top_k &&
		    asked->tokens_max == said->sampling.tokens_max &&
		    memcmp(asked->seed, said->seed, sizeof(said->seed)) == 0;

	TELL(run, REPEAT_SAMPLING, good ? RECORD_PASS : RECORD_FAIL, "%s",
	     good ? "The receipt names the numbers that the request asks for."
		  : "The receipt names other numbers than the request asks "
		    "for.");
}

static bool begins_with(struct bytes text, struct bytes front)
{
	return text.len >= front.len &&
	       (front.len == 0 ||
		memcmp(text.data, front.data, front.len) == 0);
}

/* Token by token until one's text is not the next of what was kept. */
static enum err draw(struct run *run, struct bytes *left,
		     enum generate_state *state)
{
	struct generation *generation = run->talk.generation;

	*state = GENERATE_RUNNING;
	while (*state == GENERATE_RUNNING && run->out->differs_at == 0) {
		struct bytes text;

		TRY(generate_step(generation, &text, state));
		run->out->tokens = generate_usage(generation).answer_tokens;
		if (begins_with(*left, text)) {
			left->data += text.len;
			left->len -= text.len;
		} else {
			run->out->differs_at = run->out->tokens;
		}
	}
	/* The kept one goes on where this one has come to its end. */
	if (run->out->differs_at == 0 && left->len > 0)
		run->out->differs_at = run->out->tokens + 1;
	return ERR_OK;
}

static void compare_usage(struct run *run)
{
	const struct receipt_answer *said = run->setup->answer;
	struct generate_usage usage = generate_usage(run->talk.generation);
	bool good = usage.prompt_tokens == said->prompt_tokens &&
		    usage.answer_tokens == said->answer_tokens;

	TELL(run, REPEAT_USAGE, good ? RECORD_PASS : RECORD_FAIL,
	     "%" PRIu32 " tokens of prompt and %" PRIu32
	     " of answer, where the receipt says %" PRIu32 " and %" PRIu32 ".",
	     usage.prompt_tokens, usage.answer_tokens, said->prompt_tokens,
	     said->answer_tokens);
}

static void compare_end(struct run *run, enum generate_state state)
{
	enum receipt_finish ended = state == GENERATE_STOP
					    ? RECEIPT_FINISH_STOP
					    : RECEIPT_FINISH_LENGTH;
	bool good = ended == run->setup->answer->finish && ended == run->finish;

	TELL(run, REPEAT_FINISH, good ? RECORD_PASS : RECORD_FAIL,
	     "It ended by %s, the receipt says %s, the response %s.",
	     receipt_finish_name(ended),
	     receipt_finish_name(run->setup->answer->finish),
	     receipt_finish_name(run->finish));
}

static enum err compare(struct run *run)
{
	struct bytes left = body_bytes(&run->text);
	enum generate_state state;

	compare_sampling(run);
	if (draw(run, &left, &state) != ERR_OK) {
		TELL(run, REPEAT_TOKENS, RECORD_FAIL,
		     "The model's numbers broke down at token %" PRIu32 ".",
		     run->out->tokens + 1);
		return ERR_DENIED;
	}
	if (run->out->differs_at != 0) {
		TELL(run, REPEAT_TOKENS, RECORD_FAIL,
		     "Token %" PRIu32 " differs, at byte %zu of %zu.",
		     run->out->differs_at, run->text.len - left.len,
		     run->text.len);
		return ERR_DENIED;
	}
	TELL(run, REPEAT_TOKENS, RECORD_PASS,
	     "All %" PRIu32 " tokens and %zu bytes of text are the same.",
	     run->out->tokens, run->text.len);
	compare_usage(run);
	compare_end(run, state);
	return ERR_OK;
}

/* Request and response are read in it one after the other. */
static enum err warm_json(struct run *run)
{
	size_t longest = run->setup->request.len > run->setup->response.len
				 ? run->setup->request.len
				 : run->setup->response.len;
	uint32_t seed = 0;

	TRY(pages_take(JSON_MEMORY_FOR(longest), &run->json));
	while (seed == 0)
		random_bytes(&seed, sizeof(seed));
	json_warm(run->json.base, run->json.size, seed);
	return ERR_OK;
}

static enum err take_arena(struct run *run)
{
	const struct receipt_sampling *sampling = &run->setup->answer->sampling;
	const struct generate_room room = {
		.context_max = sampling->context_max,
		.threads = run->setup->threads,
		.numerics = (enum generate_numerics)sampling->numerics,
	};
	size_t around = 4 * LIMIT_FIELD_BYTES + 4 * ARENA_ALIGNMENT +
			run->setup->request.len +
			LIMIT_CHAT_MESSAGES * sizeof(struct generate_message);

	if (sampling->context_max > model_describe(run->model).context)
		return refuse_request(run, "its context is beyond the model's");
	TRY(pages_take(generate_memory(run->model, &room) + around,
		       &run->memory));
	run->arena = (struct arena){ .base = run->memory.base,
				     .size = run->memory.size };
	return ERR_OK;
}

static enum err run_all(struct run *run)
{
	TRY(warm_json(run));
	TRY(open_model(run));
	TRY(choose_kernel(run));
	TRY(read_response(run));
	TRY(team_open(run->setup->threads, &run->team));
	TRY(take_arena(run));
	TRY(start(run));
	return compare(run);
}

enum err repeat_run(const struct repeat_setup *setup, struct repeat *out)
{
	SCOPED_WIPE(run_close)
	struct run run = { .setup = setup, .out = out };
	enum err err;

	*out = (struct repeat){ 0 };
	err = run_all(&run);
	if (run.json.base != NULL)
		json_wipe();
	return err == ERR_DENIED ? ERR_OK : err; /* it stands in a record */
}
