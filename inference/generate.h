/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: a model file in, text out.  The whole interface of inference/.
 *
 *     model_open(file, limits, &model)                   once, before the jail
 *     generate_start_chat(model, arena, &chat, &options, &generation)
 *     while (state == GENERATE_RUNNING)
 *             generate_step(generation, &text, &state)   text: send it on
 *
 * A generation lives in its arena: after it has started nothing allocates and
 * nothing calls the system.  Prompts are secrets: wipe the arena when it ends,
 * however it ends.  Texts are UTF-8 in both directions.
 */
#ifndef INFERENCE_GENERATE_H
#define INFERENCE_GENERATE_H

#include "base/arena.h"
#include "base/bytes.h"

#define GENERATE_STOPS_MAX 16
#define GENERATE_STOP_BYTES_MAX 256
#define GENERATE_TEXT_PER_TOKEN 16 /* bytes of prompt a token of context */

/* Tokens of a prompt that go in at once: many, so that weights are read and
 * unpacked once for many of them; few, so that a step is soon over and what it
 * computes in lies in a cache. */
#define GENERATE_CHUNK 256

struct model;
struct generation;
struct team;

/* What a model file may ask for; beyond it is ERR_TOO_LARGE. */
struct model_limits {
	uint32_t layers;     /* of all tracks together, at most 2^13 */
	uint32_t width;	     /* of the widest layer, at most 2^18 */
	uint32_t vocabulary; /* tokens, at most 2^22 */
	uint32_t context;    /* tokens; longer contexts are cut to it, 2^22 */
};

struct model_description {
	struct bytes name;	  /* general.name, or empty: the file's word */
	const char *architecture; /* such as "llama", as GGUF names it */
	const char *chat;	  /* the form of chats, NULL if none is known */
	const char *kernel;	  /* the instruction set in use */
	uint32_t context;	  /* tokens */
	uint32_t vocabulary;	  /* tokens */
	uint64_t weights;
};

/* Find out what this processor can do.  Once, before a jail closes. */
void model_prepare(void);

/* Name of instruction set number i that the engine has a path for and this
 * processor runs, plainest first, or NULL; the last of them is used. */
const char *model_kernel(size_t i);

/* The path a model uses: number i of those above, in place of the last.  The
 * bits are the same, the time is not.  Before anything is started. */
void model_choose_kernel(struct model *model, size_t i);

/* What tiles it multiplies with: prompts that go as bf16 need the last. */
enum model_tiles {
	MODEL_NO_TILES,
	MODEL_TILES_INT8,
	MODEL_TILES_INT8_AND_BF16,
};

enum model_tiles model_kernel_tiles(size_t i);

/*
 * Where weights go that the kernels want in another order: zeroed, at a
 * multiple of 64, best on huge pages; NULL where there is no memory.
 */
struct model_memory {
	void *(*reserve)(size_t bytes);
	void (*release)(void *memory, size_t bytes);
};

/*
 * Open a GGUF file that is in memory, starts at a multiple of 64 and outlives
 * the model.  memory is the heap where it is NULL.  Every weight is read once.
 * ERR_MALFORMED, ERR_TRUNCATED, ERR_TOO_LARGE or ERR_UNSUPPORTED for files that
 * are not served; too large is also one that asks for much more memory than it
 * has weights.
 */
MUST_CHECK enum err model_open(struct bytes file,
			       const struct model_limits *limits,
			       const struct model_memory *memory,
			       struct model **out);

/*
 * Bytes of the file, from its first on, that an open model still borrows: all
 * where weights are used as they lie there; only the index, which the tokenizer
 * and the template of chats are in, where they were laid out anew.  The caller
 * may take the rest away, and the model never looks there again.
 */
size_t model_file_needed(const struct model *model);
void model_close(struct model *model);
struct model_description model_describe(const struct model *model);

enum generate_role {
	GENERATE_SYSTEM,
	GENERATE_USER,
	GENERATE_ASSISTANT,
};

struct generate_message {
	enum generate_role role;
	struct bytes content;
};

struct generate_chat {
	const struct generate_message *messages;
	size_t count;
};

/* In what numbers a prompt goes through the model.  Either is the same on every
 * machine; which is faster depends on the machine. */
enum generate_numerics {
	GENERATE_INTEGERS,     /* as answers do */
	GENERATE_BF16_PROMPTS, /* for tiles: AMX */
};

struct generate_options {
	float temperature;    /* 0: always the most probable token */
	float top_p;	      /* in (0, 1]; 1: all */
	uint32_t top_k;	      /* 0: all */
	uint8_t seed[32];     /* equal seeds draw equally, on any machine */
	uint32_t tokens_max;  /* of the answer; 0: what the context leaves */
	uint32_t context_max; /* tokens of prompt and answer together */
	const struct bytes *stops; /* the answer ends before any of them */
	size_t stop_count;
	struct team *team; /* threads, borrowed; NULL for this one alone */
	enum generate_numerics numerics;
};

enum generate_state {
	GENERATE_RUNNING,
	GENERATE_STOP,	 /* the model, or a stop string, ended the answer */
	GENERATE_LENGTH, /* tokens_max or the context did */
};

struct generate_usage {
	uint32_t prompt_tokens;
	uint32_t answer_tokens; /* drawn, the one that ended it included */
};

/* What a generation is to have room for. */
struct generate_room {
	uint32_t context_max; /* tokens of prompt and answer together */
	size_t threads;
	enum generate_numerics numerics;
};

/* Bytes of arena for it. */
size_t generate_memory(const struct model *model,
		       const struct generate_room *room);

/*
 * Start an answer; messages, text and stops are copied.  ERR_TOO_LARGE: the
 * prompt leaves no room for an answer in context_max (or is longer than
 * GENERATE_TEXT_PER_TOKEN allows), before any work on it.  ERR_UNSUPPORTED:
 * the model has no known form for such a chat.  ERR_MALFORMED: options out of
 * range, stops that are no text, an empty prompt, or roles in an order that the
 * form forbids.
 */
MUST_CHECK enum err generate_start_chat(const struct model *model,
					struct arena *arena,
					const struct generate_chat *chat,
					const struct generate_options *options,
					struct generation **out);
MUST_CHECK enum err generate_start_text(const struct model *model,
					struct arena *arena, struct bytes text,
					const struct generate_options *options,
					struct generation **out);

/*
 * One bounded piece of work: a chunk of the prompt, or one token.  *text is
 * what has become final, whole characters, often nothing, borrowed until the
 * next step.  ERR_MALFORMED: the model's numbers broke down; give up.
 */
MUST_CHECK enum err generate_step(struct generation *generation,
				  struct bytes *text,
				  enum generate_state *state);

struct generate_usage generate_usage(const struct generation *generation);

#endif
