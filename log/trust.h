/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: whom a command believes, from its options.
 *
 *     --log-key FILE   the log's public key
 *     --witness FILE   a witness's; any number
 *     --quorum N       how many of them have to have signed
 *     --max-age S      and how long ago at most
 */
#ifndef LOG_TRUST_H
#define LOG_TRUST_H

#include "log/options.h"

#define TRUST_OPTIONS                                                  \
	(OPTIONS_BIT(OPTIONS_LOG_KEY) | OPTIONS_BIT(OPTIONS_WITNESS) | \
	 OPTIONS_BIT(OPTIONS_QUORUM) | OPTIONS_BIT(OPTIONS_MAX_AGE) |  \
	 OPTIONS_BIT(OPTIONS_NOW))

#define TRUST_HELP                                                       \
	"  --log-key FILE    the log's public key\n"                     \
	"  --witness FILE    a witness's public key; any number\n"       \
	"  --quorum N        that many of them have to have signed the " \
	"head (all)\n"                                                   \
	"  --max-age S       within so many seconds (0: whenever)\n"     \
	"  --now S           what time it is, Unix seconds (the clock's)\n"

struct trust {
	struct note_key log;
	struct note_key witnesses[TLOG_PROOF_WITNESSES_MAX];
	struct tlog_policy policy; /* borrows from the two above */
};

/* False: complained, and the command ends with *code. */
bool trust_read(const struct options *options, struct trust *out, int *code);

#endif
