/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading: a model reads texts, and is asked of each token how surprising it
 * was.
 *
 * Texts go in by windows of `context` tokens, each after nothing but the
 * beginning-of-text token (where the model has one), which is not counted; in
 * a window without one the first token is not counted either.
 */
#ifndef MODEL_READING_H
#define MODEL_READING_H

#include "inference/model.h"
#include "model/options.h"
#include "model/source.h"
#include "model/texts.h"

struct reading {
	struct source source;
	struct model *model;
	struct texts texts;
	uint32_t context; /* tokens of a window */
	uint32_t *tokens; /* of all windows, one after the other */
	size_t *windows;  /* [window_count + 1]: where each begins */
	size_t window_count;
	enum activation_form prompts; /* in what numbers texts go in */
};

struct reading_files {
	const char *model;
	const char *text;
	uint32_t context; /* 0: 512, or what the model has */
	uint32_t texts;	  /* of an array, at most; 0: all */
	enum activation_form prompts;
};

struct reading_result {
	double surprise; /* sum of -ln p over the tokens that count */
	uint64_t tokens;
	double seconds;
};

/* Files and numbers that a command was given: MODEL TEXT. */
struct reading_files reading_files_of(const struct options *options);

/*
 * Open a model and make tokens of a text.  On an error what is wrong has been
 * reported.  Close with reading_close().
 */
MUST_CHECK enum err reading_open(const struct reading_files *files,
				 struct reading *out);
void reading_close(struct reading *reading);

/* Read everything, multiplying by `kernel`.  Errors of session.h. */
MUST_CHECK enum err reading_run(const struct reading *reading,
				const struct kernel *kernel,
				struct reading_result *out);

#endif
