/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: `pcc-verify explain`, a bundle field by field, judged by nobody.
 */
#ifndef VERIFY_EXPLAIN_H
#define VERIFY_EXPLAIN_H

#include "wire/bundle.h"

int explain_run(int argc, char **argv);

/* One piece of evidence; what does not parse is said to be so. */
void explain_evidence(const struct bundle_evidence *evidence);

#endif
