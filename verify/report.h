/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: `pcc-verify report`, one page of HTML about one node.
 */
#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

/* The exit code is that of the verdict on the page. */
int report_run(int argc, char **argv);

#endif
