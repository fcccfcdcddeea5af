/* SPDX-License-Identifier: Apache-2.0 */
/* append: `pcc-log append`, entries added under one new head. */
#ifndef LOG_APPEND_H
#define LOG_APPEND_H

int append_run(int argc, char **argv);

#endif
