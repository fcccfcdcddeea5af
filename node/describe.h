/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe: `pcc-node --describe`, everything in this program that a reader of
 * a release wants to know and a digest cannot tell.
 *
 * Lines of a manifest (wire/manifest.h), in its order:
 *
 *     jail ROLE.CALL[.CONDITION] ACTION: REASON       and "jail ROLE.otherwise"
 *     limit NAME NUMBER                               policy/limits.h
 *     log EVENT[.FIELD] KIND
 *     policy KEY VALUE                                as the file given says
 */
#ifndef NODE_DESCRIBE_H
#define NODE_DESCRIBE_H

#include "policy/policy.h"

/* Print to standard output.  Exits where there is no memory or no room. */
void describe_print(const struct policy *policy);

#endif
