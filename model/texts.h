/* SPDX-License-Identifier: Apache-2.0 */
/*
 * texts: what a model is to read, from a file: an array of JSON strings, each
 * a text of its own, or else one long text.
 */
#ifndef MODEL_TEXTS_H
#define MODEL_TEXTS_H

#include <jansson.h>

#include "model/source.h"

enum texts_kind {
	TEXTS_ONE,  /* read to its end, a context at a time */
	TEXTS_MANY, /* of each what fits a context */
};

struct texts {
	enum texts_kind kind;
	struct source source;
	json_t *array; /* NULL for TEXTS_ONE */
	size_t count;
};

/* ERR_MALFORMED for an array that is not one of strings; errors of
 * source_map().  Close with texts_close(). */
MUST_CHECK enum err texts_open(const char *path, struct texts *out);
void texts_close(struct texts *texts);

struct bytes texts_at(const struct texts *texts, size_t i);

#endif
