/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digests: what this build and its choices are, for the statement.
 *
 * Of the program file that runs, the policy, the log grammar, the system call
 * filters of all roles, and the arguments.  What is of the model comes from the
 * zygote.  These die where they cannot do it.
 */
#ifndef NODE_DIGESTS_H
#define NODE_DIGESTS_H

#include "node/setup.h"

/* Fills all but the model's digests; argv ends with NULL. */
void digests_of_self(int executable, const struct policy *policy,
		     char *const *arguments, struct setup_digests *out);

/* What an auditor compares, in the words that pcc-client takes. */
void digests_print(const struct setup_digests *digests);

#endif
