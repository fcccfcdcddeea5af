/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arguments: what the commands of pcc-verify have in common on their command
 * lines: whom to trust, at which time, and how to tell it.
 *
 *     --trust FILE  --collateral FOLDER  --accept-KEY VALUE  --node HEX
 *     --now SECONDS  --json  --help
 *
 * with the words of attest/trust.h, beside options of a command's own.
 */
#ifndef VERIFY_ARGUMENTS_H
#define VERIFY_ARGUMENTS_H

#include "attest/trust.h"

#define ARGUMENTS_REST_MAX 4
#define ARGUMENTS_EXIT_USAGE 1

/* How to use those above, as lines of a help text. */
extern const char arguments_help[];

/* trust borrows from itself: not to be copied. */
struct arguments {
	struct trust trust;
	uint64_t now; /* the clock's where nothing was said */
	bool has_now; /* something was */
	bool json;
	const char *rest[ARGUMENTS_REST_MAX]; /* what is no option, in order */
	size_t rest_count;
};

/* An option of the command's own, "--name VALUE"; NULL where not given. */
struct arguments_own {
	const char *name; /* without the dashes */
	const char **value;
};

enum arguments_verdict {
	ARGUMENTS_RUN = 0,
	ARGUMENTS_HELP,	 /* was asked for and printed */
	ARGUMENTS_USAGE, /* were wrong; why is on standard error */
};

/* Whether a command judges, and so has somebody to trust. */
enum arguments_trust {
	ARGUMENTS_JUDGES = 0,
	ARGUMENTS_JUDGES_NOBODY, /* the options of trust are unknown to it */
};

struct arguments_form {
	const char *usage; /* the command's own help, before the common one */
	const struct arguments_own *own; /* ends without a name; or NULL */
	enum arguments_trust trust;
};

/* Read them. */
enum arguments_verdict arguments_parse(int argc, char **argv,
				       const struct arguments_form *form,
				       struct arguments *out);
void arguments_close(struct arguments *arguments);

#endif
