/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: whether a node would serve a file, and if not, what is in its way.
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "model/options.h"
#include "model/source.h"

#define CHECK_TEXT_MAX 256

/* What is wrong, and where: one line without its end. */
struct check_finding {
	char text[CHECK_TEXT_MAX];
};

/*
 * Open a mapped file as a node does, stage by stage.  The error is that of the
 * first stage that fails; the finding, set only then, says which that is, and
 * where it can be told, the key or tensor.
 */
MUST_CHECK enum err check_source(struct source *source,
				 struct check_finding *out);

/* The command: prints, and returns the exit code. */
int check_run(const struct options *options);

#endif
