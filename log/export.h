/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: `pcc-log receipt` and `pcc-log check-receipt`, proofs as COSE
 * receipts (tlog/tlog_receipt.h).
 */
#ifndef LOG_EXPORT_H
#define LOG_EXPORT_H

int export_run(int argc, char **argv);
int export_run_check(int argc, char **argv);

#endif
