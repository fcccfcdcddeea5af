/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opened_session: a model file, opened as far as a session needs it, and a
 * session in an arena of exactly the size that it asked for.
 */
#ifndef TESTS_OPENED_SESSION_H
#define TESTS_OPENED_SESSION_H

#include "inference/engine.h"

#define OPENED_SESSION_CONTEXT 64
#define OPENED_SESSION_CHUNK 32
#define OPENED_SESSION_VOCABULARY 512 /* at most */

/* Logits of a whole context. */
#define OPENED_SESSION_FLOATS \
	(OPENED_SESSION_CONTEXT * OPENED_SESSION_VOCABULARY)

struct opened_session {
	struct bytes file;
	struct gguf gguf;
	struct config config;
	struct weights weights;
	struct work_model model;
	struct arena packed; /* weights, where the kernels want them so */
	struct arena arena;
	struct session session;
	struct engine engine;
};

/* Read a file's shape and weights, which it owns from here on. */
enum err opened_session_try(struct bytes file);

/* The same and a session; any error is a failure of the test. */
void opened_session_open(struct opened_session *opened, struct bytes file,
			 const struct kernel *kernel);
/* The same, with what is kept of keys and values, and with threads. */
struct opened_session_how {
	const struct kernel *kernel;
	enum kernel_store store;
	struct team *team;
	size_t chunk; /* tokens that may go in at once; 0: as many as may */
	enum activation_form prompts; /* of all tokens that go in */
};

void opened_session_open_how(struct opened_session *opened, struct bytes file,
			     const struct opened_session_how *how);

void opened_session_close(struct opened_session *opened);

/* Tokens in, and the logits after one of those that went in last. */
enum err opened_session_advance(struct opened_session *opened,
				const uint32_t *tokens, size_t count);
enum err opened_session_logits(struct opened_session *opened, size_t row,
			       const float **logits);

/* Some tokens of a vocabulary, the same in every run. */
void opened_session_tokens(uint32_t *tokens, size_t count, uint32_t vocabulary);

/* The logits after each token, out [count][V], fed by chunks of a size. */
void opened_session_run(struct opened_session *opened, const uint32_t *tokens,
			size_t count, size_t chunk, float *out);

/*
 * Run the tokens of tests/reference/{name}.golden through {name}.gguf, and
 * fail unless all intermediates and logits are the golden ones to 1e-4 of the
 * largest of each.  How many comparisons there were.
 */
size_t opened_session_compare(const char *name);

#endif
