/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt: `pcc-verify receipt FILE`, what a kept answer proves, offline.
 */
#ifndef VERIFY_RECEIPT_H
#define VERIFY_RECEIPT_H

/* argv[0] is "receipt".  Returns the exit status of verify_exit_code(). */
int receipt_run(int argc, char **argv);

#endif
