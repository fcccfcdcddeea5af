/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what a model file says of itself.
 *
 * One JSON object holds it; what people read is printed from that object, so
 * the two cannot differ.
 */
#ifndef MODEL_INSPECT_H
#define MODEL_INSPECT_H

#include <jansson.h>

#include "model/options.h"
#include "model/source.h"

enum inspect_detail {
	INSPECT_SUMMARY,
	INSPECT_TENSORS, /* every tensor as well */
};

/* The object, to be given back with json_decref(); NULL without memory. */
json_t *inspect_source(const struct source *source, enum inspect_detail detail);

/* The command: prints, and returns the exit code. */
int inspect_run(const struct options *options);

#endif
