/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opened_session: a model file, opened as far as a session needs it, and a
 * session in an arena of exactly the size that it asked for.
 */
#ifndef TESTS_OPENED_SESSION_H
#define TESTS_OPENED_SESSION_H

#include "inference/session.h"

#define OPENED_SESSION_CONTEXT 64
#define OPENED_SESSION_VOCABULARY 512 /* at most */

/* Logits of a whole context. */
#define OPENED_SESSION_FLOATS \
	(OPENED_SESSION_CONTEXT * OPENED_SESSION_VOCABULARY)

struct opened_session {
	struct bytes file;
	struct gguf gguf;
	struct config config;
	struct weights weights;
	struct session_model model;
	struct arena arena;
	struct session session;
};

/* Read a file's shape and weights, which it owns from here on. */
enum err opened_session_try(struct bytes file);

/* The same and a session; any error is a failure of the test. */
void opened_session_open(struct opened_session *opened, struct bytes file,
			 const struct kernel *kernel);
void opened_session_close(struct opened_session *opened);

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
