/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proven: what commands do with an entry and the proof that it is in a log.
 */
#ifndef LOG_PROVEN_H
#define LOG_PROVEN_H

#include "log/trust.h"

/* The exit code of a proof's verdict, with a complaint where it is bad. */
int proven_judge(struct bytes proof, struct bytes entry,
		 const struct tlog_policy *policy);

/*
 * Run a command of the options --entry, --proof and those of trust: `use` gets
 * what they name and says how the command ends.  The bytes are gone afterwards.
 */
int proven_run(int argc, char **argv, const char *help,
	       int (*use)(struct bytes proof, struct bytes entry,
			  const struct tlog_policy *policy));

#endif
