/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_parse: a chat template, from text to program.
 *
 * The tags are: if elif else, for (with a condition, and else), set (of a
 * value, of a namespace's attribute, of a block), macro, generation, break and
 * continue.
 */
#ifndef INFERENCE_JINJA_PARSE_H
#define INFERENCE_JINJA_PARSE_H

#include "inference/jinja_program.h"

/*
 * ERR_MALFORMED for what is no template, ERR_UNSUPPORTED for tags and forms
 * that are not served, ERR_TOO_LARGE for more of it than jinja_program.h
 * allows.  Close with jinja_program_close().
 */
MUST_CHECK enum err jinja_parse(struct bytes template,
				struct jinja_program *out);

#endif
