/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release_match: whether a node is what an entry of the log says of a release.
 *
 * A verifier asks it of a stranger's statement, and a node of its own before it
 * starts to say so.
 */
#ifndef ATTEST_RELEASE_MATCH_H
#define ATTEST_RELEASE_MATCH_H

#include "wire/log_entry.h"
#include "wire/statement.h"

#define RELEASE_MATCH_DIGESTS 6 /* that both name */

/* ERR_DENIED with the first that differs. */
MUST_CHECK enum err release_match(const struct log_entry *release,
				  const struct statement *statement,
				  enum log_entry_digest *differs);

#endif
