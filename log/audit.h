/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: `pcc-log audit` and `pcc-log show`, a log read from its first entry,
 * or from the last head that was seen of it.
 */
#ifndef LOG_AUDIT_H
#define LOG_AUDIT_H

int audit_run(int argc, char **argv);
int audit_run_show(int argc, char **argv);

#endif
