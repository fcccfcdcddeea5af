/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gguf_edit: a model file with one thing in it changed, for hostile twins.
 *
 * Arrays of metadata are left out, but for those of strings: neither shape nor
 * weights need the others.
 */
#ifndef TESTS_GGUF_EDIT_H
#define TESTS_GGUF_EDIT_H

#include "tests/unit/gguf_builder.h"

/* A builder that holds all of a file but the value of that key and the tensor
 * of that name (NULL for none): finish it, or put others in their place. */
struct gguf_builder gguf_edit_without(struct bytes file, const char *key,
				      const char *tensor);

/* Copies of the file whose tensor is missing, there twice, one column wider,
 * one row longer, or of one dimension more. */
enum gguf_edit_damage {
	GGUF_EDIT_MISSING,
	GGUF_EDIT_DOUBLED,
	GGUF_EDIT_WIDER,
	GGUF_EDIT_LONGER,
	GGUF_EDIT_DEEPER,
	GGUF_EDIT_DAMAGES,
};

struct bytes gguf_edit_damage(struct bytes file, const char *tensor,
			      enum gguf_edit_damage damage);

#endif
